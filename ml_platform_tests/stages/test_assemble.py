from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from ml_platform.core.errors import DataInvalid
from ml_platform.stages.assemble import assemble
from ml_platform.stages.contract import check_contract
from ml_platform_tests.stages.code import module_of
from ml_platform_tests.stages.parcels import parcel_rows, parcel_spec, write

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

JOIN = """
def assemble(tables):
    seen = tables["rows"]["sent"].max()
    return tables["rows"].merge(tables["depots"], on="site", how="left").assign(seen=str(seen))

def transform(columns, state):
    return dict(columns)
"""


def two_tables(tmp_path: Path, rows: pd.DataFrame) -> dict[str, object]:
    depots = pd.DataFrame({"site": ["north", "south", "west"], "depot": [1, 2, 3]})
    paths = {"rows": write(rows, tmp_path / "rows.csv"), "depots": write(depots, tmp_path / "depots.csv")}
    tables = {name: {"kind": "file", "path": str(path)} for name, path in paths.items()}
    return {"tables": tables, "licence": "CC0-1.0", "description": "Invented."}


@pytest.fixture
def join(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return module_of(JOIN, tmp_path, monkeypatch)


def test_tables_go_through_the_authors_assemble(tmp_path: Path, join: ModuleType) -> None:
    spec = parcel_spec(tmp_path, source=two_tables(tmp_path, parcel_rows(30)), features=join.__name__)
    assert set(assemble(spec)["depot"]) == {1, 2, 3}


def test_nothing_from_the_cut_on_reaches_the_authors_code(tmp_path: Path, join: ModuleType) -> None:
    spec = parcel_spec(tmp_path, source=two_tables(tmp_path, parcel_rows(30)), features=join.__name__)
    frame = assemble(spec, before=dt.datetime(2024, 1, 3, tzinfo=dt.UTC))
    assert len(frame) == 8
    assert set(frame["seen"]) == {"2024-01-02 18:00:00+00:00"}


def test_a_cell_that_can_not_be_read_is_still_a_reason_after_the_authors_code(tmp_path: Path, join: ModuleType) -> None:
    rows = parcel_rows(30).astype(object)
    rows.loc[4, "weight"] = "heavy"
    rows.loc[4, "sent"] = "soon"
    spec = parcel_spec(tmp_path, source=two_tables(tmp_path, rows), features=join.__name__)
    found = check_contract(spec, assemble(spec, before=dt.datetime(2024, 1, 4, tzinfo=dt.UTC)))
    assert found.broken == {"sent: not a time": 1, "weight: not a finite number": 1}
    assert found.refused.tolist() == [place == 4 for place in range(12)]
    assert found.undeclared == ("depot", "seen")


def test_several_tables_without_assemble_are_refused(tmp_path: Path) -> None:
    spec = parcel_spec(tmp_path, source=two_tables(tmp_path, parcel_rows(30)))
    with pytest.raises(DataInvalid, match=r"tables \['depots', 'rows'\] and there is no `assemble`"):
        assemble(spec)


def test_rows_that_the_authors_code_dates_late_are_cut_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import pandas as pd\ndef assemble(tables):\n    rows = tables['rows']\n"
    code += (
        "    return rows.assign(sent=pd.Timestamp('2024-01-03', tz='UTC') + pd.to_timedelta(rows['day'], unit='D'))\n"
    )
    code += "def transform(columns, state):\n    return dict(columns)\n"
    module = module_of(code, tmp_path, monkeypatch)
    rows = parcel_rows(10).drop(columns="sent").assign(day=range(10))
    spec = parcel_spec(write(rows, tmp_path / "rows.csv"), features=module.__name__)
    assert len(assemble(spec, before=dt.datetime(2024, 1, 5, tzinfo=dt.UTC))) == 2
