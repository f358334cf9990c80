"""Code that features modules of one team share: found, named by the digest, taken along, and run from the artefact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import ml_platform.defs
from ml_platform.core.errors import DataInvalid, PolicyInvalid
from ml_platform.core.scoring import FEATURES_SOURCE, shared_source
from ml_platform.orchestration.code_digest import features_source
from ml_platform.policy.load import load_model
from ml_platform.stages.features_module import load_features
from ml_platform.stages.shared_code import shared_code
from ml_platform.stages.verified_code import transform_of
from ml_platform_tests.stages.toy import NOW

DEFS = Path(ml_platform.defs.__file__).parent
FEATURES = "from {team}.shared import doubled\ndef transform(columns, state):\n    return doubled(columns)\n"
SHARED = "from {team}.deep.factor import FACTOR\ndef doubled(columns):\n    return {{'x': columns['x'] * FACTOR}}\n"


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """Write a team's package: a model's features, what they share, and what that shares; return its name."""
    name = f"team_{abs(hash(request.node.name)) % 10**8}"
    files = {
        "__init__.py": "", "model/__init__.py": "", "deep/__init__.py": "", "deep/factor.py": "FACTOR = 2.0\n",
        "shared.py": SHARED.format(team=name), "model/features.py": FEATURES.format(team=name),
    }  # fmt: skip
    for path, text in files.items():
        (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name / path).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def found_in(team: str, tmp_path: Path) -> dict[str, Path]:
    return dict(shared_code(f"{team}.model.features", tmp_path / team / "model" / "features.py"))


def test_what_features_share_is_found_and_what_that_shares_too(team: str, tmp_path: Path) -> None:
    root = tmp_path / team
    assert found_in(team, tmp_path) == {
        f"{team}.deep.factor": root / "deep/factor.py",
        f"{team}.shared": root / "shared.py",
    }


def test_a_module_named_by_its_package_is_found(team: str, tmp_path: Path) -> None:
    path = tmp_path / team / "model" / "features.py"
    path.write_text(f"from {team}.deep import factor\nimport numpy\nfrom ml_platform.core.errors import DataInvalid\n")
    assert list(found_in(team, tmp_path)) == [f"{team}.deep.factor"]


@pytest.mark.parametrize(
    ("line", "said"),
    [("import {team}.shared", "import {team}.shared"), ("from ..shared import doubled", "from ..shared import")],
)
def test_an_import_that_cant_be_followed_is_refused(team: str, tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / team / "model" / "features.py"
    path.write_text(line.format(team=team) + "\n")
    with pytest.raises(
        PolicyInvalid, match=f"features.py:1: '{said.format(team=team)}'.*`from {team}.shared import name`"
    ):
        found_in(team, tmp_path)


@pytest.mark.parametrize("name", ["RATE", "*"])
def test_what_a_package_itself_holds_cant_be_taken_along_and_is_refused(team: str, tmp_path: Path, name: str) -> None:
    (tmp_path / team / "deep" / "__init__.py").write_text("RATE = 3.0\n")
    (tmp_path / team / "model" / "features.py").write_text(f"import math\nfrom {team}.deep import {name}\n")
    with pytest.raises(PolicyInvalid) as caught:
        found_in(team, tmp_path)
    assert f"features.py:2: 'from {team}.deep import {name}' takes a name of the package itself" in str(caught.value)


def test_a_shared_module_without_a_file_is_refused(team: str, tmp_path: Path) -> None:
    (tmp_path / team / "model" / "features.py").write_text(f"from {team}.gone import x\n")
    with pytest.raises(PolicyInvalid, match=f"{team}.gone: features import it and it has no source file"):
        found_in(team, tmp_path)


def test_code_that_cant_be_read_is_left_to_whoever_runs_it(team: str, tmp_path: Path) -> None:
    (tmp_path / team / "model" / "features.py").write_text("def transform(\n")
    assert found_in(team, tmp_path) == {}


def artefact(team: str, tmp_path: Path) -> dict[str, bytes]:
    files = {FEATURES_SOURCE: (tmp_path / team / "model" / "features.py").read_bytes()}
    return files | {shared_source(name): path.read_bytes() for name, path in found_in(team, tmp_path).items()}


def test_an_artefact_runs_the_shared_code_that_it_holds_whatever_is_installed_by_now(team: str, tmp_path: Path) -> None:
    files = artefact(team, tmp_path)
    (tmp_path / team / "deep" / "factor.py").write_text("FACTOR = 1000.0\n")
    transform = transform_of(files, tmp_path, "a" * 64)
    assert transform({"x": np.array([1.0, 3.0])}, {})["x"].tolist() == [2.0, 6.0]


def test_a_module_named_by_its_package_comes_from_the_artefact_too(team: str, tmp_path: Path) -> None:
    body = "def transform(columns, state):\n    return {'x': columns['x'] * factor.FACTOR}\n"
    text = f"from {team}.deep import factor\n{body}"
    (tmp_path / team / "model" / "features.py").write_text(text)
    files = artefact(team, tmp_path)
    (tmp_path / team / "deep" / "factor.py").unlink()
    assert transform_of(files, tmp_path, "a" * 64)({"x": np.array([2.0])}, {})["x"].tolist() == [4.0]


def test_shared_code_that_cant_be_run_is_refused(team: str, tmp_path: Path) -> None:
    files = artefact(team, tmp_path) | {shared_source(f"{team}.deep.factor"): b"def (\n"}
    with pytest.raises(DataInvalid, match=f"shared.{team}.deep.factor.py: it can't be run"):
        transform_of(files, tmp_path, "a" * 64)


def test_a_changed_line_of_shared_code_is_another_digest(team: str, tmp_path: Path) -> None:
    spec = load_model(DEFS / "flights_air_time" / "defs.yaml", now=NOW).spec
    own = spec.model_copy(update={"features": f"{team}.model.features"})
    before, asset = load_features(own).digest, features_source(own.features)
    (tmp_path / team / "deep" / "factor.py").write_text("FACTOR = 3.0\n")
    assert load_features(own).digest != before
    assert features_source(own.features) != asset


@pytest.mark.parametrize("model", ["flights_air_time", "flights_outcome"])
def test_the_siblings_of_flights_share_its_code_and_say_so(model: str) -> None:
    module = load_features(load_model(DEFS / model / "defs.yaml", now=NOW).spec)
    assert list(module.shared) == ["ml_platform.defs.flights.features"]


def test_a_model_that_shares_nothing_keeps_its_digest() -> None:
    module = load_features(load_model(DEFS / "flights" / "defs.yaml", now=NOW).spec)
    assert module.shared == {}
