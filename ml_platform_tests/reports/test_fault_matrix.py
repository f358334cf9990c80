"""The matrix says which fault is caught at which size, what slipped through, and which line would catch it."""

from __future__ import annotations

import dataclasses

from ml_platform.core.fault_trial import FaultTrial
from ml_platform.reports.fault_matrix import caught_text, matrix_lines, matrix_table


def trial(kind: str, severity: str, caught_by: tuple[str, ...] = (), remedy: str = "") -> FaultTrial:
    return FaultTrial(
        kind=kind, meaning="", severity=severity, size=0.05, unit="share of the rows", columns=("load", "wind", "site"),
        rows_touched=9, caught_by=caught_by, warned_by=("columns_vary",) if remedy else (), remedy=remedy,
    )  # fmt: skip


TRIALS = [
    trial("clipped", "small"),
    trial("clipped", "medium", remedy="policy.overrides.columns_vary.severity: block"),
    trial("clipped", "large", caught_by=("a", "b", "c", "d")),
    trial("rounded", "large", caught_by=("a",)),
]


def test_a_line_for_each_kind_then_the_remedies_then_the_count() -> None:
    assert matrix_lines(TRIALS) == [
        "         small  medium  large",
        "clipped    ✗      !       ✓    columns_vary, a, b and 2 more",
        "rounded    -      -       ✓    a",
        "",
        "✓ stopped   ! only warned of   ✗ slipped through   - no place for it",
        "",
        "what would stop the others:",
        "  clipped in load, wind, …, 0.05 (share of the rows): no line of this file",
        "  clipped in load, wind, …, 0.05 (share of the rows): policy.overrides.columns_vary.severity: block",
        "",
        "4 faults: 75% are caught, 50% are stopped",
    ]


def test_gates_that_close_without_a_fault_are_named_instead_of_saying_that_no_line_helps() -> None:
    blind = [dataclasses.replace(one, closed_anyway=("rows_match_the_contract",)) for one in TRIALS]
    said = "\n".join(matrix_lines(blind))
    assert "closed without any fault, so that it can show none: rows_match_the_contract\n" in said
    assert "nothing can be said while gates close without it" in said
    assert "no line of this file" not in said
    both = [dataclasses.replace(one, closed_anyway=("a", "b")) for one in TRIALS]
    assert "closed without any fault, so that they can show none: a, b" in matrix_lines(both)


def test_the_same_as_a_markdown_table() -> None:
    assert matrix_table(TRIALS).splitlines()[2:] == [
        "| clipped | ✗ | ! | ✓ | columns_vary, a, b and 2 more | policy.overrides.columns_vary.severity: block |",
        "| rounded | - | - | ✓ | a |  |",
    ]


def test_nothing_planted_is_said() -> None:
    assert caught_text([]) == "no fault could be planted"
    assert matrix_lines([])[-1] == "no fault could be planted"
