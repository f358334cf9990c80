from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from ml_platform.adapters import spent_log
from ml_platform.adapters.spent_log import SpentLog
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.spent import Spent, Usage

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
USED = Usage(cpu_seconds=1.5, wall_seconds=2.0, peak_bytes=2**20, peak_is_own=True)


def spent(run: str, *, model: str = "parcels", version: int = 1) -> Spent:
    return Spent(
        schema_version=version, model=model, stage="model", run_id=run, at=NOW, outcome="worked", usage=USED, rows=7
    )


def test_what_is_appended_is_read_back_in_order(tmp_path: Path) -> None:
    log = SpentLog(tmp_path)
    assert log.read("parcels") == []
    log.append(spent("one"))
    log.append(spent("two"))
    assert SpentLog(tmp_path).read("parcels") == [spent("one"), spent("two")]
    assert log.read("flights") == []


def test_lines_that_were_cut_short_or_are_not_ours_are_passed_over(tmp_path: Path) -> None:
    log = SpentLog(tmp_path)
    log.append(spent("one"))
    path = tmp_path / "costs" / "parcels.jsonl"
    with path.open("ab") as file:
        file.write(b'{"schema_version":1,"mod')  # a crash in the middle
    log.append(spent("newer", version=2))
    log.append(spent("other", model="parcels"))
    with path.open("ab") as file:
        file.write(b"\xff\xfe\n" + path.read_bytes().replace(b'"parcels"', b'"flights"'))
    assert [one.run_id for one in log.read("parcels")] == ["one", "other"]


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = SpentLog(tmp_path)
    for number in range(20):
        log.append(spent(str(number)))
    monkeypatch.setattr(spent_log, "READ_BYTES", 1000)
    found = [one.run_id for one in log.read("parcels")]
    assert 0 < len(found) < 6
    assert found[-1] == "19"


def test_a_name_that_is_no_models_reaches_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataInvalid, match="no model's name"):
        SpentLog(tmp_path).read("../parcels")


def test_a_log_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "costs").write_text("no folder")
    with pytest.raises(Unavailable, match="can't be written"):
        SpentLog(tmp_path).append(spent("one"))
    with pytest.raises(Unavailable, match="can't be read"):
        SpentLog(tmp_path).read("parcels")
