"""What the gates of a pack have to make sense of: known controls, stages and metrics, limits that can hold."""

from __future__ import annotations

from collections.abc import Iterator

from ml_platform.policy.controls import CONTROLS
from ml_platform.policy.gates import Between, Gate
from ml_platform.policy.metrics import METRICS
from ml_platform.policy.problems import Problem, known, nearest, seen
from ml_platform.policy.stages import STAGES
from ml_platform.policy.translate import validate
from ml_platform.policy.yaml_lines import LinedYaml, Plain


def check_pack(document: LinedYaml, stem: str) -> Iterator[Problem]:
    """Yield what is wrong with a pack beyond its form; gates that are not well-formed are left to the schema."""
    top = document.value if isinstance(document.value, dict) else {}
    name = top.get("pack")
    if isinstance(name, str) and name != stem:
        yield Problem(("pack",), f"pack is {seen(name)} in the file '{stem}.yaml'; needed: the same name")
    if not (top.get("gates") or top.get("extends")):
        yield Problem((), "the pack holds no gates and extends no pack; add gates, or remove the file")
    gates = top.get("gates")
    for gate, raw in gates.items() if isinstance(gates, dict) else ():
        for key, text in _gate_problems(raw):
            yield Problem(("gates", gate, key), f"gates.{gate}.{key} {text}")


def _gate_problems(raw: Plain) -> Iterator[tuple[str, str]]:
    words = raw if isinstance(raw, dict) else {}
    for key, catalogue in (("control", CONTROLS), ("stage", STAGES)):
        word = words.get(key)
        if isinstance(word, str) and word not in catalogue:
            yield key, f"is {seen(word)}; {known(catalogue, word)}"
    metric, stage = words.get("metric"), words.get("stage")
    if isinstance(metric, str) and metric not in METRICS:
        yield "metric", f"is {seen(metric)}; {_metrics(metric, stage)}"
    elif isinstance(metric, str) and stage in STAGES and stage not in METRICS[metric].stages:
        yield "metric", f"is {seen(metric)}, which the stage {stage} doesn't measure; {_metrics(metric, stage)}"
    gate = validate(Gate, raw)[0]
    if isinstance(gate, Between) and gate.limit[0] > gate.limit[1]:
        yield "limit", f"is {seen(gate.limit)}; needed: low ≤ high"
    if gate is not None and gate.subjects is not None and len(set(gate.subjects)) < len(gate.subjects):
        yield "subjects", "names one twice; needed: each once"


def _metrics(word: str, stage: Plain) -> str:
    measured = [name for name, metric in METRICS.items() if stage in metric.stages]
    elsewhere = METRICS.get(word)
    if elsewhere:
        return f"it is measured at {' and '.join(elsewhere.stages)}; {known(measured)}"
    return f"{known(measured or METRICS)} {nearest(METRICS, word)}".strip()
