"""Freezes: which windows can be said, and at which instants they hold, also where clocks are put back or forward."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.core.errors import PolicyInvalid
from ml_platform.policy.freezes import DAYS, Freeze, frozen
from ml_platform.policy.resolve import content_of
from ml_platform_tests.policy.files import changed, line_of, load_text

WEEKEND = "start: Fri 16:00, end: Mon 08:00, zone: Europe/Berlin"
ONCE = "start: 2026-12-18T18:00+01:00, end: 2027-01-04T08:00+01:00"
PACK = "pack: quiet\ndescription: for a test\nextends: [base]\nfreezes:\n  - {}\n"


def entry(window: str, name: str = "quiet_days", **more: str) -> str:
    said = "".join(f", {key}: {value}" for key, value in more.items())
    return f"{{name: {name}, {window}, owner: Operations, reason: Nobody is there to look.{said}}}"


def text(*entries: str) -> str:
    lines = "".join(f"      - {each}\n" for each in entries)
    return changed(("  monitoring:\n", f"    freezes:\n{lines}  monitoring:\n"))


def problems(folder: Path, *entries: str) -> list[str]:
    said = text(*entries)
    with pytest.raises(PolicyInvalid) as caught:
        load_text(folder, said)
    begin = f"{folder}/late/defs.yaml:"
    assert all(problem.startswith(begin) for problem in caught.value.problems)
    assert str(line_of("    freezes:", said) + len(entries)) in caught.value.problems[-1]
    return [problem.split(": ", 1)[1].removeprefix("policy.freezes[") for problem in caught.value.problems]


def freeze(start: str, end: str, zone: str | None = None) -> Freeze:
    return Freeze(name="x", start=start, end=end, zone=zone, owner="Operations", reason="for a test of it")


def at(time: str) -> dt.datetime:
    return dt.datetime.fromisoformat(time)


def test_a_model_file_and_a_pack_can_both_say_freezes_and_the_policys_digest_stays(tmp_path: Path) -> None:
    plain = load_text(tmp_path, changed())
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "quiet.yaml").write_text(PACK.format(entry(WEEKEND, "weekends", environments="[staging]")))
    more = load_text(tmp_path, text(entry(ONCE)).replace("packs: [base]", "packs: [quiet]"))
    assert [each.name for each in more.policy.freezes] == ["weekends", "quiet_days"]
    assert more.policy.freezes[0].environments == ("staging",)
    assert (more.policy.digest, content_of(more.policy)) == (plain.policy.digest, content_of(plain.policy))
    assert "freezes" not in plain.spec.model_dump(mode="json")["policy"]


@pytest.mark.parametrize(
    ("window", "problem"),
    [
        ("start: 2026-12-18T18:00Z, end: 2026-12-18T18:00Z", "0].end is 2026-12-18T18:00Z; needed: after the start"),
        ("start: 2026-12-18T18:00Z, end: 2026-12-01T18:00Z", "0].end is 2026-12-01T18:00Z; needed: after the start"),
        ("start: 2026-12-18T18:00Z, end: 2029-12-18T18:00Z", "0].end is 2029-12-18T18:00Z; needed: after the start"),
        ("start: 2026-12-18T18:00, end: 2026-12-19T18:00Z", "0].start is '2026-12-18T18:00'; needed: a time with its"),
        ("start: 2026-12-18T18:00Z, end: never", "0].end is 'never'; needed: a time with its zone"),
        ("start: 0001-01-01T00:00+23:00, end: 0001-01-02T00:00Z", "0].start is '0001-01-01T00:00+23:00'; needed"),
        (
            "start: Fri 16:00, end: 2026-12-19T18:00Z, zone: UTC",
            "0].start is 'Fri 16:00'; needed: a time with its zone",
        ),
        ("start: Fri 25:00, end: Mon 08:00, zone: UTC", "0].start is 'Fri 25:00'; needed: a time with its zone"),
        ("start: Fri 16:00, end: Mon 08:00", "0].start is weekly and has no zone"),
        ("start: Fri 16:00, end: Fri 16:00, zone: UTC", "0].end is 'Fri 16:00', as the start: it would never end"),
        ("start: Fri 16:00, end: Mon 08:00, zone: Europe/Berlim", "0].zone is 'Europe/Berlim'; known: "),
        ("start: Fri 16:00, end: Mon 08:00, zone: ../UTC", "0].zone is '../UTC'; known: "),
        ("start: Fri 16:00, end: Mon 08:00, zone: Europe", "0].zone is 'Europe'; known: "),
        (f"{ONCE}, zone: UTC", "0].zone is 'UTC', and the times say their zone"),
        (f"{ONCE}, until: now", "0].until isn't known here"),
        (f"{ONCE}, environments: []", "0].environments is []; needed: at least 1 entries"),
        (f"{ONCE}, environments: [moon]", "0].environments[0] is 'moon'; known: staging, production"),
        ("start: .nan, end: Mon 08:00", "start is .nan"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused_at_its_line(tmp_path: Path, window: str, problem: str) -> None:
    assert any(found.startswith(problem) or problem in found for found in problems(tmp_path, entry(window)))


def test_names_are_taken_once_in_a_file_and_across_packs(tmp_path: Path) -> None:
    again = problems(tmp_path, entry(ONCE), entry(WEEKEND))
    assert again == ["1].name is 'quiet_days', which is taken above; rename it"]
    (tmp_path / "packs").mkdir()
    for name, window in (("quiet", WEEKEND), ("quieter", ONCE)):
        (tmp_path / "packs" / f"{name}.yaml").write_text(PACK.format(entry(window)).replace("quiet\n", f"{name}\n"))
    for packs, own, problem in (
        ("quiet", [entry(ONCE)], "which is taken by a pack"),
        ("quiet, quieter", [], "two packs name a freeze 'quiet_days'"),
    ):
        said = (text(*own) if own else changed()).replace("packs: [base]", f"packs: [{packs}]")
        with pytest.raises(PolicyInvalid, match=problem):
            load_text(tmp_path, said)


def test_a_window_holds_from_its_start_until_before_its_end_and_in_its_environments_only() -> None:
    window = freeze("2026-12-18T18:00+01:00", "2027-01-04T08:00+01:00")
    assert not frozen([window], "production", at("2026-12-18T16:59:59Z"))
    (held,) = frozen([window], "production", at("2026-12-18T17:00Z"))
    assert held.until == at("2027-01-04T07:00Z")
    assert not frozen([window], "production", at("2027-01-04T07:00Z"))
    assert not frozen([window], "staging", at("2026-12-20T00:00Z"))


@pytest.mark.parametrize(
    ("time", "until"),
    [
        ("2026-03-06T14:59:59Z", None),  # Friday in winter: 16:00 is 15:00 UTC
        ("2026-03-06T15:00Z", "2026-03-09T07:00Z"),
        ("2026-03-09T06:59:59Z", "2026-03-09T07:00Z"),
        ("2026-03-09T07:00Z", None),
        ("2026-03-27T15:00Z", "2026-03-30T06:00Z"),  # clocks go forward on the 29th: it ends an hour earlier
        ("2026-03-30T06:00Z", None),
        ("2026-04-03T14:00Z", "2026-04-06T06:00Z"),  # summer
        ("2026-10-23T14:00Z", "2026-10-26T07:00Z"),  # clocks go back on the 25th: an hour longer
        ("2026-10-26T06:59:59Z", "2026-10-26T07:00Z"),
    ],
)
def test_a_weekly_window_follows_the_clocks_of_its_zone(time: str, until: str | None) -> None:
    held = frozen([freeze("Fri 16:00", "Mon 08:00", "Europe/Berlin")], "production", at(time))
    assert [each.until for each in held] == ([at(until)] if until else [])


def test_where_a_time_comes_twice_or_not_at_all_the_window_is_the_longer_one() -> None:
    twice = freeze("Sun 02:30", "Sun 02:45", "Europe/Berlin")
    for time, holds in (
        ("2026-10-25T00:29Z", False),
        ("2026-10-25T00:30Z", True),
        ("2026-10-25T01:15Z", True),
        ("2026-10-25T01:45Z", False),
        ("2026-03-29T00:29Z", False),
        ("2026-03-29T00:30Z", True),
        ("2026-03-29T01:44Z", True),
        ("2026-03-29T01:45Z", False),
    ):
        assert bool(frozen([twice], "production", at(time))) is holds, time


def test_a_window_that_was_never_checked_is_no_window() -> None:
    with pytest.raises(ValueError, match="was not checked"):
        frozen([freeze("Fri 16:00", "Mon 08:00", "Moon/Dark")], "production", at("2026-01-01T00:00Z"))


WALL = st.tuples(st.sampled_from(DAYS), st.integers(0, 23), st.sampled_from([0, 15, 59]))


@given(WALL, WALL, st.integers(1_704_067_200, 1_830_297_600))
@settings(max_examples=80, deadline=None)
def test_on_the_wall_a_weekly_window_holds_between_its_two_times(
    start: tuple[str, int, int], end: tuple[str, int, int], seconds: int
) -> None:
    zone = ZoneInfo("America/New_York")
    first, last = (DAYS.index(day) * 1440 + hour * 60 + minute for day, hour, minute in (start, end))
    time = dt.datetime.fromtimestamp(seconds, tz=dt.UTC)
    wall = time.astimezone(zone)
    minute = wall.weekday() * 1440 + wall.hour * 60 + wall.minute + wall.second / 60
    if first == last or any(wall.utcoffset() != (wall + dt.timedelta(hours=by)).utcoffset() for by in (-3, 3)):
        return
    inside = first <= minute < last if first < last else minute >= first or minute < last
    words = [f"{day} {hour:02}:{minutes:02}" for day, hour, minutes in (start, end)]
    held = frozen([freeze(words[0], words[1], "America/New_York")], "production", time)
    assert bool(held) == inside
