"""Bad data through the front door: `ml-platform run` says what is wrong, changes nothing, and the next run works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from ml_platform_tests.flow.project import MODEL, Project, Said, project_in
from ml_platform_tests.orchestration.small_model import rows

Change = Callable[[pd.DataFrame], pd.DataFrame]
MILLION = 1_000_000
HEADER = b"sent,late,weight,distance,carrier,region\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tracking: str) -> Iterator[Project]:
    with project_in(tmp_path_factory.mktemp("bad_data"), tracking) as found:
        yield found


@pytest.fixture(scope="module")
def released(project: Project) -> Said:
    """Release version 1 from good data: what bad data must leave as it is."""
    said = project.ask("run", MODEL)
    assert said.code == 0, said.err
    return said


@dataclass(frozen=True)
class Bad:
    """One way to be bad: the table's bytes or a change of good rows, with what the model file says then."""

    code: int
    words: str
    content: bytes | None = None
    change: Change | None = None
    file: tuple[tuple[str, str], ...] = ()


def column(name: str, value: object) -> Change:
    return lambda table: table.assign(**{name: pd.Series([value] * len(table), index=table.index)})


def texts(name: str, value: str, *, first: int) -> Change:
    """Put a text into the first rows of a column."""
    return lambda table: table.assign(**{name: [*([value] * first), *table[name].astype(object)[first:]]})


def one_class_to_learn_from(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(late=table["late"] & (table["sent"] >= "2025-06-01"))


TIME = "    sent: {type: datetime, role: time}"
NUMBERED = (TIME, f"    parcel: {{type: integer, unique: true, role: not_used, reason: A number.}}\n{TIME}")
BAD = {
    "an empty file": Bad(1, "✗ source_is_not_empty failed", content=b""),
    "a header alone": Bad(2, "has a header and no rows; at least one row is needed", content=HEADER),
    "no table at all": Bad(2, "is no readable CSV file", content=b"\xff\xfe\x00\x01" * 100),
    "a torn row": Bad(2, "row 2 has 2 cells; 6 are needed", content=HEADER + b"1,2\n"),
    "a broken zip": Bad(2, "the zip can't be unpacked", content=b"PK\x03\x04" + b"x" * 100),
    "a broken Parquet file": Bad(2, "is no readable Parquet file", content=b"PAR1" + b"x" * 100),
    "a column that is gone": Bad(
        2, "the source has no column weight", change=lambda table: table.rename(columns={"weight": "wait"})
    ),
    "a column without values": Bad(
        2, "all 2,736 rows break the contract: distance: missing (2,736 rows)", change=column("distance", np.nan)
    ),
    "texts for numbers": Bad(2, "distance: not a finite number (2,736 rows)", change=column("distance", "far")),
    "infinite numbers": Bad(2, "distance: not a finite number (2,736 rows)", change=column("distance", np.inf)),
    "no outcome": Bad(2, "late: missing (2,736 rows)", change=column("late", None)),
    "no time": Bad(2, "all 4,000 rows break the contract: sent: missing", change=column("sent", None)),
    "one class only": Bad(1, "✗ holdout_has_enough_negatives failed", change=column("late", True)),
    "one class to learn from": Bad(
        3, "? no_feature_gives_the_answer_away undecided", change=one_class_to_learn_from
    ),
    "a level that nobody declared": Bad(
        1, "carrier: not a declared level", change=texts("carrier", "rail", first=400)
    ),
    "ids that come twice": Bad(
        1, "parcel: not unique: 1368", file=(NUMBERED,),
        change=lambda table: table.assign(parcel=np.arange(len(table)) // 2),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_data_are_refused_in_words_and_change_nothing(project: Project, released: Said, name: str) -> None:
    bad = BAD[name]
    project.write(*bad.file, table=bad.change(rows()) if bad.change else None)
    if bad.content is not None:
        project.table.write_bytes(bad.content)
    before = project.live("staging")
    said = project.ask("run", MODEL)
    assert said.code == bad.code, said.err
    assert bad.words in said.err + said.out
    assert "✗ parcels was not released." in said.err
    assert len(said.err) < 5_000
    assert project.live("staging") == before
    assert len(project.releases()) == 1
    assert project.half_written() == []


def test_a_missing_file_is_refused_in_words(project: Project, released: Said) -> None:
    project.table.unlink()
    said = project.ask("run", MODEL)
    assert said.code == 2
    assert "no gate was judged" in said.out  # nothing of an earlier run is shown as if it were this one's
    assert f"nothing is at {project.table}; a CSV or Parquet file or a folder of them is needed" in said.err


def test_a_text_of_a_million_characters_costs_its_row_alone(project: Project, released: Said) -> None:
    # The region is no feature: the trees come out the same, and have to be measured anew all the same.
    project.write(table=texts("region", "x" * MILLION, first=1)(rows()))
    said = project.ask("run", MODEL)
    assert said.code == 0, said.err
    assert "few_rows_are_quarantined" in said.out
    assert "x" * 300 not in said.out


def test_after_all_of_it_good_data_are_released(project: Project, released: Said) -> None:
    project.write()
    said = project.ask("run", MODEL)
    assert said.code == 0, said.err
    assert "✓ parcels v" in said.out
    assert project.ask("audit", "verify").code == 0
