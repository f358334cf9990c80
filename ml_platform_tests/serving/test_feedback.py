"""What was said is on the disk before it is answered, whatever is sent; what can't be taken in is sent away."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.adapters.feedback_log import FeedbackLog, Heard, feedback_folder, read_feedback
from ml_platform.adapters.keys import FileKeys
from ml_platform.core.errors import Unavailable
from ml_platform.core.gate import Admitted, Asked, TurnedAway, without_limit
from ml_platform.serving import feedback
from ml_platform.serving.refusal import Refused
from ml_platform_tests.serving.asking import JSON, Asker, Reply, asking
from ml_platform_tests.serving.small_model import GOOD_ROW, MODEL

ID = "83da40b4e2949499d82d773eb92d2be9"


def say(asker: Asker, *remarks: object) -> Reply:
    return post(asker, json.dumps({"feedback": remarks}).encode())


def post(asker: Asker, body: bytes) -> Reply:
    return asker.ask("POST", "/feedback", [body], [*JSON, (b"content-length", str(len(body)).encode())])


def heard(home: Path) -> Heard:
    return read_feedback(feedback_folder(home, "staging", MODEL), keys=FileKeys(home))


@pytest.fixture
def asker(home: Path) -> Iterator[Asker]:
    with asking(home) as found:
        yield found
        found.app.feedback[MODEL].close()


def test_what_was_answered_is_on_the_disk_and_nobody_can_read_it_there(asker: Asker, home: Path) -> None:
    reply = say(
        asker,
        {"prediction_id": ID, "outcome": 1, "at": "2013-06-04T08:00:00Z"},
        {"key": {"hour": 9, "origin": "EWR"}, "correction": True, "rating": 2, "comment": "Anna Nowak was 7 min late"},
    )
    assert (reply.status, reply.json) == (200, {"taken": 2, "heard_before": 0, "kept_aside": []})
    by_id, by_key = sorted(heard(home).remarks, key=lambda one: one.prediction_id, reverse=True)
    assert (by_id.prediction_id, by_id.outcome, by_id.answer) == (ID, 1.0, 1.0)
    assert by_id.at == dt.datetime(2013, 6, 4, 8, tzinfo=dt.UTC)
    assert (by_key.key, by_key.correction, by_key.rating) == ({"hour": 9, "origin": "EWR"}, 1.0, 2)
    assert by_key.comment == "[name] was 7 min late"
    (segment,) = feedback_folder(home, "staging", MODEL).iterdir()
    assert ID.encode() not in segment.read_bytes()


def test_the_same_said_again_changes_nothing_and_a_contrary_word_is_kept_too(asker: Asker, home: Path) -> None:
    say(asker, {"prediction_id": ID, "outcome": 1})
    assert say(asker, {"prediction_id": ID, "outcome": 1}).json["heard_before"] == 1
    assert say(asker, {"prediction_id": ID, "outcome": 0}).json["taken"] == 1
    with asking(home) as another:  # knows nothing of what the first one heard
        assert say(another, {"prediction_id": ID, "outcome": 1}).json["taken"] == 1
        another.app.feedback[MODEL].close()
    found = heard(home)
    assert [one.outcome for one in found.remarks] == [1.0, 0.0]
    assert found.repeated == 1


def test_what_tells_of_the_future_is_kept_and_said_to_count_nowhere(asker: Asker, home: Path) -> None:
    reply = say(asker, {"prediction_id": ID, "outcome": 1, "at": "2999-01-01T00:00:00Z"})
    assert reply.json["kept_aside"] == [{"problem": feedback.OF_THE_FUTURE, "row": 0, "column": None}]
    assert len(heard(home).remarks) == 1


@pytest.mark.parametrize(
    ("remark", "says"),
    [
        ({"outcome": 1}, "either a prediction_id or a key"),
        ({"prediction_id": ID, "key": {"hour": 9}, "outcome": 1}, "not both"),
        ({"prediction_id": "x" * 257, "outcome": 1}, "none that was given out"),
        ({"key": {"account": 7}, "outcome": 1}, "aren't in the log; known: hour"),
        ({"key": {"origin": "E" * 257}, "outcome": 1}, "longer than 256"),
        ({"prediction_id": ID}, "nothing is said"),
        ({"prediction_id": ID, "outcome": ""}, "name of a class"),
        ({"prediction_id": ID, "correction": "x" * 257}, "the correction has to be"),
        ({"prediction_id": ID, "outcome": [1]}, "can't be taken"),
        ({"prediction_id": ID, "rating": 6}, "1 to 5"),
        ({"prediction_id": ID, "rating": 2.5}, "can't be taken"),
        ({"prediction_id": ID, "comment": "x" * 2001}, "longer than 2,000"),
        ({"prediction_id": ID, "outcome": 1, "at": "2013-06-04T08:00:00"}, "no zone"),
        ({"prediction_id": ID, "outcome": 1, "at": "yesterday"}, "can't be taken"),
        ({"prediction_id": ID, "outcome": 1, "by": "somebody"}, "keys are unknown"),
    ],
)
def test_a_remark_that_cant_be_taken_is_named_and_none_is_taken(
    shared: Asker, remark: dict[str, object], says: str
) -> None:
    before = len(heard(shared.app.feedback[MODEL].home).remarks)
    reply = say(shared, {"prediction_id": ID, "outcome": 0}, remark)
    assert reply.status == 422
    assert reply.json["problems"][0]["row"] == 1
    assert says in reply.json["message"]
    assert len(heard(shared.app.feedback[MODEL].home).remarks) == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"{", 400), (b"[]", 400), (b"{}", 400), (b'{"feedback": {}}', 400), (b'{"feedback": []}', 400),
        (b'{"feedback": [7]}', 400), (b'{"feedback": [{"outcome": NaN}]}', 400), (b"\xff", 400),
        (b'{"feedback": [{"outcome": 1, "outcome": 0}]}', 400), (b"[" * 100_000, 400),
        (b'{"feedback": [{"outcome": ' + b"9" * 5000 + b"}]}", 400), (b'{"feedback": [' + b"{}," * 1000 + b"{}]}", 413),
        (b" " * (feedback.MOST_BYTES + 1), 413), (b'{"feedback": [{"prediction_id": "a", "comment": "\\ud800"}]}', 400),
    ],
)  # fmt: skip
def test_a_body_that_is_no_list_of_remarks_is_refused(shared: Asker, body: bytes, status: int) -> None:
    assert post(shared, body).status == status


@settings(max_examples=15, deadline=None)
@given(
    st.binary(max_size=60)
    | st.lists(
        st.none() | st.floats() | st.dictionaries(st.sampled_from(feedback.KNOWN), st.text(max_size=5) | st.floats())
    ).map(lambda said: json.dumps({"feedback": said}).encode())
)
def test_whatever_is_sent_is_answered(shared: Asker, body: bytes) -> None:
    assert post(shared, body).status in {200, 400, 413, 422}


def test_only_a_post_of_known_length_is_taken(shared: Asker) -> None:
    assert shared.ask("GET", "/feedback").headers["allow"] == "POST"
    assert shared.ask("POST", "/feedback", [b"{}"]).status == 411
    assert shared.ask("POST", "/feedback", [b"{}"], [*JSON, (b"content-length", b"-2")]).status == 411


class Guard:
    """Lets in who sends the token, and at most two remarks."""

    guards = True

    def admit(self, asked: Asked) -> Admitted | TurnedAway:
        if asked.token != "right" or asked.wants != "feedback":
            return TurnedAway(status=401, error_code="UNAUTHENTICATED", message="no")
        too_many = TurnedAway(status=429, error_code="REQUEST_LIMIT_EXCEEDED", message="wait", retry_after_seconds=9)
        return Admitted(spend=lambda count: too_many if count > 2 else None, person="shop")


def test_who_says_it_is_written_down_and_limits_hold(asker: Asker, home: Path) -> None:
    asker.app.gate = Guard()
    assert say(asker, {"prediction_id": ID, "outcome": 1}).status == 401
    body = json.dumps({"feedback": [{"prediction_id": ID, "outcome": 1}]}).encode()
    headers = [*JSON, (b"content-length", str(len(body)).encode()), (b"authorization", b"Bearer right")]
    assert asker.ask("POST", "/feedback", [body], headers).status == 200
    assert heard(home).remarks[0].by == "shop"
    body = json.dumps({"feedback": [{"prediction_id": ID, "outcome": 1}] * 3}).encode()
    headers = [*JSON, (b"content-length", str(len(body)).encode()), (b"authorization", b"Bearer right")]
    reply = asker.ask("POST", "/feedback", [body], headers)
    assert (reply.status, reply.headers["retry-after"]) == (429, "9")


def test_a_disk_that_refuses_is_said_and_nothing_counts_as_heard(
    asker: Asker, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise Unavailable("no space")

    with monkeypatch.context() as patched:
        patched.setattr(FeedbackLog, "append", refuse)
        reply = say(asker, {"prediction_id": ID, "outcome": 1})
        assert (reply.status, reply.headers["retry-after"]) == (503, "1")
    assert say(asker, {"prediction_id": ID, "outcome": 1}).json["taken"] == 1
    assert len(heard(home).remarks) == 1


def test_a_failure_inside_is_a_plain_answer(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback, "take_remark", lambda *_: 1 / 0)
    assert say(asker, {"prediction_id": ID, "outcome": 1}).status == 500


def test_a_flood_holds_bounded_memory_and_is_sent_away(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many posts at once, as many are taken in as the bounds say; the others hear at once when to come again."""
    monkeypatch.setattr(feedback, "MOST_WAITING", 20)
    body = json.dumps({"feedback": [{"prediction_id": ID, "outcome": 1}]}).encode()
    desk = feedback.FeedbackDesk(home, MODEL, "staging")
    open_bodies, most_open, away = 0, 0, 0

    async def one(size: int) -> None:
        nonlocal open_bodies, most_open, away
        scope = {"headers": [*JSON, (b"content-length", str(size).encode())]}

        async def receive() -> Any:
            nonlocal open_bodies, most_open
            open_bodies += 1
            most_open = max(most_open, open_bodies)
            await asyncio.sleep(0.001)
            open_bodies -= 1
            return {"type": "http.request", "body": body}

        try:
            await desk.take(scope, receive, Admitted(spend=without_limit), ())
        except Refused as refused:
            away += (refused.status, refused.retry_after_seconds) == (503, 1)

    async def flood() -> None:
        await asyncio.gather(*(one(len(body)) for _ in range(5_000)))
        assert (most_open, away) == (20, 4_980)
        await asyncio.gather(*(one(feedback.MOST_BYTES) for _ in range(20)))
        assert away == 4_980 + 12  # of 8 MB no more than eight bodies of 1 MB
        await one(len(body))

    asyncio.run(flood())
    desk.close()
    assert len(heard(home).remarks) == 1


def test_who_scores_can_name_the_prediction_by_what_the_log_holds(asker: Asker, home: Path) -> None:
    identity = asker.score_rows([GOOD_ROW]).json["prediction_ids"][0]
    assert say(asker, {"prediction_id": identity, "outcome": 0}).json["taken"] == 1
    assert say(asker, {"key": {"hour": 9, "weekend": None}, "outcome": 0}).json["taken"] == 1
    assert {one.prediction_id for one in heard(home).remarks} == {identity, ""}
