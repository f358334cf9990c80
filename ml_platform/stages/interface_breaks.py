"""Interface breaks: what callers of the live version would have to change before the candidate can answer them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import msgspec

from ml_platform.core.digest import digest_of, short
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.input_guard import GUARD, NO_GUARD, InputGuard
from ml_platform.core.measurement import Measurement
from ml_platform.core.ports import ArtefactStore
from ml_platform.core.scoring import SCORING, InputColumn, ScoringContract
from ml_platform.policy.breaking import Breaking
from ml_platform.stages.objection import Objection

METRIC = "interface_breaks"
_STRICTNESS = ("flag", "abstain", "reject")
_DONE = {"flag": "flagged", "abstain": "left without a prediction", "reject": "refused"}


def measure_interface_breaks(
    store: ArtefactStore, candidate_digest: str, live_digest: str, declared: Breaking | None = None
) -> Measurement:
    """Count the ways in which a request that the live model answers wouldn't be by the candidate.

    What was declared, exactly, isn't counted, but told.
    """
    try:
        live, breaks = _between(store, live_digest, candidate_digest)
    except (DataInvalid, Unavailable) as error:
        return Measurement(metric=METRIC, value=None, n=0, reason=str(error))
    facts = {"breaks": "; ".join(breaks), "live_model": short(live_digest), "interface": interface_digest(live)}
    if declared is not None and declared.covers(interface_digest(live), breaks):
        facts = {**facts, "breaks": "", "declared": "; ".join(breaks), "by": declared.owner}
        breaks = ()
    return Measurement(metric=METRIC, value=len(breaks), n=len(live.inputs), unit="columns", facts=facts)


def break_objections(
    store: ArtefactStore, candidate_digest: str, live_digest: str, declared: Breaking | None
) -> list[Objection]:
    """Object to each change that callers of what is live now can't follow and that wasn't declared, exactly."""
    try:
        live, breaks = _between(store, live_digest, candidate_digest)
    except (DataInvalid, Unavailable) as error:
        return [Objection(f"what callers would have to change can't be known: {error}: release again", undecided=True)]
    digest = interface_digest(live)
    if not breaks or (declared is not None and declared.covers(digest, breaks)):
        return []
    head = "a breaking change for callers of the live version"
    said = ", and `policy.breaking` declares another change" if declared is not None else ""
    words = ", ".join(f"'{each}'" for each in breaks)
    return [
        Objection(
            f"{head}{said}: {'; '.join(breaks)}. Keep the interface, or declare exactly this under `policy.breaking`: "
            f"interface: {digest[:12]}, changes: [{words}]"
        )
    ]


def interface_digest(contract: ScoringContract) -> str:
    """Return the digest of what callers see of a model: what they send, and what an answer means."""
    seen = [sorted(_written(column) for column in contract.inputs), contract.time, contract.task, contract.classes]
    return digest_of([*seen, contract.quantile])


def _written(column: InputColumn) -> str:
    """Write down what callers see of a column."""
    levels = None if column.levels is None else sorted(column.levels)
    limits = (float(_low(column)), float(_high(column)))
    return repr((column.name, column.type, limits, levels, column.missing > 0))


def _between(store: ArtefactStore, live_digest: str, candidate_digest: str) -> tuple[ScoringContract, tuple[str, ...]]:
    live, candidate = _contract(store, live_digest), _contract(store, candidate_digest)
    guards = _guard(store, live_digest), _guard(store, candidate_digest)
    return live, (*interface_breaks(live, candidate), *guard_breaks(*guards))


def _guard(store: ArtefactStore, digest: str) -> InputGuard:
    if GUARD not in store.names("models", digest):
        return NO_GUARD
    try:
        return msgspec.json.decode(store.read("models", digest, GUARD), type=InputGuard)
    except msgspec.MsgspecError as error:
        raise DataInvalid(f"the guard of model {short(digest)} can't be read ({error})") from error


def guard_breaks(live: InputGuard, candidate: InputGuard) -> tuple[str, ...]:
    """Return, in words, which rows that were answered get no prediction any more, or are refused.

    >>> guard_breaks(InputGuard(), InputGuard(out_of_range="abstain"))
    ('what is out_of_range was flagged and is now left without a prediction',)
    """
    each = ("out_of_contract", "out_of_range", "unseen_level")
    actions = [(name, getattr(live, name), getattr(candidate, name)) for name in each]
    return tuple(
        f"what is {name} was {_DONE[before]} and is now {_DONE[after]}"
        for name, before, after in actions
        if _STRICTNESS.index(after) > _STRICTNESS.index(before)
    )


def _contract(store: ArtefactStore, digest: str) -> ScoringContract:
    try:
        return msgspec.json.decode(store.read("models", digest, SCORING), type=ScoringContract)
    except (DataInvalid, Unavailable, msgspec.MsgspecError) as error:
        message = f"the scoring contract of model {short(digest)} can't be read ({error})"
        raise DataInvalid(message) from error


def interface_breaks(live: ScoringContract, candidate: ScoringContract) -> tuple[str, ...]:
    """Return each break in words; a request carries exactly the contract's columns, so adding one breaks too."""
    before = {column.name: column for column in live.inputs}
    after = {column.name: column for column in candidate.inputs}
    return tuple(_breaks(live, candidate, before, after))


def _breaks(
    live: ScoringContract,
    candidate: ScoringContract,
    before: Mapping[str, InputColumn],
    after: Mapping[str, InputColumn],
) -> Iterator[str]:
    if live.task != candidate.task:
        yield f"the task was {live.task} and is {candidate.task}"
    if live.classes != candidate.classes and live.task == candidate.task:
        before_words, after_words = ", ".join(live.classes), ", ".join(candidate.classes)
        yield f"the classes were {before_words} and are {after_words}, in this order"
    if live.quantile != candidate.quantile and live.task == candidate.task:
        yield f"the score was quantile {live.quantile} and is quantile {candidate.quantile}"
    if live.time not in {None, candidate.time} and live.time not in after:
        yield f"the time column {live.time} is gone"
    for name in sorted(before.keys() - after.keys()):
        if name != candidate.time:
            yield f"{name} is no longer accepted"
    for name in sorted(after.keys() - before.keys()):
        yield f"{name} is new and needed"
    for name in sorted(before.keys() & after.keys()):
        yield from (f"{name} {how}" for how in _narrowed(before[name], after[name]))


def _narrowed(before: InputColumn, after: InputColumn) -> Iterator[str]:
    if before.type != after.type and (before.type, after.type) != ("integer", "number"):
        yield f"was {before.type} and is {after.type}"
    if before.missing > 0 and after.missing == 0:
        yield "may no longer be missing"
    if _low(after) > _low(before) or _high(after) < _high(before):
        yield f"has the narrower range {_low(after):g} to {_high(after):g}"
    if after.levels is not None and (before.levels is None or not set(before.levels) <= set(after.levels)):
        yield "accepts fewer levels"


def _low(column: InputColumn) -> float:
    return -math.inf if column.low is None else column.low


def _high(column: InputColumn) -> float:
    return math.inf if column.high is None else column.high
