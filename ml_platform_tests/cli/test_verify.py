"""`ml-platform verify`: an outsider's look at signed evidence, with public keys and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_platform.stages.attest import FILE, KIND
from ml_platform_tests.cli.conftest import Run
from ml_platform_tests.cli.home import release, write_model


@pytest.fixture
def bundle(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ML_PLATFORM_DEFS", str(tmp_path / "defs"))
    write_model(tmp_path / "defs")
    digest = release(tmp_path / "defs").bundle_digest
    assert run("keys", "public", "--to", str(tmp_path / "public.json")).code == 0
    assert digest in run("show", "late/1").out
    target = tmp_path / "elsewhere.jsonl"
    target.write_bytes((tmp_path / "home" / KIND / digest / FILE).read_bytes())
    return target


def test_what_was_signed_under_the_real_policy_is_accepted(run: Run, tmp_path: Path, bundle: Path) -> None:
    said = run("verify", str(bundle), "--keys", str(tmp_path / "public.json"))
    assert said.code == 0, said.err
    assert "trained by alice, released by alice" in said.out
    assert "verdicts follow from what was measured" in said.out


def test_the_program_accepts_the_real_policy_too(tmp_path: Path, bundle: Path) -> None:
    from ml_platform.stages import verify_bundle

    assert verify_bundle.main([str(bundle), str(tmp_path / "public.json")]) == 0


def test_what_was_altered_and_another_model_are_refused(run: Run, tmp_path: Path, bundle: Path) -> None:
    keys = str(tmp_path / "public.json")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.txt").write_text("other trees")
    other = run("verify", str(bundle), "--keys", keys, "--model", str(tmp_path / "model"))
    assert other.code == 1
    assert "isn't the model" in other.err
    bundle.write_bytes(bundle.read_bytes().replace(b"e", b"f", 9))
    altered = run("verify", str(bundle), "--keys", keys)
    assert altered.code == 1
    assert str(bundle) in altered.err
    assert run("verify", str(bundle), "--keys", str(bundle)).code == 2


def test_sealed_files_are_told_from_another_model_and_the_exported_ones_are_the_model(
    run: Run, tmp_path: Path, bundle: Path
) -> None:
    from ml_platform.stages import verify_bundle

    keys = str(tmp_path / "public.json")
    (sealed,) = (tmp_path / "home" / "models").iterdir()
    refused = run("verify", str(bundle), "--keys", keys, "--model", str(sealed))
    assert refused.code == 1
    assert "holds sealed files; the plain ones are needed: ml-platform show MODEL/VERSION --export" in refused.err
    out = tmp_path / "out"
    said = run("show", "late/1", "--export", str(out))
    assert said.code == 0, said.err
    assert sorted(path.name for path in out.iterdir()) == ["bundle.intoto.jsonl", "model", "verify_bundle.py"]
    exported = [str(out / "bundle.intoto.jsonl"), keys, str(out / "model")]
    assert run("verify", exported[0], "--keys", keys, "--model", exported[2]).code == 0
    assert verify_bundle.main(exported) == 0
    assert "model_exported" in run("audit", "show", "--last", "1").out
    again = run("show", "late/1", "--export", str(out))
    assert again.code == 2
    assert "it is there already; a new folder is needed" in again.err
    (out / "model" / "model.txt").write_text("other trees")
    assert "isn't the model" in run("verify", exported[0], "--keys", keys, "--model", exported[2]).err
    assert "is no folder" in run("verify", exported[0], "--keys", keys, "--model", str(out / "none")).err
