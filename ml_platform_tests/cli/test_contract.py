"""`contract infer` drafts what the loader of model files reads, and says in words what it can't read."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from ml_platform_tests.cli.conftest import Run
from ml_platform_tests.docs.pages import DOCS, ROOT, blocks_of
from ml_platform_tests.docs.said import says

ORDERS = str(ROOT / "docs" / "example" / "orders.csv")


def test_the_draft_is_what_the_guide_shows(run: Run) -> None:
    found = run("contract", "infer", ORDERS, "--target", "sent_back")
    shown = next(block.text for block in blocks_of(DOCS / "contract.md") if block.text.startswith("contract:\n  #"))
    assert found.code == 0
    assert says(found.out, shown)


def test_codes_with_leading_zeros_stay_text(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text("code,count\n" + "".join(f"0{i % 3},{i % 4}\n" for i in range(40)), encoding="utf-8")
    said = run("contract", "infer", str(path)).out
    assert '  code: {type: category, levels: ["00", "01", "02"]}\n' in said
    assert "  count: {type: integer" in said


@pytest.mark.parametrize(("values", "told"), [(("7.490", "12.000"), True), (("7.490", "0.125"), False)])
def test_points_that_may_stand_between_thousands_are_told(
    run: Run, tmp_path: Path, values: tuple[str, str], told: bool
) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("price;item\n" + "".join(f"{values[i % 2]};{i % 4}\n" for i in range(40)), encoding="utf-8")
    said = run("contract", "infer", str(path)).out
    assert "price: {type: number" in said
    assert ("decimals and thousands can't be told apart" in said) == told


def test_a_parquet_file_is_read_with_its_types(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pd.DataFrame({"x": [0, 1] * 60}).to_parquet(path)
    assert "  x: {type: integer, range: [0, 1]}" in run("contract", "infer", str(path)).out


@pytest.mark.parametrize(
    ("content", "more", "words"),
    [
        (None, [], "can't be read (No such file or directory); a CSV or Parquet file is needed; correct the path"),
        (b"", [], "the file is empty"),
        (b"PAR1xxxx", [], "is no readable Parquet file"),
        (b"a,b\n1\n", [], "has 1 cells; 2 are needed"),
        (b"a,a\n1,2\n", [], "columns ['a'] come more than once"),
        (b"a\n1\n", ["--target", "b"], "has no column 'b'"),
    ],
)
def test_what_cannot_be_drafted_is_explained(
    run: Run, tmp_path: Path, content: bytes | None, more: list[str], words: str
) -> None:
    path = tmp_path / "table"
    if content is not None:
        path.write_bytes(content)
    said = run("contract", "infer", str(path), *more)
    assert said.code == 2
    assert words in said.err


def parcels(path: Path, *, broken: int, rows: int = 100) -> str:
    """Write rows of the model `late`, the first of them too heavy."""
    truths, heavy = ("true", "false"), [99 if i < broken else 5 for i in range(rows)]
    lines = [
        f"{truths[i % 2]},2025-12-{i % 28 + 1:02d}T00:00:00Z,{i},{weight},land,a,2026-01-01"
        for i, weight in enumerate(heavy)
    ]
    path.write_text("\n".join(["late,sent,person,weight,carrier,region,arrived", *lines, ""]), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(("broken", "code", "mark"), [(0, 0, "✓ passed"), (5, 0, "✓ passed"), (6, 1, "✗ failed")])
def test_a_file_is_judged_by_the_gate_on_the_share_of_refused_rows(
    run: Run, defs: Path, tmp_path: Path, broken: int, code: int, mark: str
) -> None:
    said = run("contract", "check", "late", parcels(tmp_path / "rows.csv", broken=broken))
    assert said.code == code
    assert f"100 rows, {broken} refused" in said.out
    assert broken == 0 or f"{broken}  weight: out of range" in said.out
    assert "500  cells converted though no `coerce` states it:\n             100  " in said.out
    assert "100  sent: text read as datetime\n" in said.out
    assert "uarantine" not in said.out
    assert broken < 6 or "Read the reasons above, look the rows up in the file" in said.out
    assert f"{mark}     rows_match_the_contract" in said.out


@pytest.mark.parametrize(("missing", "code"), [(4, 0), (5, 1)])
def test_more_missing_values_than_a_column_declares_are_refused_as_in_a_run(
    run: Run, defs: Path, tmp_path: Path, missing: int, code: int
) -> None:
    model = next(defs.rglob("defs.yaml"))
    text = model.read_text(encoding="utf-8")
    model.write_text(re.sub(r"(weight: \{type: number,)", r"\1 missing: 0.04,", text, count=1), encoding="utf-8")
    path = Path(parcels(tmp_path / "rows.csv", broken=missing))
    path.write_text(path.read_text(encoding="utf-8").replace(",99,land", ",,land"), encoding="utf-8")
    said = run("contract", "check", "late", str(path))
    assert (said.code, "✗ failed     missing_values_are_as_declared" in said.out) == (code, bool(code))


def test_rows_without_an_outcome_break_no_rule(run: Run, defs: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    parcels(path, broken=0)
    path.write_text(path.read_text(encoding="utf-8").replace("true,", ",").replace("false,", ","), encoding="utf-8")
    said = run("contract", "check", "late", str(path))
    assert (said.code, "100  late: missing" in said.out) == (0, True)


def test_a_file_without_rows_proves_nothing(run: Run, defs: Path, tmp_path: Path) -> None:
    said = run("contract", "check", "late", parcels(tmp_path / "rows.csv", broken=0, rows=0))
    assert said.code == 3
    assert "? undecided  rows_match_the_contract" in said.out


def test_columns_that_the_contract_does_not_name_are_said_and_close_the_gates(
    run: Run, defs: Path, tmp_path: Path
) -> None:
    path = Path(parcels(tmp_path / "rows.csv", broken=0))
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    lines = [f"{head},mail", *(f"{row},p{i}@example.org" for i, row in enumerate(rows))]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    said = run("contract", "check", "late", str(path))
    assert said.code == 1
    assert "1  columns that the contract doesn't name: mail\n" in said.out
    assert "✗ failed     no_undeclared_columns" in said.out
    assert "✗ failed     personal_data_are_declared" in said.out
    assert "p1@" not in said.out


@pytest.mark.parametrize("columns", ["", ", columns: [late, sent, person, weight, carrier, region, arrived]"])
def test_a_file_is_read_as_the_table_of_the_model_states(run: Run, defs: Path, tmp_path: Path, columns: str) -> None:
    path = Path(parcels(tmp_path / "rows.csv", broken=0))
    text = path.read_text(encoding="utf-8").replace(",", ";").replace(";5;land", ";5,5;land").replace("\n", ";grün\n")
    path.write_text(text, encoding="latin-1")
    model = next(defs.rglob("defs.yaml"))
    stated = f"csv: {{delimiter: ';', decimal: ',', encoding: latin-1}}{columns}"
    before = model.read_text(encoding="utf-8")
    after = re.sub(r"(\{kind: file, path: [^}]*?)\}", rf"\1, {stated}}}", before, count=1)
    assert after != before
    model.write_text(after, encoding="utf-8")
    said = run("contract", "check", "late", str(path))
    assert "100 rows, 0 refused" in said.out
    assert ("doesn't name: grün" in said.out) == (not columns)
    assert said.code == (0 if columns else 1)


def test_a_file_or_model_that_is_not_there_is_said(run: Run, defs: Path, tmp_path: Path) -> None:
    assert "can't be read" in run("contract", "check", "late", str(tmp_path / "none")).err
    assert "Did you mean 'late'?" in run("contract", "check", "lat", "x").err
