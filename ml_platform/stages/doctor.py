"""Doctor: a model made again and again under one changed circumstance at a time, to find what isn't deterministic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml_platform.core.diagnosis import Diagnosis, Trial
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.scoring import shared_module
from ml_platform.stages.rebuild import Made, Order
from ml_platform.stages.rebuild_process import Kitchen, run_rebuild
from ml_platform.stages.stage_parts import STAGES
from ml_platform.stages.suspects import suspects

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore
    from ml_platform.stages.reproduce import Run

_SEED = "PYTHONHASHSEED"
# With another thread count the model's text says so; the trees have to be the same.
_TEXT = "model.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Circumstance:
    """What is changed, and what it means when that changes what is made."""

    name: str
    why: str
    hash_seed: str = "0"
    threads: bool = False


_TWICE = _Circumstance(
    name="the same process, twice",
    why="the code itself gives another answer each time: random numbers without a seed, the time, or what it remembers",
)
_OTHERS = (
    _Circumstance(
        name="another process",
        why="something of the process goes in: its time, its memory's addresses, files or services that it reads",
    ),
    _Circumstance(
        name="another number of threads", why="the result depends on how work is shared among threads", threads=True
    ),
    _Circumstance(
        name="another hash seed",
        why="the order of a set or a hash goes in, and Python draws these anew for each process; sort what is in it",
        hash_seed="1",
    ),
)


def examine(order: Order, kitchen: Kitchen, *, model: str, store: ArtefactStore, run: Run | None = None) -> Diagnosis:
    """Make a model twice in one process, then under other circumstances, and say which changes what, at which stage.

    Raises DataInvalid when a stage fails, and Unavailable when a process ends before its end.
    """
    runner = run or run_rebuild

    def make(circumstance: _Circumstance, rounds: int) -> Sequence[Mapping[str, Made]]:
        wanted = replace(order, rounds=rounds, threads=_other(order) if circumstance.threads else None)
        variables = {**kitchen.variables, _SEED: circumstance.hash_seed}
        heard = runner(wanted, replace(kitchen, variables=variables), store=store)
        if heard.ended or not heard.made:
            raise Unavailable(
                f"{model}: {heard.ended or 'the fresh process said nothing'}; look at its features module"
            )
        _require_made(model, heard.made)
        return [{one.stage: one for one in heard.made if one.round == count + 1} for count in range(rounds)]

    first, second = make(_TWICE, 2)
    trials = [_compared(_TWICE, first, second)]
    for circumstance in _OTHERS:
        if any(one.stage for one in trials[:2]):
            trials.append(Trial(name=circumstance.name, tried=False))
        else:
            trials.append(_compared(circumstance, first, make(circumstance, 1)[0]))
    wrong = any(one.stage for one in trials)
    named = {shared_module(file) or str(order.spec["features"]): source for file, source in kitchen.code.items()}
    found = [line for name, source in named.items() for line in suspects(source, name)] if wrong else []
    return Diagnosis(model=model, trials=tuple(trials), suspects=tuple(found))


def _compared(circumstance: _Circumstance, first: Mapping[str, Made], other: Mapping[str, Made]) -> Trial:
    for stage in STAGES:
        before, now = first[stage].parts, other[stage].parts
        parts = [name for name in {**before, **now} if before.get(name) != now.get(name)]
        wrong = tuple(name for name in parts if not (circumstance.threads and name == _TEXT))
        if wrong:
            return Trial(name=circumstance.name, stage=stage, parts=wrong, why=circumstance.why)
    return Trial(name=circumstance.name)


def _require_made(model: str, made: Sequence[Made]) -> None:
    failed = next((one for one in made if one.failure), None)
    if failed is not None:
        message = f"{model}: {failed.stage} fails, so that nothing can be compared: {failed.failure}"
        raise DataInvalid(message)


def _other(order: Order) -> int:
    """Return another number of threads than the model's own."""
    return 2 if order.spec["learner"]["threads"] == 1 else 1
