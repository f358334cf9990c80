"""Release: the last measurements of a candidate, its evidence put together, and its registration - or the refusal."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml_platform.core.digest import short
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.measurement import Measurement
from ml_platform.core.ports import ArtefactStore
from ml_platform.core.records import Candidate, DeploymentRecord, Evidence, ReleaseRecord
from ml_platform.core.signing import Verifier
from ml_platform.core.verdict import Verdict
from ml_platform.policy.conditions import conditions_of
from ml_platform.policy.judge import judge
from ml_platform.stages.attest import making_of, write_bundle
from ml_platform.stages.attested import is_attested
from ml_platform.stages.clean_process import measure_in_clean_process
from ml_platform.stages.evidence import Missing, assemble_evidence, part_of, read_evidence, record_once, write_evidence
from ml_platform.stages.incidents import incidents
from ml_platform.stages.ingredients import Ingredients, measure_completeness, measure_size
from ml_platform.stages.interface_breaks import measure_interface_breaks
from ml_platform.stages.known_scores import known_scores
from ml_platform.stages.measure_incidents import measure_incidents
from ml_platform.stages.objection import Refused, refused
from ml_platform.stages.rebuildable import measure_rebuildable

if TYPE_CHECKING:
    from ml_platform.core.ports import Ledger, Tracker
    from ml_platform.core.signing import Signing
    from ml_platform.policy.resolve import Policy
    from ml_platform.policy.spec import ModelSpec

STAGE = "release"
CLEAN = frozenset(
    {
        "loads_in_clean_process",
        "clean_scores_equal",
        "scoring_latency_p99_seconds",
        "peak_memory_bytes",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseMade:
    """The verdicts on a candidate, and its registration or why it was refused.

    `unchanged` when the same candidate was registered before with the same outcomes. `problems` says what could not
    be shown to the tracker yet; the next call tries again.
    """

    outcome: ReleaseRecord | Refused
    candidate: Candidate
    measurements: tuple[Measurement, ...]
    verdicts: tuple[Verdict, ...]
    unchanged: bool = False
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Archive:
    """Where signed evidence is kept."""

    store: ArtefactStore
    verifier: Verifier

    def evidence_of(self, release: ReleaseRecord) -> Evidence | None:
        """Return a version's evidence; None when it is spoiled or not signed: the candidate needs a new version."""
        try:
            evidence = read_evidence(self.store, release.evidence_digest)
        except (DataInvalid, Unavailable):
            return None
        return evidence if is_attested(self.store, self.verifier, release, evidence) else None


def make_release(
    spec: ModelSpec,
    policy: Policy,
    *,
    store: ArtefactStore,
    ledger: Ledger,
    tracker: Tracker,
    signing: Signing,
    ingredients: Ingredients,
    actor: str,
    now: dt.datetime,
    run_id: str = "",
) -> ReleaseMade:
    """Measure a candidate in a clean process, judge it, and register it with signed evidence when no gate is closed.

    Nothing is registered otherwise. What a clean process showed before of the same candidate isn't measured again, and
    what is live in production already stays as it is.
    """
    candidate = ingredients.candidate
    live = _live_already(policy, _Archive(store, signing), ledger, candidate)
    if live is not None:
        return _as_it_is(ledger, tracker, live, ingredients, now=now)
    champion = _another_live(ledger, candidate)
    rebuildable = measure_rebuildable(spec, store, ledger, ingredients, actor=actor, now=now)
    measurements = (*_measure(spec, policy, store, ledger, ingredients), rebuildable)
    if champion is not None:
        breaks = measure_interface_breaks(store, candidate.model_digest, champion.model_digest, policy.breaking)
        measurements = (*measurements, breaks)
    cases = [one for one in incidents(ledger, spec.model) if one.is_open]
    measurements = (*measurements, *measure_incidents(spec, store, ingredients, cases))
    conditions = conditions_of(spec, champion=champion is not None, incidents=bool(cases))
    verdicts = judge(policy, STAGE, measurements, conditions=conditions, now=now)
    part = part_of(STAGE, candidate.digest, policy, verdicts, conditions=conditions, now=now, run_id=run_id)
    record_once(ledger, spec.model, part)
    evidence = assemble_evidence(
        policy,
        ledger=ledger,
        candidate=candidate,
        trained_by=ingredients.model.trained_by,
        now=now,
    )
    if isinstance(evidence, Missing):
        outcome = refused(evidence.objections)
        ledger.append(
            "release_refused",
            actor=actor,
            subject=spec.model,
            at=now,
            payload={"candidate": candidate.digest, "outcome": outcome.outcome, "reasons": list(outcome.reasons)},
        )
        return ReleaseMade(outcome=outcome, candidate=candidate, measurements=measurements, verdicts=verdicts)
    known = _registered_before(_Archive(store, signing), ledger, evidence)
    release = known or ledger.record_release(
        evidence,
        write_evidence(store, evidence),
        actor=actor,
        at=now,
        bundle_digest=write_bundle(
            store,
            signing,
            evidence=evidence,
            policy=policy,
            making=making_of(ingredients.model, released_by=actor, run_id=run_id),
        ),
    )
    return ReleaseMade(
        outcome=release,
        candidate=candidate,
        measurements=measurements,
        verdicts=verdicts,
        unchanged=known is not None,
        problems=_show(ledger, tracker, release, ingredients.model.run_id, now=now),
    )


