"""The services that `serving.py` compares, as processes of their own: ours, a bare one, and `mlflow models serve`."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

START_SECONDS = 120.0


class Keeper:
    """One keep-alive connection that costs the client as little as possible."""

    def __init__(self, port: int, body: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head = f"POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
        self._request = head.encode() + b"\r\n\r\n" + body

    def send(self) -> None:
        """Send the request."""
        self.socket.sendall(self._request)

    def receive(self) -> bytes:
        """Return the body of the answer; raises RuntimeError when it isn't 200."""
        answer = self.socket.recv(1 << 16)
        while b"\r\n\r\n" not in answer:
            answer += self.socket.recv(1 << 16)
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(body) < length:
            body += self.socket.recv(1 << 16)
        if b" 200 " not in head[:20]:
            raise RuntimeError(body.decode())
        return body

    def ask(self) -> bytes:
        """Send the request and return the body of the answer."""
        self.send()
        return self.receive()


@dataclass(frozen=True, slots=True)
class Peer:
    """A service that runs: what it is called, its process, where it listens."""

    name: str
    process: psutil.Process
    port: int

    def cpu_seconds(self) -> float:
        """Return what it and its children have computed so far."""
        times = [one.cpu_times() for one in (self.process, *self.process.children(recursive=True))]
        return float(sum(each.user + each.system for each in times))


@contextlib.contextmanager
def ours(home: Path, model: str, environment: str, scratch: Path, *more: str) -> Iterator[Peer]:
    """Run our service on a log of its own."""
    name = "ours" if not more else " ".join(["ours", *more])
    place = scratch / name.replace(" ", "_")
    port_file = place.with_suffix(".port")
    command = [
        sys.executable, "-m", "ml_platform.serving", "--model", model, "--env", environment, "--home", str(home),
        "--port", "0", "--port-file", str(port_file), "--traffic", str(place / environment / model), *more,
    ]  # fmt: skip
    with _running(name, command, port_file) as peer:
        yield peer


@contextlib.contextmanager
def bare(folder: Path, scratch: Path) -> Iterator[Peer]:
    """Run the bare FastAPI service."""
    port_file = scratch / "bare.port"
    command = [sys.executable, str(Path(__file__).with_name("bare_service.py")), str(folder), str(port_file)]
    with _running("bare FastAPI", command, port_file) as peer:
        yield peer


@contextlib.contextmanager
def mlflow(folder: Path, scratch: Path, environment: Mapping[str, str]) -> Iterator[Peer]:
    """Save the model as MLflow's and run `mlflow models serve` on it, in the environment that this runs in."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    saved = scratch / "mlflow_model"
    code = Path(__file__).with_name("mlflow_model.py")
    subprocess.run([sys.executable, code, folder, saved], check=True, capture_output=True, env=environment)
    program = Path(sys.executable).with_name("mlflow")
    command = [
        str(program), "models", "serve", "-m", str(saved), "--env-manager", "local", "-h", "127.0.0.1",
        "-p", str(port), "--workers", "1",
    ]  # fmt: skip
    with (
        (scratch / "mlflow.log").open("wb") as said,
        subprocess.Popen(command, stdout=said, stderr=said, env=environment) as child,
    ):
        peer = Peer("mlflow models serve", psutil.Process(child.pid), port)
        try:
            _wait_for(port, child, scratch / "mlflow.log")
            yield peer
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                for one in (*peer.process.children(recursive=True), peer.process):
                    one.terminate()


@contextlib.contextmanager
def _running(name: str, command: list[str], port_file: Path) -> Iterator[Peer]:
    with subprocess.Popen(command) as child:
        try:
            while not port_file.exists():
                if child.poll() is not None:
                    raise RuntimeError(f"{name} ended with {child.returncode}")
                time.sleep(0.02)
            time.sleep(0.5)
            yield Peer(name, psutil.Process(child.pid), int(port_file.read_text()))
        finally:
            child.terminate()


def _wait_for(port: int, child: subprocess.Popen[bytes], said: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if child.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"mlflow models serve doesn't come up:\n{said.read_text()[-2000:]}")
        time.sleep(0.1)
