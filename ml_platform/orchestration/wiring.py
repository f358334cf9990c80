"""Wiring: how a stage becomes Dagster assets - keys, owners, kinds, descriptions, checks, inputs and outputs."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg

from ml_platform.core.digest import digest_of, short
from ml_platform.orchestration.code_digest import code_digest, features_source
from ml_platform.orchestration.gates import check_specs
from ml_platform.orchestration.placing import pool_of, resource_tags
from ml_platform.orchestration.records import RECORDS_KEY
from ml_platform.orchestration.run_stage import sections_of

if TYPE_CHECKING:
    from ml_platform.policy.load import GovernedModelFile
    from ml_platform.policy.spec import ModelSpec

MODEL_TAG = "ml_platform/model"
URGENT_TAG = "ml_platform/urgent"  # in place of the model's: `dagster.yaml` lets few runs with that at a time
RISK_TAG = "ml_platform/risk_class"
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """An asset that a stage hands on: its name, the type of its record, what it is made of and what it tells.

    `automation` says when Dagster makes it by itself.
    """

    name: str
    record: type
    kinds: frozenset[str]
    about: str
    automation: dg.AutomationCondition[dg.AssetKey] | None = None


def asset_key(model: str, name: str) -> dg.AssetKey:
    """Return the key `<model>/<name>`."""
    return dg.AssetKey([model, name])


def owner_of(spec: ModelSpec) -> str:
    """Return the owner as Dagster takes it: an e-mail address as it is, anything else as the name of a team."""
    if _EMAIL.fullmatch(spec.owner) or spec.owner.startswith("team:"):
        return spec.owner
    return "team:" + re.sub(r"[^a-z0-9_.-]+", "-", spec.owner.lower()).strip("-")


def tags_of(spec: ModelSpec) -> dict[str, str]:
    """Return the tags of everything that belongs to a model."""
    return {MODEL_TAG: spec.model, RISK_TAG: spec.risk_class.value}


def urgent_tags(spec: ModelSpec) -> dict[str, str]:
    """Return the tags of a job that waits for no other run of its model, as a bad version answers meanwhile."""
    return {URGENT_TAG: spec.model, RISK_TAG: spec.risk_class.value, "dagster/priority": "10"}


@functools.lru_cache(maxsize=512)
def _version(stage: str, sections: str, features: str) -> str:
    drawing = ("reports",) if stage in {"evaluation", "dossier"} else ()
    return short(digest_of([code_digest(*drawing), sections, features_source(features)]))


def code_version(spec: ModelSpec, stage: str) -> str:
    """Return the version of what makes a stage's records: the platform's code, the features and its file sections."""
    return _version(stage, digest_of(sections_of(spec, stage)), spec.features)


def wire(
    file: GovernedModelFile,
    stage: str,
    *,
    outputs: Sequence[Output],
    inputs: Mapping[str, type] | None = None,
    deps: Sequence[str] = (),
    within: Mapping[str, Sequence[str]] | None = None,
    partitions: dg.PartitionsDefinition[str] | None = None,
) -> dict[str, Any]:
    """Return what `dagster.multi_asset` needs to make a stage one op: its assets with their gates, and its inputs.

    `within` says of each output which assets it comes from, where that isn't every input.
    """
    spec = file.spec
    version = code_version(spec, stage)
    return {
        "name": f"{spec.model}__{stage}",
        "description": outputs[0].about,
        "can_subset": False,
        "ins": {
            name: dg.AssetIn(asset_key(spec.model, name), dagster_type=record, input_manager_key=RECORDS_KEY)
            for name, record in (inputs or {}).items()
        },
        "deps": [asset_key(spec.model, name) for name in deps],
        "outs": {output.name: asset_out(spec, output, version) for output in outputs},
        "internal_asset_deps": {
            output: {asset_key(spec.model, name) for name in names} for output, names in (within or {}).items()
        },
        "check_specs": [
            check
            for output in outputs
            for check in check_specs(file.policy, output.name, asset_key(spec.model, output.name))
        ],
        "partitions_def": partitions,
        "op_tags": {**tags_of(spec), **resource_tags(spec.resources.of(stage))},
        "pool": pool_of(stage),
    }


def asset_out(spec: ModelSpec, output: Output, version: str) -> dg.AssetOut:
    """Return the output that keeps an asset's record on the shelf."""
    return dg.AssetOut(
        key=asset_key(spec.model, output.name),
        dagster_type=output.record,
        io_manager_key=RECORDS_KEY,
        description=described(spec, output.about),
        group_name=spec.model,
        owners=[owner_of(spec)],
        kinds=set(output.kinds),
        tags=tags_of(spec),
        code_version=version,
        automation_condition=output.automation,
    )


def described(spec: ModelSpec, about: str) -> str:
    """Return an asset's description: what it is, then which model it belongs to and what that is for."""
    model = f"**Model `{spec.model}`** ({spec.risk_class.value} risk): {spec.description}"
    return f"{about}\n\n{model}\n\n**Purpose:** {spec.purpose}"
