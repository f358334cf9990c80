"""Expected gain: what the rows that have come since would save of the loss, by the live version's learning curve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.digest import digest_of
from ml_platform.core.measurement import Measurement
from ml_platform.stages.retraining_reasons import Declined, Quiet, Reason
from ml_platform.stats.saving_ahead import saving_ahead

if TYPE_CHECKING:
    from ml_platform.core.records import DeploymentRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What has come since the live version's rows end, and what its learning curve says of more rows.

    `doubling` is what another doubling would save of the rows that the curve was drawn of, `curve_rows`. `labelled`
    rows of traffic have outcomes, the source seems to hold `grown` rows more (None: it changed, and by how much isn't
    told); of both, `share` teaches.
    """

    trained: int
    doubling: Measurement | None
    curve_rows: int = 0
    labelled: int = 0
    grown: int | None = 0
    share: float = 1.0


def of_gain(least: float, live: DeploymentRecord, came: Came | None) -> Iterator[Reason | Quiet | Declined]:
    """Say of new labelled rows, and of a source that grew, whether what they are expected to save is enough.

    It is when the lower bound of the saving, as a part of the loss, is above `least`. A candidate that was refused is
    asked for again when the bound has reached twice, three times … as much.
    """
    if came is None:
        yield Quiet(f"what has come since version {live.version} isn't known, so what it would save isn't either")
        return
    yield _of_rows("new labelled rows", came.labelled, least, live, came)
    if came.grown is None:
        text = "the source changed, and it doesn't tell by how many rows: what they would save isn't known"
        yield _declined("the source", text, live)
    else:
        yield _of_rows("new rows of the source", came.grown, least, live, came)


def _of_rows(what: str, rows: int, least: float, live: DeploymentRecord, came: Came) -> Reason | Quiet | Declined:
    more = int(rows * came.share)
    if more <= 0:
        return Quiet(f"no {what} have come since version {live.version}")
    if came.doubling is None:
        text = f"{rows:,} {what} came, and version {live.version} has no learning curve: evaluate in full"
        return _declined(what, text, live)
    if came.trained > came.curve_rows:
        drawn = f"its learning curve ends at {came.curve_rows:,} of {came.trained:,} training rows"
        return _declined(what, f"what {rows:,} {what} would save isn't known: {drawn}", live)
    found = saving_ahead(came.doubling, trained=came.trained, more=more)
    if found.value is None or found.low is None or found.high is None:
        return _declined(what, f"what {rows:,} {what} would save isn't known: {found.reason}", live)
    said = (
        f"the gain expected of {rows:,} {what} is {found.value:.2%} of the loss [{found.low:.2%}, {found.high:.2%}], "
        f"more than {least:.2%} is needed"
    )
    if found.low <= least:
        return _declined(what, said, live)
    digest = digest_of({"of": what, "digest": live.model_digest, "model": live.model, "times": int(found.low // least)})
    return Reason(cause=digest, text=said)


def _declined(what: str, text: str, live: DeploymentRecord) -> Declined:
    return Declined(cause=digest_of({"declined": what, "digest": live.model_digest, "model": live.model}), text=text)
