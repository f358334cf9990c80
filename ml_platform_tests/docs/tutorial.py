"""The tutorial's steps as a person takes them: commands in order, passwords typed, files written, a service beside."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import string
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ml_platform.cli.main import main
from ml_platform_tests.docs.pages import DOCS, ROOT, Block, blocks_of, commands
from ml_platform_tests.docs.said import missing
from ml_platform_tests.orchestration.small_model import write_model

PAGE = DOCS / "tutorial-release.md"
PASSWORD = "a password of twelve and more"
SERVE = "ml-platform serve flights --env production"
PATIENCE_SECONDS = 60
# So few parcels can't prove that a candidate is no worse than what is live.
WAIVED = """policy:
    waivers:
      - {gate: no_worse_than_champion, owner: Parcels team, reason: Too few rows to tell., expires: 2099-12-31}
    packs: [base"""
PARCEL = '{"dataframe_records": [{"sent": "2025-08-01T00:00:00Z", "weight": 30, "distance": 900, "carrier": "land"}]}'
_ASSIGNED = re.compile(r"(\w+)=\$\((.+)\)")
_FOR_ONE = re.compile(r"((?:[A-Z_]+=\S+\s+)*)(.+)", re.DOTALL)


def steps(model: str) -> list[Block]:
    """Return the page's blocks; of the small model, where it is another one than the page's."""
    found = blocks_of(PAGE)
    return found if model == "flights" else [Block(one.page, one.line, one.language, _small(one.text)) for one in found]


def _small(text: str) -> str:
    text = re.sub(r"\{\"dataframe_records.*?\}\]\}", PARCEL, text, flags=re.DOTALL)
    return text.replace("flights", "parcels").replace("seed: 20130601/seed: 20130602", "seed: 7/seed: 8")


@dataclass
class Walk:
    """Takes the steps in a folder; `told` is everything that was said so far."""

    folder: Path
    model: str
    environment: pytest.MonkeyPatch
    told: str = ""
    ended: list[int] = field(default_factory=list)
    _service: subprocess.Popen[bytes] | None = None
    _url: str = ""

    def take(self, blocks: list[Block]) -> None:
        """Take all steps; whatever the page shows has to have been said by the commands before it."""
        waiting = list(blocks)
        while waiting:
            block = waiting.pop(0)
            shown = waiting.pop(0).text if waiting and waiting[0].language == "text" else ""
            if block.language == "yaml":
                self._write(block.text)
                continue
            said = "".join(self._run(one) for one in commands(block.text))
            lacking = missing(said, shown)
            assert lacking == [], f"{block.where}: {lacking} wasn't said:\n{said[-3000:]}"
            self.told += said

    def stop(self) -> None:
        """End the service, as Ctrl-C does."""
        if self._service is not None:
            self._service.terminate()
            assert self._service.wait(timeout=30) == 0

    def _run(self, command: str) -> str:
        if found := _ASSIGNED.fullmatch(command):
            self.environment.setenv(found[1], self._run(found[2]).splitlines()[0])
            return ""
        match command.split(maxsplit=1)[0]:
            case "source":
                return ""
            case "export":
                for word in shlex.split(self._filled(command))[1:]:
                    self.environment.setenv(*word.split("=", 1))
                return ""
            case "curl":
                return self._ask(command)
            case _:
                return self._ours(command) if "ml-platform" in command else self._shell(self._of_this_model(command))

    def _of_this_model(self, command: str) -> str:
        """Return a command with the sources where they are; the small model is written when it is to be copied."""
        if self.model == "flights":
            return command.replace("ml_platform/defs", str(ROOT / "ml_platform" / "defs"))
        if "ml_platform/defs" in command:
            write_model(self.folder, ("policy:\n    packs: [base", WAIVED))
        return command.replace("ml_platform/defs", "defs")

    def _filled(self, command: str) -> str:
        return string.Template(command).safe_substitute(os.environ)

    def _ours(self, command: str) -> str:
        """Call a command in this process, whose imports are paid, as the person whose token stands before it."""
        found = _FOR_ONE.fullmatch(self._filled(command))
        assert found is not None
        out = io.StringIO()
        with (
            pytest.MonkeyPatch.context() as one,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(out),
        ):
            for word in found[1].split():
                one.setenv(*word.split("=", 1))
            with pytest.raises(SystemExit) as end:
                main(shlex.split(found[2])[1:])
        self.ended.append(end.value.code if isinstance(end.value.code, int) else 0)
        assert "Traceback" not in out.getvalue(), out.getvalue()
        return out.getvalue()

    def _shell(self, command: str) -> str:
        done = subprocess.run(["bash", "-c", command], cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _ask(self, command: str) -> str:
        """Ask the service, which starts with the first request; it takes a new version on within a moment."""
        if self._service is None:
            self._serve()
        place = command.replace("localhost:8080", self._url)
        live = self._ours(f"ml-platform envs {self.model}")
        version = re.search(r"production +v(\d+)", live)
        assert version is not None, live
        end = time.monotonic() + PATIENCE_SECONDS
        while f'"version":{version[1]}' not in (said := self._shell(place)):
            assert time.monotonic() < end, said
            time.sleep(0.1)
        return f"{said}\n"

    def _serve(self) -> None:
        port = self.folder / "port"
        words = SERVE.replace("flights", self.model).split()[1:]
        self._service = subprocess.Popen(
            [sys.executable, "-m", "ml_platform.cli", *words, "--port", "0", "--port-file", str(port)],
            cwd=self.folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        end = time.monotonic() + PATIENCE_SECONDS
        while not port.exists():
            assert time.monotonic() < end, "the service doesn't answer"
            time.sleep(0.05)
        self._url = f"127.0.0.1:{port.read_text().strip()}"

    def _write(self, text: str) -> None:
        """Write the file, or the section of the model file, that the page asks for."""
        models = self.folder / ".tutorial" / "models"
        if text.startswith("pack:"):
            (models / "packs" / "two_people.yaml").write_text(text, encoding="utf-8")
            return
        path = models / self.model / "defs.yaml"
        model = path.read_text(encoding="utf-8")
        if self.model == "flights":
            section = "".join(f"  {line}" for line in text.splitlines(keepends=True))
            model = model.replace("  deployment:\n", f"{section}\n  deployment:\n", 1)
        else:  # it has such a section already
            model = model.replace("packs: [base]", "packs: [base, two_people]", 1)
        path.write_text(model, encoding="utf-8")


@contextlib.contextmanager
def walk_in(folder: Path, model: str) -> Iterator[Walk]:
    """Go into a folder with a shell and a keyboard of one's own."""
    shutil.copy(ROOT / "dagster.yaml", folder)
    shutil.copy(ROOT / "workspace.yaml", folder)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("ML_PLATFORM", "MLFLOW_TRACKING"))]:
            patch.delenv(name)
        patch.setattr("click.termui.hidden_prompt_func", lambda _: PASSWORD)
        patch.chdir(folder)
        walk = Walk(folder, model, patch)
        try:
            yield walk
        finally:
            walk.stop()
