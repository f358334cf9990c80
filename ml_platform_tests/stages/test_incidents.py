"""A wrong answer that was kept as an incident refuses every later candidate that gives it, until it is closed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import shutil

import pytest

from ml_platform.core.errors import DataInvalid
from ml_platform.core.incident import Incident
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import ReleaseRecord
from ml_platform.core.traffic import Prediction
from ml_platform.policy.judge import outcome_of
from ml_platform.stages.incidents import Expected, Said, close_incident, incidents, open_incident, read_case
from ml_platform.stages.measure_incidents import measure_incidents
from ml_platform.stages.objection import Refused
from ml_platform_tests.stages.test_release import SPEC, World, limited, train_in
from ml_platform_tests.stages.toy import NOW, toy_spec

REVIEW = dt.date(2024, 11, 1)
WHY = Said(actor="vera", reason="the parcel was on time", now=NOW, review=REVIEW)
ANSWERED = Prediction(
    id="p1", at=NOW, event_time=NOW, model="toy", environment="production", version=1, model_digest="d", status=200,
    score=0.9, latency_seconds=0.1, inputs={"load": -2.0, "wind": None, "site": "north", "person": 7},
)  # fmt: skip
GATE = limited("incident_missed", 0.0, "incidents")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("incidents")
    return World(train_in(folder / "trained"), folder / "home")


def opened(world: World, expected: Expected, said: Said = WHY) -> Incident:
    return open_incident(SPEC, ANSWERED, expected, said, store=world.store, ledger=world.ledger)


def asked(world: World) -> dict[str, Measurement]:
    cases = [one for one in incidents(world.ledger, SPEC.model) if one.is_open]
    return {one.subject: one for one in measure_incidents(SPEC, world.store, world.ingredients, cases)}


def test_a_candidate_is_asked_every_open_case_and_named_by_it(world: World) -> None:
    right, wrong = opened(world, Expected(decision="negative", at_most=0.4)), opened(world, Expected(at_least=0.99))
    found = asked(world)
    assert (found[right.name].value, found[wrong.name].value) == (0.0, 1.0)
    facts = found[right.name].facts
    assert (facts["expected"], facts["decision"]) == ("score at most 0.4, decision negative", "negative")
    assert facts["slice"] == "site = north"
    assert facts["reason_of_the_incident"] == "the parcel was on time"
    assert [outcome_of(GATE, found[one.name]) for one in (right, wrong)] == ["passed", "failed"]
    made = world.release()
    assert isinstance(made.outcome, Refused)
    assert any(wrong.name in reason for reason in made.outcome.reasons)
    assert world.ledger.last("release_refused", subject=SPEC.model) is not None

    closed = close_incident(
        world.ledger, SPEC.model, wrong.name, actor="vera", reason="the parcel was late after all", now=NOW
    )
    assert (closed.closed_by, closed.closed_reason, closed.is_open) == ("vera", "the parcel was late after all", False)
    assert [one.name for one in incidents(world.ledger, SPEC.model)] == [right.name, wrong.name]
    assert isinstance(world.release().outcome, ReleaseRecord)


def test_a_case_that_is_gone_leaves_the_candidate_undecided(world: World) -> None:
    lost = opened(world, Expected(at_most=0.5))
    shutil.rmtree(world.store.folder("incidents", lost.case_digest))
    found = asked(world)[lost.name]
    assert found.value is None
    assert "can't be asked" in found.reason
    assert outcome_of(GATE, found) == "undecided"
    close_incident(world.ledger, SPEC.model, lost.name, actor="vera", reason="it was for a test", now=NOW)


def test_the_same_case_opened_twice_is_one_and_is_kept_as_it_was(world: World) -> None:
    first = opened(world, Expected(at_most=0.3))
    assert opened(world, Expected(at_most=0.3), dataclasses.replace(WHY, reason="another reason")) == first
    case = read_case(world.store, first)
    assert (case.prediction_id, case.version, case.answered, case.at_most) == ("p1", 1, 0.9, 0.3)
    assert (first.review, first.opened_by) == (REVIEW, "vera")
    close_incident(world.ledger, SPEC.model, first.name, actor="vera", reason="it was for a test", now=NOW)
    again = opened(world, Expected(at_most=0.3))
    assert again.name != first.name
    close_incident(world.ledger, SPEC.model, again.name, actor="vera", reason="it was for a test", now=NOW)


def test_columns_that_name_a_person_are_in_no_case(world: World) -> None:
    contract = SPEC.model_dump(mode="json", exclude_none=True)["contract"]
    person = {"type": "integer", "role": "entity", "personal_data": "direct", "reason": "Repeats."}
    spec = toy_spec(contract=contract | {"person": person})
    found = open_incident(spec, ANSWERED, Expected(at_most=0.2), WHY, store=world.store, ledger=world.ledger)
    assert "person" not in read_case(world.store, found).inputs
    close_incident(world.ledger, SPEC.model, found.name, actor="vera", reason="it was for a test", now=NOW)


@pytest.mark.parametrize(
    ("expected", "says"),
    [
        (Expected(), "nothing is expected"),
        (Expected(decision="maybe"), "decides no 'maybe'; known: negative, positive"),
        (Expected(at_most=0.1, of="true"), "leave it out here"),
    ],
)
def test_what_cant_be_expected_is_refused(world: World, expected: Expected, says: str) -> None:
    with pytest.raises(DataInvalid, match=says):
        opened(world, expected)


def test_of_several_classes_it_is_said_whose_score_is_meant(world: World) -> None:
    contract = SPEC.model_dump(mode="json", exclude_none=True)["contract"]
    contract |= {"late": {"type": "category", "levels": ["none", "late", "lost"], "role": "target"}}
    learner = {"kind": "lightgbm", "objective": "multiclass", "seed": 1, "threads": 1, "rounds": 1}
    several = toy_spec(contract=contract, learner=learner, deployment={})
    with pytest.raises(DataInvalid, match="of which class"):
        open_incident(several, ANSWERED, Expected(at_most=0.1), WHY, store=world.store, ledger=world.ledger)
    with pytest.raises(DataInvalid, match="leave it out"):
        open_incident(
            several, ANSWERED, Expected(decision="late", of="late"), WHY, store=world.store, ledger=world.ledger
        )


def test_opening_and_closing_need_a_reason_and_an_answer(world: World) -> None:
    with pytest.raises(DataInvalid, match="the reason has 2 characters"):
        opened(world, Expected(at_most=0.1), dataclasses.replace(WHY, reason="no "))
    with pytest.raises(DataInvalid, match="the reason has 0 characters"):
        close_incident(world.ledger, SPEC.model, "x", actor="vera", reason=" ", now=NOW)
    with pytest.raises(DataInvalid, match="is no open incident"):
        close_incident(world.ledger, SPEC.model, "x", actor="vera", reason="it was for a test", now=NOW)
    for status, why in ((422, "the request was refused"), (200, "the model abstained")):
        without = dataclasses.replace(ANSWERED, status=status, score=None)
        with pytest.raises(DataInvalid, match=why):
            open_incident(SPEC, without, Expected(at_most=0.1), WHY, store=world.store, ledger=world.ledger)


@pytest.mark.parametrize(("value", "outcome"), [(0.0, "passed"), (1.0, "failed"), (None, "undecided")])
def test_the_gate_opens_for_an_answer_as_expected_only(value: float | None, outcome: str) -> None:
    assert outcome_of(GATE, Measurement(metric="incident_missed", value=value, n=1)) == outcome
