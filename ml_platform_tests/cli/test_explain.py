"""`ml-platform explain` says what moved a score, of rows in a file and of the holdout, never a person's values."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml_platform.adapters.platform import open_platform
from ml_platform.cli.explain import _sent
from ml_platform.cli.models import load
from ml_platform.orchestration.records import keep_record
from ml_platform.settings import load_settings
from ml_platform.stages.recipe import recipe_of
from ml_platform_tests.cli.conftest import Run, Said, runner
from ml_platform_tests.orchestration.small_model import rows, write_model
from ml_platform_tests.stages.made_again import version_of
from ml_platform_tests.stages.toy import repository

PERSONAL = ("distance: {type: number,", "distance: {type: number, personal_data: quasi, reason: Needed,")
ROW = {"weight": 58.0, "distance": 1999.0, "carrier": "land"}


@dataclass(frozen=True)
class World:
    """A folder with the small model's file, its table and one released version of it."""

    folder: Path

    def file(self, name: str, content: str) -> str:
        (self.folder / name).write_text(content)
        return str(self.folder / name)

    def table(self, **changes: Any) -> str:
        return self.file("rows.csv", pd.DataFrame([ROW | changes]).to_csv(index=False))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, tracking: str) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("explain")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ML_PLATFORM_DEFS", str(folder / "defs"))
        patch.setenv("ML_PLATFORM_HOME", str(folder / "home"))
        patch.setenv("MLFLOW_TRACKING_URI", tracking)
        patch.setenv("ML_PLATFORM_ACTOR", "robin")
        write_model(folder, table=rows(1_500))
        repository(folder)
        with open_platform(load_settings()) as platform:
            version_of(load("parcels").spec, platform, root=folder)
        yield World(folder)


@pytest.fixture
def explain(world: World, capsys: pytest.CaptureFixture[str]) -> Run:
    run: Run = runner(capsys)

    def command(*arguments: str) -> Said:
        return run("explain", *arguments)

    return command


def test_a_row_is_told_with_its_decision_its_reasons_and_their_sum(explain: Run, world: World) -> None:
    said = explain("parcels/1", world.table())
    assert said.code == 0, said.err
    title, _, head, *reasons, total = said.out.splitlines()
    assert title == "parcels v1"
    assert head.startswith(f"row 1 of {world.folder}/rows.csv · 0.")
    assert ": positive (from 0." in head
    assert any(line.startswith("    weight = 58 raises it by ") and line.endswith(" (log-odds)") for line in reasons)
    assert any(line.startswith("    carrier = land raises it by ") for line in reasons)
    assert total.startswith("    average ")


def test_rows_of_json_of_csv_and_of_parquet_are_the_same_rows(explain: Run, world: World) -> None:
    body = world.file("rows.json", json.dumps({"dataframe_records": [ROW]}))
    parquet = world.folder / "rows.parquet"
    pd.DataFrame([ROW | {"late": True}]).to_parquet(parquet)
    told = [explain("parcels", path, "--json").out for path in (world.table(late=True), body, str(parquet))]
    assert told[0] == told[1] == told[2]
    (one,) = json.loads(told[0])
    total = one["average"] + sum(each["contribution"] for each in one["reasons"]) + one["others"]
    assert total == pytest.approx(one["raw"], abs=1e-9)
    assert one["decision"] == "positive"


def test_a_row_of_the_holdout_is_told_by_its_number(explain: Run) -> None:
    (first,) = json.loads(explain("parcels", "--row", "1", "--json", "--reasons", "1").out)
    assert (first["row"], len(first["reasons"])) == (1, 1)
    assert explain("parcels", "--row", "1").out.splitlines()[2].startswith("row 1 of the holdout · ")
    beyond = explain("parcels", "--row", "0")
    assert beyond.code == 2
    assert "parcels: row 0 of the holdout was asked for; it has the rows 1 to " in beyond.err


