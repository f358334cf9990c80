"""Batch: many rows in a stream, each answered or refused on a line of its own, in bounded memory.

Rows are scored by the hundred, and answers wait in a file until the body ends: most clients send all before they read,
and would wait for a service that waits for them.
"""

from __future__ import annotations

import contextlib
import csv
import io
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Protocol

from ml_platform.core.gate import Admitted
from ml_platform.serving.answer import Answered, answer, log_failure
from ml_platform.serving.batch_records import Cutter, records_of
from ml_platform.serving.body import Receive, Scope, media_type, require_kind
from ml_platform.serving.csv_rows import CSV, CsvReader, malformed_csv
from ml_platform.serving.input_guard import Guarded
from ml_platform.serving.live import Live
from ml_platform.serving.load import Load
from ml_platform.serving.metrics import Metrics
from ml_platform.serving.pages import nothing_live
from ml_platform.serving.protocol import MLFLOW, encode
from ml_platform.serving.refusal import Problem, Refused, place_of
from ml_platform.serving.reply import Reply, refusal_headers
from ml_platform.serving.request import read_json
from ml_platform.serving.served import Served

NDJSON = b"application/x-ndjson"
KINDS = (NDJSON, b"application/ndjson", b"application/jsonl", CSV)
MAXIMUM_ROWS = 1_000_000
CHUNK_ROWS, CHUNK_BYTES = 500, 1 << 20
IN_MEMORY_BYTES = 1 << 20
OUT_OF_CONTRACT = 422

log = logging.getLogger("ml_platform.serving")
Row = dict[str, object]


class Parser(Protocol):
    """Reads a record as a row; None where it holds none."""

    def parse(self, record: bytes, live: Live) -> Row | None:
        """Return the row; raises Refused when it isn't one."""

    @property
    def begun(self) -> bool:
        """Say whether what comes are rows; before that a refusal is one of the whole batch."""


@dataclass(slots=True)
class Chunk:
    """Some rows of a batch: their lines, what was answered, how many were refused by status, and what ends it all."""

    lines: dict[int, bytes] = field(default_factory=dict)
    answered: list[Answered] = field(default_factory=list)
    refused: dict[int, int] = field(default_factory=dict)
    ended: Refused | None = None

    def refuse(self, row: int, refused: Refused) -> None:
        """Refuse a row on its line."""
        problems, body = refused.body.problems, refused.body
        said: dict[str, object] = {
            "row": row,
            "error_code": body.error_code,
            "message": _message(problems) or body.message,
        }
        if problems:
            said["problems"] = [_of_line(one) for one in problems]
        self.lines[row] = encode(said)
        self.refused[refused.status] = self.refused.get(refused.status, 0) + 1

    def answer(self, rows: Sequence[int], answered: Answered) -> None:
        """Answer rows on their lines."""
        said, guarded = answered.answer, _by_row(answered.guarded)
        for place, (row, prediction, given) in enumerate(zip(rows, said.predictions, said.prediction_ids, strict=True)):
            line = {"row": row, "prediction": prediction, "prediction_id": given, "version": said.version}
            self.lines[row] = encode({**line, **guarded.get(place, {})})
        self.answered.append(answered)


def _of_line(problem: Problem) -> dict[str, object]:
    return {"column": problem.column, "problem": problem.problem}


def _by_row(guarded: Guarded | None) -> dict[int | None, dict[str, list[dict[str, object]]]]:
    """Return by row what the model's guard says of it."""
    found: dict[int | None, dict[str, list[dict[str, object]]]] = {}
    if guarded is not None:
        for what, problems in (("flagged", guarded.flagged), ("abstained", guarded.abstained)):
            for one in problems:
                found.setdefault(one.row, {}).setdefault(what, []).append(_of_line(one))
    return found


def _message(problems: Sequence[Problem]) -> str:
    more = f" ({len(problems)} in all)" if len(problems) > 1 else ""
    return f"column '{problems[0].column}': {problems[0].problem}{more}" if problems else ""


