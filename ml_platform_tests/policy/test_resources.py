from __future__ import annotations

from pathlib import Path

import pytest

from ml_platform.core.errors import PolicyInvalid
from ml_platform.policy.load import load_model
from ml_platform.policy.resources import Resources, StageResources
from ml_platform_tests.policy.files import MODEL, NOW, changed

BEFORE = "  policy:\n    packs: [base]\n"


def declared(*lines: str) -> str:
    return changed((BEFORE, "  resources:\n" + "".join(f"    {line}\n" for line in lines) + BEFORE))


def write(folder: Path, text: str, prices: str | None = None) -> Path:
    path = folder / "late" / "defs.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    if prices is not None:
        (folder / "prices.yaml").write_text(prices)
    return path


def problem(folder: Path, text: str, prices: str | None = None) -> str:
    with pytest.raises(PolicyInvalid) as refused:
        load_model(write(folder, text, prices), now=NOW)
    (only,) = refused.value.problems
    return only.removeprefix(f"{folder}/late/")


def test_without_the_section_nothing_is_limited(tmp_path: Path) -> None:
    file = load_model(write(tmp_path, MODEL), now=NOW)
    assert file.spec.resources == Resources()
    assert file.spec.resources.of("model") == StageResources()
    assert file.prices is None


def test_a_stage_has_its_own_words_and_the_defaults_where_it_has_none(tmp_path: Path) -> None:
    text = declared("default: {memory: 2GiB, seconds: 600}", "model: {cpus: 2, memory: 512MiB, threads: 2}")
    resources = load_model(write(tmp_path, text), now=NOW).spec.resources
    assert resources.of("model") == StageResources(cpus=2.0, memory="512MiB", seconds=600.0, threads=2)
    assert resources.of("model").memory_bytes == 512 * 2**20
    assert resources.of("split").memory_bytes == 2 * 2**30
    assert [name for name, _ in resources.stated()] == ["default", "model"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("modle: {seconds: 5}", "resources.modle isn't known here; known: default, budget, source"),
        ("modle: {seconds: 5}", "Did you mean 'model'?"),
        ("model: {second: 5}", "resources.model.second isn't known here"),
        ("model: {second: 5}", "Did you mean 'seconds'?"),
        ("model: {seconds: 0}", "resources.model.seconds is 0; needed: more than 0"),
        ("model: {seconds: .nan}", "resources.model.seconds is"),
        ("model: {threads: 0}", "resources.model.threads is 0; needed: at least 1"),
        ("split: {memory: 2GB}", "resources.split.memory is '2GB'; needed: an amount as 512MiB or 2GiB"),
        ("split: {memory: 0MiB}", "resources.split.memory is '0MiB'; needed: an amount as 512MiB or 2GiB"),
        ("model: {threads: 1}", "resources.model.threads is 1, but learner.threads is 2"),
        ("default: {threads: 1}", "resources.default.threads is 1, but learner.threads is 2"),
        ("budget: 3", "resources.budget is 3.0, but without prices no cost is known; write prices.yaml"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    text = declared(line)
    refused = problem(tmp_path, text)
    number = next(number for number, each in enumerate(text.splitlines(), 1) if each.strip() == line)
    assert refused.startswith(f"defs.yaml:{number}: ")
    assert said in refused


def test_threads_of_another_stage_do_not_contradict_training(tmp_path: Path) -> None:
    text = declared("default: {threads: 1}", "model: {threads: 2}")
    assert load_model(write(tmp_path, text), now=NOW).spec.resources.of("features").threads == 1


def test_a_budget_is_accepted_with_prices(tmp_path: Path) -> None:
    path = write(tmp_path, declared("budget: 3"), "cpu_hour: 0.05\ngib_hour: 0.01\ncurrency: EUR\n")
    file = load_model(path, now=NOW)
    assert file.prices is not None
    assert (file.prices.cpu_hour, file.prices.gib_hour, file.prices.currency) == (0.05, 0.01, "EUR")


def test_a_broken_price_table_is_refused_with_its_line_and_nothing_else(tmp_path: Path) -> None:
    refused = problem(tmp_path, declared("budget: 3"), "cpu_hour: 0.05\ngib_hours: 0.01\ngib_hour: 1\ncurrency: EUR\n")
    assert refused.endswith("gib_hour, currency. Did you mean 'gib_hour'?")
    assert "prices.yaml:2: gib_hours isn't known here" in refused


def test_without_a_learner_that_can_be_read_its_threads_are_not_compared(tmp_path: Path) -> None:
    text = declared("model: {threads: 1}").replace("threads: 2", "threads: two")
    assert "learner.threads is 'two'" in problem(tmp_path, text)
    (tmp_path / "late" / "defs.yaml").unlink()
    (tmp_path / "late").rmdir()
    assert "a mapping" in problem(tmp_path, changed((BEFORE, "  resources: 5\n" + BEFORE)))
