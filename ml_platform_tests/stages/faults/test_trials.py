"""Trials say what catches each fault, and the line that would catch what slipped through."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from ml_platform.core.errors import DataInvalid
from ml_platform.core.fault_trial import FaultTrial
from ml_platform.core.records import QuarantineRecord, SnapshotRecord, SplitRecord
from ml_platform.policy.load import GovernedModelFile
from ml_platform.stages.contract import check_contract
from ml_platform.stages.faults.fault import Scene
from ml_platform.stages.faults.rows import OwnRows, rows_to_try
from ml_platform.stages.faults.trials import prepare, try_faults
from ml_platform.stages.parquet import parquet_bytes
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.orchestration.small_model import NOW, load_small, rows


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> GovernedModelFile:
    return load_small(tmp_path_factory.mktemp("model"), ("range: [0, 2000]", "missing: 0.5"))


@pytest.fixture(scope="module")
def good(file: GovernedModelFile) -> pd.DataFrame:
    return check_contract(file.spec, rows()).accepted


def own(rows: pd.DataFrame, refused_share: float | None = 0.0) -> OwnRows:
    return OwnRows(drawn_from=rows, every=rows, refused_share=refused_share)


def tried(file: GovernedModelFile, good: pd.DataFrame, kind: str, *columns: str) -> dict[str, FaultTrial]:
    """Try a kind, in these columns only if any are named."""
    ground = prepare(file, own(good), size=1000, seed=1, now=NOW)
    scene = Scene.of(ground.scene.reference, target="late", columns=columns or None)
    return {trial.severity: trial for trial in try_faults(dataclasses.replace(ground, scene=scene), [kind], seed=1)}


def test_a_column_that_is_gone_breaks_the_contract(file: GovernedModelFile, good: pd.DataFrame) -> None:
    found = tried(file, good, "column_dropped")
    assert {trial.caught_by for trial in found.values()} == {("contract",)}


def test_rows_that_come_twice_are_stopped_at_any_size(file: GovernedModelFile, good: pd.DataFrame) -> None:
    found = tried(file, good, "rows_duplicated")
    assert found["small"].caught_by == ("rows_are_new",)
    assert found["large"].caught_by == ("rows_are_new", "rows_are_unique")


def test_rows_that_are_put_aside_are_a_warning_and_a_limit_would_stop_the_batch(
    file: GovernedModelFile, good: pd.DataFrame
) -> None:
    found = tried(file, good, "level_unseen", "carrier")["small"]
    assert (found.stopped, found.seen, found.warned_by) == (False, True, ("quarantine",))
    assert found.remedy == "policy.overrides.rows_match_the_contract.limit: 0.0025"


def test_numbers_far_out_would_be_caught_by_a_range(file: GovernedModelFile, good: pd.DataFrame) -> None:
    found = tried(file, good, "outliers_hundred", "distance")
    assert found["small"].remedy == "contract.distance.range: [0, 2999.35]"


def test_a_new_level_would_be_caught_by_declared_levels(file: GovernedModelFile, good: pd.DataFrame) -> None:
    assert tried(file, good, "level_unseen", "region")["small"].remedy == "contract.region.levels: [north, south]"


def test_values_of_personal_columns_are_not_written_down(tmp_path: Path, good: pd.DataFrame) -> None:
    file = load_small(
        tmp_path,
        ("range: [0, 2000]}", "personal_data: quasi}"),
        ("role: group}", "role: group, personal_data: sensitive, reason: Fairness.}"),
    )
    assert tried(file, good, "outliers_hundred", "distance")["small"].remedy == (
        "contract.distance.range: as narrow as the known rows"
    )
    assert (
        tried(file, good, "level_unseen", "region")["small"].remedy == "contract.region.levels: those of the known rows"
    )


def test_a_gate_that_only_warns_could_block(file: GovernedModelFile, good: pd.DataFrame) -> None:
    found = tried(file, good, "unit_changed", "distance")["small"]
    assert "distributions_are_as_before" in found.warned_by
    assert found.remedy.endswith("severity: block")


def test_a_fault_that_changes_nothing_that_can_be_seen_slips_through_every_line(
    file: GovernedModelFile, good: pd.DataFrame
) -> None:
    found = tried(file, good, "join_shuffled", "region")["large"]
    assert (found.seen, found.remedy) == (False, "")


def test_what_closes_without_a_fault_does_not_count(file: GovernedModelFile, good: pd.DataFrame) -> None:
    ground = prepare(file, own(good), size=1000, seed=1, now=NOW)
    always = dataclasses.replace(ground, clean=ground.hear(ground.batch.drop(columns="weight")))
    assert [trial.caught_by for trial in try_faults(always, ["column_dropped"], seed=1)] == [(), (), ()]


def test_a_kind_without_a_place_is_left_out(file: GovernedModelFile, good: pd.DataFrame) -> None:
    assert tried(file, good, "missing_filled") == {}


def test_of_tokens_nothing_is_asked_that_the_contract_says_of_an_originals_form(
    tmp_path: Path, good: pd.DataFrame
) -> None:
    direct = "role: not_used, reason: Not needed., personal_data: direct"
    file = load_small(
        tmp_path,
        (
            "region: {",
            f"""mail: {{type: category, format: email, {direct}}}
    caller: {{type: integer, range: [1, 9], {direct}}}
    region: {{""",
        ),
        ("  features: ", "  rules: {calls: {kind: present, column: caller}}\n  features: "),
        table=rows().assign(mail="a@example.org", caller=1),
    )
    tokens = pd.Categorical([f"{place:032x}" for place in range(len(good))])
    stored = dataclasses.replace(own(good.assign(mail=tokens, caller=tokens)), stored=True)
    ground = prepare(file, stored, size=1000, seed=1, now=NOW)
    assert (ground.clean.closed, ground.clean.put_aside) == (frozenset(), 0)
    assert {one.caught_by for one in try_faults(ground, ["column_dropped"], seed=1)} == {("contract",)}


def test_rows_that_the_contract_refuses_as_they_are_can_show_no_fault(
    file: GovernedModelFile, good: pd.DataFrame
) -> None:
    with pytest.raises(DataInvalid, match="refuses the model's own rows as they are, without any fault"):
        prepare(file, own(good.assign(carrier="road")), size=1000, seed=1, now=NOW)


def test_what_closes_without_a_fault_is_named(file: GovernedModelFile, good: pd.DataFrame) -> None:
    ground = prepare(file, own(good.assign(carrier=["road", "land"] * (len(good) // 2))), size=1000, seed=1, now=NOW)
    found = list(try_faults(ground, ["rows_duplicated"], seed=1))
    assert found
    assert all("rows_match_the_contract" in one.closed_anyway for one in found)


def test_too_few_rows_are_refused(file: GovernedModelFile, good: pd.DataFrame) -> None:
    with pytest.raises(DataInvalid, match="399 rows; at least 400 are needed"):
        prepare(file, own(good[:399]), size=1000, seed=1, now=NOW)


def test_rows_come_from_the_training_part_of_the_newest_snapshot(
    file: GovernedModelFile, good: pd.DataFrame, tmp_path: Path
) -> None:
    store = FakeStore(tmp_path)
    parts = pd.DataFrame({"part": pd.Categorical(["train", "holdout"] * (len(good) // 2))})
    store.put("snapshots", "a" * 64, {"data.parquet": parquet_bytes(good)})
    store.put("splits", "b" * 64, {"parts.parquet": parquet_bytes(parts)})
    snapshot = SnapshotRecord(
        model="parcels", digest="a" * 64, rows=len(good), columns=tuple(good.columns), source_digest="",
        contract_digest="", as_of=None,
    )  # fmt: skip
    split = SplitRecord(model="parcels", digest="b" * 64, snapshot_digest="a" * 64, rows={})
    refused = QuarantineRecord(model="parcels", digest="d" * 64, rows=3, rows_seen=600, reasons={})
    found = rows_to_try(file.spec, store, snapshot, split, refused)
    assert found.stored
    assert (len(found.drawn_from), len(found.every), found.refused_share) == (len(good) // 2, len(good), 0.005)
    other = dataclasses.replace(split, snapshot_digest="c" * 64)
    whole = rows_to_try(file.spec, store, snapshot, other, None)
    assert (len(whole.drawn_from), whole.refused_share) == (len(good), None)


def test_without_a_snapshot_rows_come_from_the_source(file: GovernedModelFile, tmp_path: Path) -> None:
    found = rows_to_try(file.spec, FakeStore(tmp_path), None, None, None)
    assert file.spec.source.as_of is not None
    assert 2000 < len(found.every) < 4000
    assert found.refused_share == 0
    assert found.every["sent"].max() < file.spec.source.as_of
