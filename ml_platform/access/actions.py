"""Actions: everything that somebody may be allowed to do, and what each means."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """What a person wants to do; an action that no role has is denied to everybody."""

    VIEW = "view"
    READ_LOGS = "read_logs"
    READ_AUDIT = "read_audit"
    PREPARE_DATA = "prepare_data"
    TRAIN = "train"
    WATCH = "watch"
    SCORE = "score"
    GIVE_FEEDBACK = "give_feedback"
    STOP_RUNS = "stop_runs"
    OPERATE = "operate"
    APPROVE = "approve"
    DEPLOY_STAGING = "deploy_staging"
    DEPLOY_PRODUCTION = "deploy_production"
    END_ROLLOUT = "end_rollout"
    ROLL_BACK = "roll_back"
    ROLL_BACK_AUTOMATICALLY = "roll_back_automatically"
    ERASE_PERSON = "erase_person"
    RELOAD_CODE = "reload_code"
    MANAGE_KEYS = "manage_keys"
    MANAGE_USERS = "manage_users"
    ADMINISTER = "administer"
    FALSIFY = "falsify"


MEANING = {
    Action.VIEW: "see assets, checks, runs and their events",
    Action.READ_LOGS: "read what steps printed, download a run for debugging",
    Action.READ_AUDIT: "read the audit chain, take a version's model out with its evidence",
    Action.PREPARE_DATA: "read the source, take snapshots, split, make features",
    Action.TRAIN: "train, tune, evaluate, release; try faults",
    Action.WATCH: "collect traffic and outcomes, judge them",
    Action.SCORE: "ask the scoring service for scores",
    Action.GIVE_FEEDBACK: "say what came of a prediction, and what one thinks of it",
    Action.STOP_RUNS: "end a run",
    Action.OPERATE: "switch sensors on and off, set their cursors",
    Action.APPROVE: "approve or reject a version for an environment",
    Action.DEPLOY_STAGING: "bring a version to staging, through the lock",
    Action.DEPLOY_PRODUCTION: "bring a version to production, through the lock",
    Action.END_ROLLOUT: "let a rollout end as its rules say: what is proven goes live, what is worse is barred",
    Action.ROLL_BACK: "go back to the last good version by hand",
    Action.ROLL_BACK_AUTOMATICALLY: "go back to the last good version because a check failed or harm is proven",
    Action.ERASE_PERSON: "erase a person's data",
    Action.RELOAD_CODE: "let changed model files take effect in the web server",
    Action.MANAGE_KEYS: "rotate, retire and seal keys",
    Action.MANAGE_USERS: "add and remove persons, make tokens",
    Action.ADMINISTER: "change limits of the queue, reload the workspace",
    Action.FALSIFY: "report checks and assets from outside, wipe assets, delete runs, change partitions",
}

# They concern the platform or every model at once: a right on some models isn't enough.
PLATFORM_WIDE = frozenset({Action.RELOAD_CODE, Action.MANAGE_KEYS, Action.MANAGE_USERS, Action.ADMINISTER})
# The web server shows all models or none: a right on any model is enough.
ANYWHERE = frozenset({Action.VIEW})
