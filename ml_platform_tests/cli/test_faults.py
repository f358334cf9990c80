"""`ml-platform faults` plants faults, prints the matrix and ends by the rule that was stated."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_platform_tests.cli.conftest import Run
from ml_platform_tests.orchestration.small_model import write_model

KINDS = ("--kind", "column_dropped", "--kind", "labels_shuffled", "--rows", "500")


@pytest.fixture(autouse=True)
def parcels(defs: Path) -> None:
    write_model(defs.parent)


def test_the_matrix_is_printed_and_enough_is_good(run: Run) -> None:
    said = run("faults", "parcels", *KINDS, "--at-least", "0.3")
    assert said.code == 0, said.err
    assert "column_dropped     ✓" in said.out
    assert "contract" in said.out
    assert "6 faults:" in said.out


def test_too_few_caught_ends_with_1(run: Run) -> None:
    said = run("faults", "parcels", *KINDS, "--at-least", "1", "--stopped")
    assert said.code == 1
    assert "✗ parcels: too few faults are caught; needed: at least 100%" in said.err


def test_a_kind_that_isnt_known_ends_with_2(run: Run) -> None:
    said = run("faults", "parcels", "--kind", "typo")
    assert said.code == 2
    assert "there is no kind 'typo'" in said.err
