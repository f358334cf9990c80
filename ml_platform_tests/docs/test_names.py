"""Every gate, metric, control, key and file that the guide names in backticks is one that exists."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import get_args

import pytest

from ml_platform.access.actions import Action
from ml_platform.access.roles import Role
from ml_platform.access.trail import DENIED
from ml_platform.cli.crash import EXIT_CODE
from ml_platform.core.errors import LimitReached
from ml_platform.core.records import SnapshotRecord
from ml_platform.core.verdict import Outcome
from ml_platform.orchestration.at_work import MEASURED
from ml_platform.orchestration.health_sensor import SENSOR as LOOKING
from ml_platform.orchestration.showing import SENSOR
from ml_platform.orchestration.telling import SENSOR as TELLING
from ml_platform.policy import gates, spec, strategy
from ml_platform.policy.coercions import Coercion
from ml_platform.policy.conditions import MEANINGS
from ml_platform.policy.controls import CONTROLS
from ml_platform.policy.formats import Format
from ml_platform.policy.guard import Guard
from ml_platform.policy.learner_parameters import PARAMETERS
from ml_platform.policy.metrics import METRICS
from ml_platform.policy.notifications import KINDS, Channel, Notifications
from ml_platform.policy.packs import combine, pack_files
from ml_platform.policy.prices import Prices
from ml_platform.policy.resources import Resources, StageResources
from ml_platform.policy.row_rules import RowRule
from ml_platform.policy.stages import STAGES
from ml_platform.serving.openapi import document
from ml_platform.stages.approve import REFUSED as APPROVAL_REFUSED
from ml_platform.stages.code_tests.assembling import ASSEMBLE_CHECKS
from ml_platform.stages.code_tests.catalogue import CHECKS, ELSEWHERE, QUIET, RUNS
from ml_platform.stages.evaluation.comparison import Comparison
from ml_platform.stages.evaluation.paired import METRICS as PAIRED
from ml_platform.stages.evaluation.verdicts import BETTER, NO_WORSE
from ml_platform.stages.faults.catalogue import FAULTS
from ml_platform.stages.put_back import ACTION as PUT_BACK
from ml_platform_tests.docs.pages import DOCS, ROOT, guide, prose, words
from ml_platform_tests.docs.shipped import shipped

SPEC = (
    spec.ModelSpec, spec.Column, spec.Source, spec.Csv, spec.ByPartition, spec.ByWatermark,
    spec.PackageTable, spec.FileTable, spec.UrlTable, spec.SqlTable,
    spec.TimeSplit, spec.EntitySplit, spec.Learner, spec.PolicyChoice, spec.Deployment, spec.Costs, spec.Monitoring,
    strategy.Shadow, strategy.Canary,
    spec.Compute, spec.Tuning, spec.Dimension, Resources, StageResources, Prices, Channel, Notifications,
    spec.FeedbackChoice, Guard,
)  # fmt: skip
GATES = (gates.AtLeast, gates.AtMost, gates.Between, gates.Holds, gates.Override, gates.Waiver, gates.Pack)
# What people write down in an example, and what others named.
GIVEN = {
    "delays_team",
    "audit_entry",
    "ml_platform_health_look_timestamp_seconds",
    "ml_platform_health_disk_free_share",
    "team_retail",
    "ml_platform",
    "ml_platform_tests",
    "error_code",
    "default_limit",
    "rollout_skipped",
    "ml_platform_rollout_rows",
    "ml_platform_outlier_rows",
    "ml_platform_guarded_rows_total",
    "prediction_id",
    *MEASURED,
}


def known() -> set[str]:
    files = {path.stem for folder in ("ml_platform", "ml_platform_tests") for path in (ROOT / folder).rglob("*.py")}
    keys = {key for model in (*SPEC, *GATES) for key in model.model_fields}
    kinds = {"at_least", "at_most", "between", "holds", "not_used", *MEANINGS, *Format}
    for schema in (Coercion, RowRule):
        parts = get_args(get_args(schema)[0])
        keys |= {key for part in parts for key in part.model_fields}
        kinds |= {kind for part in parts for kind in get_args(part.model_fields["kind"].annotation)}
    formats = set(re.findall(r"'(\w+)': \{'type'", str(document("flights", None))))
    models = {"flights", "flights_air_time", "flights_outcome", "health_cost", "returns"}
    jobs = {
        f"{model}_{job}"
        for model in models
        for job in ("release", "promote", "retrain", "monitor", "feedback", "faults", "rollback", "health")
    }
    own = {f"{model}_{does}_sensor" for model in models for does in ("retrain", "rollback", "window", "automation")}
    sensors = {SENSOR, TELLING, LOOKING, *own}
    shown = [shipped(model).spec for model in sorted(models - {"returns"})]
    columns = {name for one in shown for name in (*one.contract, *one.classes)}
    outcomes = {outcome.value for outcome in Outcome} | {"no_gate"}
    told = {"feedback_rows", "feedback_digest"} & {field.name for field in dataclasses.fields(SnapshotRecord)}
    compared = {*told, *PAIRED, *(field.name for field in dataclasses.fields(Comparison)), NO_WORSE, BETTER}
    tests = {RUNS, QUIET, ELSEWHERE, *CHECKS, *ASSEMBLE_CHECKS}
    return (
        files | keys | kinds | formats | models | jobs | sensors | columns | outcomes | tests | compared | set(METRICS)
        | set(Action) | set(Role) | {PUT_BACK, DENIED, APPROVAL_REFUSED} | set(KINDS)
        | set(STAGES) | set(PARAMETERS) | set(combine(["high"], pack_files()).gates) | set(FAULTS) | GIVEN
    )  # fmt: skip


@pytest.mark.parametrize("page", guide(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_name_in_backticks_is_one_that_the_product_knows(page: Path) -> None:
    names = {name for word in words(page) for name in re.findall(r"(?<![\w./-])[a-z]+(?:_[a-z]+)+(?![\w/])", word)}
    assert names <= known(), f"{page.name} names what isn't there"


@pytest.mark.parametrize("page", guide(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_control_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(r"(?<![\w-])(?:[A-Z]{2,}-[A-Z]{2,}(?:-[A-Z]+)*|(?<=`)[A-Z]{3,}(?=`))(?![\w-])", prose(page)))
    assert named - {"LICENSE", "README"} <= set(CONTROLS), f"{page.name} names controls that aren't there"


def test_what_is_said_of_controls_without_a_gate_is_said_of_all_of_them() -> None:
    text = (DOCS / "controls.md").read_text(encoding="utf-8")
    without = text.partition("## Without a gate")[2]
    serving = {gate.control for gate in combine(["high"], pack_files()).gates.values()}
    assert set(re.findall(r"^\| ([A-Z-]{2,}) \|", without, re.MULTILINE)) == set(CONTROLS) - serving


def test_every_path_in_backticks_exists() -> None:
    given = re.compile(r"^(?:ml_platform|ml_platform_tests|docs|benchmarks|tools|\.ci)/[\w./-]*$")
    made = {"ml_platform/defs/returns/", "ml_platform/defs/packs/"}
    named = {word for page in guide() for word in words(page) if given.match(word)} - made
    assert [word for word in sorted(named) if not (ROOT / word).exists()] == []


def test_the_glossary_names_every_stage() -> None:
    from ml_platform.definitions import defs

    glossary = (DOCS / "README.md").read_text(encoding="utf-8")
    line = next(line for line in glossary.splitlines() if line.startswith("| stage |"))
    assets = {key.path[-1] for key in defs.resolve_asset_graph().get_all_asset_keys()}
    assert set(re.findall(r"\w+", line.rpartition(":")[2])) == assets


def test_the_page_on_the_command_line_names_every_job() -> None:
    from ml_platform.definitions import defs

    siblings = ("flights_air_time_", "flights_outcome_")
    jobs = {job.name for job in defs.resolve_all_job_defs() if job.name.startswith("flights_")}
    jobs = {name for name in jobs if not name.startswith(siblings)}
    assert set(re.findall(r"^\| `(flights_\w+)`", (DOCS / "cli.md").read_text(encoding="utf-8"), re.MULTILINE)) == jobs


def test_the_page_on_the_command_line_names_every_exit_code() -> None:
    codes = set(re.findall(r"^\| (\d+) \|", (DOCS / "cli.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert codes == {"0", "1", "2", "3", str(LimitReached.exit_code), str(EXIT_CODE), "130"}


def test_the_page_on_the_model_file_names_every_key() -> None:
    page = DOCS / "model-file.md"
    said = {part for word in words(page) for part in re.findall(r"\w+", word)}
    top = set(spec.ModelSpec.model_fields) | set(spec.Column.model_fields) | set(spec.Deployment.model_fields)
    assert top <= said
    assert {role.value for role in spec.Role} | {kind.value for kind in spec.PersonalData} <= said


def test_the_page_on_policy_names_every_key_and_condition() -> None:
    said = {part for word in words(DOCS / "policy.md") for part in re.findall(r"\w+", word)}
    assert set(gates.AtLeast.model_fields) | set(MEANINGS) | {"at_least", "at_most", "between", "holds"} <= said


def test_the_page_on_monitoring_names_every_key() -> None:
    text = (DOCS / "monitoring.md").read_text(encoding="utf-8")
    assert all(f"{key}" in text for key in spec.Monitoring.model_fields)
