"""Whatever is changed of a promoted version, the last good one goes on serving; a service that starts answers 503."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.adapters.envelope_header import HEADER_BYTES, MAGIC, SALT_BYTES, SLOT_BYTES
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.signing_keys import FileSigningKeys
from ml_platform.adapters.traffic_log import TrafficLog
from ml_platform.core.dsse import read_envelope, seal, write_envelope
from ml_platform.core.errors import DataInvalid
from ml_platform.core.keys import LONGEST_VERSION
from ml_platform.serving.app import ScoringApp
from ml_platform.serving.clean_check import Limits
from ml_platform.serving.live import Live
from ml_platform_tests.fakes.signing import FakeSigning
from ml_platform_tests.serving.asking import Asker, serving, wait_until
from ml_platform_tests.serving.mutated import (
    Spoiled,
    append,
    cut,
    empty,
    flip,
    flipped_base64,
    flipped_text,
    halve,
    replace_by_folder,
    replace_by_link,
    replace_by_pipe,
    replace_by_vast,
    two_versions,
)
from ml_platform_tests.serving.small_model import (
    GOOD_ROW,
    MODEL,
    expected_scores,
    make_live,
    make_rows,
    put_model,
    trained_text,
)

ROWS = [GOOD_ROW, *make_rows(5)]
SCORES = expected_scores(ROWS, seed=1)
SALT, SLOT = len(MAGIC), len(MAGIC) + SALT_BYTES
MODEL_FILES = ("model.txt", "features_state.json", "features.py", "scoring.json", "files.json")
Change = Callable[[Spoiled], object]


@dataclasses.dataclass(frozen=True)
class Stage:
    """A service that serves version 1, and the home as it was when version 2 had just been promoted."""

    world: Spoiled
    pristine: Path
    asker: Asker
    elsewhere: Path
    live: Live | None

    def restore(self) -> None:
        self.asker.app.follower.live = self.live
        shutil.rmtree(self.world.home)
        shutil.copytree(self.pristine, self.world.home)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Serve version 1 before version 2 is there: nothing has looked at version 2 when a test begins."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("aside")
    make_live(home, put_model(home, seed=1))
    with contextlib.closing(TrafficLog(folder / "traffic", keys=FileKeys(home))) as traffic:
        asker = Asker(ScoringApp(home, MODEL, "staging", traffic=traffic))
        live, world = asker.app.follower.live, two_versions(home)
        shutil.copytree(home, folder / "pristine")
        with contextlib.closing(asker.runner):
            yield Stage(world, folder / "pristine", asker, folder / "started", live)


def holds(stage: Stage) -> str:
    """Look at the spoiled version with both services; return what they say is wrong."""
    follower = stage.asker.app.follower
    follower._seen, follower._retry_at = (0, 0, 0), 0.0
    stage.asker.look()
    scored = stage.asker.score_rows(ROWS).json
    assert (scored["version"], scored["predictions"]) == (1, SCORES)
    health = stage.asker.ask("GET", "/health")
    assert (health.status, health.json["status"]) == (200, "degraded")
    with contextlib.closing(TrafficLog(stage.elsewhere, keys=FileKeys(stage.pristine))) as traffic:
        started = Asker(ScoringApp(stage.world.home, MODEL, "staging", traffic=traffic))
        with contextlib.closing(started.runner):
            assert started.score_rows(ROWS).status == 503
            assert started.ask("GET", "/health").status == 503
    said: str = health.json["problems"][0]
    return said


@pytest.fixture(autouse=True)
def restored(stage: Stage) -> None:
    stage.restore()


def on(path: Callable[[Spoiled], Path], change: Callable[[Path], object]) -> Change:
    return lambda world: change(path(world))


def model_file(world: Spoiled, *, name: str) -> Path:
    return world.second / name


IN_PLACE: dict[str, Callable[[Path], object]] = {
    "cut": cut,
    "empty": empty,
    "grown": append,
    "a bit": lambda path: flip(path, -60),
    "missing": Path.unlink,
    "link": replace_by_link,
    "folder": replace_by_folder,
    "pipe": replace_by_pipe,
    "vast": replace_by_vast,
}
PLACES: dict[str, Callable[[Spoiled], Path]] = {
    **{name: partial(model_file, name=name) for name in MODEL_FILES},
    "evidence": lambda world: world.evidence,
    "bundle": lambda world: world.bundle,
    "manifest": lambda world: world.manifest,
}
WHOLE_FILES = [
    pytest.param(on(place, change), id=f"{where}: {what}")
    for where, place in PLACES.items()
    for what, change in IN_PLACE.items()
    if where in {"model.txt", "bundle", "manifest"} or what in {"empty", "missing", "pipe"}
]
SEALED = {
    "magic": 0,
    "salt": SALT,
    "key version": SLOT,
    "wrapped key": SLOT + LONGEST_VERSION + 10,
    "body": HEADER_BYTES + 5,
    "tag": -1,
}
TEXT = {
    "header": b"num_class=",
    "tree count": b"tree_sizes=",
    "feature": b"split_feature=",
    "threshold": b"threshold=",
    "leaf": b"leaf_value=",
    "categorical bitset": b"cat_threshold=",
    "tail": b"end of param",
}


@pytest.mark.parametrize("change", WHOLE_FILES)
def test_a_file_that_is_another_or_none_is_not_served(stage: Stage, change: Change) -> None:
    change(stage.world)
    assert holds(stage)


@pytest.mark.parametrize("at", SEALED.values(), ids=SEALED)
def test_a_bit_of_the_encryption_is_noticed(stage: Stage, at: int) -> None:
    flip(stage.world.second / "model.txt", at)
    assert "it isn't what was sealed here" in holds(stage) or "key" in holds(stage)


def test_a_bit_where_a_next_key_will_be_changes_nothing(stage: Stage) -> None:
    flip(stage.world.second / "model.txt", SLOT + SLOT_BYTES + 3)
    stage.asker.app.follower._seen = (0, 0, 0)
    stage.asker.look()
    assert stage.asker.score_rows(ROWS).json["predictions"] == expected_scores(ROWS, seed=2)


@pytest.mark.parametrize("words", TEXT.values(), ids=TEXT)
def test_a_bit_of_the_trees_is_noticed_even_when_it_is_sealed_anew(stage: Stage, words: bytes) -> None:
    stage.world.reseal("model.txt", flipped_text(trained_text(2).encode(), words))
    assert "its files aren't those that" in holds(stage)


@pytest.mark.parametrize(
    ("name", "words"),
    [("features_state.json", b'"levels":{"'), ("features.py", b"np.pi / "), ("scoring.json", b'"threshold":0.')],
)
def test_a_bit_of_what_lies_beside_the_trees_is_noticed_even_when_it_is_sealed_anew(
    stage: Stage, name: str, words: bytes
) -> None:
    digest = stage.world.second.name
    stage.world.reseal(name, flipped_text(FileArtefacts(stage.world.home).read("models", digest, name), words))
    assert "its files aren't those that" in holds(stage)


@pytest.mark.parametrize("name", ["calibration.json", "shared.team.calendar.py"])
def test_a_file_that_was_added_is_noticed(stage: Stage, name: str) -> None:
    stage.world.reseal(name, b"{}")
    assert "its files aren't those that" in holds(stage)


@pytest.mark.parametrize("name", ["model.pkl", "model.txt.bak", "shared.so"])
def test_a_file_of_another_format_is_refused(stage: Stage, name: str) -> None:
    (stage.world.second / name).write_bytes(b"cos\nsystem\n")
    assert f"it holds '{name}', which isn't part of a model" in holds(stage)


@pytest.mark.parametrize("name", ["model.txt", "features.py"])
def test_a_file_of_another_version_is_noticed(stage: Stage, name: str) -> None:
    shutil.copyfile(stage.world.first / name, stage.world.second / name)
    assert "it isn't what was sealed here" in holds(stage)


def test_the_whole_folder_of_another_version_is_noticed(stage: Stage) -> None:
    shutil.rmtree(stage.world.second)
    shutil.copytree(stage.world.first, stage.world.second)
    assert holds(stage)


def test_a_file_that_grows_while_it_is_read_is_what_it_was(stage: Stage) -> None:
    digest = stage.world.second.name
    with FileArtefacts(stage.world.home).open("models", digest, "model.txt") as file:
        begun = file.read(10)
        append(stage.world.second / "model.txt")
        assert begun + file.read() == trained_text(2).encode()


def _payload(world: Spoiled) -> None:
    first, second = world.envelopes()
    world.put_envelopes([first, {**second, "payload": flipped_base64(second["payload"])}])


def _one_model_for_another(world: Spoiled) -> None:
    first, second = world.envelopes()
    payload = json.loads(read_envelope(world.bundle.read_bytes().splitlines()[0], "").payload)
    payload["subject"][1]["digest"]["sha256"] = "0" * 64
    signed = seal(FakeSigning(), first["payloadType"], json.dumps(payload).encode())
    world.put_envelopes([json.loads(write_envelope(signed)), second])


def _signature(world: Spoiled) -> None:
    first, second = world.envelopes()
    (signature,) = second["signatures"]
    world.put_envelopes([first, {**second, "signatures": [{**signature, "sig": flipped_base64(signature["sig"])}]}])


def _keyid(world: Spoiled) -> None:
    first, second = world.envelopes()
    (signature,) = first["signatures"]
    world.put_envelopes([{**first, "signatures": [{**signature, "keyid": "0" * 16}]}, second])


def _no_signature(world: Spoiled) -> None:
    first, second = world.envelopes()
    world.put_envelopes([{**first, "signatures": []}, second])


def _retired(world: Spoiled) -> None:
    keys = world.home / "signing_keys.json"
    said = json.loads(keys.read_bytes())
    said["keys"][0]["retired_at"] = dt.datetime(2013, 1, 1, tzinfo=dt.UTC).isoformat()
    keys.write_text(json.dumps(said))


def _foreign_key(world: Spoiled) -> None:
    keys = world.home / "signing_keys.json"
    said = json.loads(keys.read_bytes())
    other = FileSigningKeys(world.home / "elsewhere")
    other.sign(b"")
    said["keys"] += json.loads(other.path.read_bytes())["keys"]
    keys.write_text(json.dumps(said))


FORGED: dict[str, tuple[Change, str]] = {
    "payload": (_payload, "it can't be read, or no known key signed it"),
    "another model": (_one_model_for_another, "no known key signed it"),
    "signature": (_signature, "line 2 isn't signed by its key"),
    "keyid": (_keyid, "no known key signed it"),
    "no signature": (_no_signature, "no known key signed it"),
    "retired key": (_retired, "was retired on 2013-01-01"),
    "a key nobody vouches for": (_foreign_key, "no earlier key of the platform vouches"),
    "no keys": (lambda world: (world.home / "signing_keys.json").unlink(), "isn't one of the platform's keys"),
    "empty": (lambda world: world.put_bundle(b""), "two signed lines"),
    "one line": (lambda world: world.put_envelopes(world.envelopes()[:1]), "two signed lines"),
    "half": (lambda world: world.put_bundle(world.bundle.read_bytes()[:500]), "two signed lines"),
    "none": (
        lambda world: world.forge("releases", lambda row: row.replace(world.bundle.parent.name, "")),
        "isn't signed, as it was made before evidence was",
    ),
}


@pytest.mark.parametrize(("change", "words"), FORGED.values(), ids=FORGED)
def test_what_is_not_signed_is_not_served_even_when_the_ledger_names_it(
    stage: Stage, change: Change, words: str
) -> None:
    change(stage.world)
    assert words in holds(stage)


def test_the_bundle_of_another_version_is_not_enough(stage: Stage) -> None:
    bundles = {path.parent.name: path for path in (stage.world.home / "bundles").glob("*/bundle.intoto.jsonl")}
    (other,) = set(bundles) - {stage.world.bundle.parent.name}
    stage.world.forge("releases", lambda row: row.replace(stage.world.bundle.parent.name, other))
    assert "it was signed of another evidence" in holds(stage)


ROWS_OF = {
    "live row: another version": ("deployments", lambda row: row.replace('"version":2', '"version":1')),
    "live row: another model": ("deployments", lambda row: row.replace('"model_digest":"', '"model_digest":"0')),
    "live row: garbage": ("deployments", lambda _row: "{"),
    "release row: another model": ("releases", lambda row: row.replace('"model_digest":"', '"model_digest":"0')),
    "release row: another releaser": ("releases", lambda row: row.replace('"alice"', '"bob"')),
    "release row: garbage": ("releases", lambda _row: "[]"),
}


@pytest.mark.parametrize(("table", "change"), ROWS_OF.values(), ids=ROWS_OF)
def test_a_row_of_the_ledger_that_was_changed_is_noticed(
    stage: Stage, table: str, change: Callable[[str], str]
) -> None:
    stage.world.forge(table, change)
    assert holds(stage)


@pytest.mark.parametrize("change", [halve, empty, replace_by_folder, replace_by_pipe], ids=lambda one: one.__name__)
def test_a_ledger_that_is_none_leaves_the_last_good_version(stage: Stage, change: Callable[[Path], object]) -> None:
    change(stage.world.ledger)
    assert holds(stage)


def test_whatever_goes_wrong_while_loading_leaves_the_last_good_version(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_given: object) -> None:
        raise RecursionError

    monkeypatch.setattr("ml_platform.serving.live.require_live", fails)
    assert "can't be loaded (RecursionError)" in holds(stage)


def _cyclic(text: str) -> str:
    lines = ["left_child=0 0 0 0 0 0" if line.startswith("left_child=") else line for line in text.splitlines()]
    return "\n".join(["right_child=0 0 0 0 0 0" if line.startswith("right_child=") else line for line in lines])


@pytest.mark.parametrize(
    "text",
    [
        _cyclic(trained_text(2)),
        trained_text(2).replace("num_leaves=7", "num_leaves=2000000000", 1),
        trained_text(2)[: trained_text(2).index("Tree=10")],
    ],
    ids=["cyclic", "vast", "cut"],
)
def test_a_hostile_model_that_is_signed_and_sealed_ends_its_own_process_only(stage: Stage, text: str) -> None:
    home, follower = stage.world.home, stage.asker.app.follower
    make_live(home, put_model(home, text=text), version=3)
    follower.limits = Limits(cpu_seconds=2, wall_seconds=60.0, memory_bytes=2 << 30)
    follower._seen, follower._retry_at = (0, 0, 0), 0.0
    stage.asker.look()
    assert stage.asker.score_rows(ROWS).json["predictions"] == SCORES
    assert "can't be loaded and scored in a clean process" in stage.asker.ask("GET", "/health").json["problems"][0]


def test_a_real_service_keeps_serving_and_takes_the_version_once_it_is_mended(stage: Stage) -> None:
    home = stage.world.home
    make_live(home, put_model(home, seed=1), version=1)
    body = json.dumps({"dataframe_records": ROWS}).encode()
    with serving(home) as server:
        file = stage.world.second / "model.txt"
        whole = file.read_bytes()
        file.write_bytes(whole[:-9])
        make_live(home, stage.world.second.name, version=2)
        wait_until(lambda: server.ask("GET", "/health").json["status"] == "degraded")
        assert server.ask("POST", "/invocations", body).json["predictions"] == SCORES
        file.write_bytes(whole)
        wait_until(lambda: server.ask("GET", "/version").json["version"] == 2)
        assert server.ask("POST", "/invocations", body).json["predictions"] == expected_scores(ROWS, seed=2)


def test_a_store_that_reads_an_unknown_format_refuses_it(stage: Stage) -> None:
    from ml_platform.stages.bundle import read_verified

    stage.world.reseal("model.pkl", b"cos\nsystem\n")
    with pytest.raises(DataInvalid, match=r"it holds 'model\.pkl'; only model\.txt"):
        read_verified(FileArtefacts(stage.world.home), stage.world.second.name)
