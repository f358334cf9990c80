from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster.components.core.package_entry import discover_entry_point_package_objects
from dagster.components.testing import create_defs_folder_sandbox

import ml_platform
from ml_platform.core.errors import PolicyInvalid
from ml_platform.orchestration.build import build_all, build_model, load_definitions
from ml_platform.orchestration.component import GovernedModel
from ml_platform.orchestration.jobs import DOSSIER, PROMOTE, RELEASE
from ml_platform.policy.load import GovernedModelFile
from ml_platform.settings import Settings
from ml_platform_tests.orchestration.small_model import load_small, write_model

# Dagster's own loading of component files.
DAGSTERS_OWN = pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated", "ignore::dagster.BetaWarning")
HEAVY = ("mlflow", "lightgbm", "sklearn", "scipy", "matplotlib", "pandera", "pandas", "numpy", "pyarrow")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> GovernedModelFile:
    return load_small(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def definitions(file: GovernedModelFile) -> dg.Definitions:
    return build_model(file)


def _settings(folder: Path, *only: str) -> Settings:
    return Settings(home=folder / "home", mlflow_uri="", actor="robin", defs=folder / "defs", only=only)


def test_the_shipped_definitions_load_without_heavy_imports() -> None:
    code = f"import ml_platform.definitions, sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_definitions_are_valid(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_the_path_is_one_way_and_whole(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    names = [key.path[-1] for layer in graph.toposorted_asset_keys_by_level for key in layer]
    order = [name for name in names if name in (*RELEASE, *PROMOTE, *DOSSIER)]
    assert set(order) == {*RELEASE, *PROMOTE, *DOSSIER}
    assert order.index("source") < order.index("snapshot") < order.index("split") < order.index("features")
    assert order.index("features") < order.index("model") < order.index("evaluation") < order.index("release")
    assert order.index("release") < order.index("staging") < order.index("production")
    assert order[-1] == "dossier"


def test_every_gate_of_the_policy_is_a_check(file: GovernedModelFile, definitions: dg.Definitions) -> None:
    found = {(key.asset_key.path[-1], key.name) for key in definitions.resolve_asset_graph().asset_check_keys}
    assert found == {(gate.stage, name) for name, gate in file.policy.gates.items()}


def test_every_asset_tells_the_story(definitions: dg.Definitions) -> None:
    for spec in definitions.resolve_all_asset_specs():
        assert spec.group_name == "parcels"
        assert spec.description
        assert list(spec.owners) == ["team:parcels-team"]
        assert spec.kinds
        assert spec.tags["ml_platform/risk_class"] == "minimal"


def test_no_asset_can_reach_an_io_manager_that_pickles(definitions: dg.Definitions) -> None:
    for spec in definitions.resolve_all_asset_specs():
        assert spec.metadata.get("dagster/io_manager_key", "ml_platform_records") == "ml_platform_records"
    for asset in definitions.assets or ():
        assert isinstance(asset, dg.AssetsDefinition)
        outputs = [output for output in asset.op.output_defs if output.name in asset.keys_by_output_name]
        assert {output.io_manager_key for output in outputs} == {"ml_platform_records"}


def test_jobs_select_stretches_without_gaps(definitions: dg.Definitions) -> None:
    chosen = {
        job: {key.path[-1] for key in definitions.resolve_job_def(job).asset_layer.selected_asset_keys}
        for job in ("parcels_release", "parcels_promote", "parcels_retrain", "parcels_monitor")
    }
    assert chosen["parcels_release"] == {*RELEASE, "dossier"}
    assert chosen["parcels_promote"] == {"production", "dossier"}
    assert chosen["parcels_retrain"] == {*RELEASE, "dossier"}
    assert chosen["parcels_monitor"] == {"traffic", "monitoring"}


def test_retraining_reaches_production_only_when_the_file_says_so(tmp_path: Path) -> None:
    file = load_small(tmp_path, ("deployment: {production: manual}", "deployment: {production: automatic}"))
    job = build_model(file).resolve_job_def("parcels_retrain")
    assert {key.path[-1] for key in job.asset_layer.selected_asset_keys} == {*RELEASE, "production", "dossier"}


def test_a_model_that_is_not_watched_has_no_sensor_and_no_windows(tmp_path: Path) -> None:
    path = write_model(tmp_path)
    path.write_text(path.read_text().partition("  monitoring:")[0])
    found = load_definitions(path)
    assert not found.sensors
    assert not {"traffic", "monitoring"} & {key.path[-1] for key in found.resolve_asset_graph().get_all_asset_keys()}


def test_months_are_the_partitions_of_windows(definitions: dg.Definitions) -> None:
    partitions = definitions.resolve_asset_graph().get(dg.AssetKey(["parcels", "traffic"])).partitions_def
    assert partitions is not None
    assert partitions.get_partition_keys() == ["2025-09", "2025-10", "2025-11", "2025-12"]


def test_a_change_of_the_learner_is_a_new_code_version_of_the_model_alone(tmp_path: Path) -> None:
    before, after = (
        {spec.key.path[-1]: spec.code_version for spec in build_model(file).resolve_all_asset_specs()}
        for file in (load_small(tmp_path), load_small(tmp_path, ("rounds: 30", "rounds: 31")))
    )
    changed = {name for name in before if before[name] != after[name]}
    assert "model" in changed
    assert not {"snapshot", "split", "features"} & changed


def test_a_broken_model_is_shown_and_the_others_load(tmp_path: Path) -> None:
    write_model(tmp_path)
    broken = tmp_path / "defs" / "broken" / "defs.yaml"
    broken.parent.mkdir()
    broken.write_text((tmp_path / "defs" / "parcels" / "defs.yaml").read_text().replace("risk_class", "risk_clas"))
    found = build_all(_settings(tmp_path))
    specs = {spec.key.to_user_string(): spec for spec in found.resolve_all_asset_specs()}
    assert "parcels/production" in specs
    assert specs["broken/source"].kinds == {"broken"}
    assert "risk_clas" in (specs["broken/source"].description or "")
    with dg.instance_for_test() as instance:
        done = found.resolve_job_def("broken_release").execute_in_process(instance=instance, raise_on_error=False)
    assert not done.success
    (event,) = done.filter_events(lambda one: one.is_step_failure)
    failure = event.step_failure_data.user_failure_data
    assert failure is not None
    assert f"{broken}:" in (failure.description or "")
    assert "risk_class" in (failure.description or "")


def test_a_file_that_is_no_yaml_is_shown_as_broken(tmp_path: Path) -> None:
    path = tmp_path / "defs" / "odd-name" / "defs.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("type: [")
    specs = load_definitions(path).resolve_all_asset_specs()
    assert [spec.key.to_user_string() for spec in specs] == ["odd_name/source"]


def test_only_the_named_models_are_loaded_and_an_unknown_name_is_refused(tmp_path: Path) -> None:
    write_model(tmp_path)
    assert build_all(_settings(tmp_path, "parcels")).resolve_all_asset_specs()
    with pytest.raises(PolicyInvalid, match="parcel"):
        build_all(_settings(tmp_path, "parcel"))


def test_dagsters_tooling_finds_the_component() -> None:
    found = {key.to_typename(): obj for key, obj in discover_entry_point_package_objects().items()}
    assert found["ml_platform.GovernedModel"] is GovernedModel
    assert ml_platform.GovernedModel is GovernedModel


def test_the_tooling_sees_the_schema_of_the_model_file() -> None:
    schema = GovernedModel.get_model_cls().model_json_schema()
    assert schema["additionalProperties"] is False
    assert {"model", "risk_class", "contract", "learner"} <= set(schema["required"])


@DAGSTERS_OWN
def test_the_component_builds_what_the_factory_builds(tmp_path: Path, definitions: dg.Definitions) -> None:
    source = write_model(tmp_path)
    with create_defs_folder_sandbox() as sandbox:
        place = sandbox.defs_folder_path / "parcels"
        place.mkdir()
        (place / "defs.yaml").write_text(source.read_text())
        with sandbox.load_component_and_build_defs(defs_path=place) as (component, built):
            assert isinstance(component, GovernedModel)
            keys = built.resolve_asset_graph().get_all_asset_keys()
    assert keys == definitions.resolve_asset_graph().get_all_asset_keys()


@DAGSTERS_OWN
def test_the_component_shows_a_broken_file_instead_of_taking_the_location_down(tmp_path: Path) -> None:
    text = write_model(tmp_path).read_text().replace("role: target", "role: targett")
    with create_defs_folder_sandbox() as sandbox:
        place = sandbox.defs_folder_path / "parcels"
        place.mkdir()
        (place / "defs.yaml").write_text(text)
        with sandbox.load_component_and_build_defs(defs_path=place) as (_, built):
            (spec,) = built.resolve_all_asset_specs()
    assert spec.kinds == {"broken"}
    assert "targett" in (spec.description or "")
