from __future__ import annotations

from pathlib import Path

from ml_platform_tests.policy.files import load_text


def test_a_valid_file_is_loaded_with_its_packs_and_tightenings(tmp_path: Path) -> None:
    loaded = load_text(tmp_path)
    assert loaded.spec.target == "late"
    assert loaded.policy.packs == ("base", "limited")
    assert loaded.policy.gates["auc_is_sufficient"].limit == 0.7  # type: ignore[union-attr]
    assert loaded.notices == ()
