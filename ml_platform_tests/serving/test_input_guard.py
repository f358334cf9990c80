"""What a model can't be trusted on is refused, flagged or left unanswered, in every protocol; what else, never."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tritonclient import http as triton

from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.traffic_log import read
from ml_platform.core.input_guard import Action, InputGuard
from ml_platform.core.traffic import Prediction
from ml_platform.serving.contract_check import ContractCheck
from ml_platform.serving.fast_reader import FastReader
from ml_platform.serving.input_guard import UNDECLARED, UNLIKE, UNSEEN, accepted_at_once
from ml_platform.serving.merged_metrics import merged
from ml_platform.serving.openapi import document
from ml_platform.serving.refusal import Refused
from ml_platform.serving.request import parse
from ml_platform_tests.serving.asking import JSON, Asker, Reply, asking
from ml_platform_tests.serving.small_model import CONTRACT, GOOD_ROW, LEVELS, expected_scores, make_live, put_model
from ml_platform_tests.serving.test_classes import OF_CLASSES, text_of_classes
from ml_platform_tests.serving.test_open_inference import INFER, tensors

LONG, WINDY = 3000.0, 40.0
RANGES = {"distance": (10.0, LONG), "wind": (0.0, WINDY), "hour": (1.0, 22.0)}
ACTIONS: tuple[Action, ...] = get_args(Action)
FAR = {**GOOD_ROW, "distance": LONG + 0.5}
NEW = {**GOOD_ROW, "carrier": "ZZ"}
UNTRUE = {**GOOD_ROW, "distance": 6001.0}
NOWHERE = {**GOOD_ROW, "origin": "XXX"}
ROWS: list[dict[str, object]] = [GOOD_ROW, FAR, NEW, UNTRUE, NOWHERE]
SAID = {1: ("distance", UNLIKE), 2: ("carrier", UNSEEN), 3: ("distance", UNDECLARED), 4: ("origin", UNDECLARED)}


def guard_of(action: Action) -> InputGuard:
    return InputGuard(out_of_contract=action, out_of_range=action, unseen_level=action, ranges=RANGES)


@pytest.fixture(scope="module")
def askers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, tuple[Asker, Path]]]:
    """Return an application for each thing that a guard may do."""
    found: dict[str, tuple[Asker, Path]] = {}
    opened = []
    for action in ACTIONS:
        home = tmp_path_factory.mktemp(action)
        make_live(home, put_model(home, guard=guard_of(action)))
        opened.append(asking(home))
        found[action] = opened[-1].__enter__(), home
    yield found
    for one in opened:
        one.__exit__(None, None, None)


@pytest.fixture(scope="module")
def of_classes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Asker, Path]]:
    """Return an application of a model of several classes that abstains for numbers beyond its training rows'."""
    home = tmp_path_factory.mktemp("classes")
    guard = InputGuard(out_of_range="abstain", ranges=RANGES)
    make_live(home, put_model(home, contract=OF_CLASSES, text=text_of_classes(), guard=guard))
    with asking(home) as asker:
        yield asker, home


def csv_of(rows: Sequence[Mapping[str, object]]) -> bytes:
    written = io.StringIO()
    writer = csv.DictWriter(written, list(GOOD_ROW))
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue().encode()


def records(asker: Asker, rows: Sequence[Mapping[str, object]]) -> Reply:
    return asker.score_rows(rows)


def split(asker: Asker, rows: Sequence[Mapping[str, object]]) -> Reply:
    return asker.score({"dataframe_split": {"columns": list(GOOD_ROW), "data": [list(row.values()) for row in rows]}})


def columns(asker: Asker, rows: Sequence[Mapping[str, object]]) -> Reply:
    return asker.score({"inputs": {name: [row[name] for row in rows] for name in GOOD_ROW}})


def quoted(asker: Asker, rows: Sequence[Mapping[str, object]]) -> Reply:
    return asker.ask("POST", "/invocations", [csv_of(rows)], [(b"content-type", b"text/csv")])


def explained(asker: Asker, rows: Sequence[Mapping[str, object]]) -> Reply:
    return asker.ask("POST", "/explain", [json.dumps({"dataframe_records": rows}).encode()], JSON)


def inferred(asker: Asker, rows: Sequence[Mapping[str, object]], **said: object) -> Reply:
    return asker.ask("POST", INFER, [json.dumps({"inputs": tensors(rows), **said}).encode()], JSON)


