"""Health as Prometheus text (exposition format 0.0.4), for the textfile collector of a node exporter."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Verdict

PREFIX = "ml_platform_health"
LOOK = f"{PREFIX}_look_timestamp_seconds"
GATE = f"{PREFIX}_gate_open"


def prometheus_text(
    judged: Mapping[str, tuple[Sequence[Measurement], Sequence[Verdict]]],
    meanings: Mapping[str, str],
    *,
    at: dt.datetime,
) -> str:
    """Return every measurement that has a value, by model, and whether each gate is open."""
    return "\n".join(_lines(judged, meanings, at)) + "\n"


def _lines(
    judged: Mapping[str, tuple[Sequence[Measurement], Sequence[Verdict]]], meanings: Mapping[str, str], at: dt.datetime
) -> Iterator[str]:
    yield from _family(LOOK, "When the health was looked at.", [("", at.timestamp())])
    gates = [
        (_labels(model=model, gate=one.gate, severity=one.severity), float(one.outcome.opens))
        for model, (_, verdicts) in judged.items()
        for one in verdicts
    ]
    yield from _family(GATE, "1 when a gate of the stage health is open: passed, waived or not applicable.", gates)
    for metric, meaning in meanings.items():
        samples = [
            (_labels(model=model, subject=one.subject), one.value)
            for model, (measured, _) in judged.items()
            for one in measured
            if one.metric == metric and one.value is not None
        ]
        yield from _family(f"{PREFIX}_{metric}", meaning, samples)


def _family(name: str, about: str, samples: Sequence[tuple[str, float]]) -> Iterator[str]:
    yield f"# HELP {name} {_escaped(about)}"
    yield f"# TYPE {name} gauge"
    yield from (f"{name}{labels} {value!r}" for labels, value in samples)


def _labels(**said: str) -> str:
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in said.items() if value)
    return f"{{{inside}}}" if inside else ""


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
