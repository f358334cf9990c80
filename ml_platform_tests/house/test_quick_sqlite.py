from __future__ import annotations

from pathlib import Path

import dagster as dg
from dagster._core.storage.event_log import SqliteEventLogStorage

from ml_platform_tests.house.quick_sqlite import KEPT, remembered


def test_the_engine_of_an_address_is_made_once() -> None:
    engine = remembered(lambda address, **_: [address])
    first = engine("a", pool=1)
    assert first == ["a"]
    assert engine("b") == ["b"]
    assert engine("a", pool=1) is first


def test_engines_that_were_not_used_lately_let_go_of_their_files() -> None:
    class Engine:
        disposed = False

        def dispose(self) -> None:
            self.disposed = True

    engine = remembered(lambda _, **__: Engine())
    made = [engine(str(number)) for number in range(KEPT)]
    assert engine("0") is made[0]
    engine("one more")
    assert [each.disposed for each in made] == [number == 1 for number in range(KEPT)]
    assert engine("1") is not made[1]


def test_dagsters_databases_use_it_and_do_not_wait_for_the_disk(tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization("parcels"))
        events = instance.event_log_storage
        assert isinstance(events, SqliteEventLogStorage)
        with events.index_connection() as connection:
            engine = connection.engine
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 0
        with events.index_connection() as connection:
            assert connection.engine is engine
        assert instance.get_latest_materialization_event(dg.AssetKey("parcels")) is not None