WAYS = [records, split, columns, quoted, explained]


def logged(home: Path) -> list[Prediction]:
    return read(home / "traffic" / "staging" / "toy", keys=FileKeys(home)).predictions


def problems(rows: Mapping[int, tuple[str, str]] = SAID) -> list[dict[str, object]]:
    return [{"problem": said, "row": row, "column": column} for row, (column, said) in rows.items()]


@pytest.mark.parametrize("way", WAYS)
def test_what_is_flagged_is_scored_and_told(askers: Mapping[str, tuple[Asker, Path]], way: Any) -> None:
    said = way(askers["flag"][0], ROWS).json
    assert said["predictions"] == expected_scores(ROWS)
    assert (said["flagged"], said["abstained"]) == (problems(), [])


@pytest.mark.parametrize("way", WAYS)
def test_where_the_model_abstains_there_is_no_prediction_but_the_reason(
    askers: Mapping[str, tuple[Asker, Path]], way: Any
) -> None:
    reply = way(askers["abstain"][0], ROWS)
    assert reply.status == 200
    assert reply.json["predictions"] == [*expected_scores([GOOD_ROW]), None, None, None, None]
    assert (reply.json["flagged"], reply.json["abstained"]) == ([], problems())
    assert len(reply.json["prediction_ids"]) == len(ROWS)
    assert "NaN" not in reply.body.decode()
    if way is explained:
        assert [one is None for one in reply.json["explanations"]] == [False, True, True, True, True]


@pytest.mark.parametrize("way", WAYS)
def test_what_is_refused_is_refused_by_row_and_column_without_a_value(
    askers: Mapping[str, tuple[Asker, Path]], way: Any
) -> None:
    reply = way(askers["reject"][0], ROWS)
    assert reply.status == 422
    assert [(one["row"], one["column"]) for one in reply.json["problems"]] == [(row, SAID[row][0]) for row in SAID]
    assert "refuses" in reply.json["problems"][0]["problem"]
    assert not any(value in reply.body.decode() for value in ("3000", "6001", "ZZ", "XXX"))


def test_a_request_of_which_nothing_is_known_is_explained_as_none(askers: Mapping[str, tuple[Asker, Path]]) -> None:
    assert explained(askers["abstain"][0], [FAR, NEW]).json["explanations"] == [None, None]


def test_as_tensors_the_guard_speaks_in_a_parameter_and_a_prediction_that_is_not_there_is_null(
    askers: Mapping[str, tuple[Asker, Path]],
) -> None:
    said = inferred(askers["abstain"][0], ROWS).json
    score = next(one for one in said["outputs"] if one["name"] == "score")
    assert (score["data"], score["shape"]) == ([*expected_scores([GOOD_ROW]), None, None, None, None], [5])
    assert json.loads(said["parameters"]["abstained"]) == problems()
    assert "flagged" not in said["parameters"]
    flagged = inferred(askers["flag"][0], ROWS).json
    assert json.loads(flagged["parameters"]["flagged"]) == problems()
    assert inferred(askers["reject"][0], ROWS).status == 422
    assert set(inferred(askers["flag"][0], [GOOD_ROW]).json["parameters"]) == {"model_digest"}


def test_as_binary_tensors_a_prediction_that_is_not_there_is_nan(askers: Mapping[str, tuple[Asker, Path]]) -> None:
    outputs = [{"name": "score", "parameters": {"binary_data": True}}]
    reply = inferred(askers["abstain"][0], [FAR, GOOD_ROW], outputs=outputs)
    length = int(reply.headers["inference-header-content-length"])
    score = np.frombuffer(reply.body[length:], "<f8")
    assert math.isnan(score[0])
    assert score[1:].tolist() == expected_scores([GOOD_ROW])


