"""Every YAML example goes through the real loader; every refusal that is shown is what the loader says."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import yaml

from ml_platform.core.errors import PolicyInvalid
from ml_platform.policy.load import GovernedModelFile, load_model
from ml_platform_tests.docs.pages import DOCS, EXAMPLE, Block, blocks, blocks_of
from ml_platform_tests.docs.said import says

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
PACKS = [block for block in blocks("yaml") if block.text.startswith("pack:")]
FRAGMENTS = [block for block in blocks("yaml") if not block.text.startswith(("pack:", "type:", "channels:"))]


def example_with(folder: Path, fragment: str) -> Path:
    """Write the worked example with sections replaced, and the guide's packs beside it."""
    model = yaml.safe_load((EXAMPLE / "defs.yaml").read_text(encoding="utf-8"))
    model["attributes"] |= yaml.safe_load(fragment)
    return written(folder, yaml.safe_dump(model, sort_keys=False, allow_unicode=True))


def written(folder: Path, text: str) -> Path:
    packs = folder / "packs"
    packs.mkdir()
    for block in PACKS:
        (packs / f"{yaml.safe_load(block.text)['pack']}.yaml").write_text(block.text, encoding="utf-8")
    path = folder / "returns" / "defs.yaml"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    return path


def load(path: Path) -> GovernedModelFile:
    return load_model(path, now=NOW)


def shown(page: str, beginning: str) -> Block:
    return next(block for block in blocks_of(DOCS / page) if block.language == "text" and beginning in block.text)


@pytest.mark.parametrize("block", FRAGMENTS, ids=lambda block: block.where)
def test_every_fragment_is_accepted_in_a_whole_model(block: Block, tmp_path: Path) -> None:
    assert load(example_with(tmp_path, block.text)).spec.model == "returns"


@pytest.mark.parametrize("block", PACKS, ids=lambda block: block.where)
def test_every_pack_is_accepted_beside_the_models(block: Block, tmp_path: Path) -> None:
    name = yaml.safe_load(block.text)["pack"]
    policy = load(example_with(tmp_path, f"policy: {{packs: [base, {name}]}}")).policy
    assert name in policy.packs


@pytest.mark.parametrize(
    "block", [one for one in blocks("yaml") if one.text.startswith("type:")], ids=lambda b: b.where
)
def test_every_whole_model_is_accepted(block: Block, tmp_path: Path) -> None:
    assert load(written(tmp_path, block.text)).notices == ()


def test_a_looser_override_is_refused_in_the_words_of_the_guide(tmp_path: Path) -> None:
    text = (EXAMPLE / "defs.yaml").read_text(encoding="utf-8").replace("{limit: 0.68", "{limit: 0.5")
    with pytest.raises(PolicyInvalid) as refused:
        load(written(tmp_path, text))
    assert says(str(refused.value), shown("policy.md", "looser than").text)


def test_mistakes_are_named_in_the_words_of_the_guide(tmp_path: Path) -> None:
    text = (EXAMPLE / "defs.yaml").read_text(encoding="utf-8")
    text = text.replace("amount: {type", "amount: {typ").replace("auc_is_sufficient", "auc_is_suficient")
    with pytest.raises(PolicyInvalid) as refused:
        load(written(tmp_path, text))
    assert says(str(refused.value), "\n".join(shown("policy.md", "Did you mean").text.splitlines()[1:]))
