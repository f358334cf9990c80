from __future__ import annotations

import datetime as dt
import importlib.util
from pathlib import Path
from typing import Literal

import click
import dagster as dg
import numpy as np
import pytest
from dagster.components.scaffold.scaffold import NoParams

from ml_platform.core.errors import DataInvalid
from ml_platform.orchestration.scaffold import ModelScaffolder, write_template
from ml_platform.policy.load import load_model
from ml_platform.stages.code_tests.own import run_own
from ml_platform.stages.features_module import load_features

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A new model's folder inside a package `shop.defs`."""
    found = tmp_path / "src" / "shop" / "defs" / "returns"
    found.mkdir(parents=True)
    for package in (found.parent, found.parent.parent):
        (package / "__init__.py").touch()
    return found


def test_a_scaffolded_model_loads_as_it_is(folder: Path) -> None:
    write_template(folder)
    file = load_model(folder / "defs.yaml", now=NOW)
    assert file.spec.model == "returns"
    assert file.spec.features == "shop.defs.returns.features"
    assert file.notices == ()


def test_nothing_of_the_template_is_left_unfilled(folder: Path) -> None:
    write_template(folder)
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert len(written) == 4
    for path in written:
        assert "MODEL_NAME" not in path.read_text()
        assert "FEATURES_MODULE" not in path.read_text()


def test_the_scaffolded_features_run_on_what_the_contract_declares(folder: Path) -> None:
    write_template(folder)
    found = importlib.util.spec_from_file_location("scaffolded", folder / "features.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    columns = {"at": np.zeros(3), "amount": np.array([1.0, np.nan, 3.0]), "channel": np.array([0.0, 1.0, 2.0])}
    state = module.fit(columns)
    batch = module.transform(columns, state)
    assert {values.shape for values in batch.values()} == {(3,)}
    one = module.transform({name: values[:1] for name, values in columns.items()}, state)
    assert all(one[name][0] == batch[name][0] for name in batch)


def test_the_scaffolded_test_passes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_template(folder)
    monkeypatch.syspath_prepend(str(folder.parents[2]))
    module = load_features(load_model(folder / "defs.yaml", now=NOW).spec)
    assert [(test.outcome, test.reason) for test in run_own(module)] == [("passed", "")]


def test_what_is_there_is_not_overwritten(folder: Path) -> None:
    (folder / "features.py").write_text("mine")
    with pytest.raises(DataInvalid, match=r"features.py is there already; nothing was written"):
        write_template(folder)
    assert [path.name for path in folder.iterdir()] == ["features.py"]


def _request(
    folder: Path, scaffold_format: Literal["yaml", "python"] = "yaml", *, append: bool = False
) -> dg.ScaffoldRequest:
    return dg.ScaffoldRequest(
        type_name="ml_platform.GovernedModel",
        target_path=folder,
        scaffold_format=scaffold_format,
        project_root=None,
        params=NoParams(),
        append=append,
    )


def test_a_name_that_cannot_be_a_model_is_refused_and_leaves_no_folder(folder: Path) -> None:
    bad = folder.parent / "My-Model"
    bad.mkdir()
    with pytest.raises(click.UsageError, match="can't name a model"):
        ModelScaffolder().scaffold(_request(bad))
    assert not bad.exists()


def test_a_model_is_a_folder_with_a_file_of_its_own(folder: Path) -> None:
    for request in (_request(folder, "python"), _request(folder, append=True)):
        with pytest.raises(click.UsageError, match=r"its own defs.yaml"):
            ModelScaffolder().scaffold(request)
