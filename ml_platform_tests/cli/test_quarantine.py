"""`ml-platform quarantine` lists what the contract refused, with all reasons and without persons' values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ml_platform.adapters.platform import open_platform
from ml_platform.cli.models import load
from ml_platform.orchestration.records import keep_record
from ml_platform.settings import load_settings
from ml_platform.sources.read import fingerprint
from ml_platform.stages.snapshot import take_snapshot
from ml_platform_tests.cli.conftest import Run
from ml_platform_tests.orchestration.small_model import NOW, rows, write_model

if TYPE_CHECKING:
    import pandas as pd

REGION = "    region: {type: category, role: group}"
PERSONAL = "    region: {type: category, role: group, personal_data: sensitive, reason: Fairness.}"


def put_aside(defs: Path, table: pd.DataFrame) -> None:
    """Take a snapshot of the small model on a table, and keep the quarantine's record as a run does."""
    write_model(defs.parent, (REGION, PERSONAL), table=table)
    spec = load("parcels").spec
    with open_platform(load_settings()) as platform:
        source = fingerprint(spec, now=NOW).record
        taken = take_snapshot(
            spec, store=platform.store, source=source, as_of=None, reference=None, now=NOW, vault=platform.vault
        )
        keep_record(platform.home, ("parcels", "quarantine"), taken.quarantine.record)


@pytest.fixture
def faulty() -> pd.DataFrame:
    table = rows(200).astype({"carrier": object, "region": object})
    table.loc[[3, 5], "weight"] = 61.5
    table.loc[5, "carrier"] = "fax"
    table.loc[7, "distance"] = None
    return table


def test_without_a_snapshot_the_command_says_what_makes_one(run: Run, defs: Path) -> None:
    write_model(defs.parent)
    said = run("quarantine", "parcels")
    assert said.code == 2
    assert "parcels: no snapshot was taken yet; one is needed; `ml-platform run parcels` takes it" in said.err


def test_an_empty_quarantine_is_said_in_words(run: Run, defs: Path) -> None:
    put_aside(defs, rows(200))
    said = run("quarantine", "parcels")
    assert said.code == 0, said.err
    assert said.out == "parcels: the quarantine is empty; all 140 rows keep the contract\n"


def test_rows_are_listed_with_all_their_reasons_after_the_counts(run: Run, defs: Path, faulty: pd.DataFrame) -> None:
    put_aside(defs, faulty)
    said = run("quarantine", "parcels")
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert lines[0].startswith("parcels: 3 of 140 rows are in quarantine ")
    assert lines[1].split("  ")[-1] == "weight: out of range"
    assert [line.strip() for line in lines if "; " in line][1:] == [
        "2  weight: out of range; carrier: not a declared level"
    ]
    assert "weight=61.5" in said.out
    assert "carrier=fax" in said.out
    assert "distance=" not in lines[-1]


def test_a_limit_shortens_the_rows_and_says_what_is_left_out(run: Run, defs: Path, faulty: pd.DataFrame) -> None:
    put_aside(defs, faulty)
    said = run("quarantine", "parcels", "--limit", "1")
    assert said.out.count("sent=") == 1
    assert said.out.endswith("… and 2 more rows; --limit 3 lists all\n")


def test_values_about_persons_never_reach_the_terminal(run: Run, defs: Path, faulty: pd.DataFrame) -> None:
    faulty.loc[3, "region"] = "southernmost"
    put_aside(defs, faulty)
    told = run("quarantine", "parcels").out + run("quarantine", "parcels", "--json").out
    assert "southernmost" not in told
    assert "region=(masked)" in told


def test_a_column_that_became_personal_since_is_masked_too(run: Run, defs: Path, faulty: pd.DataFrame) -> None:
    put_aside(defs, faulty)
    carrier = "carrier: {type: category, levels: [land, sea, air]"
    write_model(defs.parent, (f"{carrier}}}", f"{carrier}, personal_data: quasi}}"), table=faulty)
    told = run("quarantine", "parcels").out
    assert "carrier=(masked)" in told
    assert "carrier=fax" not in told


def test_another_program_gets_one_json_document(run: Run, defs: Path, faulty: pd.DataFrame) -> None:
    put_aside(defs, faulty)
    found = json.loads(run("quarantine", "parcels", "--json", "--limit", "2").out)
    assert (found["model"], found["rows"], found["rows_seen"]) == ("parcels", 3, 140)
    assert found["reasons"]["weight: out of range"] == 2
    assert found["listed"][0]["reasons"] == ["weight: out of range"]
    assert found["listed"][1]["values"]["carrier"] == "fax"
