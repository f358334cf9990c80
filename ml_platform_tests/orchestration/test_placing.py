from __future__ import annotations

from pathlib import Path

import dagster as dg

from ml_platform.orchestration.build import build_model
from ml_platform.orchestration.placing import K8S_TAG, POOLS, RESOURCES_TAG, resource_tags
from ml_platform.policy.resources import Resources, StageResources
from ml_platform_tests.orchestration.small_model import load_small

DECLARED = """\
  resources:
    default: {memory: 2GiB}
    model: {cpus: 1.5, memory: 512MiB, seconds: 60, threads: 1}
  policy:
"""


def ops_of(folder: Path, *changes: tuple[str, str]) -> dict[str, dg.OpDefinition]:
    ops = [
        one.op for one in build_model(load_small(folder, *changes)).assets or () if isinstance(one, dg.AssetsDefinition)
    ]
    return {op.name.partition("__")[2]: op for op in ops}


def test_ops_carry_their_resources_and_pools(tmp_path: Path) -> None:
    ops = ops_of(tmp_path, ("  policy:\n", DECLARED))
    limits = {"cpu": "1500m", "memory": "512Mi"}
    assert ops["model"].tags[RESOURCES_TAG] == "cpus 1.5, memory 512MiB, seconds 60, threads 1"
    expected = {"container_config": {"resources": {"requests": limits, "limits": limits}}}
    assert _plain(ops["model"].tags[K8S_TAG]) == expected
    assert "2048Mi" in str(ops["split"].tags[K8S_TAG])
    assert {stage: op.pool for stage, op in ops.items() if op.pool} == POOLS


def test_without_a_declaration_no_container_is_asked_for(tmp_path: Path) -> None:
    assert all(not {K8S_TAG, RESOURCES_TAG} & set(op.tags) for op in ops_of(tmp_path).values())
    assert K8S_TAG not in resource_tags(StageResources(seconds=3.0))


def test_every_op_has_its_entry_in_the_section(tmp_path: Path) -> None:
    entries = set(Resources.model_fields) - {"default", "budget"}
    assert set(ops_of(tmp_path)) == entries


def _plain(value: object) -> object:
    import json

    return json.loads(value) if isinstance(value, str) else value
