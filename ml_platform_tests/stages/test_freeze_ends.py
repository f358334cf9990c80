"""Who was refused because of a freeze is told once that it ended; nobody who was refused for something else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest

from ml_platform.policy.freezes import Freeze
from ml_platform.stages.freeze_ends import ENDED, note_ended_freezes
from ml_platform_tests.fakes.ledger import FakeLedger

BEFORE, AFTER = dt.datetime(2026, 12, 24, tzinfo=dt.UTC), dt.datetime(2027, 1, 3, tzinfo=dt.UTC)
HELD = Freeze(
    name="year_end", start="2026-12-20T00:00+00:00", end="2027-01-02T00:00+00:00", owner="Robin",
    reason="Nobody is there to look.",
)  # fmt: skip
PLACE = "parcels@production"
WHY = "production is frozen (year_end) until 2027-01-02 00:00 UTC, by Robin: Nobody is there to look. Wait"


def refuse(ledger: FakeLedger, *reasons: str) -> None:
    payload = {"version": 3, "reasons": list(reasons)}
    ledger.append("promotion_refused", actor="kim", subject=PLACE, payload=payload, at=BEFORE)


def note(ledger: FakeLedger, now: dt.datetime, freezes: Sequence[Freeze] = (HELD,)) -> int:
    note_ended_freezes(ledger, "parcels", lambda: freezes, now=now)
    return len(ledger.all_of(ENDED, subject=PLACE))


def test_the_end_is_noted_once_and_not_while_it_holds() -> None:
    ledger = FakeLedger()
    refuse(ledger, "another reason", WHY)
    assert note(ledger, BEFORE) == 0
    assert note(ledger, AFTER) == note(ledger, AFTER) == 1
    (entry,) = ledger.all_of(ENDED, subject=PLACE)
    assert entry.payload["version"] == 3
    refuse(ledger, WHY)
    assert note(ledger, AFTER) == 2


@pytest.mark.parametrize("reasons", [(), ("a gate failed because production is frozen",)])
def test_who_was_refused_for_something_else_is_not_told(reasons: tuple[str, ...]) -> None:
    ledger = FakeLedger()
    assert note(ledger, AFTER) == 0
    refuse(ledger, *reasons)
    assert note(ledger, AFTER) == 0


def test_where_something_went_live_since_nobody_waits() -> None:
    ledger = FakeLedger()
    refuse(ledger, WHY)
    ledger.append("deployed", actor="kim", subject=PLACE, payload={"version": 4}, at=AFTER)
    assert note(ledger, AFTER) == 0
