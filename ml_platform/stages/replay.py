"""Replay: real rows through the real service over HTTP, every answer kept, nothing retried silently."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

import msgspec

from ml_platform.core.errors import Unavailable
from ml_platform.stages.ephemeral_service import headers_of, public_url

BATCH = 200
TIMEOUT_SECONDS = 60.0
HTTP_OK = 200

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Answer:
    """The service's answer to a batch: which rows were asked, their prediction ids, the version that answered."""

    rows: range
    ids: tuple[str, ...]
    version: int


class Asking:
    """One keep-alive connection to a scoring service."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._url = public_url(url)
        self._headers = headers_of(url)
        self._connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=TIMEOUT_SECONDS)

    def ask(self, rows: Sequence[Row]) -> tuple[tuple[str, ...], int]:
        """Return prediction ids and the answering version; raises Unavailable for anything but an answer."""
        body = msgspec.json.encode({"dataframe_records": list(rows)})
        try:
            self._connection.request("POST", "/invocations", body, self._headers)
            reply = self._connection.getresponse()
            content = reply.read()
            said = msgspec.json.decode(content)
        except (OSError, http.client.HTTPException, msgspec.MsgspecError) as error:
            self._connection.close()
            raise Unavailable(
                f"{self._url}: no usable answer ({type(error).__name__}); is the service running?"
            ) from error
        if reply.status != HTTP_OK:
            raise Unavailable(f"{self._url}: {len(rows)} rows were answered {reply.status}: {str(said)[:300]}")
        return tuple(said["prediction_ids"]), int(said["version"])

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def play(url: str, rows: Sequence[Row], *, batch: int = BATCH) -> Iterator[Answer]:
    """Send rows in order and yield each batch's answer; raises Unavailable when one isn't answered."""
    asking = Asking(url)
    try:
        for start in range(0, len(rows), batch):
            chunk = rows[start : start + batch]
            ids, version = asking.ask(chunk)
            yield Answer(range(start, start + len(chunk)), ids, version)
    finally:
        asking.close()


@dataclass(slots=True)
class Heard:
    """What happened to the requests sent in the background; `failures` holds the first few reasons."""

    answered: int = 0
    failed: int = 0
    failures: list[str] = field(default_factory=list)
    versions: dict[int, int] = field(default_factory=dict)


class BackgroundRequests:
    """Keeps asking for single rows while something else goes on, and counts every answer."""

    def __init__(
        self, url: str, rows: Sequence[Row], *, on_answer: Callable[[int, str], None], every_seconds: float = 0.05
    ) -> None:
        self.heard = Heard()
        self._rows = rows
        self._asking = Asking(url)
        self._on_answer = on_answer
        self._every = every_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        """Start asking."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop asking and wait for the last answer."""
        self._stop.set()
        self._thread.join()
        self._asking.close()

    def _run(self) -> None:
        for index, row in enumerate(self._rows):
            if self._stop.is_set():
                return
            self._ask(index, row)
            time.sleep(self._every)

    def _ask(self, index: int, row: Row) -> None:
        try:
            ids, version = self._asking.ask([row])
        except Unavailable as error:
            self.heard.failed += 1
            self.heard.failures = [*self.heard.failures, str(error)][:5]
            return
        self.heard.answered += 1
        self.heard.versions[version] = self.heard.versions.get(version, 0) + 1
        self._on_answer(index, ids[0])
