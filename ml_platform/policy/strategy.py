"""The strategy of a release: a version replaces the live one at once, or first proves itself on live traffic."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Margin = Annotated[float, Field(gt=0.0, le=1.0)]


class _Strict(BaseModel):
    """Unknown keys, wrong types and non-finite numbers are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Direct(_Strict):
    """What passes the lock is live at once."""

    kind: Literal["direct"] = "direct"


class _Trial(_Strict):
    """What a trial on live traffic has to show.

    `false_decisions` is the chance, at most, that a version which isn't worse is stopped, and that one which is worse
    by a margin is promoted, however often one looks. The margins: `error_margin` and `score_margin` are differences of
    shares (of failed requests; of scores above a decile of the champion's), `latency_margin` and `loss_margin` parts of
    the champion's (of its 95th and 99th percentile; of its mean loss). Nothing is promoted before the challenger has
    answered `least_requests` and `least_labels` of its outcomes have come; a trial that is undecided after `most_days`
    ends without promotion.
    """

    false_decisions: Annotated[float, Field(gt=0.0, le=0.2)] = 0.05
    error_margin: Margin = 0.01
    latency_margin: Margin = 0.25
    score_margin: Margin = 0.1
    loss_margin: Margin = 0.1
    least_requests: Annotated[int, Field(ge=100)] = 1000
    least_labels: Annotated[int, Field(ge=0)] = 0
    most_days: Annotated[int, Field(ge=1, le=90)] = 14


class Shadow(_Trial):
    """Every request is answered by the champion and scored by the challenger too, whose answer nobody gets."""

    kind: Literal["shadow"]


class Canary(_Trial):
    """A share `weight` of the requests is answered by the challenger; with `key`, equal keys always by the same."""

    kind: Literal["canary"]
    weight: Annotated[float, Field(gt=0.0, le=0.5)]
    key: Annotated[str, Field(min_length=1)] | None = None


Trial = Shadow | Canary
Strategy = Annotated[Direct | Shadow | Canary, Field(discriminator="kind")]


def is_direct(strategy: object) -> bool:
    """Say whether nothing but what is usual is said: then it isn't written down, and older models keep their digests.

    >>> is_direct(Direct()), is_direct(Shadow(kind="shadow"))
    (True, False)
    """
    return isinstance(strategy, Direct)