def test_the_clients_of_both_protocols_read_a_prediction_that_is_not_there(
    askers: Mapping[str, tuple[Asker, Path]],
) -> None:
    from mlflow.deployments import PredictionsResponse

    asker, score = askers["abstain"][0], expected_scores([GOOD_ROW])[0]
    said = PredictionsResponse.from_json(records(asker, [FAR, GOOD_ROW]).body)  # type: ignore[no-untyped-call]
    frame = said.get_predictions()
    assert [frame.iloc[:, 0].isna().tolist(), frame.iloc[1, 0]] == [[True, False], score]
    read_by = triton.InferenceServerClient.parse_response_body
    as_json = read_by(inferred(asker, [FAR, GOOD_ROW]).body).as_numpy("score")
    binary = inferred(asker, [FAR, GOOD_ROW], parameters={"binary_data_output": True})
    length = int(binary.headers["inference-header-content-length"])
    as_bytes = read_by(binary.body, header_length=length).as_numpy("score")
    for found in (as_json, as_bytes):
        np.testing.assert_array_equal(found.astype(np.float64), [math.nan, score])


def test_the_counts_of_several_workers_are_added_up(askers: Mapping[str, tuple[Asker, Path]]) -> None:
    asker = askers["abstain"][0]
    asker.score_rows(ROWS)
    name = 'ml_platform_guarded_rows_total{model="toy",what="abstained"}'
    one = asker.ask("GET", "/metrics").body.decode()
    both = merged({"0": one, "1": one})
    (count,) = [line for line in one.splitlines() if line.startswith(name)]
    assert f"{name} {2 * int(count.rpartition(' ')[2])}" in both.splitlines()


@pytest.mark.parametrize("as_csv", [False, True])
def test_a_batch_says_it_on_each_line(askers: Mapping[str, tuple[Asker, Path]], *, as_csv: bool) -> None:
    lines = csv_of(ROWS) if as_csv else b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)
    headers = [(b"content-type", b"text/csv" if as_csv else b"application/x-ndjson")]
    said = {
        action: [json.loads(line) for line in one.ask("POST", "/batch", [lines], headers).body.splitlines()]
        for action, (one, _) in askers.items()
    }
    told = [{"column": column, "problem": problem} for column, problem in SAID.values()]
    assert [line["prediction"] for line in said["flag"][:-1]] == expected_scores(ROWS)
    assert [line["flagged"] for line in said["flag"][1:-1]] == [[one] for one in told]
    assert [line["prediction"] for line in said["abstain"][1:-1]] == [None] * 4
    assert [line["abstained"] for line in said["abstain"][1:-1]] == [[one] for one in told]
    assert {"flagged", "abstained"}.isdisjoint(said["abstain"][0])
    counts = {"rows": 5, "answered": 5, "refused": 0, "abstained": 4}
    assert said["abstain"][-1] == {"complete": True, "model": "toy", **counts}
    assert [("error_code" in line) for line in said["reject"]] == [False, True, True, True, True, False]
    assert "abstained" not in said["reject"][-1]


@pytest.mark.parametrize("action", ["flag", "abstain"])
def test_the_log_holds_what_the_guard_did(askers: Mapping[str, tuple[Asker, Path]], action: str) -> None:
    asker, home = askers[action]
    ids = asker.score_rows(ROWS).json["prediction_ids"]
    by_id = {one.id: one for one in logged(home)}
    found = [by_id[given] for given in ids]
    assert [one.status for one in found] == [200] * 5
    assert [one.unseen for one in found] == [(), (), ("carrier",), (), ("origin",)]
    assert [one.beyond for one in found] == [(), ("distance",), (), ("distance",), ()]
    assert [one.score is None for one in found] == [False, *[action == "abstain"] * 4]
    assert [one.abstained for one in found] == [False, *[action == "abstain"] * 4]


def test_the_metrics_count_rows_that_are_flagged_and_rows_without_prediction(of_classes: tuple[Asker, Path]) -> None:
    asker = of_classes[0]
    said = asker.score_rows([FAR, {**FAR, "carrier": "ZZ"}, NEW, GOOD_ROW]).json
    text = asker.ask("GET", "/metrics").body.decode()
    assert 'guarded_rows_total{model="toy",what="flagged"} 1' in text
    assert 'guarded_rows_total{model="toy",what="abstained"} 2' in text
    both = [("carrier", UNSEEN), ("distance", UNLIKE)]
    assert said["abstained"] == [*problems({0: both[1]}), *problems({1: both[0]}), *problems({1: both[1]})]
    assert said["flagged"] == problems({2: ("carrier", UNSEEN)})


def test_an_answer_of_which_the_guard_says_nothing_is_as_without_one(
    askers: Mapping[str, tuple[Asker, Path]], shared: Asker
) -> None:
    keys = set(shared.score_rows([GOOD_ROW]).json)
    assert {"flagged", "abstained"}.isdisjoint(keys)
    assert set(askers["abstain"][0].score_rows([GOOD_ROW]).json) == keys


