"""`POST /feedback`: what came of predictions and what people think of them, on the disk before it is answered.

All of the work is done beside the event loop. Requests that wait hold a bounded amount of memory together, claimed by
their content length before a body is read; what would go beyond is sent away with when to come again.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import NoReturn

import msgspec

from ml_platform.adapters.feedback_log import FeedbackLog, Taken, feedback_folder
from ml_platform.adapters.keys import FileKeys
from ml_platform.core.errors import Unavailable
from ml_platform.core.gate import Admitted
from ml_platform.core.remark import Remark
from ml_platform.serving.body import Receive, Scope, read_body
from ml_platform.serving.refusal import Problem, Refused, turned_away
from ml_platform.stages.take_remark import Said, Taking, is_of_the_future, take_remark

FEEDBACK = "/feedback"
MOST_BYTES = 1 << 20
MOST_REMARKS = 1_000
MOST_WAITING = 200
MOST_WAITING_BYTES = 8 << 20
AT_WORK = 4
RETRY_SECONDS = 1
OF_THE_FUTURE = "it tells of the future; kept aside, it counts nowhere"

KNOWN = tuple(one.name for one in fields(Said))

log = logging.getLogger("ml_platform.serving")


class Sent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON body of a request."""

    feedback: list[dict[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The JSON body of an answer: remarks taken and heard before; those kept aside, with their place and reason."""

    taken: int
    heard_before: int
    kept_aside: tuple[Problem, ...] = ()


@dataclass(slots=True)
class FeedbackDesk:
    """Takes remarks on the predictions of one model in one environment; used by one event loop."""

    home: Path
    model: str
    environment: str
    _requests: int = field(default=0, init=False)
    _bytes: int = field(default=0, init=False)
    _at_work: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_WORK), init=False)
    _log: FeedbackLog | None = field(default=None, init=False)
    _opening: threading.Lock = field(default_factory=threading.Lock, init=False)
    _thinking: threading.Lock = field(default_factory=threading.Lock, init=False)

    async def take(self, scope: Scope, receive: Receive, admitted: Admitted, columns: Sequence[str]) -> Answer:
        """Take what a request says; raises Refused, and then nothing of it was taken.

        `columns` are those of the prediction log, by which a prediction may be named.
        """
        length = _length(scope)
        if self._requests >= MOST_WAITING or self._bytes + length > MOST_WAITING_BYTES:
            message = "more feedback waits for the disk than is taken in at once; nothing was taken: send it again"
            raise Refused(503, "TEMPORARILY_UNAVAILABLE", message, retry_after_seconds=RETRY_SECONDS)
        self._requests += 1
        self._bytes += length
        try:
            body = await read_body(scope, receive)
            async with self._at_work:
                return await asyncio.to_thread(self._take, body, admitted, columns)
        finally:
            self._requests -= 1
            self._bytes -= length

    def close(self) -> None:
        """Stop writing; everything that was answered is on the disk already."""
        if self._log is not None:
            try:
                self._log.close()
            except Unavailable as error:
                log.warning("the feedback log can't be closed: %s", error)

    def _take(self, body: bytes, admitted: Admitted, columns: Sequence[str]) -> Answer:
        with (
            self._thinking
        ):  # one thread that computes leaves room for the event loop, and the others wait for the disk
            sent = read_said(body)
            away = admitted.spend(len(sent))
            if away is not None:
                raise turned_away(away)
            remarks = _remarks(sent, Taking(by=admitted.person, heard_at=dt.datetime.now(dt.UTC), columns=columns))
        taken = self._append(remarks)
        aside = (Problem(problem=OF_THE_FUTURE, row=row) for row, one in enumerate(remarks) if is_of_the_future(one))
        return Answer(taken=taken.new, heard_before=taken.heard_before, kept_aside=tuple(aside))

    def _append(self, remarks: Sequence[Remark]) -> Taken:
        try:
            with self._opening:
                if self._log is None:
                    folder = feedback_folder(self.home, self.environment, self.model)
                    self._log = FeedbackLog(folder, keys=FileKeys(self.home))
            return self._log.append(remarks)
        except Unavailable as error:
            log.warning("feedback can't be written: %s", error)
            message = (
                "the feedback log can't be written, so nothing was taken; the service's log says why: send again later"
            )
            raise Refused(503, "TEMPORARILY_UNAVAILABLE", message, retry_after_seconds=RETRY_SECONDS) from error


def _length(scope: Scope) -> int:
    """Return how many bytes a body has; raises Refused when it isn't said or is too much."""
    said = [value for name, value in scope["headers"] if name == b"content-length"]
    if len(said) != 1 or not said[0].isdigit():
        raise Refused(411, "BAD_REQUEST", "the header content-length is needed")
    if len(said[0]) > len(str(MOST_BYTES)) or int(said[0]) > MOST_BYTES:
        raise Refused(413, "TOO_LARGE", f"the body is larger than {MOST_BYTES >> 20} MB: send fewer remarks at once")
    return int(said[0])


def read_said(body: bytes) -> list[Said | str]:
    """Return what each remark says, or why it says nothing; raises Refused when the body isn't a list of them."""
    try:
        content = json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_no_constant)
        if b"\\u" in body:
            json.dumps(content, ensure_ascii=False).encode()  # half of a surrogate pair could never be written down
        sent = msgspec.convert(content, Sent).feedback
    except UnicodeDecodeError as error:
        raise Refused(400, "BAD_REQUEST", f"the body isn't UTF-8 (byte {error.start})") from error
    except RecursionError as error:
        raise Refused(400, "BAD_REQUEST", "the body's JSON is nested too deeply; remarks are flat") from error
    except msgspec.ValidationError as error:
        message = 'the body has to be {"feedback": [{"prediction_id": …, "outcome": …}, …]}'
        raise Refused(400, "BAD_REQUEST", message) from error
    except ValueError as error:  # no JSON, or a number of too many digits
        raise Refused(400, "BAD_REQUEST", "the body isn't JSON that can be used") from error
    if not 0 < len(sent) <= MOST_REMARKS:
        status = 413 if sent else 400
        raise Refused(status, "TOO_LARGE", f"{len(sent):,} remarks were sent; 1 to {MOST_REMARKS:,} are taken at once")
    return [_said(one) for one in sent]


def _said(content: dict[str, object]) -> Said | str:
    unknown = [name for name in content if name not in KNOWN]
    if unknown:
        return f"{len(unknown)} of its keys are unknown; known: {', '.join(KNOWN)}"
    try:
        return msgspec.convert(content, Said)
    except msgspec.ValidationError as error:
        return f"it can't be taken: {error}"


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refused(400, "BAD_REQUEST", "a key is given twice; which one is meant can't be known")
    return found


def _no_constant(name: str) -> NoReturn:
    raise Refused(400, "BAD_REQUEST", f"{name} is no JSON; leave out what is missing")


def _remarks(sent: Sequence[Said | str], taking: Taking) -> list[Remark]:
    """Return all remarks; raises Refused with every one that can't be taken, and then none is."""
    found = [one if isinstance(one, str) else take_remark(one, taking) for one in sent]
    problems = tuple(Problem(problem=one, row=row) for row, one in enumerate(found) if isinstance(one, str))
    if problems:
        message = f"remark {problems[0].row}: {problems[0].problem}; nothing was taken: correct it, then send all again"
        raise Refused(422, "INVALID_PARAMETER_VALUE", message, problems)
    return [one for one in found if isinstance(one, Remark)]
