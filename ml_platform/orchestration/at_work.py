"""A stage at work: kept to its declared resources, measured, and written to the log of what stages took."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ml_platform.adapters.spent_log import SpentLog
from ml_platform.core.errors import Unavailable
from ml_platform.core.spent import Spent
from ml_platform.policy.load import GovernedModelFile
from ml_platform.settings import threads_of_children
from ml_platform.stages.cost import cost_of
from ml_platform.stages.guard import Guard, Limits, end_process, guarded, out_of_memory
from ml_platform.stages.meter import Meter, start_meter

_MIB = 2**20
CPU, WALL, PEAK, COST = MEASURED = (
    "stage_cpu_seconds", "stage_wall_seconds", "stage_peak_memory_mib", "stage_cost",
)  # fmt: skip
Outcome = Literal["worked", "remembered", "failed"]


@dataclass(slots=True, kw_only=True)
class Work:
    """The work of one step; `finish` ends its limits and measures it, once."""

    file: GovernedModelFile
    stage: str
    run_id: str
    now: dt.datetime
    log: SpentLog
    guard: Guard
    meter: Meter = field(default_factory=start_meter)
    spent: Spent | None = None

    def finish(self, outcome: Outcome, *, rows: int | None = None) -> Spent:
        """Lift the limits, measure and write down what was used; a second call returns the first one's."""
        self.guard.lift()
        if self.spent is None:
            self.spent = Spent(
                model=self.file.spec.model, stage=self.stage, run_id=self.run_id, at=self.now, outcome=outcome,
                usage=self.meter.read(), rows=rows,
            )  # fmt: skip
            self.log.append(self.spent)
        return self.spent

    def metadata(self, spent: Spent) -> Mapping[str, Any]:
        """Return what was used as numbers that Dagster plots over runs."""
        used, prices = spent.usage, self.file.prices
        found: dict[str, Any] = {
            CPU: round(used.cpu_seconds, 3),
            WALL: round(used.wall_seconds, 3),
            PEAK: round(used.peak_bytes / _MIB, 1),
        }
        if prices is not None:
            found[COST] = cost_of(used, prices)
        return found if used.peak_is_own else found | {"peak memory": "of the process so far, not of this stage alone"}


@contextlib.contextmanager
def at_work(
    file: GovernedModelFile,
    stage: str,
    *,
    log: SpentLog,
    run_id: str,
    now: dt.datetime,
    say: Callable[[str], None],
    end: Callable[[str], None] = end_process,
) -> Iterator[Work]:
    """Keep what runs inside to the stage's resources; a failure is measured too. Raises LimitReached.

    `end` ends the process of work that is far over a limit and can't be interrupted.
    """
    declared = file.spec.resources.of(stage)
    limits = Limits(
        name=f"{file.spec.model}/{stage}", seconds=declared.seconds, memory_bytes=declared.memory_bytes
    )  # fmt: skip
    with _threads(declared.threads), guarded(limits, say=say, end=end) as guard:
        work = Work(file=file, stage=stage, run_id=run_id, now=now, log=log, guard=guard)
        try:
            yield work
        except MemoryError as error:
            raise out_of_memory(limits, error) from error
        finally:
            # What failed says why; that it couldn't be measured as well would only hide it.
            with contextlib.suppress(Unavailable):
                work.finish("failed")


@contextlib.contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Let pyarrow and the child processes compute with so many threads; LightGBM's are the learner's."""
    if count is None:
        yield
        return
    import pyarrow as pa

    before = pa.cpu_count()
    pa.set_cpu_count(count)
    try:
        with threads_of_children(count):
            yield
    finally:
        pa.set_cpu_count(before)