def test_without_a_guard_a_new_level_is_flagged_and_what_is_declared_refused(shared: Asker) -> None:
    said = shared.score_rows([NEW, GOOD_ROW]).json
    assert said["flagged"] == problems({0: ("carrier", UNSEEN)})
    assert said["predictions"] == expected_scores([NEW, GOOD_ROW])
    assert [shared.score_rows([row]).status for row in (UNTRUE, NOWHERE, FAR)] == [422, 422, 200]


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    "spoiled",
    [
        {"distance": "12"}, {"distance": None}, {"distance": True}, {"hour": 3.5}, {"hour": 1 << 60}, {"carrier": 1.5},
        {"carrier": ["UA"]}, {"origin": None}, {"origin": "x" * 300}, {"weekend": 1},
    ],
)  # fmt: skip
def test_types_are_never_up_to_the_guard(
    askers: Mapping[str, tuple[Asker, Path]], action: str, spoiled: dict[str, object]
) -> None:
    asker = askers[action][0]
    assert asker.score_rows([{**GOOD_ROW, **spoiled}]).status == 422
    assert asker.score_rows([GOOD_ROW, {**FAR, **spoiled}]).status == 422


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("spelled", ["NaN", "null"])
def test_a_missing_number_is_missing_and_not_beyond_anything(
    askers: Mapping[str, tuple[Asker, Path]], action: str, spelled: str
) -> None:
    body = json.dumps({"dataframe_records": [{**GOOD_ROW, "wind": "@"}]}).replace('"@"', spelled).encode()
    said = askers[action][0].ask("POST", "/invocations", [body]).json
    assert said["predictions"] == expected_scores([{**GOOD_ROW, "wind": None}])
    assert "flagged" not in said


@pytest.mark.parametrize("spelled", ["Infinity", "-Infinity", "1e999", "-1e999", "nan", "-NaN"])
@pytest.mark.parametrize("action", ACTIONS)
def test_no_spelling_of_what_is_no_number_gets_past_the_guard(
    askers: Mapping[str, tuple[Asker, Path]], action: str, spelled: str
) -> None:
    body = json.dumps({"dataframe_records": [{**GOOD_ROW, "wind": "@"}]}).replace('"@"', spelled).encode()
    assert askers[action][0].ask("POST", "/invocations", [body]).status in {400, 422}


@pytest.mark.parametrize(
    ("distance", "what"),
    [(LONG, None), (10.0, None), (math.nextafter(LONG, math.inf), UNLIKE), (math.nextafter(10.0, 0.0), UNLIKE),
     (6000.0, UNLIKE), (0.0, UNLIKE), (-0.5, UNDECLARED)],
)  # fmt: skip
def test_a_limit_itself_is_inside(askers: Mapping[str, tuple[Asker, Path]], distance: float, what: str | None) -> None:
    row = {**GOOD_ROW, "distance": distance}
    said = askers["flag"][0].score_rows([row]).json
    assert said.get("flagged", []) == ([] if what is None else problems({0: ("distance", what)}))
    assert askers["reject"][0].score_rows([row]).status == (200 if what is None else 422)
    assert askers["abstain"][0].score_rows([row]).json["predictions"][0] == (
        expected_scores([row])[0] if what is None else None
    )


def test_several_classes_have_none_where_the_model_abstains(of_classes: tuple[Asker, Path]) -> None:
    asker, home = of_classes
    said = asker.score_rows([FAR, GOOD_ROW]).json
    tensor = {one["name"]: one for one in inferred(asker, [FAR, GOOD_ROW]).json["outputs"]}
    assert said["predictions"][0] is None
    likeliest = said["predictions"][1]
    assert tensor["class"]["data"] == [None, likeliest["class"]]
    assert tensor["probabilities"]["data"] == [None, None, None, *likeliest["probabilities"].values()]
    assert inferred(asker, [FAR, GOOD_ROW], parameters={"binary_data_output": True}).status == 200
    assert {one.scores for one in logged(home) if one.abstained} == {()}


