"""Import feedback: a file's rows become remarks; of each row it is said whether it counts, or why not."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from ml_platform.core.remark import Remark
from ml_platform.stages.sort_remarks import Predictions, sort_remarks
from ml_platform.stages.take_remark import Taking, take_remark

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.feedback_file import Row

AT_ONCE = 1_000
SHOWN = 20
TAKEN, HEARD_BEFORE, REFUSED, ASIDE = "taken", "heard before", "refused", "kept aside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Importing:
    """Whose file it is (`digest`), who brings it when, and what was heard before, by identity."""

    actor: str
    digest: str
    now: dt.datetime
    heard: Collection[str]
    predictions: Predictions


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a row: taken, heard before, refused, or kept aside, and why."""

    row: int
    became: str
    reason: str = ""


@dataclass(slots=True)
class Told:
    """What became of the rows so far: counts, counts of reasons, and the first rows that have one."""

    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    first: list[Imported] = field(default_factory=list)

    def hear(self, one: Imported) -> None:
        """Count a row."""
        self.counts[one.became] += 1
        if one.reason:
            self.reasons[one.became, one.reason] += 1
            if len(self.first) < SHOWN:
                self.first.append(one)


def import_feedback(
    spec: ModelSpec, rows: Iterable[Row], importing: Importing, append: Callable[[Sequence[Remark]], object]
) -> Iterator[Imported]:
    """Take a file's rows, a thousand at a time, and yield what became of each, in order.

    Where the file has no column of who says it, it is who brings it. What is kept aside is written down as well:
    a prediction that isn't known now may be later.
    """
    heard = set(importing.heard)
    waiting = iter(rows)
    while some := list(islice(waiting, AT_ONCE)):
        found = [(row.number, _remark(spec, row, importing)) for row in some]
        remarks = {one.identity: one for _, one in found if isinstance(one, Remark) and one.identity not in heard}
        append(list(remarks.values()))
        aside = {
            one.identity: reason
            for one, reason in sort_remarks(spec, list(remarks.values()), importing.predictions).aside
        }
        for number, one in found:
            if isinstance(one, str):
                yield Imported(number, REFUSED, one)
            elif one.identity in heard:
                yield Imported(number, HEARD_BEFORE)
            else:
                heard.add(one.identity)
                reason = aside.get(one.identity, "")
                yield Imported(number, ASIDE if reason else TAKEN, reason)


def _remark(spec: ModelSpec, row: Row, importing: Importing) -> Remark | str:
    if isinstance(row.said, str):
        return row.said
    taking = Taking(
        by=importing.actor if row.by is None else row.by,
        heard_at=importing.now,
        columns=[name for name in spec.inputs if spec.contract[name].personal_data != "direct"],
        through=f"import {importing.digest}",
        taken_by=importing.actor,
    )
    return take_remark(row.said, taking)
