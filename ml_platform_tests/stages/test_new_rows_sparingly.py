from __future__ import annotations

import pytest

from ml_platform.core.measurement import Measurement
from ml_platform.stages.inspect_new_rows import _masked
from ml_platform.stages.inspection.evidence import Evidence
from ml_platform.stages.inspection.measure import BatchMeasured, Proven, subject_of


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (("weight",), True),
        (("crew",), False),
        (("weight", "site", "pieces", "crew"), False),
        ((), True),
        (("crewed", "weight"), True),
        (("a, crew and b",), True),
    ],
)
def test_values_of_a_column_about_persons_are_no_facts(columns: tuple[str, ...], told: bool) -> None:
    evidence = Evidence(kind="range", columns=columns, effect=0.5, p_value=0.0, n=9)
    facts = {"kind": "range", "p_value": 0.0, "largest": 99.0, "to": 3.0, "a fact to come": "99"}
    one = Measurement(metric="m", value=0.5, n=9, subject=subject_of(columns), facts=facts)
    found = BatchMeasured(
        measurements=(one,),
        proven=(Proven(metric="m", evidence=evidence, p_value=0.0),),
        smallest_detectable={},
    )
    (masked,) = _masked(found, {"crew"})
    assert masked.facts == (facts if told else {"kind": "range", "p_value": 0.0})