def test_the_description_says_where_a_prediction_may_be_null(askers: Mapping[str, tuple[Asker, Path]]) -> None:
    for action, (asker, _) in askers.items():
        asker.score_rows([GOOD_ROW])
        described: Any = document("toy", asker.app.follower.live)
        prediction = described["components"]["schemas"]["Answer"]["properties"]["predictions"]["items"]
        assert ({"type": "null"} in prediction.get("oneOf", [])) == (action == "abstain")
        done = {"reject": "refused", "flag": "scored and flagged", "abstain": "answered without a prediction (null)"}
        page = asker.ask("GET", "/docs").body.decode()
        assert f"A number beyond the training rows' is {done[action]}. A level that training never saw is" in page


VALUES = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False), st.integers(-5, 30), st.just("x"))
GUARDS = st.builds(
    InputGuard,
    out_of_contract=st.sampled_from(ACTIONS),
    out_of_range=st.sampled_from(ACTIONS),
    unseen_level=st.sampled_from(ACTIONS),
    ranges=st.dictionaries(
        st.sampled_from(("hour", "distance", "wind", "account")),
        st.tuples(st.floats(-10, 10), st.floats(0, 50)).map(lambda one: (one[0], one[0] + one[1])),
    ),
)


@settings(max_examples=60)
@given(GUARDS, VALUES, VALUES, VALUES, st.sampled_from(("UA", "ZZ", "")), st.sampled_from(("EWR", "QQ")))
@example(guard_of("reject"), 1, 10.0, None, "UA", "EWR")
@example(guard_of("abstain"), 23, 6000.5, 41, "ZZ", "QQ")
def test_the_fast_way_and_the_slow_way_agree_under_any_guard_and_with_what_was_said_of_it(
    guard: InputGuard, hour: object, distance: object, wind: object, carrier: str, origin: str
) -> None:
    row = {**GOOD_ROW, "hour": hour, "distance": distance, "wind": wind, "carrier": carrier, "origin": origin}
    body = json.dumps({"dataframe_records": [row]}).encode()
    check = ContractCheck(CONTRACT, LEVELS, guard)
    fast = FastReader(accepted_at_once(CONTRACT, guard, LEVELS)).read(body)
    try:
        rows = parse(body)
        checked = check.check(rows)
    except Refused as refused:
        assert fast is None
        told = {one.column for one in refused.body.problems}
        assert told <= _not_trusted(row, guard, "reject") | _no_number(row)
        return
    assert not _not_trusted(row, guard, "reject")
    assert fast is None or (fast == rows and check.check_times(fast) == checked)
    found = checked.guarded
    silent = bool(_not_trusted(row, guard, "abstain"))
    assert (found is not None and 0 in found.silent) == silent
    told = {one.column for one in (*found.flagged, *found.abstained)} if found else set()
    assert told == _not_trusted(row, guard, "abstain") | _not_trusted(row, guard, "flag")


def _no_number(row: Mapping[str, object]) -> set[str]:
    """Return the columns whose value is no number of the kind that is needed, or missing."""
    whole = {name for name in ("hour",) if isinstance(row[name], float) and row[name] % 1}  # type: ignore[operator]
    large = {name for name in ("hour",) if isinstance(row[name], float) and abs(row[name]) > 2**53}  # type: ignore[arg-type]
    missing = {name for name in ("hour", "distance") if row[name] is None}
    return whole | large | missing | {name for name in ("hour", "distance", "wind") if isinstance(row[name], str)}


def _not_trusted(row: Mapping[str, object], guard: InputGuard, action: Action) -> set[str]:
    """Return, plainly, the columns that the guard does this with."""
    found = set()
    for column in CONTRACT.inputs:
        value: Any = row[column.name]
        if value is None or isinstance(value, bool):
            continue
        if column.type == "category":
            known = column.levels or LEVELS[column.name]
            what = guard.out_of_contract if column.levels else guard.unseen_level
            found |= {column.name} if value not in known and what == action else set()
        elif not isinstance(value, str):
            low = -math.inf if column.low is None else column.low
            high = math.inf if column.high is None else column.high
            least, most = guard.ranges.get(column.name, (-math.inf, math.inf))
            if not low <= value <= high:
                found |= {column.name} if guard.out_of_contract == action else set()
                if guard.out_of_contract != "reject" and not least <= value <= most:
                    found |= {column.name} if guard.out_of_range == action == "reject" else set()
            elif not least <= value <= most:
                found |= {column.name} if guard.out_of_range == action else set()
    return found
