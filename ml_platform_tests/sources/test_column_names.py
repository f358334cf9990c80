from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.policy.spec import Csv, ModelSpec
from ml_platform.sources import content
from ml_platform.sources.column_names import column_names
from ml_platform_tests.stages.test_monitor import SPEC

if TYPE_CHECKING:
    import pyarrow as pa
    import pytest


def spec_of(tables: dict[str, dict[str, object]]) -> ModelSpec:
    said = SPEC.model_dump(mode="json", exclude_none=True)
    said["source"]["tables"] = tables
    return ModelSpec.model_validate(said, strict=False)


def test_columns_are_those_stated_else_those_of_the_first_file_and_nothing_fails(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    found = column_names(
        spec_of(
            {
                "stated": {"kind": "url", "url": "s3://bucket/a.csv", "columns": ["x"]},
                "unstated": {"kind": "url", "url": "s3://bucket/a.csv"},
                "file": {"kind": "file", "path": str(tmp_path / "t.csv")},
                "gone": {"kind": "file", "path": str(tmp_path / "gone.csv")},
            }
        )
    )
    assert found == {"stated": ("x",), "unstated": (), "file": ("a", "b"), "gone": ()}


def test_of_a_long_file_the_beginning_is_enough_and_where_that_cant_be_read_all_of_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(content, "HEAD_BYTES", 64)
    read: list[int] = []
    whole = content.parse_table

    def counted(where: str, some: bytes, *, form: Csv | None = None) -> pa.Table:
        read.append(len(some))
        return whole(where, some, form=form)

    monkeypatch.setattr(content, "parse_table", counted)
    plain = b"a,b\n" + b"1,2\n" * 100
    assert content.names_in("t", plain) == content.names_in("t", _zip(plain)) == ("a", "b")
    assert read[0] == 64
    wide = plain.decode().encode("utf-16")
    assert content.names_in("t", wide) == ("a", "b")
    assert read[-1] == len(wide)


def _zip(text: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("t.csv", text)
    return held.getvalue()
