"""Said: what a child process tells, line by line, so that nothing is lost when it is ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

import msgspec

from ml_platform.core.code_tests import CodeTest
from ml_platform.stages.code_tests.whereabouts import Whereabouts


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a child is to try: the module and where Python finds it; `only_fingerprint` when it is the second one."""

    features: str
    model: str
    where: Whereabouts
    seconds: float
    only_fingerprint: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedOwn:
    """Where a team's tests lie, and where Python finds what they import."""

    folder: str
    where: Whereabouts


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: a test begins, a test is done, the module's digests, or the end; only what is set counts."""

    begins: str = ""
    test: CodeTest | None = None
    code_digest: str = ""
    fingerprint: str = ""
    ends: str = ""


def say(out: IO[bytes], line: Line) -> None:
    """Write a line at once."""
    out.write(msgspec.json.encode(line) + b"\n")
    out.flush()


def heard(content: bytes) -> list[Line]:
    """Return the lines that were written whole."""
    lines = []
    for text in content.split(b"\n"):
        try:
            lines.append(msgspec.json.decode(text, type=Line))
        except msgspec.MsgspecError:
            continue  # the last line of a process that was ended, or nothing
    return lines
