from __future__ import annotations

from ml_platform.core.scoring import FEATURES_STATE, MODEL_TEXT
from ml_platform.stages.evaluate import _shown_levels
from ml_platform.stages.training_run import _shown
from ml_platform_tests.stages.toy import SITES, toy_spec

FILES = {MODEL_TEXT: b"tree\nfeature_infos=[17:99] none\n", FEATURES_STATE: b"{}", "features.py": b"x"}
PLAIN = toy_spec().model_dump(mode="json")["contract"]
SENSITIVE = {"personal_data": "sensitive", "reason": "Needed."}


def test_the_tracker_keeps_all_of_a_model_without_columns_about_persons() -> None:
    assert _shown(toy_spec(), FILES) is FILES


def test_the_tracker_keeps_nothing_learned_of_single_values_of_persons() -> None:
    spec = toy_spec(contract=PLAIN | {"load": PLAIN["load"] | SENSITIVE})
    kept = _shown(spec, FILES)
    assert kept == {MODEL_TEXT: b"tree\nfeature_infos=none none\n", "features.py": b"x"}


def test_levels_of_persons_are_numbered_unless_the_file_declares_them() -> None:
    learned = {"site": list(SITES)}
    free = {**PLAIN["site"], "levels": None}
    assert _shown_levels(toy_spec(contract=PLAIN | {"site": free}), learned) == learned
    assert _shown_levels(toy_spec(contract=PLAIN | {"site": PLAIN["site"] | SENSITIVE}), learned) == learned
    numbered = _shown_levels(toy_spec(contract=PLAIN | {"site": free | SENSITIVE}), learned)
    assert numbered == {"site": ["level 1", "level 2", "level 3"]}
