"""A batch answers or refuses every row on a line of its own, logs all of them, and never holds many at once."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.traffic_log import read
from ml_platform.serving import app as application
from ml_platform.serving import batch, batch_records
from ml_platform.serving.batch_records import Cutter, records_of
from ml_platform.serving.refusal import Refused
from ml_platform_tests.serving.asking import Asker, Reply, asking, serving
from ml_platform_tests.serving.small_model import GOOD_ROW, MODEL, expected_scores, make_live, make_rows, put_model

NDJSON, CSV = [(b"content-type", b"application/x-ndjson")], [(b"content-type", b"text/csv")]
ROWS = make_rows(30)


def lines_of(rows: Sequence[object]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def csv_of(rows: Sequence[dict[str, object]]) -> bytes:
    written = io.StringIO()
    writer = csv.DictWriter(written, list(GOOD_ROW))
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue().encode()


def parts_of(body: bytes, size: int = 700) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)] or [b""]


def ask(asker: Asker, body: bytes, headers: Sequence[tuple[bytes, bytes]] = NDJSON) -> tuple[Reply, list[Any], Any]:
    """Return the reply, the lines of its rows, and its last line."""
    reply = asker.ask("POST", "/batch", parts_of(body), headers)
    *rows, last = [json.loads(line) for line in reply.body.splitlines()]
    return reply, rows, last


@pytest.mark.parametrize(("body", "headers"), [(lines_of(ROWS), NDJSON), (csv_of(ROWS), CSV), (lines_of(ROWS), [])])
def test_rows_get_the_scores_they_get_alone(
    shared: Asker, body: bytes, headers: list[tuple[bytes, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "CHUNK_ROWS", 7)
    reply, rows, last = ask(shared, body, headers)
    assert (reply.status, reply.headers["content-type"]) == (200, "application/x-ndjson")
    assert int(reply.headers["content-length"]) == len(reply.body)
    assert [row["prediction"] for row in rows] == expected_scores(ROWS)
    assert [row["row"] for row in rows] == list(range(30))
    assert (len({row["prediction_id"] for row in rows}), {row["version"] for row in rows}) == (30, {1})
    assert last == {"complete": True, "model": MODEL, "rows": 30, "answered": 30, "refused": 0}


WRONG = [
    (b"{", "isn't JSON"),
    (b"[1]", "isn't an object that names its columns"),
    (b'{"hour": 1}{"hour": 1}', "isn't JSON"),
    (json.dumps({**GOOD_ROW, "hour": 24}).encode(), "column 'hour': it is above the declared range, 0 to 23"),
    (json.dumps(GOOD_ROW).replace('"hour"', '"hour": 3, "hour"').encode(), "given twice"),
    (b'{"a": "\xff"}', "isn't UTF-8"),
    (b"[" * 5_000, "JSON"),
    (json.dumps(GOOD_ROW).replace("733.5", "1e400").encode(), "isn't JSON"),
    (b"{}", "column 'hour': it isn't there; every column of the contract is needed (7 in all)"),
]


def test_rows_that_cannot_be_answered_are_refused_each_on_its_line(home: Path) -> None:
    body = b"".join(json.dumps(GOOD_ROW).encode() + b"\n" + line + b"\r\n\n" for line, _ in WRONG)
    with asking(home) as asker:
        reply, rows, last = ask(asker, body)
        metrics = asker.ask("GET", "/metrics").body.decode()
    assert (reply.status, last["complete"], last["answered"], last["refused"]) == (200, True, len(WRONG), len(WRONG))
    assert [row["prediction"] for row in rows[::2]] == expected_scores([GOOD_ROW]) * len(WRONG)
    for row, (_, seen) in zip(rows[1::2], WRONG, strict=True):
        assert seen in row["message"]
    logged = read(home / "traffic" / "staging" / MODEL, keys=FileKeys(home)).predictions
    assert {one.id for one in logged if one.status == 200} == {row["prediction_id"] for row in rows[::2]}
    assert sorted(one.status for one in logged if one.status != 200) == [400] * 7 + [422] * 2
    assert f'ml_platform_predictions_total{{model="toy",version="1"}} {len(WRONG)}' in metrics
    assert 'ml_platform_requests_total{path="/batch",status="200"} 1' in metrics


def test_cells_with_line_ends_and_quotes_keep_their_rows_apart(shared: Asker) -> None:
    rows = [{**GOOD_ROW, "carrier": text} for text in ('a "b"\n', "x,\r\ny", "UA")]
    stray = b'9,733.5,8.1,U"A,EWR,False,1.5\n' * 2
    broken = csv_of(rows) + b"9,733.5\r\n" + stray + csv_of(rows).split(b"\r\n", 1)[1]
    _, found, last = ask(shared, b"\xef\xbb\xbf" + broken, CSV)
    assert [row.get("prediction") for row in found] == [*expected_scores(rows), None, None, *expected_scores(rows)]
    assert ["has 2 cells, the header 7" in found[3]["message"], "a quote" in found[4]["message"]] == [True, True]
    assert last["complete"]


@pytest.mark.parametrize(
    ("body", "headers", "status", "seen"),
    [
        (b"", NDJSON, 400, "holds no row"),
        (b"\n\r\n", NDJSON, 400, "holds no row"),
        (b"hour,hour\n1,2\n", CSV, 400, "names the column 'hour' twice"),
        (b"x" * 1_100_000, NDJSON, 413, "a row is longer than 1 MB"),
        (b'hour\n"' + b"\n" * 1_100_000, CSV, 413, "a row is longer than 1 MB"),
    ],
    ids=["empty", "blank", "header", "long", "unclosed"],
)
def test_what_is_no_batch_is_said(
    shared: Asker, body: bytes, headers: list[tuple[bytes, bytes]], status: int, seen: str
) -> None:
    reply, rows, last = ask(shared, body, headers)
    assert (reply.status, rows, last["complete"], seen in last["message"]) == (status, [], False, True)


def test_another_type_and_compression_are_refused(shared: Asker) -> None:
    for headers in ([(b"content-type", b"application/json")], [*NDJSON, (b"content-encoding", b"gzip")]):
        assert shared.ask("POST", "/batch", [b"{}"], headers).status == 415
    assert shared.ask("GET", "/batch").headers["allow"] == "POST"


def test_limits_end_a_batch_with_what_was_answered_before(shared: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "CHUNK_ROWS", 10)
    monkeypatch.setattr(batch, "MAXIMUM_ROWS", 20)
    reply, rows, last = ask(shared, lines_of(ROWS))
    assert (reply.status, len(rows), last["answered"], "more than 20 rows" in last["message"]) == (413, 20, 20, True)
    monkeypatch.setattr(batch_records, "MAXIMUM_BYTES", 3000)
    reply, rows, last = ask(shared, lines_of(ROWS))
    assert (reply.status, 0 < len(rows) < 30, last["complete"]) == (413, True, False)


def test_a_log_that_fills_up_ends_a_batch_with_what_was_logged(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "CHUNK_ROWS", 10)
    writes: list[int] = []

    def full(file: int, content: bytes, write: Any = os.write) -> int:
        writes.append(file)
        if len(writes) > 1:
            raise OSError(28, "No space left on device")
        return int(write(file, content))

    with asking(home) as asker:
        assert asker.score_rows([GOOD_ROW]).status == 200
        monkeypatch.setattr(os, "write", full)
        reply, rows, last = ask(asker, lines_of(ROWS))
        monkeypatch.undo()
    assert (reply.status, last["complete"], last["error_code"]) == (503, False, "TEMPORARILY_UNAVAILABLE")
    logged = read(home / "traffic" / "staging" / MODEL, keys=FileKeys(home)).predictions
    assert {row["prediction_id"] for row in rows} <= {one.id for one in logged}


def test_a_row_that_the_features_fail_on_is_refused_alone(tmp_path: Path) -> None:
    source = (
        "def transform(columns, state):\n    assert (columns['hour'] != 13).all(), 'Q7Q7'\n"
        "    return {**columns, 'hour_sin': columns['hour'], 'hour_cos': columns['hour'], 'long': columns['hour']}\n"
    )
    make_live(tmp_path, put_model(tmp_path, source=source))
    with asking(tmp_path) as asker:
        reply, rows, last = ask(asker, lines_of([GOOD_ROW, {**GOOD_ROW, "hour": 13}, GOOD_ROW]))
    assert (reply.status, last["answered"], last["refused"]) == (200, 2, 1)
    assert ("prediction" in rows[0], rows[1]["error_code"], "Q7Q7" in str(rows)) == (True, "INTERNAL_ERROR", False)


def test_without_a_live_version_or_with_too_many_batches_nothing_is_taken_in(
    tmp_path: Path, shared: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    with asking(tmp_path) as asker:
        reply, _, last = ask(asker, lines_of(ROWS))
        assert (reply.status, "nothing is live" in last["message"]) == (503, True)
    monkeypatch.setattr(application, "MOST_BATCHES", 0)
    reply = shared.ask("POST", "/batch", [lines_of(ROWS)], NDJSON)
    assert (reply.status, reply.headers["retry-after"]) == (503, "30")


def test_a_sender_that_stops_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_records, "BODY_SECONDS", 0.01)

    async def silent() -> dict[str, object]:
        await asyncio.sleep(10)
        return {}

    async def all_of() -> None:
        async for _ in records_of(silent, Cutter(quoted=False)):
            pass

    with pytest.raises(Refused) as caught:
        asyncio.run(all_of())
    assert caught.value.status == 408


@given(st.lists(st.text(alphabet='ab,"\n\r', max_size=6).map(lambda text: [text, "x"]), min_size=1, max_size=6),
       st.integers(1, 9))  # fmt: skip
def test_however_csv_comes_in_parts_its_records_are_those_of_the_whole(rows: list[list[str]], size: int) -> None:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    cutter = Cutter(quoted=True)
    records = [one for part in parts_of(written.getvalue().encode(), size) for one in cutter.cut(part)]
    records += cutter.last()
    assert [next(csv.reader(io.StringIO(one.decode(), newline=""))) for one in records if one] == rows


@given(st.binary(max_size=200), st.integers(1, 50))
def test_any_bytes_are_answered_in_words(shared: Asker, body: bytes, size: int) -> None:
    for headers in (NDJSON, CSV):
        reply = shared.ask("POST", "/batch", parts_of(body, size), headers)
        assert all(isinstance(json.loads(line), dict) for line in reply.body.splitlines())


def test_a_stream_to_a_real_server_comes_back_whole(home: Path) -> None:
    def body() -> Iterator[bytes]:
        for _ in range(40):
            yield lines_of(ROWS)

    with serving(home) as server:
        connection = server.connect()
        connection.request("POST", "/batch", body(), {"content-type": "application/x-ndjson"}, encode_chunked=True)
        reply = connection.getresponse()
        *rows, last = [json.loads(line) for line in reply.read().splitlines()]
        connection.close()
    assert (reply.status, last["answered"]) == (200, 1200)
    assert [row["prediction"] for row in rows] == expected_scores(ROWS) * 40
