"""`contract infer` drafts what the loader of model files reads, and says in words what it can't read."""

from __future__ import annotations

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
