"""Merged metrics: what several workers count, added up; what each of them sees of the present, by worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SUMMED = frozenset({"counter", "histogram"})


@dataclass(slots=True)
class _Family:
    about: str
    kind: str = "untyped"
    samples: dict[str, float] = field(default_factory=dict)

    def add(self, other: _Family) -> None:
        for sample, value in other.samples.items():
            self.samples[sample] = self.samples.get(sample, 0) + value


def merged(texts: Mapping[str, str]) -> str:
    r"""Merge Prometheus texts as this service writes them, by worker: counts are added, gauges get the worker's name.

    >>> one = "# HELP n Requests.\n# TYPE n counter\nn{s=\"200\"} 2\n# HELP t Up.\n# TYPE t gauge\nt 1.5\n"
    >>> print(merged({"0": one, "1": one}), end="")
    # HELP n Requests.
    # TYPE n counter
    n{s="200"} 4
    # HELP t Up.
    # TYPE t gauge
    t{worker="0"} 1.5
    t{worker="1"} 1.5
    """
    families: dict[str, _Family] = {}
    for worker, text in texts.items():
        for name, found in _parsed(text).items():
            kept = families.setdefault(name, _Family(found.about, found.kind))
            if found.kind in SUMMED:
                kept.add(found)
            else:
                kept.samples |= {_labelled(sample, worker): value for sample, value in found.samples.items()}
    return _written(families)


def continued(former: str, own: str) -> str:
    r"""Add to a worker's metrics what the one before it counted; what that one saw of the present is left out.

    >>> print(continued("# HELP n N.\n# TYPE n counter\nn 2\n", "# HELP n N.\n# TYPE n counter\nn 3\n"), end="")
    # HELP n N.
    # TYPE n counter
    n 5
    """
    families = _parsed(own)
    for name, found in _parsed(former).items():
        if found.kind in SUMMED:
            families.setdefault(name, _Family(found.about, found.kind)).add(found)
    return _written(families)


def _parsed(text: str) -> dict[str, _Family]:
    families: dict[str, _Family] = {}
    current = _Family("")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name, _, about = line[7:].partition(" ")
            current = families[name] = _Family(about)
        elif line.startswith("# TYPE "):
            current.kind = line.rpartition(" ")[2]
        else:
            sample, _, value = line.rpartition(" ")
            current.samples[sample] = int(value) if value.isdigit() else float(value)
    return families


def _labelled(sample: str, worker: str) -> str:
    name, _, labels = sample.partition("{")
    return f'{name}{{worker="{worker}"{"," + labels if labels else "}"}'


def _written(families: Mapping[str, _Family]) -> str:
    lines = []
    for name, family in families.items():
        lines += [f"# HELP {name} {family.about}", f"# TYPE {name} {family.kind}"]
        lines += [f"{sample} {value!r}" for sample, value in family.samples.items()]
    return "\n".join([*lines, ""])
