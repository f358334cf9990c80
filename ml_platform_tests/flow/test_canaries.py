"""No value of a column about persons reaches a log, a database, a report, a message or a file that isn't sealed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ml_platform_tests.flow.canaries import COLUMNS, EITHER, FEATURES, SPLIT, TIME, canary_rows, seen_in, seen_unsealed
from ml_platform_tests.flow.project import MODEL, Project, Said, project_in

COUNT = 3_000
GIVEN = frozenset({"parcels.csv", "features.py"})


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with project_in(tmp_path_factory.mktemp("canaries"), None) as found:
        yield found


def silent(said: Said) -> Said:
    found = EITHER.search((said.out + said.err).encode())
    assert found is None, (said.out + said.err)[max(0, found.start() - 300) : found.end() + 100]
    return said


def nothing_is_seen(project: Project) -> None:
    assert list(seen_in(project.folder, but=GIVEN)) == []
    assert list(seen_unsealed(project.home)) == []


@pytest.fixture(scope="module")
def released(project: Project) -> Said:
    table = canary_rows(COUNT)
    table.loc[5:40, "weight"] = 1_000
    project.write((TIME, COLUMNS), SPLIT, FEATURES, table=table)
    return silent(project.ask("run", MODEL))


def test_a_run_with_quarantined_rows_tells_nothing(project: Project, released: Said) -> None:
    print(released.out[-3000:], released.err[-2000:])
    assert released.code == 0
    nothing_is_seen(project)
