"""Metrics: what the service counts, as Prometheus text (exposition format 0.0.4)."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_platform.serving.input_guard import Guarded

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LATENCY_BOUNDS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

Labels = tuple[tuple[str, str], ...]
Samples = Iterable[tuple[Labels, float]]


class Metrics:
    """Counts of one service process; used by one thread."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.predictions: Counter[tuple[str, int]] = Counter()
        self.unseen: Counter[tuple[str, str]] = Counter()
        self.guarded: Counter[tuple[str, str]] = Counter()
        self.swaps: Counter[str] = Counter()
        self._buckets = [0] * (len(LATENCY_BOUNDS) + 1)
        self._seconds = 0.0

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Count an answer to a scoring request."""
        self.requests[path, status] += 1
        self._buckets[bisect_left(LATENCY_BOUNDS, seconds)] += 1
        self._seconds += seconds

    def scored(
        self, model: str, version: int, unseen: Iterable[tuple[str, ...]], guarded: Guarded | None = None
    ) -> None:
        """Count answered rows, their values of levels that the model never saw, and what its guard did with them."""
        if guarded is not None:
            self.guarded[model, "flagged"] += guarded.flagged_rows
            self.guarded[model, "abstained"] += len(guarded.silent)
        for names in unseen:
            self.predictions[model, version] += 1
            for name in names:
                self.unseen[model, name] += 1

    def text(self, gauges: Mapping[str, tuple[str, Samples]]) -> str:
        """Write everything as Prometheus text; `gauges` are `{name: (help, samples)}`."""
        return "\n".join([*self._counters(), *self._latency(), *_gauges(gauges)]) + "\n"

    def _counters(self) -> Iterator[str]:
        requests = [((("path", path), ("status", str(code))), count) for (path, code), count in self.requests.items()]
        yield from _family("ml_platform_requests_total", "counter", "Requests answered, by status.", requests)
        predictions = [
            ((("model", model), ("version", str(version))), count)
            for (model, version), count in self.predictions.items()
        ]
        yield from _family("ml_platform_predictions_total", "counter", "Rows scored, by version.", predictions)
        unseen = [((("model", model), ("column", name)), count) for (model, name), count in self.unseen.items()]
        about = "Values of levels the model never saw, scored as missing."
        yield from _family("ml_platform_unseen_levels_total", "counter", about, unseen)
        guarded = [((("model", model), ("what", what)), count) for (model, what), count in self.guarded.items()]
        about = "Rows that the model's guard flagged, or abstained for."
        yield from _family("ml_platform_guarded_rows_total", "counter", about, guarded)
        swaps = [((("model", model),), count) for model, count in self.swaps.items()]
        about = "How often another version went live."
        yield from _family("ml_platform_swaps_total", "counter", about, swaps)

    def _latency(self) -> Iterator[str]:
        name = "ml_platform_request_seconds"
        yield f"# HELP {name} Time from the request's head to its answer."
        yield f"# TYPE {name} histogram"
        counts = list(accumulate(self._buckets))
        for bound, count in zip([*map(repr, LATENCY_BOUNDS), "+Inf"], counts, strict=True):
            yield f'{name}_bucket{{le="{bound}"}} {count}'
        yield f"{name}_sum {self._seconds!r}"
        yield f"{name}_count {counts[-1]}"


def _gauges(gauges: Mapping[str, tuple[str, Samples]]) -> Iterator[str]:
    for name, (about, samples) in gauges.items():
        yield from _family(name, "gauge", about, samples)


def _family(name: str, kind: str, about: str, samples: Samples) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        said = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
        yield f"{name}{{{said}}} {value!r}" if said else f"{name} {value!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
