"""Finding and inspection: what an inspection proves of a batch, for a person, a notebook and a gate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import pandas as pd

MOST_SAID = 25
HARD = frozenset({"schema", "misspelling", "contract"})
COLUMNS = ("kind", "columns", "effect", "p_value", "metric", "n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A fault that is proven within the error budget and larger than the policy tolerates.

    `effect` is the share of the batch's rows that it is about (0..1), `p_value` counts every hypothesis of its family
    (0 for a broken hard rule).
    """

    kind: str
    columns: tuple[str, ...]
    effect: float
    p_value: float
    measurement: Measurement

    def text(self) -> str:
        """Say the finding in one line; never a value of a row."""
        names = ", ".join(self.columns[:3]) + (f" and {len(self.columns) - 3} more" if len(self.columns) > 3 else "")
        chance = "a hard rule" if self.kind in HARD else _chance(self.p_value)
        what = f"; {self.measurement.facts['what']}" if "what" in self.measurement.facts else ""
        return f"{self.kind} of {names}: {100 * self.effect:.3g} % of the rows ({chance}{what})"


def _chance(p_value: float) -> str:
    return f"p = {p_value:.2g}" if p_value > 0 else "p < 1e-300"


def by_cause(findings: Sequence[Finding]) -> tuple[tuple[Finding, ...], ...]:
    """Return findings with those that another one explains behind it: about the same column, alone or with others."""
    groups: dict[str, list[Finding]] = {}
    for one in sorted(findings, key=lambda found: (len(found.columns) > 1, found.kind not in HARD)):
        cause = next((name for name in one.columns if name in groups), None)
        groups.setdefault(cause or " ".join(one.columns), []).append(one)
    return tuple(sorted((tuple(some) for some in groups.values()), key=lambda some: min(one.p_value for one in some)))


def _following(rest: Sequence[Finding]) -> str:
    """Count the kinds of the findings that go with another."""
    counted = Counter(one.kind for one in rest)
    told = ", ".join(f"{kind} ({count} times)" if count > 1 else kind for kind, count in counted.items())
    return f"; with it: {told}" if told else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What inspecting a batch gave: findings, a verdict per gate, and what could have been found at all.

    `smallest_detectable` holds, per metric, the smallest share of faulty rows that this batch would have revealed with
    a power of 80 %; infinity when none would. Hard rules need one row; a metric without anything to test isn't listed.
    """

    findings: tuple[Finding, ...]
    verdicts: tuple[Verdict, ...]
    measurements: tuple[Measurement, ...]
    smallest_detectable: Mapping[str, float]
    reference_rows: int
    batch_rows: int
    alpha: float

    @property
    def passed(self) -> bool:
        """True when every gate is open, those that only warn too: no finding beyond the policy, enough evidence."""
        return all(verdict.outcome.opens for verdict in self.verdicts)

    def to_frame(self) -> pd.DataFrame:
        """Return the findings as a table, one row each."""
        import pandas as pd

        rows = [
            (one.kind, ", ".join(one.columns), one.effect, one.p_value, one.measurement.metric, one.measurement.n)
            for one in self.findings
        ]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def text(self) -> str:
        """Say the outcome, then each finding in a line, then why verdicts were left undecided."""
        head = "passed" if self.passed else "not passed"
        count = "1 finding" if len(self.findings) == 1 else f"{len(self.findings)} findings"
        lines = [f"{head}: {self.batch_rows:,} rows against {self.reference_rows:,}; {count}"]
        causes = by_cause(self.findings)
        lines += [f"  {first.text()}{_following(rest)}" for first, *rest in causes[:MOST_SAID]]
        more = sum(len(some) for some in causes[MOST_SAID:])
        lines += [f"  and {more:,} more, less grave: to_frame() has them all"] if more > 0 else []
        undecided = [verdict for verdict in self.verdicts if verdict.outcome is Outcome.UNDECIDED]
        lines += [f"  undecided: {verdict.gate}: {verdict.reason}" for verdict in undecided]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        """Show the inspection in a notebook."""
        head, *lines = self.text().splitlines()
        items = "".join(f"<li>{escape(line.strip())}</li>" for line in lines)
        return f"<p><strong>{escape(head)}</strong></p><ul>{items}</ul>"
