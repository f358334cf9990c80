from __future__ import annotations

import tempfile
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.policy.yaml_lines import read_yaml
from ml_platform.policy.yaml_text import yaml_line

TEXT = st.one_of(
    st.text(max_size=8), st.sampled_from(["0E0", "no", "~", "1_0", "- a", "a #b", "a:", "{", "\x85", "😀"])
)
VALUE = st.recursive(
    st.one_of(TEXT, st.integers(-(10**15), 10**15), st.booleans(), st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)


@settings(deadline=None, max_examples=100)
@given(st.dictionaries(TEXT, VALUE, min_size=1, max_size=3))
def test_what_is_written_is_read_again_by_us_and_by_yaml(value: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.yaml"
        path.write_text(yaml_line(value), encoding="utf-8")
        document = read_yaml(path)
    assert document.problems == ()
    assert document.value == value
    text = yaml_line({key: str(one) for key, one in value.items()})
    assert yaml.safe_load(text) == {key: str(one) for key, one in value.items()}
