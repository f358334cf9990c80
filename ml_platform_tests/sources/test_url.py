"""Tables behind URLs: fsspec's own memory file system, and a real HTTP server on this machine."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import fsspec
import pytest

from ml_platform.core.errors import DataInvalid, PlatformError, Unavailable
from ml_platform.policy.spec import ModelSpec
from ml_platform.sources import url
from ml_platform.sources.read import fingerprint, read_tables
from ml_platform.sources.read_source import read_source
from ml_platform_tests.stages.toy import toy_spec

NOW = dt.datetime(2035, 1, 31, tzinfo=dt.UTC)
ROWS = b"site,load\n007,1.5\nx,2\n"
Answer = tuple[int, dict[str, str], bytes]


def of(place: str, **said: Any) -> ModelSpec:
    tables = {"rows": {"kind": "url", "url": place, **said}}
    return toy_spec(source={"tables": tables, "licence": "CC0-1.0", "description": "Invented."})


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, bytes], None]]:
    monkeypatch.setenv("ML_PLATFORM_ALLOWED_URLS", "memory://shelf")
    files = fsspec.filesystem("memory")

    def put(name: str, content: bytes) -> None:
        files.pipe(f"/shelf/{name}", content)

    yield put
    files.store.clear()
    files.pseudo_dirs[:] = [""]


def test_a_file_behind_a_url_is_a_table(shelf: Callable[[str, bytes], None]) -> None:
    shelf("a.csv", ROWS)
    spec = of("memory://shelf/a.csv")
    found = fingerprint(spec, now=NOW).record
    assert found.size_bytes == len(ROWS)
    assert found.modified_at is not None
    assert read_source(spec, found, past=None, now=NOW).frames["rows"].to_dict("list") == {
        "site": ["007", "x"],
        "load": [1.5, 2.0],
    }


def test_a_folder_behind_a_url_is_a_table_with_its_partitions(shelf: Callable[[str, bytes], None]) -> None:
    shelf("t/month=02/b.csv", ROWS)
    shelf("t/month=01/a.csv", ROWS)
    shelf("t/_SUCCESS", b"")
    found = read_tables(of("memory://shelf/t"))["rows"]
    assert found["month"].tolist() == ["01", "01", "02", "02"]
    shelf("t/month=02/b.docx", b"")
    with pytest.raises(DataInvalid, match=r"holds 'month=02/b\.docx'"):
        read_tables(of("memory://shelf/t/"))


def test_what_is_not_allowed_not_there_or_not_known_is_said(
    shelf: Callable[[str, bytes], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf("a.csv", ROWS)
    with pytest.raises(Unavailable, match="nothing is at the URL"):
        read_tables(of("memory://shelf/none.csv"))
    with pytest.raises(DataInvalid, match="isn't among the places"):
        read_tables(of("memory://cellar/a.csv"))
    monkeypatch.setenv("ML_PLATFORM_ALLOWED_URLS", "nonsense://a, s3://bucket")
    with pytest.raises(DataInvalid, match="nonsense:// is no file system that fsspec knows"):
        read_tables(of("nonsense://a/b.csv"))
    with pytest.raises(Unavailable, match=r"s3:// can't be reached yet \(Install s3fs"):
        read_tables(of("s3://bucket/b.csv"))


def test_a_listing_that_leads_outside_is_refused(shelf: Callable[[str, bytes], None]) -> None:
    files = fsspec.filesystem("memory")
    with pytest.raises(DataInvalid, match="names a file outside of it"):
        url._within("t", files, "/shelf", {"/cellar/a.csv": {"size": 1}})


@pytest.mark.parametrize("stated", [5, None])
def test_a_file_that_is_too_large_is_not_fetched(
    shelf: Callable[[str, bytes], None], monkeypatch: pytest.MonkeyPatch, stated: int | None
) -> None:
    shelf("a.csv", ROWS)
    monkeypatch.setattr(url, "LARGEST_BYTES", 4)
    files = fsspec.filesystem("memory")
    with pytest.raises(DataInvalid, match="is larger than 4 bytes"):
        url._piece("t", files, "/shelf/a.csv", "a.csv", {"size": stated}).read()


def test_what_takes_too_long_is_given_up(shelf: Callable[[str, bytes], None], monkeypatch: pytest.MonkeyPatch) -> None:
    shelf("a.csv", ROWS)
    monkeypatch.setattr(url, "LONGEST_SECONDS", -1.0)
    with pytest.raises(Unavailable, match="takes longer than"):
        read_tables(of("memory://shelf/a.csv"))


def test_a_file_that_comes_short_is_refused(shelf: Callable[[str, bytes], None]) -> None:
    shelf("a.csv", ROWS)
    piece = url._piece("t", fsspec.filesystem("memory"), "/shelf/a.csv", "a.csv", {"size": 99})
    with pytest.raises(Unavailable, match="22 bytes came and 99 were announced"):
        piece.read()


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        (dt.datetime(2030, 1, 1), dt.datetime(2030, 1, 1, tzinfo=dt.UTC)),  # noqa: DTZ001
        (0.0, dt.datetime(1970, 1, 1, tzinfo=dt.UTC)),
        ("Tue, 01 Jan 2030 00:00:00 GMT", dt.datetime(2030, 1, 1, tzinfo=dt.UTC)),
        ("yesterday", None),
        ([], None),
    ],
)
def test_times_are_read_as_file_systems_tell_them(told: object, moment: dt.datetime | None) -> None:
    assert url._moment(told) == moment


class Server(ThreadingHTTPServer):
    """Answers by path; counts what was fetched."""

    answers: dict[str, Answer]
    asked: list[str]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        status, headers, body = self.server.answers.get(self.path, (404, {}, b""))
        self.send_response(status)
        for key, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    pytest.importorskip("aiohttp")
    with Server(("127.0.0.1", 0), Handler) as server:
        server.answers, server.asked = {}, []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        monkeypatch.setenv("ML_PLATFORM_ALLOWED_URLS", f"http://127.0.0.1:{server.server_port}/rows/")
        yield server
        server.shutdown()
        thread.join()


def at(server: Server, path: str) -> ModelSpec:
    return of(f"http://127.0.0.1:{server.server_port}{path}")


def test_a_file_of_a_web_server_is_a_table(server: Server) -> None:
    changed = {"Last-Modified": "Tue, 01 Jan 2030 00:00:00 GMT", "ETag": '"1"'}
    server.answers["/rows/a.csv"] = (200, changed, ROWS)
    found = fingerprint(at(server, "/rows/a.csv"), now=NOW).record
    assert found.modified_at == dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    assert read_source(at(server, "/rows/a.csv"), found, past=None, now=NOW).frames["rows"]["load"].tolist() == [
        1.5,
        2.0,
    ]
    assert server.asked == ["HEAD /rows/a.csv", "GET /rows/a.csv"] * 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((302, {"Location": "/secret/a.csv"}, b""), r"the server points elsewhere \(status 302\); that isn't followed"),
        ((301, {"Location": "http://localhost:1/rows/a.csv"}, b"x"), r"points elsewhere \(status 301\)"),
        ((204, {}, b""), "the server answers with status 204"),
        ((403, {}, b""), "nothing is at the URL, or it may not be read"),
        ((500, {}, b""), "nothing is at the URL, or it may not be read"),
        ((200, {"Content-Length": "999"}, ROWS), r"the URL can't be read \(ClientPayloadError\)|announced"),
    ],
)
def test_a_web_server_that_does_not_give_the_file_itself_is_refused(server: Server, answer: Answer, words: str) -> None:
    server.answers |= {"/rows/a.csv": answer, "/secret/a.csv": (200, {}, ROWS)}
    for look in (lambda spec: fingerprint(spec, now=NOW), read_tables):
        with pytest.raises(PlatformError, match=words):
            look(at(server, "/rows/a.csv"))
    assert not any("secret" in asked for asked in server.asked)


def test_a_web_server_that_is_not_there_is_said(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ML_PLATFORM_ALLOWED_URLS", "http://127.0.0.1:1/rows/")
    with pytest.raises(Unavailable, match="nothing is at the URL"):
        read_tables(of("http://127.0.0.1:1/rows/a.csv"))
