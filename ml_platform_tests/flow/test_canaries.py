"""No value of a column about persons reaches a log, a database, a report, a message or a file that isn't sealed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from ml_platform_tests.flow.canaries import (
    COLUMNS,
    EITHER,
    FEATURES,
    SPLIT,
    TIME,
    canary_rows,
    seen_in,
    seen_unsealed,
)  # fmt: skip
from ml_platform_tests.flow.project import MODEL, Project, Said, project_in

COUNT = 2_500
GIVEN = frozenset({"parcels.csv"})


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tracking: str) -> Iterator[Project]:
    with project_in(tmp_path_factory.mktemp("canaries"), tracking) as found:
        yield found


@pytest.fixture(scope="module")
def released(project: Project) -> Said:
    table = canary_rows(COUNT)
    table.loc[5:40, "weight"] = 1_000
    project.write((TIME, COLUMNS), SPLIT, FEATURES, table=table)
    return project.ask("run", MODEL)


def nothing_is_told(project: Project, said: Said, tracking: str) -> None:
    told = said.out + said.err
    found = EITHER.search(told.encode())
    assert found is None, told[max(0, found.start() - 200) : found.end() + 100]
    for folder in (project.folder, Path(tracking.removeprefix("sqlite:///")).parent):
        assert list(seen_in(folder, but=GIVEN)) == []
    assert list(seen_unsealed(project.home)) == []


def test_the_search_finds_what_lies_open(project: Project, released: Said, tmp_path: Path) -> None:
    (tmp_path / "said.log").write_text("who? Kanari Person7")
    canary_rows(50)[["belief"]].to_parquet(tmp_path / "rows.parquet")
    assert len(list(seen_in(tmp_path, but=frozenset()))) == 2
    assert len(list(seen_in(project.folder, but=frozenset()))) == 1


def test_a_release_with_quarantined_rows_tells_nothing(project: Project, released: Said, tracking: str) -> None:
    assert released.code == 0, released.err
    nothing_is_told(project, released, tracking)


def odd(**columns: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda table: table.assign(**columns)


@pytest.mark.parametrize(
    ("code", "words", "change"),
    [
        (1, "rows_match_the_contract failed", odd(weight=lambda table: table["weight"] + 45)),
        (1, "personal_data_are_declared failed", odd(carrier=lambda table: table["mail"].fillna("land"))),
        (1, "no_undeclared_columns failed", odd(other=lambda table: table["belief"])),
        (2, "rows break the contract", odd(index=lambda table: table["mail"])),
        (2, "failed on its data (OddError)", odd(fails="chained")),
        (2, "failed on its data (KeyError)", odd(fails="key")),
    ],
)
def test_a_run_that_fails_tells_nothing(
    project: Project, released: Said, tracking: str, code: int, words: str, change: Callable[..., pd.DataFrame]
) -> None:
    changes = [(TIME, COLUMNS), SPLIT, FEATURES]
    if words.startswith("personal"):
        changes.append(("levels: [land, sea, air]", "missing: 0"))
    project.write(*changes, table=change(canary_rows(COUNT)))
    said = project.ask("run", MODEL)
    assert said.code == code
    assert words in said.out + said.err
    nothing_is_told(project, said, tracking)


def test_dagsters_own_command_tells_nothing(project: Project, released: Said, tracking: str) -> None:
    project.write((TIME, COLUMNS), SPLIT, FEATURES, table=odd(fails="chained")(canary_rows(COUNT)))
    said = project.call("dagster", "job", "execute", "-m", "ml_platform.definitions", "-j", f"{MODEL}_release")
    assert said.code == 1
    assert "failed on its data (OddError)" in said.err
    nothing_is_told(project, said, tracking)
