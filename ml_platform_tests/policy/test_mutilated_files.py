"""Whatever is done to a valid file, the answer is a loaded model or a list of problems with lines."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.core.errors import PolicyInvalid
from ml_platform.policy.load import load_model
from ml_platform_tests.policy.files import MODEL, NOW, write_model, write_pack

PACK = """\
pack: ours
description: for a test
extends: [base]
approvals: {production: 2}
gates:
  ours_is_small:
    {kind: between, control: METRICS, stage: evaluation, metric: brier, limit: [0, 0.2], why: because, next_step: do}
overrides:
  auc_is_sufficient: {limit: 0.7}
"""
LINES = MODEL.splitlines()
PIECES = re.findall(r"[A-Za-z0-9_.\-]+", MODEL)
JUNK = st.sampled_from(["", "x", "5", "-1", "1.5", "true", "yes", ".nan", "[]", "{}", "[1]", "~", "'", "\t", "*a"])


def answer(model: str, pack: str = PACK) -> list[str]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_pack(folder, "ours", pack)
        path = write_model(folder, model)
        try:
            load_model(path, now=NOW)
        except PolicyInvalid as error:
            problems = [problem.removeprefix(f"{folder}/") for problem in error.problems]
            assert problems
            assert all(re.match(r"(late/defs|packs/ours)\.yaml:[1-9][0-9]*: .", problem) for problem in problems)
            return problems
        return []


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(LINES) - 1), st.integers(1, 4))
def test_a_file_with_lines_missing_is_loaded_or_refused(start: int, count: int) -> None:
    answer("\n".join(LINES[:start] + LINES[start + count :]) + "\n")


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(PIECES), JUNK, st.integers(0, 3))
def test_a_file_with_a_word_replaced_is_loaded_or_refused(old: str, new: str, which: int) -> None:
    parts = MODEL.split(old)
    at = 1 + which % (len(parts) - 1)
    answer(old.join(parts[:at]) + new + old.join(parts[at:]))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(re.findall(r"[A-Za-z0-9_.]+", PACK)), JUNK)
def test_a_pack_with_a_word_replaced_is_loaded_or_refused(old: str, new: str) -> None:
    answer(MODEL.replace("packs: [base]", "packs: [ours]"), PACK.replace(old, new, 1))


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_file_with_any_value_anywhere_is_loaded_or_refused(data: st.DataObject) -> None:
    top = json.loads(json.dumps(yaml.safe_load(MODEL), default=str))
    place = top["attributes"]
    while isinstance(place, dict | list) and place:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or data.draw(st.booleans()):
            place[key] = data.draw(plain)
            break
        place = place[key]
    answer(json.dumps(top))