def test_only_so_many_rows_are_told_and_that_is_said(explain: Run, world: World) -> None:
    many = world.file("many.csv", pd.DataFrame([ROW] * 5).to_csv(index=False))
    said = explain("parcels", many, "--limit", "2").out
    assert said.count("· 0.") == 2
    assert said.endswith("… and 3 more rows; --limit 5 explains all\n")


def test_rows_that_the_service_would_refuse_are_refused_with_every_reason(explain: Run, world: World) -> None:
    wrong = world.file("wrong.csv", "weight,distance,carrier,colour\n61.5,,land,red\n5,10,fax,red\n")
    said = explain("parcels", wrong)
    assert said.code == 2
    assert "rows that the model's contract accepts are needed" in said.err
    assert "row 1, column 'weight': it is above the declared range, 0 to 60" in said.err
    assert "row 1, column 'distance': it is null" in said.err
    assert "row 2, column 'carrier': it is none of the declared levels" in said.err
    assert "column 'colour': it isn't in the contract" in said.err
    assert "61.5" not in said.err
    many = world.file("wrong.csv", "weight,distance,carrier\n" + "61,5,land\n" * 14)
    assert "… and 4 more problems" in explain("parcels", many).err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "ROWS and --row: neither is given; one of them is needed"),
        (("rows.csv", "--row", "1"), "ROWS and --row: both are given"),
        (("nowhere.csv",), "nowhere.csv: can't be read"),
    ],
)
def test_what_is_asked_for_has_to_be_clear(explain: Run, arguments: tuple[str, ...], words: str) -> None:
    said = explain("parcels", *arguments)
    assert said.code == 2
    assert words in said.err


def test_a_body_that_the_service_does_not_take_is_refused(explain: Run, world: World) -> None:
    said = explain("parcels", world.file("rows.json", '{"rows": []}'))
    assert said.code == 2
    assert "the body has 'rows'; needed is an object with exactly one of" in said.err


def test_values_that_are_called_personal_only_by_now_are_not_shown(explain: Run, world: World) -> None:
    text = (world.folder / "defs" / "parcels" / "defs.yaml").read_text()
    assert "distance = 1,999 raises it by" in explain("parcels", world.table()).out
    assert PERSONAL[0] in text
    (world.folder / "defs" / "parcels" / "defs.yaml").write_text(text.replace(*PERSONAL))
    told = explain("parcels", world.table()).out
    (world.folder / "defs" / "parcels" / "defs.yaml").write_text("broken: [")
    broken = explain("parcels/1", world.table())
    (world.folder / "defs" / "parcels" / "defs.yaml").write_text(text)
    assert "distance raises it by" in told
    assert "1,999" not in told
    assert broken.code == 0


def test_without_a_release_the_newest_trained_model_is_explained(
    explain: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_platform(load_settings()) as platform:
        release = platform.ledger.releases("parcels")[0]
        made = recipe_of(platform.store, platform.ledger, release)[0].ingredients
        monkeypatch.setattr(type(platform.ledger), "releases", lambda *_: ())
        untrained = explain("parcels", world.table())
        keep_record(platform.home, ("parcels", "features"), made.features)
        keep_record(platform.home, ("parcels", "model"), made.model)
    assert untrained.code == 2
    assert "parcels: no model was trained yet; one is needed; `ml-platform run parcels` trains it" in untrained.err
    said = explain("parcels", world.table())
    assert said.out.startswith("parcels, the newest that was trained (never released)\n")


@pytest.mark.parametrize(
    ("cell", "kind", "sent"),
    [
        (np.float64(1.5), "number", 1.5),
        (np.int64(1), "boolean", True),
        (np.bool_(False), "boolean", False),
        (np.int64(2), "boolean", 2),
        (float("nan"), "number", None),
        ("land", "category", "land"),
        (pd.Timestamp("2025-01-01T10:00", tz="UTC"), "datetime", "2025-01-01T10:00:00+00:00"),
        (dt.date(2025, 1, 1), "datetime", "2025-01-01"),
    ],
)
def test_a_cell_is_sent_as_a_caller_would(cell: object, kind: str, sent: object) -> None:
    found = _sent(cell, kind)
    assert (found, type(found)) == (sent, type(sent))
