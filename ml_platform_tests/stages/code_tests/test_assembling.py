from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from ml_platform.core.code_tests import CodeTest, Tried
from ml_platform.stages.code_tests.assembling import try_assemble
from ml_platform_tests.docs.pages import DOCS
from ml_platform_tests.stages.code import features_of
from ml_platform_tests.stages.parcels import CONTRACT, parcel_rows, parcel_spec, write

if TYPE_CHECKING:
    from pathlib import Path

COPIED, TWICE, ORDER, LATER = (
    "assemble_leaves_its_tables_as_they_are", "assemble_gives_the_same_twice", "assemble_ignores_row_order",
    "assemble_sees_no_later_row",
)  # fmt: skip
# What the outcome is decided by comes later, and what is known afterwards too.
TARGET = (
    "ordered = rows.sort_values('sent')['weight']; "
    "return rows.assign(late=ordered.shift(-1) > 3, delay=ordered[::-1].cumsum())"
)
PASS = "def transform(columns, state):\n    return dict(columns)\n"
LAGS = {"before": {"type": "number", "missing": 1.0}, "same_day": {"type": "number", "missing": 1.0}}


def tried(
    body: str, folder: Path, monkeypatch: pytest.MonkeyPatch, *, head: str = "", contract: dict[str, Any] | None = None
) -> dict[str, CodeTest]:
    code = f"import numpy as np\n{head}\n{PASS}def assemble(tables):\n    rows = tables['rows']\n    {body}\n"
    path = write(parcel_rows(200), folder / "rows.csv")
    spec = parcel_spec(path, contract=CONTRACT | LAGS | (contract or {}))
    return {test.name: test for test in try_assemble(spec, features_of(code, folder, monkeypatch), seconds=5.0)}


def failed(found: dict[str, CodeTest]) -> set[str]:
    return {name for name, test in found.items() if test.outcome is Tried.FAILED}


@pytest.mark.parametrize(
    "body",
    [
        "return rows",
        "return rows.assign(before=rows.sort_values('sent').groupby('customer')['weight'].shift(1))",
        "return rows.assign(same_day=rows.groupby('sent')['weight'].transform('sum'))",
        TARGET,
    ],
)
def test_a_sound_assemble_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    found = tried(body, tmp_path, monkeypatch)
    assert tuple(found) == (COPIED, TWICE, ORDER, LATER)
    assert {name: test.reason for name, test in found.items() if test.outcome is not Tried.PASSED} == {}


def test_the_guide_s_rows_of_their_own_pass_and_keep_their_part_when_rows_are_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (DOCS / "model-file.md").read_text(encoding="utf-8")
    code = page.split("### Rows of their own")[1].split("```python\n")[1].split("```")[0]
    names = ["late", "weight", "pieces", "site"]
    rows = parcel_rows(300)[names]
    spec = parcel_spec(
        write(pd.concat([rows, rows[:20]]), tmp_path / "rows.csv"),
        contract={name: CONTRACT[name] for name in names} | {"row": {"type": "category", "role": "entity"}},
        split={
            "kind": "entity", "train": 0.55, "validation": 0.1, "calibration": 0.1, "holdout": 0.25, "salt": "first",
        },
    )  # fmt: skip
    module = features_of(f"{code}\n{PASS}", tmp_path, monkeypatch)
    outcomes = {test.name: test.outcome for test in try_assemble(spec, module, seconds=5.0)}
    assert outcomes[ORDER] is outcomes[TWICE] is outcomes[COPIED] is Tried.PASSED
    assert module.assemble is not None
    made, fewer = module.assemble({"rows": pd.concat([rows, rows[:20]])}), module.assemble({"rows": rows[150:]})
    assert made["row"].nunique() == 300
    assert set(fewer["row"]) < set(made["row"])


def test_rows_that_are_numbered_as_they_come_are_refused_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "return rows.assign(before=np.arange(len(rows)))"
    found = tried(body, tmp_path, monkeypatch)[ORDER]
    assert found.outcome is Tried.FAILED
    assert "Where no column orders it, number a row by what it says: pd.util.hash_pandas_object" in found.next_step


@pytest.mark.parametrize(
    ("body", "wrong", "words"),
    [
        ("rows['before'] = 1.0; return rows.copy()", COPIED, "assemble changes 'rows'"),
        ("tables['more'] = rows; return rows", COPIED, "assemble changes the dict"),
        ("return rows.assign(before=np.random.rand(len(rows)))", TWICE, r"200 of 200 rows are others \(in 'before'\)"),
        ("return rows.sample(frac=1.0)", TWICE, "another order"),
        ("return rows.assign(before=rows['weight'].shift(1))", ORDER, r"rows are others"),
        ("return rows.drop_duplicates('customer')", ORDER, r"rows are others \(in .*'weight'"),
        ("return rows.assign(before=rows.sort_values('sent')['weight'].shift(-1))", LATER, r"1 of 100 rows .*'before'"),
        ("return rows.assign(before=rows['weight'].mean())", LATER, r"100 of 100 rows are others \(in 'before'\)"),
        ("return rows.assign(before=rows.groupby('customer')['weight'].transform('size'))", LATER, "in 'before'"),
        ("return rows[rows['sent'] >= rows['sent'].quantile(0.9)]", LATER, "rows are others"),
        ("return rows if len(rows) == 200 else rows.drop(columns=['weight'])", LATER, "'weight' is missing"),
        ("return rows if len(rows) == 200 else rows[:0]", LATER, "nothing is left of the rows before"),
    ],
)
def test_each_fault_of_assemble_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, wrong: str, words: str
) -> None:
    found = tried(body, tmp_path, monkeypatch)
    assert wrong in failed(found), {name: test.reason for name, test in found.items()}
    assert re.search(words, found[wrong].reason), found[wrong].reason
    assert found[wrong].next_step


def test_an_assemble_that_raises_or_never_ends_is_told_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = tried("raise ValueError(rows['weight'][0])", tmp_path, monkeypatch)
    assert failed(found) == {COPIED}
    assert re.search(r"\.py:7: assemble failed on its data \(ValueError\)", found[COPIED].reason)
    assert {found[name].outcome for name in (TWICE, ORDER, LATER)} == {Tried.UNTRIED}


def test_an_assemble_that_makes_no_row_is_untried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = tried("return rows[:0]", tmp_path, monkeypatch)
    assert {found[name].outcome for name in (TWICE, ORDER, LATER)} == {Tried.UNTRIED}


def test_without_assemble_or_a_time_nothing_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = parcel_spec(write(parcel_rows(50), tmp_path / "rows.csv"))
    found = list(try_assemble(spec, features_of(PASS, tmp_path, monkeypatch)))
    assert {test.outcome for test in found} == {Tried.NOT_APPLICABLE}
    still = tried("return rows.assign(sent=rows['sent'].iloc[0])", tmp_path, monkeypatch)
    assert still[LATER].outcome is Tried.NOT_APPLICABLE
    elsewhere = tried("return rows.rename(columns={'when': 'sent'})", tmp_path, monkeypatch)
    assert elsewhere[LATER].outcome is Tried.PASSED


def test_a_source_that_is_gone_leaves_assemble_untried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = features_of(f"{PASS}def assemble(tables):\n    return tables['rows']\n", tmp_path, monkeypatch)
    found = list(try_assemble(parcel_spec(tmp_path / "gone.csv"), module))
    assert {test.outcome for test in found} == {Tried.UNTRIED}
    assert "the source can't be read" in found[0].reason