@dataclass(slots=True, kw_only=True)
class Batch:
    """One streamed request; every row is scored by the version that is live when its turn comes."""

    served: Served
    admitted: Admitted
    metrics: Metrics
    load: Load
    rows: int = 0
    answered: int = 0
    abstained: int = 0

    async def run(self, scope: Scope, receive: Receive) -> Reply:
        """Answer a body, line by line; the last line counts them, and says why it ends early if it does."""
        try:
            quoted = _kind(scope) == CSV
        except Refused as refused:
            return MLFLOW.refused(refused)
        parser: Parser = _CsvParser() if quoted else _JsonParser()
        spool: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 - closed once it is sent
        ended: Refused | None = None
        try:
            async with contextlib.aclosing(records_of(receive, Cutter(quoted=quoted))) as parts:
                await self._chunks(_chunked(parts), parser, spool)
            if not self.rows:
                raise Refused(400, "BAD_REQUEST", "the batch holds no row; a row per line is needed")
        except Refused as refused:
            ended = refused
            self._log({refused.status: 1}, time.perf_counter())
        counts = {"rows": self.rows, "answered": self.answered, "refused": self.rows - self.answered}
        if self.abstained:
            counts["abstained"] = self.abstained
        why = {} if ended is None else {"error_code": ended.body.error_code, "message": ended.body.message}
        spool.write(encode({"complete": ended is None, "model": self.served.model, **counts, **why}) + b"\n")
        headers = () if ended is None else refusal_headers(ended)
        return Reply(200 if ended is None else ended.status, b"", NDJSON, headers, spool)

    async def _chunks(self, chunks: AsyncIterator[list[bytes]], parser: Parser, spool: IO[bytes]) -> None:
        async for records in chunks:
            if self.rows + len(records) > MAXIMUM_ROWS + 1:
                raise Refused(413, "TOO_LARGE", f"the batch has more than {MAXIMUM_ROWS:,} rows: send it in parts")
            live = self.served.follower.live
            if live is None:
                raise nothing_live(self.served)
            chunk = await self.load.beside(lambda: self._scored(live, records, parser))  # noqa: B023 - awaited here
            for each in chunk.answered:
                await self.load.on_disk(each.written)
            self.rows += len(chunk.lines)
            spool.writelines(chunk.lines[row] + b"\n" for row in sorted(chunk.lines))
            for answered in chunk.answered:
                self.answered += len(answered.rows)
                self.abstained += len(answered.guarded.silent) if answered.guarded else 0
                self.metrics.scored(self.served.model, answered.answer.version, answered.unseen, answered.guarded)
            if chunk.ended is not None:
                raise chunk.ended

    def _scored(self, live: Live, records: Sequence[bytes], parser: Parser) -> Chunk:
        started, chunk, number = time.perf_counter(), Chunk(), self.rows
        rows: dict[int, Row] = {}
        for record in records:
            try:
                row = parser.parse(record, live)
            except Refused as refused:
                if not parser.begun:
                    raise
                chunk.refuse(number, refused)
            else:
                if row is None:
                    continue
                rows[number] = row
            number += 1
        self._answered(live, rows, chunk, started)
        self._log(chunk.refused, started)
        return chunk

    def _answered(self, live: Live, rows: Mapping[int, Row], chunk: Chunk, started: float) -> None:
        """Answer rows together when all of them can be answered, else each alone."""
        if not rows or chunk.ended is not None:
            return
        said = list(rows.values())
        try:
            checked = live.contract_check.check(said)
            chunk.answer(
                list(rows),
                answer(
                    live, self.served.traffic, b"", started, admitted=self.admitted, read=lambda *_: (said, checked)
                ),
            )  # fmt: skip
        except Refused as refused:
            if refused.status != OUT_OF_CONTRACT:
                chunk.ended = refused
                return
            wrong = refused
        except Exception as error:  # noqa: BLE001 - as in the application: said, counted and logged, without values
            if len(rows) == 1:
                log.error("scoring failed: %s at %s", type(error).__name__, place_of(error))  # noqa: TRY400
            wrong = Refused(500, "INTERNAL_ERROR", "scoring failed inside the service; its log says where")
        else:
            return
        if len(rows) == 1:
            chunk.refuse(next(iter(rows)), wrong)
            return
        for number, row in rows.items():
            self._answered(live, {number: row}, chunk, started)

    def _log(self, statuses: Mapping[int, int], started: float) -> None:
        live, traffic = self.served.follower.live, self.served.traffic
        for status, count in statuses.items():
            if live is not None and not traffic.problem:
                log_failure(live, traffic, status, started, count=count)


class _JsonParser:
    begun = True

    def parse(self, record: bytes, live: Live) -> Row | None:  # noqa: ARG002 - what a parser is given
        if not record.strip():
            return None
        content = read_json(record)
        if not isinstance(content, dict):
            raise Refused(400, "BAD_REQUEST", "the line isn't an object that names its columns")
        return content


class _CsvParser:
    def __init__(self) -> None:
        self._reader: CsvReader | None = None

    @property
    def begun(self) -> bool:
        return self._reader is not None

    def parse(self, record: bytes, live: Live) -> Row | None:
        if not record.strip():
            return None
        cells = _cells(record)
        if self._reader is not None:
            return self._reader.row(cells)
        reader = CsvReader(live.predictor.contract, live.predictor.levels)
        reader.name(cells)
        self._reader = reader
        return None


def _cells(record: bytes) -> list[str]:
    try:
        found = list(csv.reader(io.StringIO(record.decode(), newline=""), strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise malformed_csv("the line isn't CSV in UTF-8") from error
    if len(found) != 1:
        raise malformed_csv("a quote isn't closed, or stands within a cell")
    return found[0]


def _kind(scope: Scope) -> bytes:
    """Return the content type of a batch; raises Refused when it is none that can be read line by line."""
    kind = NDJSON
    for name, value in scope["headers"]:
        require_kind(name, value, KINDS)
        if name == b"content-type":
            kind = media_type(value)
    return kind


async def _chunked(parts: AsyncIterator[list[bytes]]) -> AsyncIterator[list[bytes]]:
    """Yield records by the hundred, and what is left."""
    waiting: list[bytes] = []
    size = 0
    async for records in parts:
        for record in records:
            waiting.append(record)
            size += len(record)
            if len(waiting) == CHUNK_ROWS or size >= CHUNK_BYTES:
                yield waiting
                waiting, size = [], 0
    if waiting:
        yield waiting
