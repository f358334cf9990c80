from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from ml_platform.core.errors import PolicyInvalid
from ml_platform.policy.load import discover, load_model
from ml_platform_tests.policy.files import MODEL, NOW, changed, line_of, load_text, write_model, write_pack

SHIPPED = Path(__file__).parents[2] / "ml_platform" / "defs"


def cases_of(name: str) -> list[list[str]]:
    """Return the cases of a file beside this one: blocks of three lines."""
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    return [block.splitlines() for block in text.strip().split("\n\n")[1:]]


def problems_of(folder: Path, *changes: tuple[str, str]) -> list[str]:
    """Return the problems of the valid file with changes, without its folder."""
    with pytest.raises(PolicyInvalid) as caught:
        load_text(folder, changed(*changes))
    return [problem.replace(f"{folder}/", "") for problem in caught.value.problems]


def problem_of(folder: Path, *changes: tuple[str, str]) -> str:
    """Return the only problem of the valid file with changes."""
    problems = problems_of(folder, *changes)
    assert len(problems) == 1, problems
    return problems[0]


def test_a_valid_file_is_loaded_with_its_packs_and_tightenings(tmp_path: Path) -> None:
    loaded = load_text(tmp_path)
    assert (loaded.spec.target, loaded.spec.time, loaded.spec.entity) == ("late", "sent", "person")
    assert loaded.spec.inputs == ("weight", "carrier")
    assert loaded.policy.packs == ("inspection", "base", "limited")
    assert loaded.policy.gates["auc_is_sufficient"].model_dump()["limit"] == 0.7
    assert loaded.path == tmp_path / "late" / "defs.yaml"
    assert loaded.notices == ()
    assert len(loaded.digest) == 64


def test_a_file_may_leave_out_what_has_a_default(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, MODEL[: MODEL.index("  policy:")])
    assert loaded.spec.monitoring is None
    assert loaded.policy.packs == ("inspection", "base", "limited")


@pytest.mark.parametrize("name", [path.parent.name for path in discover(SHIPPED)] if SHIPPED.is_dir() else [])
def test_the_shipped_models_are_valid(name: str) -> None:
    loaded = load_model(SHIPPED / name / "defs.yaml", now=NOW)
    assert loaded.spec.model == name
    assert loaded.notices == ()


# ----------------------------------------------------------------------------------------------- form


