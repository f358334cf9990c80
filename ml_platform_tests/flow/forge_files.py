"""Forging in the folder, by somebody who can write all of the home but its keys, and by a model's author."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import msgspec

from ml_platform.adapters.deployments import Manifest, manifest_path, read_manifest
from ml_platform_tests.flow.forged_home import Forged
from ml_platform_tests.flow.project import MODEL


def edited_manifest(at: Forged) -> None:
    second = at.release(2)
    model_digest, evidence_digest = second.candidate.model_digest, second.evidence_digest
    other = dataclasses.replace(_manifest(at), version=2, model_digest=model_digest, evidence_digest=evidence_digest)
    _write(at, other)


def manifest_of_the_future(at: Forged) -> None:
    seen = _manifest(at)
    _write(at, dataclasses.replace(seen, since=seen.since.replace(year=2999)))


def _manifest(at: Forged) -> Manifest:
    seen = read_manifest(at.home, "production", MODEL)
    assert seen is not None
    return seen


def _write(at: Forged, manifest: Manifest) -> None:
    manifest_path(at.home, "production", MODEL).write_bytes(msgspec.json.encode(manifest))


def bundle(at: Forged, version: int) -> Path:
    return at.home / "bundles" / at.release(version).bundle_digest


def evidence(at: Forged, version: int) -> Path:
    return at.home / "evidence" / at.release(version).evidence_digest / "evidence.json"


def model(at: Forged, version: int) -> Path:
    return at.home / "models" / at.release(version).candidate.model_digest


def copied_bundle(at: Forged) -> None:
    _copy_over(bundle(at, 1), bundle(at, 2))


def edited_evidence(at: Forged) -> None:
    """Let somebody else have trained version 2, so that its author's own approval would count."""
    path = evidence(at, 2)
    content = path.read_bytes()
    assert content.count(b'"trained_by":"tess"') == 1
    path.write_bytes(content.replace(b'"trained_by":"tess"', b'"trained_by":"nobo"'))


def swapped_model(at: Forged) -> None:
    one, other = model(at, 1), model(at, 2)
    for path in one.iterdir():
        (other / path.name).rename(path.with_suffix(".aside"))
        path.rename(other / path.name)
        path.with_suffix(".aside").rename(path)


def flipped_bytes(at: Forged) -> None:
    for version in (1, 2):
        path = model(at, version) / "model.txt"
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)


def pickle_beside(at: Forged) -> None:
    for version in (1, 2):
        (model(at, version) / "model.pkl").write_bytes(b"\x80\x04cos\nsystem\n(S'exit'\ntR.")


def own_roles(at: Forged) -> None:
    """Give vera every role that decides, by hand."""
    known = at.users.path.read_text()
    at.users.path.write_text(known.replace('"viewer"', '"release_manager"'))
    said = at.command("vera", "promote", f"{MODEL}/2", "--env", "production", "--reason", "mine")
    assert "needs 1 signed approval" in said.err, said


def looser_policy(at: Forged) -> None:
    pack = at.project.folder / "defs" / "packs" / "signed_word.yaml"
    pack.write_text(pack.read_text().replace("production: 1", "production: 0"))


def waiver_of_the_author(at: Forged) -> None:
    text = at.model_file.read_text()
    head = "    waivers:\n"
    assert head in text
    waiver = "      - {gate: auc_is_sufficient, owner: Tess, reason: It will do., expires: 2099-12-31}\n"
    at.model_file.write_text(text.replace(head, head + waiver))


def _copy_over(source: Path, target: Path) -> None:
    for path in source.iterdir():
        shutil.copy(path, target / path.name)
