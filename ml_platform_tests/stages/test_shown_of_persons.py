from __future__ import annotations

from ml_platform.stages.evaluate import _shown_levels
from ml_platform_tests.stages.toy import SITES, toy_spec

PLAIN = toy_spec().model_dump(mode="json")["contract"]
SENSITIVE = {"personal_data": "sensitive", "reason": "Needed."}


def test_levels_of_persons_are_numbered_unless_the_file_declares_them() -> None:
    learned = {"site": list(SITES)}
    free = {**PLAIN["site"], "levels": None}
    assert _shown_levels(toy_spec(contract=PLAIN | {"site": free}), learned) == learned
    assert _shown_levels(toy_spec(contract=PLAIN | {"site": PLAIN["site"] | SENSITIVE}), learned) == learned
    numbered = _shown_levels(toy_spec(contract=PLAIN | {"site": free | SENSITIVE}), learned)
    assert numbered == {"site": ["level 1", "level 2", "level 3"]}


def test_levels_of_a_group_are_named_wherever_they_stand() -> None:
    group = {"type": "category", "role": "group", "also": ["feature"]} | SENSITIVE
    assert _shown_levels(toy_spec(contract=PLAIN | {"site": group}), {"site": ["a", "b"]}) == {"site": ["a", "b"]}
