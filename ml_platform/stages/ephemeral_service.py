"""An ephemeral service: what is live, served by a real process for as long as somebody looks at it."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.gate import USERS_FILE

START_SECONDS = 60.0
END_SECONDS = 15.0
WRONG_INPUT = 2


@contextlib.contextmanager
def ephemeral_service(
    home: Path, model: str, environment: str, *, traffic: Path | None = None, live_only: bool = False
) -> Iterator[str]:
    """Start the scoring service on a free loopback port, yield its URL, and end it.

    In a home with users the URL holds the password by which it knows who started it: `headers_of` says how to send it.
    It logs its predictions to `traffic`; without one to a folder of its own, which goes with it. With `live_only` it
    tries no challenger beside what is live.
    Raises DataInvalid or Unavailable with the service's own words when it doesn't come up.
    """
    with tempfile.TemporaryDirectory(prefix="ml-platform-") as scratch:
        port_file, said = Path(scratch) / "port", Path(scratch) / "said"
        command = [
            sys.executable, "-m", "ml_platform.serving", "--model", model, "--env", environment, "--home", str(home),
            "--port", "0", "--port-file", str(port_file), "--traffic", str(traffic or Path(scratch) / "traffic"),
            "--with-parent",
            *(["--live-only"] if live_only else []),
        ]  # fmt: skip
        secret = ""
        if (home / USERS_FILE).exists():
            secret = secrets.token_urlsafe(32)
            (Path(scratch) / "secret").write_text(secret)
            command += ["--secret-file", str(Path(scratch) / "secret")]
        with said.open("wb") as output:
            child = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            yield f"http://{f':{secret}@' if secret else ''}127.0.0.1:{_port(child, port_file, said)}"
        finally:
            _end(child)


def headers_of(url: str) -> dict[str, str]:
    """Return the headers of requests to a service at this URL, with the secret that it may hold.

    >>> headers_of("http://:secret@127.0.0.1:8080")["authorization"]
    'Bearer secret'
    """
    secret = urlsplit(url).password
    return {"content-type": "application/json", **({"authorization": f"Bearer {secret}"} if secret else {})}


def public_url(url: str) -> str:
    """Return a URL without the secret that it may hold, as it may be shown.

    >>> public_url("http://:secret@127.0.0.1:8080/")
    'http://127.0.0.1:8080/'
    """
    place = urlsplit(url)
    return place._replace(netloc=place.netloc.rpartition("@")[2]).geturl()


def with_secret(url: str, secret: str) -> str:
    """Return the URL of a service that runs already with the token by which it knows us; without one as it is.

    >>> with_secret("http://127.0.0.1:8080", "secret")
    'http://:secret@127.0.0.1:8080'
    """
    place = urlsplit(url)
    return place._replace(netloc=f":{secret}@{place.netloc}").geturl() if secret else url


def _port(child: subprocess.Popen[bytes], port_file: Path, said: Path) -> int:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if port_file.exists():
            return int(port_file.read_text())
        if child.poll() is not None:
            lines = said.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
            message = f"the scoring service ended with exit code {child.returncode}: {lines[-1]}"
            raise DataInvalid(message) if child.returncode == WRONG_INPUT else Unavailable(message)
        time.sleep(0.01)
    message = f"the scoring service didn't accept requests within {START_SECONDS:g} s: is the machine overloaded?"
    raise Unavailable(message)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        os.kill(child.pid, signal.SIGTERM)
    try:
        child.wait(timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
