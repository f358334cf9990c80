from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml_platform.core.errors import DataInvalid, PolicyInvalid
from ml_platform.stages.author_code import assembled, fitted, transformed
from ml_platform.stages.features_module import load_features
from ml_platform_tests.stages.code import features_of, module_of, written
from ml_platform_tests.stages.parcels import parcel_spec

if TYPE_CHECKING:
    from pathlib import Path

INPUTS = {"weight": np.array([1.0, 2.0])}
PASS = "def transform(columns, state):\n    return dict(columns)\n"
SECRET = "anna.secret@example.org"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return {'x': columns['wait']}", r":2: transform asks for 'wait', .* has: weight. Did you mean 'weight'\?"),
        ("return {'x': columns['weight'] + 'a'}", r":2: transform failed on its data \(.*Error\)"),
        (f"raise ValueError('{SECRET}')", r":2: transform failed on its data \(ValueError\)"),
        ("columns['weight'][0] = 5.0\n    return dict(columns)", r":2: transform changes one of its inputs"),
        ("return [columns['weight']]", "transform returned list; a dict of named float64 columns is needed"),
        ("return {}", "transform returns no columns"),
        ("return {'x': 1.0}", "'x' as float; float64"),
        ("return {'x': columns['weight'][:1]}", r"'x' as float64 \(1,\); float64 \(2,\)"),
        ("return {'x': columns['weight'].astype('float32')}", "'x' as float32"),
    ],
)
def test_a_fault_of_transform_names_its_line_and_holds_no_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, words: str
) -> None:
    module = features_of(f"def transform(columns, state):\n    {body}\n", tmp_path, monkeypatch)
    frozen = {"weight": np.array([1.0, 2.0])}
    frozen["weight"].flags.writeable = False
    with pytest.raises(DataInvalid, match=words) as caught:
        transformed(module, frozen, {})
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("result", ["None", "[1]", "{'x': float('nan')}", "{'x': object()}", "{1: {2}}"])
def test_fit_has_to_return_finite_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, result: str) -> None:
    module = features_of(f"{PASS}def fit(columns):\n    return {result}\n", tmp_path, monkeypatch)
    if result == "{1: {2}}":
        assert fitted(module, INPUTS) == {"1": [2]}
        return
    with pytest.raises(DataInvalid, match="fit returned something else than a dict of JSON values"):
        fitted(module, INPUTS)


def test_without_fit_nothing_is_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fitted(features_of(PASS, tmp_path, monkeypatch), INPUTS) == {}


def test_assemble_has_to_return_a_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = features_of(f"{PASS}def assemble(tables):\n    return tables\n", tmp_path, monkeypatch)
    with pytest.raises(DataInvalid, match="assemble returned dict; a DataFrame is needed"):
        assembled(module, {"rows": pd.DataFrame()})


def test_assemble_that_misses_a_column_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = features_of(f"{PASS}def assemble(tables):\n    return tables['rows'][['a']]\n", tmp_path, monkeypatch)
    with pytest.raises(DataInvalid, match=r":4: assemble failed on its data \(no .*'a'"):
        assembled(module, {"rows": pd.DataFrame({"b": [1]})})


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"raise KeyError('{SECRET}')", r"failed on its data \(KeyError\)"),
        ("{}[tables['rows']['mail'][0]]", r"failed on its data \(KeyError\)"),
        ("{}['Secret']", r"failed on its data \(KeyError\)"),
        ("raise KeyError", r"failed on its data \(KeyError\)"),
        ("tables['rows']['mial']", r"failed on its data \(no 'mial'\)"),
        ("tables['rows'][['mail', 'phone', 'fax']]", r"failed on its data \(no 'phone', 'fax'\)"),
        ("raise RuntimeError(tables['rows']['mail'][0])", r"failed on its data \(RuntimeError\)"),
        ("assert False, tables['rows']['mail'][0]", r"failed on its data \(AssertionError\)"),
    ],
)
def test_assemble_fails_without_telling_what_is_in_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, words: str
) -> None:
    module = features_of(f"{PASS}def assemble(tables):\n    {line}\n", tmp_path, monkeypatch)
    with pytest.raises(DataInvalid, match=words) as caught:
        assembled(module, {"rows": pd.DataFrame({"mail": [SECRET, None], "size": [1, 2]})})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import no_such_module_at_all", "can't be imported"),
        ("def transform(:", "can't be imported"),
        ("1 / 0", r"can't be imported \(ZeroDivisionError"),
        ("x = 1", r"it has no function transform\(columns, state\)"),
        ("transform = 3", "transform is no function"),
        (f"{PASS}fit = 3", "fit is no function"),
    ],
)
def test_a_features_module_that_can_not_be_used_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, words: str
) -> None:
    name = written(code, tmp_path, monkeypatch)
    with pytest.raises(PolicyInvalid, match=words):
        load_features(parcel_spec(tmp_path, features=name))


@pytest.mark.parametrize("name", ["no.such.module", ".", ".up", "a b"])
def test_a_features_module_that_is_not_there_is_explained(tmp_path: Path, name: str) -> None:
    with pytest.raises(PolicyInvalid, match="it can't be imported"):
        load_features(parcel_spec(tmp_path, features=name))


def test_the_digest_follows_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, same, other = (module_of(code, tmp_path, monkeypatch) for code in (PASS, PASS, f"{PASS}# more\n"))
    digests = [load_features(parcel_spec(tmp_path, features=module.__name__)).digest for module in (one, same, other)]
    assert digests[0] == digests[1] != digests[2]
