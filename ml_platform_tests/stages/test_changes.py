"""What a version changes is said from its records alone: real versions, made with other data, code and parameters."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_platform.core.change_log import ChangeLog
from ml_platform.core.records import ReleaseRecord
from ml_platform.reports.change_log import change_log_markdown
from ml_platform.stages.changes import changes_between, earlier_version
from ml_platform_tests.cli.conftest import runner
from ml_platform_tests.fakes.ledger import FakeLedger
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.stages.lock_world import World, policy
from ml_platform_tests.stages.made_again import FEATURES, Released, found_team, imports_of, make_version, released_by


@dataclasses.dataclass(frozen=True)
class Two:
    """A first version and a second one, compared with it."""

    world: Released
    second: ReleaseRecord

    def log(self, since: ReleaseRecord | None) -> ChangeLog:
        return changes_between(self.world.platform.store, self.world.platform.ledger, self.second, since)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, tracking: str) -> Iterator[Two]:
    team = found_team(tmp_path_factory.mktemp("team"))
    with released_by(team, tracking) as world:
        lines = team.table.read_text().splitlines(keepends=True)
        team.table.write_text("".join([lines[0], *lines[101:]]))
        team.features.write_text(
            FEATURES.replace('        "carrier"', '        "far": columns["distance"] * 2.0,\n        "carrier"')
        )
        with imports_of(team):
            second = make_version(team, world.platform, ("seed: 7", "seed: 8"), champion=world.version)
        yield Two(world, second)


def topics(log: ChangeLog) -> dict[str, tuple[str, ...]]:
    return {topic.topic: topic.changes for topic in log.topics}


def test_every_topic_says_what_changed(two: Two) -> None:
    log = two.log(two.world.version)
    said = topics(log)
    assert (log.version, log.since) == (2, 1)
    assert any(line.startswith("rows: ") and "(-" in line for line in said["data"])
    assert "features, new: far" in said["features"]
    assert any("lines added: 1, removed: 0" in line for line in said["features"])
    assert any(line.startswith("learner.seed: ") for line in said["parameters"])
    assert any(line.startswith("environment: the same") for line in said["environment"])
    assert not any(topic.missing for topic in log.topics)


def test_the_effect_is_the_paired_comparison_with_its_interval(two: Two) -> None:
    log = two.log(two.world.version)
    assert {one.metric for one in log.gains} >= {"roc_auc_difference"}
    text = change_log_markdown(log)
    assert "## Effect" in text
    assert "| gain in | gain | interval | rows |" in text


def test_the_champion_of_the_release_is_what_it_is_compared_with(two: Two) -> None:
    platform = two.world.platform
    assert earlier_version(platform.store, platform.ledger, two.second) == two.world.version
    assert earlier_version(platform.store, platform.ledger, two.world.version) is None


def test_a_comparison_that_was_never_made_is_missing(two: Two) -> None:
    platform = two.world.platform
    log = changes_between(platform.store, platform.ledger, two.world.version, two.second)
    assert not log.gains
    assert log.topics[-1].missing == (
        "v1 and v2 were never compared on the same rows: it was compared with no champion",
    )


def test_a_first_version_says_so(two: Two) -> None:
    log = changes_between(two.world.platform.store, two.world.platform.ledger, two.world.version, None)
    assert "is the first version" in log.topics[0].changes[0]
    assert "rows with" in log.topics[0].changes[1]


def test_the_command_prints_it(two: Two, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    settings = two.world.platform.settings
    monkeypatch.setenv("ML_PLATFORM_HOME", str(settings.home))
    monkeypatch.setenv("ML_PLATFORM_DEFS", str(settings.defs or ""))
    run, model = runner(capsys), two.second.model
    assert "against v1" in run("changes", f"{model}/2").out
    said = run("changes", f"{model}/2", "--since", "1", "--json")
    assert (said.code, json.loads(said.out)["since"]) == (0, 1)
    assert run("changes", f"{model}/2", "--since", "9").code == 2


def test_what_isnt_on_record_is_named_and_the_digests_are_still_compared(tmp_path: Path) -> None:
    ledger = FakeLedger()
    world = World(ledger=ledger, store=FakeStore(tmp_path), policy=policy())
    first, second = world.release("one"), world.release("two")
    log = changes_between(world.store, ledger, second, first)
    assert "snapshot: the same (515151515151)" in topics(log)["data"]
    assert any("how it was made is not recorded" in line for line in log.topics[0].missing)
    assert "## Missing" in change_log_markdown(log)
