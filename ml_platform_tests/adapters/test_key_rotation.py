from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path

import pytest

from ml_platform.adapters.key_rotation import GRACE, objections, rewrap_all, uses
from ml_platform.adapters.sealed_home import sealed_files
from ml_platform.core.keys import KeyVersion
from ml_platform_tests.adapters.sealed_world import filled, require_readable

NOW = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
OLD = KeyVersion(version="0001-aa", made_at=NOW - dt.timedelta(days=9))
NEW = KeyVersion(version="0002-bb", made_at=NOW - GRACE)


def test_every_data_key_is_wrapped_anew_and_everything_opens_without_the_old_key(tmp_path: Path) -> None:
    keys = filled(tmp_path)
    old = keys.current()
    content = {file.path: file.path.read_bytes()[280:] for file in sealed_files(tmp_path)}
    new = keys.add()
    done = rewrap_all(sealed_files(tmp_path), keys)
    assert (done.version, done.changed, done.problems) == (new, len(content), ())
    assert list(uses(sealed_files(tmp_path))) == [new]
    keys.retire(old)
    require_readable(tmp_path)
    assert {file.path: file.path.read_bytes()[280:] for file in sealed_files(tmp_path)} == content
    assert rewrap_all(sealed_files(tmp_path), keys).changed == 0


def test_uses_are_counted_by_version_and_kind(tmp_path: Path) -> None:
    version = filled(tmp_path).current()
    assert uses(sealed_files(tmp_path)) == {
        version: Counter(features=2, models=2, quarantine=2, snapshots=2, traffic=1)
    }


def test_what_cannot_be_wrapped_is_said_and_the_others_are_done(tmp_path: Path) -> None:
    keys = filled(tmp_path)
    first, second, *others = sealed_files(tmp_path)
    first.path.write_bytes(second.path.read_bytes())
    keys.add()
    done = rewrap_all(sealed_files(tmp_path), keys)
    assert done.changed == len(others) + 1
    (problem,) = done.problems
    assert "another file in its place" in problem


def test_an_old_key_that_nothing_needs_can_be_retired_after_an_hour() -> None:
    assert objections(OLD.version, [OLD, NEW], {}, now=NOW) == []
    (waits,) = objections(OLD.version, [OLD, NEW], {}, now=NOW - dt.timedelta(seconds=1))
    assert waits == "a process may still be writing under it; wait until 2024-05-01 00:00 UTC"


@pytest.mark.parametrize(
    ("version", "used", "reason"),
    [
        (NEW.version, {}, "it is the current key; rotate to a new one first"),
        ("0009-cc", {}, "there is no such key; there: 0001-aa, 0002-bb"),
        (OLD.version, {OLD.version: Counter(models=2, traffic=1)}, "it is still needed by 2 models, 1 traffic; run"),
    ],
)
def test_a_key_is_not_retired(version: str, used: dict[str, Counter[str]], reason: str) -> None:
    (found,) = objections(version, [OLD, NEW], used, now=NOW)
    assert found.startswith(reason)


def test_of_no_keys_none_is_retired() -> None:
    assert objections("0001-aa", [], {}, now=NOW) == ["there is no such key; there: none"]
