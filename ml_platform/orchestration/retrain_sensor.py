"""The retraining sensor: asks the decision, and says in its tick why a run is requested or why not.

Without `from __future__ import annotations`: Dagster reads the annotations of a sensor as they stand.
"""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.core.records import MonitoringRecord
from ml_platform.orchestration.asking_again import CAUSE_TAG, Again, Ended, next_try
from ml_platform.orchestration.records import read_partitions
from ml_platform.orchestration.what_came import made_of, what_came
from ml_platform.orchestration.wiring import tags_of
from ml_platform.settings import load_settings
from ml_platform.stages.alarm_words import behind
from ml_platform.stages.retraining import DECLINED, REQUESTED, Retrain, Stay, Watched, decide_retraining
from ml_platform.stages.retraining_reasons import Made

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ml_platform.adapters.platform import Platform
    from ml_platform.core.ports import Ledger
    from ml_platform.policy.load import GovernedModelFile
    from ml_platform.policy.spec import Monitoring
    from ml_platform.stages.retraining_reasons import Declined

TRIGGER_TAG = "ml_platform/trigger"
SECONDS_BETWEEN_TICKS = 30
WATCHING = "ml_platform"  # nobody decided


def retrain_sensor(file: "GovernedModelFile", monitoring: "Monitoring") -> dg.SensorDefinition:
    """Return the sensor that requests `<model>_retrain` once per cause."""
    model = file.spec.model

    def tick(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        decided, why = _decide(file, monitoring)
        if isinstance(decided, Stay):
            held = any(one.limit for one in decided.declined)
            return dg.SkipReason("; behind it: ".join([decided.reason, *why[:1]] if held else [decided.reason]))
        tried = next_try(context.instance, f"{model}_retrain", decided.cause)
        if isinstance(tried, Ended):
            return dg.SkipReason(f"retraining was asked for, because {decided.reason}; {tried.text}")
        context.log.info("%s_retrain is requested: %s", model, decided.reason)
        for one in why:
            context.log.info("behind it: %s", one)
        return request(model, decided, again=tried)

    return dg.SensorDefinition(
        name=f"{model}_retrain_sensor",
        evaluation_fn=tick,
        job_name=f"{model}_retrain",
        minimum_interval_seconds=SECONDS_BETWEEN_TICKS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            f"Looks at the newest window that was monitored and asks for {model}_retrain when {_reasons(monitoring)}. "
            f"Once per cause, then it waits {monitoring.cooldown_days} days. Each tick says why a run was requested "
            "or why not."
        ),
        tags=tags_of(file.spec),
    )


def _reasons(monitoring: "Monitoring") -> str:
    said = [f"one of these gates failed on it: {', '.join(monitoring.retrain_when)}"]
    if monitoring.retrain_on_change_of:
        said.append(f"one of these changed: {', '.join(monitoring.retrain_on_change_of)}")
    if monitoring.retrain_after_days is not None:
        said.append(f"the live version's rows end {monitoring.retrain_after_days} days before it does")
    if monitoring.retrain_on_expected_gain is not None:
        said.append(
            f"what came since is expected to save more than {monitoring.retrain_on_expected_gain:.2%} of the loss"
        )
    if monitoring.retrain_on_expected_harm:
        said.append("performance is expected to fall, by estimates that came true")
    if monitoring.retrain_again_after_change:
        said.append("there is twice as much to learn from since a proven change")
    return ", or ".join(said)


def request(model: str, decided: Retrain, *, again: Again | None = None) -> dg.RunRequest:
    """Return the request for a retraining run on everything before the end of the window that caused it."""
    config = {"as_of": decided.as_of.isoformat(), "cause": decided.cause}
    if decided.changed_since is not None:
        config["changed_since"] = decided.changed_since.isoformat()
    return dg.RunRequest(
        run_key=again.key if again else decided.cause,
        run_config={"ops": {f"{model}__snapshot": {"config": config}}},
        tags={TRIGGER_TAG: f"{decided.reason} ({again.text})" if again else decided.reason, CAUSE_TAG: decided.cause},
    )


