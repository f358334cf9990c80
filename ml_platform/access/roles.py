"""Roles: what each may do. What isn't said here is denied."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from ml_platform.access.actions import Action

if TYPE_CHECKING:
    from collections.abc import Mapping


class Role(StrEnum):
    """The work that a person, or a service, has in the life of a model."""

    VIEWER = "viewer"
    DATA_ENGINEER = "data_engineer"
    TRAINER = "trainer"
    VALIDATOR = "validator"
    POLICY_OWNER = "policy_owner"
    RELEASE_MANAGER = "release_manager"
    DATA_PROTECTION_OFFICER = "data_protection_officer"
    AUDITOR = "auditor"
    ADMIN = "admin"
    RETRAINING = "retraining"
    CLIENT = "client"
    REPORTER = "reporter"


RIGHTS: Mapping[Role, frozenset[Action]] = MappingProxyType(
    {
        Role.VIEWER: frozenset({Action.VIEW}),
        Role.DATA_ENGINEER: frozenset(
            {Action.VIEW, Action.READ_LOGS, Action.PREPARE_DATA, Action.WATCH, Action.STOP_RUNS}
        ),
        Role.TRAINER: frozenset(
            {
                Action.VIEW, Action.READ_LOGS, Action.PREPARE_DATA, Action.TRAIN, Action.WATCH, Action.STOP_RUNS,
                Action.DEPLOY_STAGING,
            }
        ),
        Role.VALIDATOR: frozenset(
            {Action.VIEW, Action.READ_LOGS, Action.READ_AUDIT, Action.WATCH, Action.SCORE, Action.APPROVE}
        ),
        Role.POLICY_OWNER: frozenset({Action.VIEW, Action.READ_AUDIT, Action.RELOAD_CODE}),
        Role.RELEASE_MANAGER: frozenset(
            {
                Action.VIEW, Action.READ_LOGS, Action.READ_AUDIT, Action.WATCH, Action.SCORE, Action.STOP_RUNS,
                Action.OPERATE, Action.APPROVE, Action.DEPLOY_STAGING, Action.DEPLOY_PRODUCTION,
                Action.END_ROLLOUT, Action.ROLL_BACK,
            }
        ),
        Role.DATA_PROTECTION_OFFICER: frozenset({Action.VIEW, Action.READ_AUDIT, Action.ERASE_PERSON}),
        Role.AUDITOR: frozenset({Action.VIEW, Action.READ_LOGS, Action.READ_AUDIT}),
        Role.ADMIN: frozenset({Action.VIEW, Action.MANAGE_KEYS, Action.MANAGE_USERS, Action.ADMINISTER}),
        Role.RETRAINING: frozenset(
            {
                Action.VIEW, Action.PREPARE_DATA, Action.TRAIN, Action.WATCH, Action.DEPLOY_STAGING,
                Action.END_ROLLOUT, Action.ROLL_BACK_AUTOMATICALLY,
            }
        ),
        Role.CLIENT: frozenset({Action.SCORE}),
        Role.REPORTER: frozenset({Action.GIVE_FEEDBACK}),
    }
)  # fmt: skip