@pytest.mark.parametrize(("old", "new", "said"), cases_of("refused_form.txt"))
def test_a_wrong_form_is_refused_with_line_what_was_seen_and_what_is_needed(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert problem_of(tmp_path, (old, new)) == f"late/defs.yaml:{said}"


def test_a_contract_needs_two_columns(tmp_path: Path) -> None:
    start, end = MODEL.index("    late: {"), MODEL.index("  features: parcels")
    found = problems_of(tmp_path, (MODEL[start:end], "    late: {type: boolean, role: target}\n"))
    assert any('contract is {"late"' in line and "needed: at least 2 entries" in line for line in found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- 1\n", "1: the file holds [1]; needed: `type: ml_platform.GovernedModel` and `attributes:`"),
        ("type: ml_platform.GovernedModel\n", "1: attributes is empty; needed: a mapping (`key: value`)"),
        ("type: ml_platform.GovernedModel\nattributes: [1]\n", "2: attributes is [1]; needed: a mapping"),
        (changed(("ml_platform.Gov", "ml_platform.GoV")), "1: type is 'ml_platform.GoVernedModel'; known: "),
        (changed(("type: ml_platform.GovernedModel\n", "")), "1: type is empty; known: ml_platform.GovernedModel."),
        (f"attribute: 1\n{MODEL}", "1: attribute isn't known here; known: type, attributes. Did you mean 'attribut"),
    ],
)
def test_the_top_of_the_file_is_type_and_attributes(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        load_text(tmp_path, text)
    (problem,) = caught.value.problems
    assert f"defs.yaml:{said}" in problem


def test_templates_are_refused_and_not_taken_for_values(tmp_path: Path) -> None:
    assert "4: purpose is '{{ env.WHY }}'; templates aren't filled in" in problem_of(
        tmp_path, ("purpose: Say which parcels come late", "purpose: '{{ env.WHY }}'")
    )


def test_a_number_that_is_not_finite_is_refused_once_with_its_line(tmp_path: Path) -> None:
    assert problem_of(tmp_path, ("{limit: 0.7}", "{limit: .nan}")) == (
        "late/defs.yaml:34: policy.overrides.auc_is_sufficient.limit is .nan; needed: a finite number "
        "(or the word in quotes, if text is meant)"
    )


def test_all_problems_of_a_file_are_said_at_once_in_its_order(tmp_path: Path) -> None:
    found = problems_of(
        tmp_path,
        ("owner: team-parcels", "ownr: team-parcels"),
        ("levels: [land, sea, air]", "levels: [land, land]"),
        ("range: [0, 60]", "range: [60, 0], ranges: 1"),
        ("learning_rate", "learning_rat"),
        ("packs: [base]", "packs: [bse]"),
        ("threads: 2", "threads: two"),
        ("start: 2026-01-01", "start: 2026-07-01"),
        ("seed: 7", "seed: 7\n    seed: 8"),
    )
    lines = [int(line.split(":")[1]) for line in found]
    assert lines == [2, 5, 18, 19, 28, 29, 31, 33, 39]


def test_a_broken_pack_is_said_beside_the_problems_of_the_model(tmp_path: Path) -> None:
    write_pack(tmp_path, "ours", "pack: ours\ndescription: d\n")
    found = problems_of(tmp_path, ("packs: [base]", "packs: [ours]"), ("owner: team-parcels", "owner: ''"))
    assert len(found) == 2
    assert found[1] == "packs/ours.yaml:1: the pack holds no gates and extends no pack; add gates, or remove the file"


# ----------------------------------------------------------------------------------------------- meaning


@pytest.mark.parametrize(("old", "new", "said"), cases_of("refused_meaning.txt"))
def test_what_makes_no_sense_is_refused_with_its_line_and_the_remedy(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    problem = problem_of(tmp_path, (old, new))
    assert problem.startswith(f"late/defs.yaml:{said}"), problem


def test_rows_with_direct_personal_data_are_not_kept_between_runs(tmp_path: Path) -> None:
    kept = ("{kind: file, path: data/parcels.csv}", "{kind: file, path: data, incremental: {by: partition}}")
    named = ("personal_data: quasi", "personal_data: direct")
    assert load_text(tmp_path, changed(kept)).spec.source.tables
    assert problem_of(tmp_path, kept, named) == (
        "late/defs.yaml:10: source.tables.parcels.incremental keeps rows as they are read, but contract.person is "
        "'direct' personal data; read the table whole"
    )


def test_a_table_in_a_database_is_accepted(tmp_path: Path) -> None:
    sql = "{kind: sql, setting: shop, query: SELECT * FROM parcels WHERE day > :low, parameters: {low: 1}}"
    assert load_text(tmp_path, changed(("{kind: file, path: data/parcels.csv}", sql))).spec.source.tables


def test_a_table_behind_a_url_is_accepted(tmp_path: Path) -> None:
    url = "{kind: url, url: https://data.example.org/parcels.csv}"
    assert load_text(tmp_path, changed(("{kind: file, path: data/parcels.csv}", url))).spec.source.tables


def test_the_shares_of_an_entity_split_add_up_to_one(tmp_path: Path) -> None:
    time = "{kind: time, train_days: 90, validation_days: 10, calibration_days: 10, holdout_days: 20}"
    split = "{{kind: entity, train: {}, validation: 0.1, calibration: 0.1, holdout: {}, salt: s}}"
    good = changed((time, split.format(0.6, 0.2)))
    assert load_text(tmp_path, good).spec.split.kind == "entity"
    assert "23: split's shares add up to 0.9; needed: 1" in problem_of(tmp_path, (time, split.format(0.5, 0.2)))
    assert "23: split has a share of 0; needed: every part above" in problem_of(tmp_path, (time, split.format(0.8, 0)))
    without = problem_of(tmp_path, (time, split.format(0.6, 0.2)), ("role: entity", "role: group"))
    assert without.endswith("23: split.kind is 'entity', but no column has the role entity; give it to one")


def test_a_contract_needs_a_feature(tmp_path: Path) -> None:
    start, end = MODEL.index("    weight:"), MODEL.index("    region:")
    found = problem_of(tmp_path, (MODEL[start:end], ""))
    assert found == "late/defs.yaml:14: contract has no column with the role feature; needed: at least one"


def test_columns_that_need_a_reason_are_accepted_with_one(tmp_path: Path) -> None:
    text = changed(
        ("range: [0, 60]", "personal_data: sensitive, reason: asked for by the carrier"),
        ("late: {type: boolean, role: target}", "late: {type: integer, range: [0, 1], role: target, known: after}"),
    )
    assert load_text(tmp_path, text).spec.target == "late"


def test_a_gate_is_waived_once_only(tmp_path: Path) -> None:
    text = "      - {gate: source_is_fresh, owner: kim, reason: another word on it, expires: 2026-12-30}\n  monitoring:"
    found = problem_of(tmp_path, ("  monitoring:", text))
    assert found == "late/defs.yaml:37: policy.waivers[1].gate is 'source_is_fresh' again; keep one waiver of it"


def test_an_expired_waiver_is_noted_and_takes_nothing_down(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, changed(("expires: 2026-12-31", "expires: 2026-02-28")))
    (notice,) = loaded.notices
    line = line_of("gate: source_is_fresh", MODEL)
    assert f"defs.yaml:{line}: policy.waivers[0] of 'source_is_fresh' by pat expired on 2026-02-28" in notice
    assert len(loaded.policy.waivers) == 1


def test_a_waiver_counts_on_its_last_day(tmp_path: Path) -> None:
    path = write_model(tmp_path)
    assert load_model(path, now=dt.datetime(2026, 12, 31, 23, tzinfo=dt.UTC)).notices == ()


def test_monitoring_without_an_end_is_accepted(tmp_path: Path) -> None:
    assert load_text(tmp_path, changed(("    end: 2026-06-01\n", ""))).spec.monitoring is not None


def test_the_pack_of_the_risk_class_is_always_there(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, changed(("risk_class: limited", "risk_class: high"), ("packs: [base]", "packs: []")))
    assert loaded.policy.packs == ("inspection", "base", "limited", "high")
    assert loaded.policy.approvals_for("production") == 1
    assert loaded.policy.gates["selection_rates_are_similar"].severity == "block"


# ----------------------------------------------------------------------------------------------- discovery


def test_models_are_discovered_by_their_folder_in_order(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        write_model(tmp_path, name=name)
    (tmp_path / "packs").mkdir()
    assert [path.parent.name for path in discover(tmp_path)] == ["a", "b", "c"]
    assert [path.parent.name for path in discover(tmp_path, only=("c", "a"))] == ["a", "c"]


def test_an_unknown_name_is_refused_with_the_nearest(tmp_path: Path) -> None:
    write_model(tmp_path, name="flights")
    with pytest.raises(PolicyInvalid, match=r"no model is named 'flihgts'; known: flights\. Did you mean 'flights'\?"):
        discover(tmp_path, only=("flihgts",))


def test_a_folder_without_models_holds_none(tmp_path: Path) -> None:
    assert discover(tmp_path / "absent") == []
