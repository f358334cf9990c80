"""Promote, try, roll back, forge, compact and kill under load: no wrong score, nothing unproven, nothing lost."""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.traffic_log import read
from ml_platform.core.traffic import Prediction
from ml_platform_tests.drills.load import Answer, Load
from ml_platform_tests.drills.trouble import ENVIRONMENT, FAILS_ABOVE, MODELS, OK, Tried, Trouble
from ml_platform_tests.serving.asking import serving
from ml_platform_tests.serving.small_model import MODEL, expected_scores, make_live, make_rows, put_model

ROWS = make_rows(50)
BODIES = [json.dumps({"dataframe_records": [row]}).encode() for row in ROWS]
SCORES = {seed: expected_scores(ROWS, seed=seed) for seed in MODELS}
ROW_BY_DISTANCE = {row["distance"]: index for index, row in enumerate(ROWS)}
SHARE_OF_CAPACITY = 0.7
EVERY_TROUBLE = 13  # after so many there was one of each kind
# How long a worker may go on with what was live or tried before: it looks every 5 s, verifies, and loads in a busy
# machine; a new one too.
SWAP_SECONDS = 20.0


@pytest.mark.drill
def test_under_load_no_score_is_wrong_nothing_unproven_answers_and_nothing_acknowledged_is_lost(
    tmp_path: Path, drill_count: Callable[[int, int], int], record_property: Callable[[str, object], None]
) -> None:
    seconds = drill_count(12, 600)
    make_live(tmp_path, put_model(tmp_path), version=1)
    with serving(tmp_path, "--workers", "2") as server:
        with Load(server.port, BODIES).running() as capacity:
            time.sleep(2)
        rate = SHARE_OF_CAPACITY * len(capacity.answers) / 2
        with Load(server.port, BODIES, per_second=rate).running() as load:
            trouble = Trouble(tmp_path, server, load.answers, random.Random(20130601))
            ends = time.monotonic() + seconds
            while time.monotonic() < ends or trouble.made.total() < EVERY_TROUBLE:
                trouble.make()
                time.sleep(trouble.rng.uniform(0.2, 1) if seconds < 60 else trouble.rng.uniform(1, 5))
        trouble.promote()
        code, said = server.end()
    assert (code, "Traceback" in said) == (0, False), said
    check_answers(load, trouble)
    counted = check_log(tmp_path, [*capacity.answers, *load.answers], trouble)
    figures = (
        f"{len(load.answers):,} answers at {rate:.0f}/s, {load.lost} lost with their worker, {len(load.refused)} "
        f"refused while a forgery was shown; {dict(counted)}; {dict(trouble.made)}"
    )
    record_property("figures", figures)
    sys.stdout.write(f"{figures}\n")


def check_answers(load: Load, trouble: Trouble) -> None:
    """Each has exactly its version's score, while that was live or tried; only without a proven one none is given."""
    assert load.answers
    assert [one for one in load.answers if one.score != SCORES[trouble.seeds[one.version]][one.row]] == []
    until = [*(moment for moment, _ in trouble.live[1:]), float("inf")]
    spans = [(version, since, end) for (since, version), end in zip(trouble.live, until, strict=True)]
    spans += [(one.record.version, one.since, one.until) for one in trouble.tried if one.record.strategy == "canary"]
    assert [one for one in load.answers if not within(spans, one.version, one.received)] == []
    forged = [(0, *span) for span in trouble.forged]
    assert [
        said for at, said in load.refused if b"nothing can be served" not in said or not within(forged, 0, at)
    ] == []
    assert load.lost <= 4 * trouble.made["kill"]


def within(spans: Sequence[tuple[int, float, float]], version: int, at: float) -> bool:
    return any(version == known and since <= at <= until + SWAP_SECONDS for known, since, until in spans)


def check_log(home: Path, answers: Sequence[Answer], trouble: Trouble) -> Counter[str]:
    """Each answer is logged once, by the way it went; beside it stands what nobody got, and counts nowhere.

    Returns how many lines there are of each kind.
    """
    folder, keys = home / "traffic" / ENVIRONMENT / MODEL, FileKeys(home)
    lines = read(folder, keys=keys, with_pairs=True).predictions
    logged = {one.id: one for one in lines}
    assert len(logged) == len(lines)
    assert len({one.identity for one in answers}) == len(answers)
    got = {name: (one.version, one.score) for name, one in logged.items() if not one.pair}
    assert [one for one in answers if got.get(one.identity) != (one.version, one.score)] == []
    assert {one.id for one in read(folder, keys=keys).predictions} == got.keys()
    scored = [one for one in lines if one.score is not None]
    assert [one for one in scored if one.score != SCORES[trouble.seeds[one.version]][row_of(one)]] == []
    tried = {one.record.rollout_id: one for one in trouble.tried}
    assert [
        one for one in lines if one.rollout not in tried and (one.rollout, one.route, one.pair) != ("", "live", "")
    ] == []
    beside = {one.pair: one for one in lines if one.pair}
    assert len(beside) == len(lines) - len(got)
    assert beside.keys() <= got.keys()
    assert [one for one in lines if one.rollout and not went_right(one, tried[one.rollout], beside)] == []
    counted = Counter(f"{one.route}, nobody's" if one.pair else one.route for one in lines)
    assert set(counted) == {"live", "canary", "canary, nobody's", "shadow, nobody's"}
    return counted


def row_of(one: Prediction) -> int:
    return ROW_BY_DISTANCE[one.inputs["distance"]]


def went_right(one: Prediction, tried: Tried, beside: Mapping[str, Prediction]) -> bool:
    """Say whether a line went the way that its rollout says."""
    record, key = tried.record, one.inputs[tried.record.sticky_by] if tried.record.sticky_by else None
    drawn = record.takes(one.pair or one.id if key is None else str(key))
    fails = tried.fails and float(str(one.inputs["distance"])) > FAILS_ABOVE
    ours = (one.version, one.rollout) == (record.version, record.rollout_id)
    match one.route:
        case "live":
            failed = one.id in beside and beside[one.id].rollout == one.rollout
            told = record.strategy == "shadow" or drawn == failed <= fails
            return one.version == record.champion and told
        case "canary":
            return ours and record.strategy == "canary" and drawn and bool(one.pair) == fails == (one.score is None)
        case "shadow":
            return ours and record.strategy == "shadow" and bool(one.pair) and one.status == OK
