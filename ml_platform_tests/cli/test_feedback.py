"""`ml-platform feedback` takes every row of a file that says something, and says of each other row why not."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from ml_platform.adapters.feedback_log import Heard, feedback_folder, read_feedback
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.platform import open_platform
from ml_platform.adapters.traffic_log import TrafficLog, traffic_folder
from ml_platform.core.traffic import InputValue, Prediction
from ml_platform.settings import load_settings
from ml_platform_tests.cli.conftest import Run
from ml_platform_tests.cli.home import NAME, write_model

THEN = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
ROWS = (
    '{"prediction_id": "p0", "outcome": true, "at": "2026-01-06T00:00:00Z", "by": "kim"}',
    '{"weight": 1, "carrier": "sea", "outcome": 0, "by": "kim", "comment": "Anna Nowak says so"}',
    '{"prediction_id": "nobody", "outcome": 1, "by": "kim"}',
    '{"carrier": "land", "outcome": 1, "by": "kim"}',
    '{"prediction_id": "p1", "outcome": 7, "by": "kim"}',
    '{"prediction_id": "p1", "outcome": 1, "at": "2999-01-06T00:00:00Z", "by": "kim"}',
    '{"prediction_id": "p2", "outcome": 1, "by": "kim"}',
    '{"prediction_id": "p1", "rating": 9, "by": "kim"}',
    '{"prediction_id": "p0", "outcome": true, "at": "2026-01-06T00:00:00Z", "by": "kim"}',
    "no json",
    '{"prediction_id": "p1", "outcome": 1, "by": ""}',
    '{"prediction_id": "p1", "comment": "\\ud800", "by": "kim"}',
)


def predictions() -> list[Prediction]:
    inputs: list[dict[str, InputValue]] = [
        {"weight": 0, "carrier": "land"},
        {"weight": 1, "carrier": "sea"},
        {"weight": 2, "carrier": "land"},
    ]
    return [
        Prediction(
            id=f"p{number}", at=THEN, event_time=THEN, model=NAME, environment="production", version=1,
            model_digest="d" * 64, status=200 if number < 2 else 422, score=0.5 if number < 2 else None,
            latency_seconds=0.01, inputs=values,
        )
        for number, values in enumerate(inputs)
    ]  # fmt: skip


@pytest.fixture
def home(defs: Path) -> Path:
    write_model(defs)
    home = load_settings().home
    log = TrafficLog(traffic_folder(home, "production", NAME), keys=FileKeys(home))
    log.append(predictions())
    log.close()
    return home


def heard(home: Path) -> Heard:
    return read_feedback(feedback_folder(home, "production", NAME), keys=FileKeys(home))


def test_each_row_is_taken_or_has_its_reason_and_nothing_is_lost(home: Path, run: Run, tmp_path: Path) -> None:
    file, report = tmp_path / "said.ndjson", tmp_path / "report.ndjson"
    file.write_text("\n".join(ROWS))
    said = run("feedback", "import", NAME, str(file), "--by", "pat", "--report", str(report))
    assert said.code == 1
    assert "3 taken, 1 heard before, 5 kept aside, 3 refused" in said.out
    became = [json.loads(line) for line in report.read_text().splitlines()]
    assert [(one["row"], one["became"], one["reason"]) for one in became if one["reason"]] == [
        (3, "kept aside", "there is no such prediction"),
        (4, "kept aside", "several predictions have this key"),
        (5, "kept aside", "the target can't have this outcome"),
        (6, "kept aside", "it tells of the future"),
        (7, "kept aside", "the request was refused, so there was no answer"),
        (8, "refused", "the rating has to be 1 to 5"),
        (10, "refused", "the line is no JSON"),
        (12, "refused", "the line is no JSON"),
    ]
    kept = heard(home)
    assert len(kept.remarks) == 8
    assert {one.by for one in kept.remarks} == {"kim", ""}
    assert {one.taken_by for one in kept.remarks} == {"pat"}
    assert all(one.through.startswith("import ") for one in kept.remarks)
    with open_platform(load_settings()) as platform:
        entry = platform.ledger.last("feedback_imported", subject=NAME)
    assert entry is not None
    assert entry.payload["taken"] == 3
    again = run("feedback", "import", NAME, str(file), "--by", "pat")
    assert "9 heard before, 3 refused" in again.out
    assert len(heard(home).remarks) == 8


def test_what_came_is_shown_by_who_said_it(home: Path, run: Run, tmp_path: Path) -> None:
    assert "nobody has said anything yet" in run("feedback", "show", NAME).out
    file = tmp_path / "said.jsonl"
    file.write_text("\n".join(ROWS))
    run("feedback", "import", NAME, str(file), "--by", "pat")
    said = run("feedback", "show", NAME)
    assert said.code == 0
    assert "8 remarks, 3 on a prediction, 5 kept aside" in said.out
    assert "2  by kim: 2 with an answer" in said.out
    assert "1  by nobody that is known" in said.out
    assert "kim: [name] says so" in said.out
    assert "Nowak" not in said.out


def test_a_csv_names_its_own_columns_and_who_brings_it_speaks(home: Path, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "said.csv"
    file.write_text("nr,late,rating\np0,True,4\np1,0,\np1,maybe,\np0,1\n")
    mapped = ("--column", "prediction_id=nr", "--column", "outcome=late")
    said = run("feedback", "import", NAME, str(file), "--by", "pat", *mapped)
    assert "2 taken, 2 refused" in said.out
    assert "row 3  refused: a value isn't of its column's type" in said.out
    assert "row 4  refused: it has 2 cells, not 3" in said.out
    assert [(one.prediction_id, one.outcome, one.rating, one.by) for one in heard(home).remarks] in (
        [("p0", 1.0, 4, "pat"), ("p1", 0.0, None, "pat")],
        [("p1", 0.0, None, "pat"), ("p0", 1.0, 4, "pat")],
    )


def test_a_parquet_file_and_a_key_of_its_columns(home: Path, run: Run, tmp_path: Path) -> None:
    import pandas as pd

    file = tmp_path / "said.parquet"
    pd.DataFrame({"carrier": ["sea"], "weight": [1.0], "outcome": [True], "at": [pd.Timestamp(THEN)]}).to_parquet(file)
    assert "1 taken" in run("feedback", "import", NAME, str(file), "--by", "pat").out
    assert heard(home).remarks[0].at == THEN


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("said.xlsx", b"x", "its name ends with .xlsx"),
        ("said.csv", b"", "there is no header"),
        ("said.csv", b"at,at\n1,2\n", "comes twice"),
        ("said.csv", b"at\n\xff\n", "isn't UTF-8"),
        ("said.csv", b'outcome\n"1\n', "the CSV is broken"),
        ("said.parquet", b"PAR1", "no whole Parquet file"),
    ],
)
@pytest.mark.usefixtures("home")
def test_a_file_that_cant_be_read_is_named(run: Run, tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    said = run("feedback", "import", NAME, str(tmp_path / name), "--by", "pat")
    assert said.code == 2
    assert says in said.err


@pytest.mark.usefixtures("home")
def test_a_file_that_is_gone_and_a_column_that_isnt_known_are_said(run: Run, tmp_path: Path) -> None:
    assert "can't be read" in run("feedback", "import", NAME, str(tmp_path / "no.csv"), "--by", "pat").err
    (tmp_path / "a.csv").write_text("x\n")
    assert "known:" in run("feedback", "import", NAME, str(tmp_path / "a.csv"), "--by", "p", "--column", "late=x").err
