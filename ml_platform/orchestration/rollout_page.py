"""The page of what is tried: what was done and why, what to do now, and how much is proven of each monitor."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any, assert_never

import dagster as dg

from ml_platform.orchestration.gates import measurement_table
from ml_platform.orchestration.pictures import image, plot_style
from ml_platform.orchestration.rolling_out import trial_of
from ml_platform.orchestration.tables import when
from ml_platform.reports.markdown import table
from ml_platform.reports.proof_plot import Proof, proof_plot
from ml_platform.stages.rollout_look import (
    Continue,
    GiveUp,
    Promote,
    Stop,
    margin_of,
    promoting_evidence,
    stopping_evidence,
)
from ml_platform.stages.rollout_monitors import DUELS
from ml_platform.stages.rollout_story import rollout_stories
from ml_platform.stages.rollout_words import NAMES, difference, named, percent, sides

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_platform.core.measurement import Measurement
    from ml_platform.core.rollout import RolloutRecord
    from ml_platform.orchestration.desk import Desk
    from ml_platform.orchestration.rolling_out import Rolled
    from ml_platform.policy.strategy import Trial
    from ml_platform.stages.rollout_story import PastLook

SHOWN_LOOKS = 12


def rollout_page(desk: Desk, done: Rolled) -> dict[str, Any]:
    """Return what the rollout's page shows of a look, in the order in which a person asks."""
    rollout, decision, trial = done.rollout, done.look.decision, trial_of(desk, done.rollout)
    proofs = [_proof(trial, one) for one in done.look.measurements if one.metric in DUELS]
    return {
        "done": done.done,
        "decision": type(decision).__name__.lower(),
        "because": dg.MetadataValue.md("\n".join(f"- {each}" for each in decision.reasons)),
        "next step": next_step(desk, done, trial),
        "compared": dg.MetadataValue.md(_compared(trial, done.look.measurements, proofs)),
        "proven so far": dg.MetadataValue.md(image("proven so far", str(proof_plot(proofs)), plot_style())),
        "looks": dg.MetadataValue.md(_looks(desk, rollout)),
        "version": rollout.version,
        "champion": rollout.champion,
        "strategy": rollout.strategy,
        **({"weight": rollout.weight} if rollout.strategy == "canary" else {}),
        "since": when(rollout.since),
        "by": rollout.actor,
        "reason": rollout.reason,
        "measurements": dg.MetadataValue.md(measurement_table(done.look.measurements)),
        **{one.metric: one.value for one in done.look.measurements if one.value is not None},
        **{f"proven within the margin, {each.name}": each.within for each in proofs},
        **{f"proven worse, {each.name}": each.worse for each in proofs},
    }


def next_step(desk: Desk, done: Rolled, trial: Trial) -> str:
    """Say what a person is to do now."""
    rollout, model = done.rollout, desk.model
    match done.look.decision:
        case Continue():
            ends = rollout.since + dt.timedelta(days=trial.most_days)
            return f"Nothing: {model}_rollout_sensor looks on, until {ends:%Y-%m-%d %H:%M} UTC at the latest."
        case Promote() if done.refused is not None:
            return "Remove what the lock names; it is asked again after an hour."
        case Promote() if done.deployed is not None and done.deployed.after:
            return f"See why v{rollout.version} failed its check on the page of {model}/production."
        case Promote():
            automatic = desk.spec.monitoring is not None and desk.spec.monitoring.roll_back == "automatic"
            watched = f", and {model}_rollback_sensor watches it" if automatic else ""
            return f"Nothing: v{rollout.version} answers everybody{watched}."
        case Stop():
            return f"Repair what was worse and release again; v{rollout.version} never comes back."
        case GiveUp():
            return f"Remove the reason, then: ml-platform promote {model} --env {rollout.environment} --reason …"
        case _:
            assert_never(done.look.decision)


def _proof(trial: Trial, one: Measurement) -> Proof:
    within, worse = (
        _part(one, name, needed)
        for name, needed in (
            ("evidence_within", promoting_evidence(trial)),
            ("evidence_worse", stopping_evidence(trial)),
        )
    )
    return Proof(name=NAMES[one.metric], within=within, worse=worse)


def _part(one: Measurement, name: str, needed: float) -> float:
    """Return evidence as a part of what is needed, from 0 to 1."""
    found = one.facts.get(name)
    return min(1.0, max(0.0, found / needed)) if isinstance(found, float) and math.isfinite(found) else 0.0


def _compared(trial: Trial, measured: Sequence[Measurement], proofs: Sequence[Proof]) -> str:
    of = {each.name: each for each in proofs}
    rows = []
    for one in measured:
        proof = of.get(NAMES[one.metric])
        within = f"{proof.within:.0%} of {percent(margin_of(trial, one.metric))}" if proof else "-"
        worse = f"{proof.worse:.0%}" if proof else "-"
        rows.append((named(one), *(side or "-" for side in sides(one)), difference(one), within, worse, f"{one.n:,}"))
    head = ("", "challenger", "champion", "difference", "proven: within the margin", "proven: worse", "n")
    return table(head, rows)


def _looks(desk: Desk, rollout: RolloutRecord) -> str:
    """Return the newest looks, this one first: when, and what was decided or missing."""
    stories = rollout_stories(desk.platform.ledger, rollout.model, rollout.environment)
    looks = next((each.looks for each in stories if each.begun.rollout_id == rollout.rollout_id), ())
    rows = [_look_row(each) for each in reversed(looks[-SHOWN_LOOKS:])]
    more = len(looks) - len(rows)
    return table(("at (UTC)", "decision", "because"), rows) + (f"\n\n… and {more:,} earlier looks" if more > 0 else "")


def _look_row(look: PastLook) -> tuple[str, str, str]:
    first, *others = look.reasons or ("",)
    return f"{look.at:%Y-%m-%d %H:%M:%S}", look.decision, f"{first}; and {len(others)} more" if others else first
