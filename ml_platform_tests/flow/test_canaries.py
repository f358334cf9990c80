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


def nothing_is_told(project: Project, said: Said, tracking: str, *, sealed: bool = True) -> None:
    told = said.out + said.err
    found = EITHER.search(told.encode())
    assert found is None, told[max(0, found.start() - 200) : found.end() + 100]
    for folder in (project.folder, Path(tracking.removeprefix("sqlite:///")).parent):
        assert list(seen_in(folder, but=GIVEN)) == []
    assert not sealed or list(seen_unsealed(project.home)) == []


def test_the_search_finds_what_lies_open(project: Project, released: Said, tmp_path: Path) -> None:
    (tmp_path / "said.log").write_text("who? Kanari Person7")
    canary_rows(50)[["belief"]].to_parquet(tmp_path / "rows.parquet")
    assert len(list(seen_in(tmp_path, but=frozenset()))) == 2
    assert len(list(seen_in(project.folder, but=frozenset()))) == 1


def test_a_release_with_quarantined_rows_tells_nothing(project: Project, released: Said, tracking: str) -> None:
    assert released.code == 0, released.err
    nothing_is_told(project, released, tracking)


Change = Callable[[pd.DataFrame], pd.DataFrame]
FAILING: dict[str, tuple[int, Change]] = {
    "rows_match_the_contract failed": (1, lambda table: table.assign(weight=table["weight"] + 45)),
    "failed on its data (OddError)": (2, lambda table: table.assign(fails="chained")),
    "failed on its data (KeyError)": (2, lambda table: table.assign(fails="key")),
    "rows break the contract: index": (2, lambda table: table.assign(index=table["mail"])),
}


@pytest.mark.drill
@pytest.mark.parametrize("words", FAILING)
def test_a_run_that_fails_tells_nothing(
    project: Project, released: Said, tracking: str, words: str, drill_count: Callable[[int, int], int]
) -> None:
    if list(FAILING).index(words) >= drill_count(1, len(FAILING)):
        pytest.skip("one of them says much; all of them: `make drills`")
    code, change = FAILING[words]
    project.write((TIME, COLUMNS), SPLIT, FEATURES, table=change(canary_rows(COUNT)))
    said = project.ask("run", MODEL)
    assert (said.code, words in said.out + said.err) == (code, True), said.err
    nothing_is_told(project, said, tracking)


@pytest.mark.drill
def test_dagsters_own_command_tells_nothing(
    project: Project, released: Said, tracking: str, drill_count: Callable[[int, int], int]
) -> None:
    if not drill_count(0, 1):
        pytest.skip("a process of its own: `make drills`")
    project.write((TIME, COLUMNS), SPLIT, FEATURES, table=canary_rows(COUNT).assign(fails="chained"))
    said = project.call("dagster", "job", "execute", "-m", "ml_platform.definitions", "-j", f"{MODEL}_release")
    assert (said.code, "failed on its data (OddError)" in said.err) == (1, True)
    nothing_is_told(project, said, tracking)


def test_what_nobody_declared_stops_the_run_and_is_told_nowhere(
    project: Project, released: Said, tracking: str
) -> None:
    table = canary_rows(COUNT).assign(carrier=lambda rows: rows["mail"].fillna("land"))
    undeclared = (("levels: [land, sea, air]", "missing: 0"), (TIME, COLUMNS), SPLIT, FEATURES)
    project.write(*undeclared, table=table)
    said = project.ask("run", MODEL)
    assert (said.code, "✗ personal_data_are_declared failed" in said.out + said.err) == (1, True)
    nothing_is_told(project, said, tracking, sealed=False)