def _measure(
    spec: ModelSpec, policy: Policy, store: ArtefactStore, ledger: Ledger, ingredients: Ingredients
) -> tuple[Measurement, ...]:
    clean = _measured_before(policy, ledger, ingredients.candidate)
    if not clean:
        known = known_scores(spec, store, ingredients)
        digest = ingredients.model.digest
        clean = measure_in_clean_process(store.folder("models", digest), digest, known.rows, known.scores)
    return (*clean, measure_size(store, ingredients.model), measure_completeness(store, ingredients))


def _measured_before(policy: Policy, ledger: Ledger, candidate: Candidate) -> tuple[Measurement, ...]:
    """Return what a clean process showed of exactly this candidate, unless a gate was closed then."""
    part = ledger.part(candidate.model, STAGE, candidate.digest, policy.digest)
    if part is None or any(verdict.closes for verdict in part.verdicts):
        return ()
    found: dict[str, Measurement] = {}
    for verdict in part.verdicts:
        found.update({each.metric: each for each in verdict.measurements if each.metric in CLEAN})
    return tuple(found.values()) if found.keys() == CLEAN else ()


def _live_already(policy: Policy, archive: _Archive, ledger: Ledger, candidate: Candidate) -> ReleaseRecord | None:
    """Return production's version if the candidate is it; it may differ in what it was compared with."""
    live = ledger.live(candidate.model, "production")
    release = ledger.release(candidate.model, live.version) if live else None
    if release is None or release.policy_digest != policy.digest:
        return None
    compared = replace(candidate, evaluation_digest=release.candidate.evaluation_digest)
    return release if compared == release.candidate and archive.evidence_of(release) else None


def _as_it_is(
    ledger: Ledger, tracker: Tracker, release: ReleaseRecord, ingredients: Ingredients, *, now: dt.datetime
) -> ReleaseMade:
    part = ledger.part(release.model, STAGE, release.candidate.digest, release.policy_digest)
    return ReleaseMade(
        outcome=release,
        candidate=release.candidate,
        measurements=(),
        verdicts=part.verdicts if part else (),
        unchanged=True,
        problems=_show(ledger, tracker, release, ingredients.model.run_id, now=now),
    )


def _another_live(ledger: Ledger, candidate: Candidate) -> DeploymentRecord | None:
    """Return what is live in production unless it is the candidate's own model: nothing is compared with itself."""
    live = ledger.live(candidate.model, "production")
    return live if live is not None and live.model_digest != candidate.model_digest else None


def _registered_before(archive: _Archive, ledger: Ledger, evidence: Evidence) -> ReleaseRecord | None:
    """Return the version that this candidate has already under this policy with the same outcomes, if it has one."""
    for release in reversed(ledger.releases(evidence.candidate.model)):
        if (release.candidate, release.policy_digest) == (evidence.candidate, evidence.policy_digest):
            before = archive.evidence_of(release)
            if before is not None and _outcomes(before) == _outcomes(evidence):
                return release
    return None


def _outcomes(evidence: Evidence) -> list[tuple[str, str, str]]:
    return [
        (part.subject_digest, verdict.gate, verdict.outcome) for part in evidence.parts for verdict in part.verdicts
    ]


def _show(
    ledger: Ledger, tracker: Tracker, release: ReleaseRecord, run_id: str, *, now: dt.datetime
) -> tuple[str, ...]:
    """Show a version in the tracker, once."""
    subject = f"{release.model} v{release.version}"
    if ledger.last("release_shown", subject=subject) is not None:
        return ()
    try:
        tracker.project_release(release, run_id)
    except Unavailable as error:
        return (f"{subject} ({short(release.candidate.digest)}) isn't in the tracker yet: {error}",)
    ledger.append("release_shown", actor="ml_platform", subject=subject, payload={"run_id": run_id}, at=now)
    return ()
