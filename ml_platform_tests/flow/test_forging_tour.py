"""The forging tour: whatever somebody forges, version 1 is served and version 2 stays out; what can be seen is seen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ml_platform.cli.models import utc_now
from ml_platform_tests.flow.forge_ledger import cut_off, database, deployed, show
from ml_platform_tests.flow.forged_home import Forged, forged_home
from ml_platform_tests.flow.forging import ATTACKS, Attack
from ml_platform_tests.flow.project import MODEL
from ml_platform_tests.serving.asking import wait_until

UNKNOWN = 2  # the exit code when there is no such version: somebody cut it off


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forged]:
    with forged_home(tmp_path_factory.mktemp("forged")) as made:
        yield made


@pytest.fixture(scope="module")
def right(story: Forged) -> tuple[object, ...]:
    """Return what is served before anybody forges anything."""
    served = story.served()
    assert served[0] == 1
    assert (story.anew(), story.anew("staging")) == ("v1", "v2")
    assert story.verify().code == 0
    return served


@pytest.fixture
def at(story: Forged, right: tuple[object, ...]) -> Iterator[Forged]:
    yield story
    story.restore()
    assert story.served() == right


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_what_is_forged_changes_nothing_that_is_served(at: Forged, right: tuple[object, ...], attack: Attack) -> None:
    before = len(at.audited())
    attack.act(at)
    if attack.health:
        wait_until(lambda: attack.health in at.health())
    assert at.served() == right
    assert attack.anew in at.anew(attack.place)
    assert_found(at, attack.verify)
    promoted = at.promote(attack.version)
    assert promoted.code != 0
    assert attack.lock in promoted.err
    assert_found(at, attack.verify)  # still: the next process may have vouched for the chain that it saw
    for words in attack.then:
        at.command("rita", words)
    assert at.served() == right
    seen = {entry.action for entry in at.audited()[before:]}
    assert set(attack.audit) <= seen
    assert "promotion_refused" in seen or promoted.code == UNKNOWN


def assert_found(at: Forged, words: str) -> None:
    """Hold `audit verify` to what it says is wrong, of the ledger or of what MLflow shows; no words: nothing is."""
    said = at.verify()
    assert words in said.err
    assert bool(words) == bool(said.err)


def test_an_older_copy_is_served_by_who_starts_in_it_and_the_checkpoints_say_so(at: Forged) -> None:
    """What the page says isn't protected: all in the home fits together, only what lies elsewhere contradicts it."""
    with database(at) as connection:
        former = deployed(connection, MODEL, "staging")[0]
    cut_off(at)
    show(at, former)
    assert at.anew("staging") == "v1"
    assert "it was rewritten or cut off" in at.verify().err


def test_who_reads_the_keys_can_sign_anything_and_the_audit_has_it(story: Forged, right: tuple[object, ...]) -> None:
    """What the page says isn't protected: with the home's private key a deployment is the platform's.

    It comes last: a service never goes back to a deployment from before the one that it serves.
    """
    assert story.served() == right
    with story.platform() as platform:
        made = platform.ledger.deploy(
            story.release(2), "production", actor="rita", reason="mine", approvals=(), at=utc_now()
        )
    show(story, made)
    wait_until(lambda: story.served()[0] == made.version, seconds=60)
    last = story.audited()[-1]
    assert (last.action, last.actor, last.payload["version"]) == ("deployed", "rita", made.version)
