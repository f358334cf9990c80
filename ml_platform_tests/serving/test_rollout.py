"""A challenger beside the live version: it answers its share or scores besides, and never hurts an answer."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.rollout_manifests import rollout_path
from ml_platform.adapters.traffic_log import read, traffic_folder
from ml_platform.core.input_guard import InputGuard
from ml_platform.core.scoring import InputColumn
from ml_platform.core.traffic import Prediction
from ml_platform.serving import mirror
from ml_platform.serving.challenger import Canary
from ml_platform_tests.serving.asking import Asker, asking, serving, wait_until
from ml_platform_tests.serving.small_model import (
    CONTRACT,
    GOOD_ROW,
    MODEL,
    begin_rollout,
    end_rollout,
    expected_scores,
    make_live,
    make_rows,
    put_model,
    with_input,
)
from ml_platform_tests.serving.test_open_inference import tensors

BROKEN = '''"""Features that fail where the distance is long."""

import numpy as np


def transform(columns, state):
    """Divide by what some rows have."""
    if (columns["distance"] > 5000).any():
        raise ValueError("too far")
    angle = columns["hour"] * (2 * np.pi / 24)
    return {**columns, "hour_sin": np.sin(angle), "hour_cos": np.cos(angle), "long": columns["distance"] - 1000.0}
'''


@pytest.fixture
def asker(home: Path) -> Iterator[Asker]:
    with asking(home) as asker:
        yield asker


def logged(home: Path) -> list[Prediction]:
    return read(traffic_folder(home, "staging", MODEL), keys=FileKeys(home), with_pairs=True).predictions


def versions(asker: Asker, rows: list[dict[str, object]]) -> list[int]:
    return [asker.score_rows([row]).json["version"] for row in rows]


def problems(asker: Asker) -> list[str]:
    found: list[str] = asker.ask("GET", "/health").json["problems"]
    return found


def looked(asker: Asker) -> None:
    asker.app.follower.rollout._again_at = 0.0
    asker.look()


def test_a_canary_answers_its_share_and_says_so(home: Path, asker: Asker) -> None:
    begin_rollout(home, put_model(home, seed=2))
    asker.look()
    replies = [asker.score_rows([GOOD_ROW]).json for _ in range(60)]
    expected = {1: expected_scores([GOOD_ROW], seed=1), 2: expected_scores([GOOD_ROW], seed=2)}
    assert all(reply["predictions"] == expected[reply["version"]] for reply in replies)
    count = sum(reply["version"] == 2 for reply in replies)
    assert 15 <= count <= 45
    written = {one.id: one for one in logged(home)}
    assert len(written) == 60
    for reply in replies:
        one = written[reply["prediction_ids"][0]]
        assert (one.version, one.pair) == (reply["version"], "")
        assert (one.route, one.rollout) == ("canary" if one.version == 2 else "live", "r1")
    tried = asker.ask("GET", "/version").json["rollout"]
    assert (tried["strategy"], tried["version"], tried["weight"]) == ("canary", 2, 0.5)
    assert asker.ask("GET", "/health").json["rollout"] == tried
    text = asker.ask("GET", "/metrics").body.decode()
    assert f'ml_platform_rollout_rows{{model="toy",what="canary"}} {count}' in text
    assert 'ml_platform_rollout_info{model="toy",strategy="canary",version="2"} 1' in text


def test_who_names_a_version_gets_exactly_the_live_one_and_counts_in_no_trial(home: Path, asker: Asker) -> None:
    begin_rollout(home, put_model(home, seed=2), weight=1.0)
    asker.look()
    body = [json.dumps({"inputs": tensors([GOOD_ROW])}).encode()]
    named = asker.ask("POST", f"/v2/models/{MODEL}/versions/1/infer", body)
    assert (named.status, named.json["model_version"]) == (200, "1")
    assert named.json["outputs"][0]["data"] == expected_scores([GOOD_ROW], seed=1)
    assert [(one.version, one.route, one.rollout) for one in logged(home)] == [(1, "live", "")]
    assert asker.ask("POST", f"/v2/models/{MODEL}/infer", body).json["model_version"] == "2"
    tried = asker.ask("POST", f"/v2/models/{MODEL}/versions/2/infer", body)
    assert tried.status == 404
    assert "version '2' of toy isn't live in staging; version 1 is" in tried.json["error"]


def test_the_same_key_always_meets_the_same_version(home: Path, asker: Asker) -> None:
    begin_rollout(home, put_model(home, seed=2), sticky_by="distance")
    asker.look()
    rows: list[dict[str, object]] = [{**GOOD_ROW, "distance": float(number)} for number in range(40)]
    first = versions(asker, rows)
    assert set(first) == {1, 2}
    assert versions(asker, rows) == first
    assert asker.score_rows(rows).json["version"] == first[0]


def test_a_key_that_is_missing_draws_each_request(home: Path, asker: Asker) -> None:
    begin_rollout(home, put_model(home, seed=2), sticky_by="wind")
    asker.look()
    assert set(versions(asker, [{**GOOD_ROW, "wind": None}] * 30)) == {1, 2}


def test_where_the_challenger_fails_the_live_version_answers_and_the_failure_is_written_down(
    home: Path, asker: Asker
) -> None:
    begin_rollout(home, put_model(home, seed=2, source=BROKEN), weight=1.0)
    asker.look()
    far = {**GOOD_ROW, "distance": 5500.0}
    reply = asker.score_rows([far, GOOD_ROW]).json
    assert (reply["version"], reply["predictions"]) == (1, expected_scores([far, GOOD_ROW], seed=1))
    assert versions(asker, [GOOD_ROW]) == [2]
    failed = [one for one in logged(home) if one.pair]
    assert [(one.version, one.status, one.route, one.score) for one in failed] == [(2, 500, "canary", None)] * 2
    assert [one.pair for one in failed] == reply["prediction_ids"]
    assert [one.rollout for one in failed] == ["r1", ""]  # one request, one trial
    assert 'ml_platform_rollout_rows{model="toy",what="fallbacks"} 2' in asker.ask("GET", "/metrics").body.decode()


def test_where_the_guard_of_a_canary_abstains_it_has_answered_and_where_it_refuses_the_live_version_does(
    home: Path, asker: Asker
) -> None:
    guard = InputGuard(out_of_range="abstain", unseen_level="reject", ranges={"distance": (0.0, 1000.0)})
    begin_rollout(home, put_model(home, seed=2, guard=guard), weight=1.0)
    asker.look()
    far = {**GOOD_ROW, "distance": 5500.0}
    reply = asker.score_rows([far, GOOD_ROW]).json
    assert (reply["version"], reply["predictions"]) == (2, [None, *expected_scores([GOOD_ROW], seed=2)])
    written = {one.id: one for one in logged(home)}
    first = written[reply["prediction_ids"][0]]
    assert (first.version, first.status, first.score, first.pair, first.abstained) == (2, 200, None, "", True)
    new = asker.score_rows([{**GOOD_ROW, "carrier": "ZZ"}]).json
    assert (new["version"], [one["column"] for one in new["flagged"]]) == (1, ["carrier"])
    assert [(one.status, one.score) for one in logged(home) if one.pair] == [(422, None)]


def test_a_challenger_that_fails_at_every_request_is_told_of_once(home: Path) -> None:
    begin_rollout(home, put_model(home, seed=2, source=BROKEN), weight=1.0)
    body = json.dumps({"dataframe_records": [{**GOOD_ROW, "distance": 5500.0}]}).encode()
    with serving(home) as server:
        wait_until(lambda: server.ask("GET", "/version").json["rollout"])
        assert {server.ask("POST", "/invocations", body).json["version"] for _ in range(20)} == {1}
        code, said = server.end()
    assert (code, said.count("the challenger v2 failed: ValueError")) == (0, 1)


def test_what_only_the_challenger_refuses_is_answered_by_the_live_version(home: Path, asker: Asker) -> None:
    narrower = with_input(InputColumn(name="distance", type="number", low=0, high=100))
    begin_rollout(home, put_model(home, seed=2, contract=narrower), weight=1.0)
    asker.look()
    assert versions(asker, [GOOD_ROW, {**GOOD_ROW, "distance": 50.0}]) == [1, 2]
    assert [one.status for one in logged(home) if one.pair] == [422]
    assert asker.score_rows([{**GOOD_ROW, "distance": -1.0}]).status == 422


def test_a_rollout_that_ended_is_over_even_if_it_is_still_shown_or_shown_again(home: Path, asker: Asker) -> None:
    begin_rollout(home, put_model(home, seed=2), weight=1.0)
    asker.look()
    shown = rollout_path(home, "staging", MODEL)
    content = shown.read_bytes()
    assert versions(asker, [GOOD_ROW]) == [2]
    end_rollout(home, shown=False)
    looked(asker)
    assert versions(asker, [GOOD_ROW]) == [1]
    assert problems(asker) == []
    shown.unlink()
    looked(asker)
    shown.write_bytes(content)
    looked(asker)
    assert versions(asker, [GOOD_ROW]) == [1]
    with contextlib.closing(sqlite3.connect(home / "ledger.sqlite", isolation_level=None)) as forged:
        forged.execute("DROP TRIGGER rollout_ends_no_delete")
        forged.execute("DELETE FROM rollout_ends")
    looked(asker)
    assert versions(asker, [GOOD_ROW]) == [1]


@pytest.mark.parametrize(
    ("forged", "words"),
    [
        ("UPDATE rollouts SET content = replace(content, '0.25', '1.00')", "isn't the platform's"),
        ("UPDATE rollouts SET content = json_set(content, '$.key_id', '', '$.signature', '')", "it isn't signed"),
        ("DELETE FROM rollouts", "the ledger knows of no rollout"),
        ("UPDATE rollouts SET content = replace(content, '\"champion\":1', '\"champion\":7')", "begun beside v7"),
    ],
)
def test_what_the_platform_did_not_begin_is_not_tried(home: Path, asker: Asker, forged: str, words: str) -> None:
    begin_rollout(home, put_model(home, seed=2), weight=0.25)
    with contextlib.closing(sqlite3.connect(home / "ledger.sqlite", isolation_level=None)) as ledger:
        for (name,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            ledger.execute(f"DROP TRIGGER {name}")
        ledger.execute(forged)
    asker.look()
    assert set(versions(asker, [GOOD_ROW] * 20)) == {1}
    assert words in problems(asker)[0]


def test_a_rollout_that_was_put_there_again_is_not_tried(home: Path, asker: Asker) -> None:
    begun = begin_rollout(home, put_model(home, seed=2), weight=1.0)
    end_rollout(home)
    begin_rollout(home, put_model(home, seed=3), version=3, weight=1.0, rollout_id="r2")
    end_rollout(home, "r2")
    path, content = rollout_path(home, "staging", MODEL), json.dumps(dataclasses.asdict(begun), default=str)
    path.write_text(content)
    with contextlib.closing(sqlite3.connect(home / "ledger.sqlite", isolation_level=None)) as ledger:
        for (name,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            ledger.execute(f"DROP TRIGGER {name}")
        ledger.execute(
            "INSERT INTO rollouts SELECT 1, 'again', model, environment, version, content FROM rollouts "
            "WHERE rollout_id = 'r1'"
        )
        ledger.execute("UPDATE rollouts SET audit = 10000 WHERE rollout_id = 'again'")
    asker.look()
    assert versions(asker, [GOOD_ROW]) == [1]
    assert "an old rollout that was put there again" in problems(asker)[0]


def test_a_challenger_that_can_not_be_loaded_is_not_tried(home: Path, asker: Asker) -> None:
    digest = put_model(home, seed=2)
    file = home / "models" / digest / "model.txt"
    file.write_bytes(file.read_bytes()[:-9])
    begin_rollout(home, digest, weight=1.0)
    asker.look()
    assert versions(asker, [GOOD_ROW]) == [1]
    assert "it isn't what was sealed here" in problems(asker)[0]
    assert asker.ask("GET", "/health").json["rollout"] is None


def test_another_live_version_ends_what_was_tried_beside_the_former(home: Path, asker: Asker) -> None:
    begin_rollout(home, put_model(home, seed=2), weight=1.0)
    asker.look()
    make_live(home, put_model(home, seed=3), version=3)
    looked(asker)
    assert versions(asker, [GOOD_ROW]) == [3]


def test_a_canary_that_goes_live_is_not_loaded_again(home: Path, asker: Asker) -> None:
    digest = put_model(home, seed=2)
    begin_rollout(home, digest, weight=1.0)
    asker.look()
    tried = asker.app.follower.rollout.tried
    assert isinstance(tried, Canary)
    make_live(home, digest, version=2)
    asker.look()
    assert versions(asker, [GOOD_ROW]) == [2]
    assert asker.app.follower.live is not None
    assert asker.app.follower.live.predictor is tried.live.predictor


def test_a_shadow_scores_everything_besides_in_a_process_of_its_own(home: Path) -> None:
    begin_rollout(home, put_model(home, seed=2, source=BROKEN), strategy="shadow", weight=0.0)
    rows = make_rows(30)
    with serving(home) as server:
        wait_until(lambda: server.ask("GET", "/version").json["rollout"])
        ids = []
        for row in rows:
            reply = server.ask("POST", "/invocations", json.dumps({"dataframe_records": [row]}).encode()).json
            assert (reply["version"], reply["predictions"]) == (1, expected_scores([row], seed=1))
            ids += reply["prediction_ids"]
        wait_until(lambda: sum(one.route == "shadow" for one in logged(home)) == len(rows))
        text = server.ask("GET", "/metrics").body.decode()
        assert 'ml_platform_rollout_rows{model="toy",what="mirrored"} 30' in text
    found = logged(home)
    live = {one.id: one for one in found if one.route == "live"}
    shadows = {one.pair: one for one in found if one.route == "shadow"}
    assert set(shadows) == set(live) == set(ids)
    for given, row in zip(ids, rows, strict=True):
        its, beside = live[given], shadows[given]
        assert (beside.at, beside.event_time, beside.inputs, beside.version) == (its.at, its.event_time, its.inputs, 2)
        assert its.rollout == beside.rollout == "r1"
        failed = float(str(row["distance"])) > 5000
        assert (beside.status, beside.score) == ((500, None) if failed else (200, expected_scores([row], seed=2)[0]))
        assert 0 < beside.latency_seconds < its.latency_seconds + 1
    assert any(one.status == 500 for one in shadows.values())
    assert len(read(traffic_folder(home, "staging", MODEL), keys=FileKeys(home)).predictions) == 30


def test_what_a_shadow_can_not_take_is_dropped_and_counted(
    home: Path, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin_rollout(home, put_model(home, seed=2), strategy="shadow", weight=0.0)
    asker.look()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert asker.score_rows([GOOD_ROW] * 3).json["version"] == 1
    assert 'ml_platform_rollout_rows{model="toy",what="dropped"} 3' in asker.ask("GET", "/metrics").body.decode()
    assert "the shadow of v2 can't be started" in problems(asker)[0]
    monkeypatch.setattr(sys, "executable", "/bin/false")
    mirrored = asker.app.follower.rollout.tried.mirror  # type: ignore[union-attr]
    mirrored._again_at = 0.0
    asker.score_rows([GOOD_ROW])
    wait_until(lambda: mirrored._process is None or mirrored._process.poll() is not None)
    asker.score_rows([GOOD_ROW])
    assert "the shadow of v2 has ended" in problems(asker)[0]
    assert asker.ask("GET", "/health").json["status"] == "degraded"


def test_a_shadow_that_hangs_costs_the_caller_nothing(
    home: Path, asker: Asker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin_rollout(home, put_model(home, seed=2), strategy="shadow", weight=0.0)
    asker.look()
    sleeper = tmp_path / "sleeper"
    sleeper.write_text("#!/bin/sh\nexec sleep 30\n")
    sleeper.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(sleeper))
    monkeypatch.setattr(mirror, "QUEUE_BYTES", 1 << 16)
    for _ in range(6):
        assert asker.score_rows(make_rows(200)).status == 200
    tally = asker.app.follower.rollout.tally
    assert tally.mirrored + tally.dropped == 1200
    assert tally.dropped > 0
    process = asker.app.follower.rollout.tried.mirror._process  # type: ignore[union-attr]
    assert process is not None
    process.kill()
    process.wait()
    asker.app.follower.rollout.end()


def test_the_whole_contract_is_the_champions(home: Path, asker: Asker) -> None:
    more = dataclasses.replace(CONTRACT, inputs=(*CONTRACT.inputs[:-1], InputColumn(name="n", type="number")))
    begin_rollout(home, put_model(home, seed=2, contract=more), weight=1.0)
    asker.look()
    assert versions(asker, [GOOD_ROW]) == [1]
