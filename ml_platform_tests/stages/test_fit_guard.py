"""The guard is learned of training rows, signed with the model, and read back only when it is this model's."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.core.errors import DataInvalid
from ml_platform.core.input_guard import GUARD, NO_GUARD, Detector, Histogram, InputGuard
from ml_platform.learners.histograms import PValues
from ml_platform.stages.bundle import read_bundle
from ml_platform.stages.fit_guard import fit_guard
from ml_platform.stages.interface_breaks import guard_breaks, measure_interface_breaks
from ml_platform.stages.learn_ranges import learn_ranges
from ml_platform_tests.serving.small_model import put_model
from ml_platform_tests.stages.toy import toy_matrix, toy_rows, toy_spec

MATRIX = toy_matrix(toy_rows())
STATE: dict[str, Any] = {"levels": {}, "fitted": {}, "ranges": {"load": [-3.5, 3.25], "wind": [-2.0, 2.0]}}


def test_a_model_file_without_a_guard_has_none() -> None:
    assert fit_guard(toy_spec(), MATRIX, STATE) is None


def test_it_holds_what_the_model_file_says_and_what_training_rows_tell() -> None:
    spec = toy_spec(guard={"out_of_range": "abstain", "unseen_level": "reject", "flagged_share": 0.02})
    found = fit_guard(spec, MATRIX, STATE)
    assert found is not None
    assert (found.out_of_contract, found.out_of_range, found.unseen_level) == ("reject", "abstain", "reject")
    assert found.ranges == {"load": (-3.5, 3.25), "wind": (-2.0, 2.0)}
    assert found.detector is not None
    assert len(found.detector.histograms) == len(MATRIX.names)
    assert len(found.detector.usual) == MATRIX.part_of("calibration").target.size
    assert found.is_sound
    site = found.detector.histograms[MATRIX.names.index("site")]
    assert (site.low, site.width) == (-0.5, 1.0)
    assert msgspec.json.decode(msgspec.json.encode(found), type=InputGuard) == found


def test_rows_of_the_holdout_change_nothing_and_training_rows_do() -> None:
    spec, known = toy_spec(guard={}), MATRIX.values.copy()
    first = fit_guard(spec, MATRIX, STATE)
    known[MATRIX.part == "holdout"] += 5
    assert fit_guard(spec, dataclasses.replace(MATRIX, values=known), STATE) == first
    known[MATRIX.part == "train"] *= 2
    assert fit_guard(spec, dataclasses.replace(MATRIX, values=known), STATE) != first


def test_without_a_detector_nothing_is_learned_but_ranges() -> None:
    found = fit_guard(toy_spec(guard={"out_of_distribution": "ignore"}), MATRIX, STATE)
    assert found is not None
    assert found.detector is None


def test_what_can_not_be_told_is_said() -> None:
    with pytest.raises(DataInvalid, match="toy: guard: the features were built without one"):
        fit_guard(toy_spec(guard={}), MATRIX, {"levels": {}, "fitted": {}})
    few = MATRIX.rows_of((MATRIX.part != "calibration") | (np.cumsum(MATRIX.part == "calibration") <= 50))
    with pytest.raises(DataInvalid, match=r"toy: guard\.flagged_share is 0\.01, with .* and 50 calibration rows"):
        fit_guard(toy_spec(guard={}), few, STATE)


def test_ranges_are_the_ends_of_numbers_that_are_there() -> None:
    inputs = {
        "load": np.array([2.0, np.nan, -1.0, np.inf]), "wind": np.array([np.nan] * 4), "site": np.array([0.0, 1, 2, 1]),
    }  # fmt: skip
    assert learn_ranges(toy_spec(), inputs) == {"load": (-1.0, 2.0)}


BINS = Histogram(low=0.0, width=1.0, strangeness=(1.0, 2.0, 3.0, 4.0))


def detector(features: int) -> Detector:
    return Detector(histograms=(BINS,) * features, usual=(1.0, 2.0), flagged_share=0.1, at_most=0.2)


def test_a_signed_guard_is_read_back_and_no_other(tmp_path: Path) -> None:
    store = FileArtefacts(tmp_path)
    good = InputGuard(out_of_range="abstain", ranges={"wind": (0.0, 30.0)}, detector=detector(10))
    assert read_bundle(store, put_model(tmp_path, guard=good)).guard == good
    assert read_bundle(store, put_model(tmp_path)).guard == NO_GUARD
    assert good.detector is not None
    assert PValues(good.detector).of(np.zeros((1, 10))).size == 1
    for bad in (
        InputGuard(detector=detector(9)),
        InputGuard(ranges={"carrier": (0.0, 1.0)}),
        InputGuard(ranges={"nothing": (0.0, 1.0)}),
        InputGuard(ranges={"wind": (3.0, 1.0)}),
    ):
        digest = put_model(tmp_path, guard=bad)
        with pytest.raises(DataInvalid, match=r"guard\.json: its ranges or histograms aren't those of this model"):
            read_bundle(store, digest)
    with pytest.raises(DataInvalid, match="schema version 2, known: 1; update the platform"):
        read_bundle(store, put_model(tmp_path, guard=InputGuard(schema_version=2)))
    with pytest.raises(DataInvalid, match="Invalid enum value 'forgive'"):
        read_bundle(store, put_model(tmp_path, guard=InputGuard(unseen_level="forgive")))  # type: ignore[arg-type]


def test_a_stricter_guard_breaks_its_callers_and_a_milder_one_doesnt(tmp_path: Path) -> None:
    mild, strict = InputGuard(out_of_contract="flag"), InputGuard(out_of_range="abstain", unseen_level="reject")
    assert guard_breaks(mild, NO_GUARD) == ("what is out_of_contract was flagged and is now refused",)
    assert guard_breaks(NO_GUARD, mild) == guard_breaks(strict, strict) == ()
    live, candidate = put_model(tmp_path), put_model(tmp_path, guard=strict)
    found = measure_interface_breaks(FileArtefacts(tmp_path), candidate, live)
    assert (found.value, measure_interface_breaks(FileArtefacts(tmp_path), live, candidate).value) == (2, 0)
    assert "what is unseen_level was flagged and is now refused" in str(found.facts["breaks"])
    assert GUARD in FileArtefacts(tmp_path).names("models", candidate)
