"""Metrics are sound Prometheus text."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from ml_platform.serving.metrics import LATENCY_BOUNDS, Metrics

SAMPLE = re.compile(r'^[a-z_]+(\{[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*\})? \S+$')


@given(st.lists(st.floats(min_value=0, max_value=10), max_size=30))
def test_every_bucket_counts_what_is_at_most_its_bound(taken: list[float]) -> None:
    metrics = Metrics()
    for seconds in taken:
        metrics.answered("/invocations", 200, seconds)
    lines = metrics.text({}).splitlines()
    for bound in LATENCY_BOUNDS:
        at_most = sum(seconds <= bound for seconds in taken)
        assert f'ml_platform_request_seconds_bucket{{le="{bound!r}"}} {at_most}' in lines
    assert f'ml_platform_request_seconds_bucket{{le="+Inf"}} {len(taken)}' in lines


@given(st.text(max_size=20))
def test_any_label_is_escaped(label: str) -> None:
    metrics = Metrics()
    metrics.scored("toy", 1, [(label,)])
    text = metrics.text({"ml_platform_x": ("An x.", [((("name", label),), 1.5)])})
    for line in text.removesuffix("\n").split("\n"):
        assert line.startswith(("# HELP ", "# TYPE ")) or SAMPLE.match(line)
