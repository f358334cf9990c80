"""New rows start retraining when what they are surely expected to save is worth it, and else it is said why not."""

from __future__ import annotations

import dataclasses
import math

import pytest

from ml_platform.core.measurement import Measurement
from ml_platform.stages.expected_gain import Came, of_gain
from ml_platform.stages.retraining_reasons import Declined, Quiet, Reason
from ml_platform_tests.stages.test_retraining import LIVE

DOUBLING = Measurement(
    metric="loss_saved_by_next_doubling", value=0.04, low=0.02, high=0.06, n=900, facts={"shrinkage": 1.0}
)
CAME = Came(trained=1_000, curve_rows=1_000, doubling=DOUBLING, labelled=1_000)


def labelled(came: Came | None, least: float = 0.005) -> Reason | Quiet | Declined:
    return next(of_gain(least, LIVE, came))


def source(came: Came, least: float = 0.005) -> Reason | Quiet | Declined:
    return list(of_gain(least, LIVE, came))[1]


def test_rows_that_surely_save_enough_are_a_reason_with_its_numbers() -> None:
    found = labelled(CAME)
    assert isinstance(found, Reason)
    assert found.text == (
        "the gain expected of 1,000 new labelled rows is 4.00% of the loss [2.00%, 6.00%], more than 0.50% is needed"
    )
    grown = source(dataclasses.replace(CAME, grown=1_000))
    assert isinstance(grown, Reason)
    assert "1,000 new rows of the source" in grown.text
    assert grown.cause != found.cause


def test_at_the_limit_the_lower_bound_is_not_above_it() -> None:
    assert isinstance(labelled(CAME, least=0.02), Declined)
    assert isinstance(labelled(CAME, least=0.0199), Reason)


def test_a_gain_that_may_be_nothing_is_declined_once_per_version_however_many_rows_come() -> None:
    unsure = dataclasses.replace(CAME, doubling=dataclasses.replace(DOUBLING, low=-0.01))
    first, second = labelled(unsure), labelled(dataclasses.replace(unsure, labelled=1_500))
    assert isinstance(first, Declined)
    assert isinstance(second, Declined)
    assert first.text.startswith("the gain expected of 1,000 new labelled rows is 4.00% of the loss [-1.00%, 6.00%]")
    assert second.cause == first.cause


def test_a_refused_candidate_is_asked_for_again_at_twice_the_gain() -> None:
    causes = {}
    for rows in (200, 250, 500):
        found = labelled(dataclasses.replace(CAME, labelled=rows))
        assert isinstance(found, Reason)
        causes[rows] = found.cause
    assert causes[200] == causes[250]
    assert causes[500] != causes[200]


def test_only_the_rows_that_teach_are_counted() -> None:
    all_teach, half = (labelled(dataclasses.replace(CAME, share=share)) for share in (1.0, 0.5))
    assert isinstance(half, Reason)
    assert isinstance(all_teach, Reason)
    assert "2.34% of the loss [1.17%" in half.text


def test_no_rows_are_no_trigger_and_nothing_is_declined() -> None:
    assert labelled(dataclasses.replace(CAME, labelled=0)) == Quiet("no new labelled rows have come since version 1")
    assert labelled(dataclasses.replace(CAME, labelled=1, share=0.5)) == Quiet(
        "no new labelled rows have come since version 1"
    )
    assert source(CAME) == Quiet("no new rows of the source have come since version 1")
    assert isinstance(labelled(None), Quiet)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"doubling": None}, "has no learning curve"),
        ({"doubling": dataclasses.replace(DOUBLING, value=None, reason="3 trainings; 4 are needed")}, "4 are needed"),
        ({"doubling": dataclasses.replace(DOUBLING, low=None)}, "how sure the next doubling's saving is isn't known"),
        ({"trained": 0}, "no rows were trained on"),
        ({"trained": 5_000}, "its learning curve ends at 1,000 of 5,000 training rows"),
    ],
)
def test_what_is_not_known_is_declined_with_the_reason(changed: dict[str, object], reason: str) -> None:
    found = labelled(dataclasses.replace(CAME, **changed))  # type: ignore[arg-type]
    assert isinstance(found, Declined)
    assert reason in found.text


def test_a_nan_is_no_gain() -> None:
    nan = dataclasses.replace(DOUBLING, value=math.nan, low=math.nan, high=math.nan)
    assert isinstance(labelled(dataclasses.replace(CAME, doubling=nan)), Declined)


def test_a_source_that_changed_and_does_not_tell_its_rows_is_declined() -> None:
    found = source(dataclasses.replace(CAME, grown=None))
    assert isinstance(found, Declined)
    assert "it doesn't tell by how many rows" in found.text
