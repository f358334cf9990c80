"""The description of the service follows the contract of the live model."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.core.scoring import InputColumn, ScoringContract
from ml_platform.serving.contract_check import ContractCheck
from ml_platform.serving.docs_page import POLICY, docs_page
from ml_platform.serving.live import Live
from ml_platform.serving.openapi import document, example, row_schema
from ml_platform.serving.predictor import Predictor
from ml_platform_tests.serving.asking import Asker
from ml_platform_tests.serving.small_model import CONTRACT, LEVELS, make_live, put_model

if TYPE_CHECKING:
    from pathlib import Path

ODD = (
    InputColumn(name="a", type="number", low=5.0),
    InputColumn(name="b", type="number", high=-5.0),
    InputColumn(name="c", type="integer", low=2.0, high=3.0),
    InputColumn(name="d", type="integer", low=-1e9, high=-1e8),
    InputColumn(name="e", type="datetime"),
    InputColumn(name="f", type="category", levels=("x",), missing=0.5),
    InputColumn(name="g", type="boolean"),
)


@pytest.mark.parametrize("contract", [CONTRACT, dataclasses.replace(CONTRACT, inputs=ODD, time=None)])
def test_the_example_row_keeps_the_contract(contract: ScoringContract) -> None:
    ContractCheck(contract, LEVELS).check([example(contract, LEVELS)])


def test_the_row_schema_says_types_ranges_levels_and_nulls() -> None:
    schema = row_schema(CONTRACT, LEVELS)
    properties = schema["properties"]
    assert isinstance(properties, dict)
    assert properties["hour"] == {"type": "integer", "minimum": 0, "maximum": 23}
    assert properties["wind"] == {"type": ["number", "null"], "minimum": 0}
    assert properties["origin"]["enum"] == list(LEVELS["origin"])
    assert "departs" in properties
    assert "departs" not in schema["required"]  # type: ignore[operator]
    assert schema["additionalProperties"] is False


def test_the_document_names_every_path(shared: Asker) -> None:
    document = shared.ask("GET", "/openapi.json").json
    own = {"/invocations", "/explain", "/batch", "/feedback", "/health", "/ping", "/version", "/metrics"}
    v2 = {"", "/health/live", "/health/ready", "/models/toy", "/models/toy/ready", "/models/toy/infer"}
    assert set(document["paths"]) == own | {f"/v2{path}" for path in v2}
    assert document["openapi"] == "3.1.0"
    assert document["components"]["schemas"]["Row"]["example"]["origin"] == "EWR"


def test_learned_levels_of_a_personal_column_are_shown_nowhere(tmp_path: Path) -> None:
    digest = put_model(tmp_path, contract=dataclasses.replace(CONTRACT, shown=()))
    live = Live.of(make_live(tmp_path, digest), Predictor.load(FileArtefacts(tmp_path), digest))
    page, described = docs_page("toy", live, ""), json.dumps(document("toy", live))
    for told in (page, described):
        assert "B6" not in told
        assert "AA" not in told
    assert "<td>carrier<td>category<td>any text; one that training never saw is scored as missing<td>no" in page
    assert "EWR" in page
    assert "EWR" in described


def test_the_page_is_self_contained_and_shows_the_contract(shared: Asker) -> None:
    reply = shared.ask("GET", "/docs")
    page = reply.body.decode()
    assert reply.headers["content-security-policy"] == POLICY
    assert "http" not in page.replace("http-equiv", "")
    assert "<td>origin<td>category<td>EWR, JFK, LGA<td>no" in page
    assert "<td>carrier<td>category<td>AA, B6, UA; another one is scored as missing<td>no" in page
