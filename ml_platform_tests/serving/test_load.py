"""What is beyond the service's load is sent away at once; what takes too long is said."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import Future

import pytest

from ml_platform.core.errors import Unavailable
from ml_platform.serving.load import LARGE_BODY_BYTES, MOST_HELD_BYTES, SMALL_BODY_BYTES, Load, LoadLimits
from ml_platform.serving.refusal import Refused

LARGE = LARGE_BODY_BYTES + 1


def headers(*given: tuple[bytes, bytes]) -> dict[str, object]:
    return {"headers": list(given)}


def test_large_bodies_beyond_the_places_are_refused_from_their_head_on() -> None:
    load = Load(LoadLimits(most_large=1))
    announced = headers((b"content-length", str(LARGE).encode()))
    with load.taken_in(announced):
        with pytest.raises(Refused) as refused, load.taken_in(headers((b"transfer-encoding", b"chunked"))):
            pass
        assert (refused.value.status, refused.value.retry_after_seconds) == (503, 1)
        with load.taken_in(headers((b"content-length", str(LARGE_BODY_BYTES).encode()))), load.taken_in(headers()):
            pass
    with load.taken_in(announced):
        pass


def test_bodies_that_trickle_in_hold_a_bounded_amount_of_memory_together() -> None:
    load = Load()
    announced = headers((b"content-length", str(LARGE_BODY_BYTES).encode()))
    with contextlib.ExitStack() as stack:
        for _ in range(MOST_HELD_BYTES // LARGE_BODY_BYTES):
            stack.enter_context(load.taken_in(announced))
        with pytest.raises(Refused) as refused, load.taken_in(announced):
            pass
        assert (refused.value.status, refused.value.retry_after_seconds) == (503, 1)
        with load.taken_in(headers((b"content-length", str(SMALL_BODY_BYTES).encode()))):
            pass
    with load.taken_in(announced):
        pass


def test_requests_beyond_the_places_are_refused_at_once_and_those_inside_are_answered() -> None:
    load, free = Load(LoadLimits(most_at_once=2)), threading.Event()

    def slow() -> str:
        free.wait(20)
        return "scored"

    async def asked() -> list[object]:
        inside = [asyncio.create_task(load.score(slow, LARGE)) for _ in range(2)]
        await asyncio.sleep(0.01)
        with pytest.raises(Refused, match="as much to do"):
            await load.score(lambda: "small", 10)
        assert load.under_way == 2
        free.set()
        return [await one for one in inside]

    assert asyncio.run(asked()) == ["scored", "scored"]
    assert load.under_way == 0


def test_a_score_that_takes_too_long_is_given_up_and_finished_before_the_next_begins() -> None:
    load, free, done = Load(LoadLimits(score_seconds=0.05)), threading.Event(), []

    def slow() -> None:
        free.wait(20)
        done.append("slow")

    async def asked() -> None:
        for _ in range(2):  # the second waits for the first
            with pytest.raises(Refused) as refused:
                await load.score(slow, LARGE)
            assert refused.value.status == 504
        free.set()
        await load.score(lambda: done.append("next"), LARGE)

    asyncio.run(asked())
    assert done == ["slow", "next"]


def test_an_error_of_scoring_is_its_callers() -> None:
    def failing() -> None:
        raise ValueError("x")

    for size in (1, LARGE):
        with pytest.raises(ValueError, match="x"):
            asyncio.run(Load().score(failing, size))


def test_what_waits_for_the_disk_is_answered_when_it_is_there_refused_when_it_never_comes() -> None:
    load, never = Load(LoadLimits(score_seconds=0.05)), Future[None]()
    there, refused = Future[None](), Future[None]()
    there.set_result(None)
    refused.set_exception(Unavailable("the disk refused"))
    asyncio.run(load.on_disk(None))
    asyncio.run(load.on_disk(there))
    for written in (refused, never):
        with pytest.raises(Refused) as said:
            asyncio.run(load.on_disk(written))
        assert said.value.status == 503
