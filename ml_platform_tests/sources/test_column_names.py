from __future__ import annotations

from pathlib import Path

from ml_platform.policy.spec import ModelSpec
from ml_platform.sources.column_names import column_names
from ml_platform_tests.stages.test_monitor import SPEC


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
