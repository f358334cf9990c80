from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ml_platform.core.measurement import Measurement
from ml_platform.stages.inspect_new_rows import _sparingly
from ml_platform_tests.stages.parcels import parcel_spec

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("subject", "told"),
    [("weight", True), ("crew", False), ("weight, crew and 3 more", False), ("", True), ("weight, crewed", True)],
)
def test_values_of_a_column_about_persons_are_no_facts(tmp_path: Path, subject: str, told: bool) -> None:
    found = Measurement(
        metric="m", value=0.5, n=9, subject=subject, facts={"kind": "range", "largest": 99.0, "to": 3.0}
    )
    facts = _sparingly(parcel_spec(tmp_path), found).facts
    assert facts == (found.facts if told else {"kind": "range"})
