"""Every role against every action: what is said in the table is allowed, everything else is denied."""

from __future__ import annotations

import pytest

from ml_platform.access.actions import ANYWHERE, MEANING, PLATFORM_WIDE, Action
from ml_platform.access.decide import allowed
from ml_platform.access.person import RETRAINING, Grant, Person, parse_grant, valid_name
from ml_platform.access.roles import RIGHTS, Role
from ml_platform.core.errors import DataInvalid

# Written down a second time on purpose: a right that slips in has to be meant twice.
MAY = {
    "viewer": "view",
    "data_engineer": "view read_logs prepare_data watch stop_runs",
    "trainer": "view read_logs prepare_data train watch stop_runs deploy_staging",
    "validator": "view read_logs read_audit watch score approve",
    "policy_owner": "view read_audit reload_code",
    "release_manager": "view read_logs read_audit watch score stop_runs operate approve deploy_staging "
    "deploy_production end_rollout roll_back",
    "data_protection_officer": "view read_audit erase_person",
    "auditor": "view read_logs read_audit",
    "admin": "view manage_keys manage_users administer",
    "retraining": "view prepare_data train watch deploy_staging end_rollout roll_back_automatically",
    "client": "score",
    "reporter": "give_feedback",
}
ABOUT_MODELS = set(Action) - PLATFORM_WIDE - ANYWHERE


def holder(role: Role, model: str = "*") -> Person:
    return Person(name="kim", grants=(Grant(role=role, model=model),))


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", Action)
def test_a_role_may_what_its_row_says_and_nothing_else(role: Role, action: Action) -> None:
    expected = action in MAY[role].split()
    assert allowed(holder(role), action, "flights").allowed is expected
    assert allowed(holder(role), action, None).allowed is expected


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", Action)
def test_a_role_on_one_model_is_none_on_another(role: Role, action: Action) -> None:
    one, has = holder(role, "flights"), action in RIGHTS[role]
    assert allowed(one, action, "flights").allowed is (has and action not in PLATFORM_WIDE)
    assert allowed(one, action, "health_cost").allowed is (has and action in ANYWHERE)
    assert allowed(one, action, None).allowed is (has and action in ANYWHERE)


@pytest.mark.parametrize("action", Action)
def test_who_has_no_role_may_do_nothing(action: Action) -> None:
    assert not allowed(Person(name="nobody", grants=()), action, "flights").allowed


def test_nobody_may_falsify() -> None:
    everything = Person(name="kim", grants=tuple(Grant(role=role) for role in Role))
    decision = allowed(everything, Action.FALSIFY, None)
    assert not decision.allowed
    assert decision.reason.endswith("no role does")


def test_an_admin_has_no_right_on_models() -> None:
    assert not any(allowed(holder(Role.ADMIN), action, "flights").allowed for action in ABOUT_MODELS)


def test_retraining_reaches_staging_and_never_production() -> None:
    assert allowed(RETRAINING, Action.DEPLOY_STAGING, "flights").allowed
    assert allowed(RETRAINING, Action.ROLL_BACK_AUTOMATICALLY, "flights").allowed
    for action in (Action.DEPLOY_PRODUCTION, Action.ROLL_BACK, Action.APPROVE):
        assert not allowed(RETRAINING, action, "flights").allowed


def test_who_trains_can_neither_approve_nor_go_to_production() -> None:
    trains = [role for role in Role if Action.TRAIN in RIGHTS[role]]
    assert not any({Action.APPROVE, Action.DEPLOY_PRODUCTION} & RIGHTS[role] for role in trains)


def test_a_denial_names_who_what_where_and_who_may() -> None:
    reason = allowed(holder(Role.TRAINER, "flights"), Action.DEPLOY_PRODUCTION, "flights").reason
    assert reason == (
        "kim may not bring a version to production, through the lock, on flights: none of kim's roles "
        "(trainer:flights) allows it; these do: release_manager"
    )


def test_every_action_is_explained() -> None:
    assert set(MEANING) == set(Action)


@pytest.mark.parametrize("text", ["", "boss", "trainer:", ":flights", "Trainer"])
def test_an_unknown_role_is_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(DataInvalid, match="known: viewer, data_engineer"):
        parse_grant(text)


@pytest.mark.parametrize("name", ["", " kim", "kim\nadmin", "-kim", "k" * 101, "service:retraining", "<b>"])
def test_a_name_that_could_mislead_in_a_log_is_refused(name: str) -> None:
    with pytest.raises(DataInvalid, match="letters, digits"):
        valid_name(name)
