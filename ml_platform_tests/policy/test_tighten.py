from __future__ import annotations

import pytest

from ml_platform.policy.gates import Gate, Override
from ml_platform.policy.tighten import strictest, tighten
from ml_platform_tests.policy.gates_of import at_least, at_most, between, holds

WHERE = ("overrides", "claim")


def said(gate: Gate, override: Override) -> list[str]:
    unchanged, problems = tighten(gate, override, WHERE)
    assert unchanged is gate
    return [problem.text for problem in problems]


@pytest.mark.parametrize(
    ("gate", "override"),
    [
        (at_least(0.5), Override(limit=0.6)),
        (at_least(0.5), Override(limit=0.5)),
        (at_most(0.5), Override(limit=0.4)),
        (between(0, 1), Override(limit=(0.1, 0.9))),
        (between(0, 1), Override(limit=(0, 1))),
        (at_least(0.5, severity="warn"), Override(severity="block")),
        (holds(), Override(severity="block")),
        (at_least(0.5, severity="warn"), Override(severity="warn", minimum_n=5)),
        (holds(minimum_n=5), Override(minimum_n=6)),
        (at_most(1), Override(limit=0, severity="block", why="better")),
        (at_most(1), Override(reveals=0.2)),
        (at_most(1, reveals=0.5), Override(reveals=0.5)),
    ],
)
def test_an_override_may_tighten(gate: Gate, override: Override) -> None:
    tightened, problems = tighten(gate, override, WHERE)
    assert problems == []
    given = override.model_dump(exclude_none=True)
    assert tightened == gate.model_copy(update=given)


@pytest.mark.parametrize(
    ("gate", "override", "text"),
    [
        (at_least(0.5), Override(limit=0.4), "overrides.claim.limit is 0.4, looser than 0.5; an override"),
        (at_most(0.5), Override(limit=0.6), "overrides.claim.limit is 0.6, looser than 0.5; an override"),
        (between(0, 1), Override(limit=(-0.1, 1)), "overrides.claim.limit is [-0.1, 1.0], wider than [0.0, 1.0]"),
        (between(0, 1), Override(limit=(0, 1.1)), "overrides.claim.limit is [0.0, 1.1], wider than [0.0, 1.0]"),
        (between(0, 1), Override(limit=(0.8, 0.2)), "overrides.claim.limit is [0.8, 0.2]; needed: low ≤ high"),
        (between(0, 1), Override(limit=0.5), "overrides.claim.limit is 0.5; needed: [low, high], as the gate"),
        (at_least(0.5), Override(limit=(0, 1)), "overrides.claim.limit is [0.0, 1.0]; needed: one number, as the gate"),
        (holds(), Override(limit=1.0), "overrides.claim.limit is 1.0, but the gate holds or doesn't: it has no limit"),
        (holds(), Override(severity="warn"), "overrides.claim.severity is 'warn', looser than 'block'; an override"),
        (holds(minimum_n=5), Override(minimum_n=4), "overrides.claim.minimum_n is 4, looser than 5; an override only"),
        (
            holds(),
            Override(),
            "overrides.claim changes nothing; give a limit, severity, minimum_n or reveals, or remove it",
        ),
        (holds(), Override(why="new words"), "overrides.claim changes nothing"),
    ],
)
def test_an_override_that_loosens_or_does_not_fit_is_refused(gate: Gate, override: Override, text: str) -> None:
    (problem,) = said(gate, override)
    assert problem.startswith(text)


def test_a_loosening_points_to_the_waiver() -> None:
    (problem,) = said(at_least(0.5), Override(limit=0.4))
    assert problem.endswith("to let the gate stay closed for a while, write a waiver (owner, reason, expires)")


def test_all_that_is_wrong_with_an_override_is_said() -> None:
    override = Override(limit=0.1, severity="warn", minimum_n=1)
    assert len(said(at_least(0.5, minimum_n=5), override)) == 3


@pytest.mark.parametrize(
    ("one", "other", "result"),
    [
        (at_least(0.5), at_least(0.6), at_least(0.6)),
        (at_most(0.5), at_most(0.6), at_most(0.5)),
        (between(0, 0.9), between(0.1, 1), between(0.1, 0.9)),
        (holds(severity="warn"), holds(), holds()),
        (
            at_least(0.5, minimum_n=5, severity="warn"),
            at_least(0.4, minimum_n=3, severity="warn"),
            at_least(0.5, minimum_n=5, severity="warn"),
        ),
    ],
)
def test_the_strictest_of_two_takes_the_stricter_word_of_each(one: Gate, other: Gate, result: Gate) -> None:
    assert strictest(one, other) == result
    assert strictest(other, one) == result


def test_an_override_can_not_ask_for_less_power() -> None:
    (text,) = said(at_most(1, reveals=0.2), Override(reveals=0.3))
    assert text.startswith("overrides.claim.reveals is 0.3, looser than 0.2; an override only tightens; ")


@pytest.mark.parametrize(
    ("one", "other", "most"), [(None, None, None), (0.2, None, 0.2), (None, 0.3, 0.3), (0.2, 0.3, 0.2)]
)
def test_of_two_tightenings_the_greater_power_counts(
    one: float | None, other: float | None, most: float | None
) -> None:
    assert strictest(at_most(1, reveals=one), at_most(1, reveals=other)).reveals == most
