"""A line is suggested only when it catches more than the model's file does, and lets the model's own rows pass."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from ml_platform.policy.load import GovernedModelFile
from ml_platform.stages.contract import check_contract
from ml_platform.stages.faults.remedy import remedy
from ml_platform.stages.faults.rows import OwnRows
from ml_platform.stages.faults.trials import Ground, prepare
from ml_platform_tests.orchestration.small_model import NOW, load_small, rows

FREE = ("range: [0, 2000]", "missing: 0.5")


def ground(file: GovernedModelFile, drawn: pd.DataFrame, every: pd.DataFrame, refused: float | None = 0.0) -> Ground:
    own = OwnRows(drawn_from=drawn, every=every, refused_share=refused)
    return prepare(file, own, size=1000, seed=1, now=NOW)


def suggested(on: Ground, batch: pd.DataFrame) -> str:
    return remedy(on.file.spec, on.file.policy, clean=on.clean, faulty=on.hear(batch), own=on.own)


def far_out(on: Ground, *numbers: float) -> pd.DataFrame:
    """Return the clean batch with the first distances replaced."""
    return on.batch.assign(distance=[*numbers, *on.batch["distance"][len(numbers) :]])


def small(folder: Path, *changes: tuple[str, str]) -> tuple[GovernedModelFile, pd.DataFrame]:
    file = load_small(folder, *changes)
    return file, check_contract(file.spec, rows()).accepted


def test_a_range_holds_every_row_of_the_snapshot(tmp_path: Path) -> None:
    file, good = small(tmp_path, FREE)
    low = good[good["distance"] < 100].reset_index(drop=True)
    part = pd.concat([low] * 5, ignore_index=True)
    on = ground(file, part, part)
    assert "distance.range" in suggested(on, far_out(on, 1900.0))
    on = ground(file, part, good)
    assert "distance.range" not in suggested(on, far_out(on, 1900.0))
    assert suggested(on, far_out(on, 9000.0)) == "contract.distance.range: [0, 2999.35]"


def test_a_range_that_is_applied_is_not_suggested_again(tmp_path: Path) -> None:
    file, good = small(tmp_path, FREE)
    on = ground(file, good, good)
    line = suggested(on, far_out(on, 9000.0))
    assert line.startswith("contract.distance.range: [")
    file, good = small(tmp_path, (FREE[0], line.removeprefix("contract.distance.")))
    on = ground(file, good, good)
    assert "range" not in suggested(on, far_out(on, 9000.0))


@pytest.mark.parametrize("declared", ["[0, 2000]", "[0, 2900]"])
def test_a_declared_range_is_not_suggested_wider_or_for_rows_that_it_refuses(tmp_path: Path, declared: str) -> None:
    file, good = small(tmp_path, (FREE[0], f"range: {declared}"))
    on = ground(file, good, good)
    assert "range" not in suggested(on, far_out(on, 9000.0, -5.0))
    assert "range" not in suggested(on, far_out(on, 1999.0))


def test_a_declared_range_that_is_wider_is_narrowed_and_stays_within_itself(tmp_path: Path) -> None:
    file, good = small(tmp_path, (FREE[0], "range: [0.01, 1000000]"))
    good = good[good["distance"] > 1]
    on = ground(file, good, good)
    assert suggested(on, far_out(on, 9000.0)).startswith("contract.distance.range: [0.01, 299")


def test_rows_outside_a_range_that_was_declared_since_have_no_range(tmp_path: Path) -> None:
    file, good = small(tmp_path, (FREE[0], "range: [500, 90000]"))
    on = ground(file, good, good.assign(distance=[100.0, *good["distance"][1:]]))
    assert "range" not in suggested(on, far_out(on, 9000.0))


def test_a_range_of_integers_is_whole_and_written_without_exponent(tmp_path: Path) -> None:
    file, good = small(tmp_path, ("type: number, range: [0, 2000]", "type: integer"))
    for top, text in ((5, "[0, 7]"), (3_000_001, "[0, 4500000]")):
        whole = good.assign(distance=pd.Series([0, top] * (len(good) // 2 + 1), dtype="int64")[: len(good)])
        on = ground(file, whole, whole)
        batch = on.batch.assign(distance=[9_000_000, *on.batch["distance"][1:]])
        assert suggested(on, batch) == f"contract.distance.range: {text}"


def test_a_column_without_numbers_has_no_range(tmp_path: Path) -> None:
    file, good = small(tmp_path, FREE)
    on = ground(file, good, good.assign(distance=float("nan")))
    assert "range" not in suggested(on, far_out(on, 9000.0))


def test_levels_hold_every_row_of_the_snapshot(tmp_path: Path) -> None:
    file, good = small(tmp_path)
    north = good[good["region"] == "north"].reset_index(drop=True)
    on = ground(file, north, good)
    batch = on.batch.assign(region=["south", *on.batch["region"].astype(str)[1:]])
    assert "levels" not in suggested(on, batch)
    strange = on.batch.assign(region=["east", *on.batch["region"].astype(str)[1:]])
    assert suggested(on, strange) == "contract.region.levels: [north, south]"


@pytest.mark.parametrize(
    ("refused", "line"),
    [(0.0, "0.002"), (0.00099, "0.002"), (0.001, None), (0.04, None), (None, None)],
)
def test_a_limit_on_refused_rows_lets_the_source_pass(tmp_path: Path, refused: float | None, line: str | None) -> None:
    file, good = small(tmp_path)
    on = ground(file, good, good, refused)
    said = suggested(on, far_out(on, *[9000.0] * 4))
    wanted = "" if line is None else f"policy.overrides.rows_match_the_contract.limit: {line}"
    assert said == wanted


def test_a_batch_that_is_refused_whole_has_no_declaration(tmp_path: Path) -> None:
    file, good = small(tmp_path)
    on = ground(file, good, good)
    gone = dataclasses.replace(on, clean=on.hear(on.batch.drop(columns="weight")))
    assert suggested(gone, on.batch.drop(columns="weight")) == ""