def _decide(file: "GovernedModelFile", monitoring: "Monitoring") -> tuple[Retrain | Stay, list[str]]:
    """Return the decision, and what lies behind the alarms of the window that it looked at."""
    from ml_platform.adapters.platform import open_platform

    settings = load_settings()
    if not (settings.home / "ledger.sqlite").is_file():
        return Stay(reason="nothing was ever released, so there is nothing to watch"), []
    with open_platform(settings) as platform:
        seen = watched(file, monitoring, platform)
        decided = decide_retraining(monitoring, seen)
        if isinstance(decided, Stay):
            note_declined(platform.ledger, file.spec.model, decided.declined, now=dt.datetime.now(tz=dt.UTC))
        return decided, behind(seen.part.verdicts) if seen.part else []


def note_declined(ledger: "Ledger", model: str, declined: "Sequence[Declined]", *, now: dt.datetime) -> None:
    """Write down, once per cause and limit, that there was a reason to retrain that wasn't followed, and why not."""
    if not declined:
        return  # as in most ticks: what was declined before is of no interest
    known = {(one.payload.get("cause"), one.payload.get("limit", "")) for one in ledger.all_of(DECLINED, subject=model)}
    for one in declined:
        if (one.cause, one.limit) not in known:
            payload = {"cause": one.cause, "limit": one.limit, "reason": one.text}
            ledger.append(DECLINED, actor=WATCHING, subject=model, payload=payload, at=now)


def watched(file: "GovernedModelFile", monitoring: "Monitoring", platform: "Platform") -> Watched:
    """Return what the decision looks at: the latest window that was monitored, with its verdicts under this policy."""
    model, ledger = file.spec.model, platform.ledger
    window, live = latest_window(platform.home, model), ledger.live(model, "production")
    requests = ledger.all_of(REQUESTED, subject=model)
    runs = {str(entry.payload.get("run_id", "")) for entry in requests}
    asks_gain = monitoring.retrain_on_expected_gain is not None
    return Watched(
        window=window,
        part=ledger.part(model, "monitoring", window.digest, file.policy.digest) if window else None,
        live=live,
        requests=requests,
        made=made_of(file.spec, platform, live) if live is not None and _compares(monitoring) else None,
        now=_would_be_made(file, window) if window and _compares(monitoring) else None,
        came=what_came(file.spec, platform, live) if live is not None and asks_gain else None,
        cpu_hours=_cpu_hours(platform, model, runs) if monitoring.most_cpu_hours_in_30_days is not None else 0.0,
    )


def _compares(monitoring: "Monitoring") -> bool:
    """Say whether it matters what the live version was made from."""
    by_age = monitoring.retrain_after_days is not None
    return bool(monitoring.retrain_on_change_of) or by_age or monitoring.retrain_again_after_change


def _would_be_made(file: "GovernedModelFile", window: MonitoringRecord) -> Made:
    from ml_platform.stages.features_module import source_digest
    from ml_platform.stages.split import training_span
    from ml_platform.stages.train import parameters_digest

    start, until = training_span(file.spec.split, window.window_end)
    return Made(
        digests={
            "features": source_digest(file.spec.features),
            "parameters": parameters_digest(file.spec),
            "policy": file.policy.digest,
        },
        as_of=window.window_end,
        learned_from=start,
        learned_until=until,
    )


def _cpu_hours(platform: "Platform", model: str, runs: "Collection[str]") -> float:
    """Return the CPU hours that these runs took in the last 30 days."""
    since = dt.datetime.now(tz=dt.UTC) - dt.timedelta(days=30)
    spent = (one for one in platform.spent.read(model) if one.run_id in runs and one.at >= since)
    return sum(one.usage.cpu_seconds for one in spent) / 3600


def latest_window(home: Path, model: str) -> MonitoringRecord | None:
    """Return the record of the latest window that was monitored."""
    found = read_partitions(home, (model, "monitoring"), MonitoringRecord)
    return max(found, key=lambda one: one.window_end, default=None)
