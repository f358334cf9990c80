"""A crash: what nobody foresaw is said in a line, and its stack trace is kept where only its owner reads it."""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from pathlib import Path

import click

from ml_platform.settings import load_settings

EXIT_CODE = 70  # EX_SOFTWARE of sysexits.h
FOLDER = "crashes"


def say_crash(kind: str, trace: str) -> int:
    """Say that this is a bug and where its stack trace is (it may hold data, so it isn't shown); return the code."""
    kept = _keep(trace)
    where = f"{kept} holds its stack trace" if kept else "its stack trace could be written nowhere"
    click.echo(
        f"This is a bug in ml-platform ({kind}), not yours. {where}; it may hold values of your data, so look at it "
        "before you send it to the platform's maintainers. What was finished is kept; the command can be run again.",
        err=True,
    )
    return EXIT_CODE


def _keep(trace: str) -> Path | None:
    name = f"{dt.datetime.now(tz=dt.UTC):%Y%m%d-%H%M%S}-{os.getpid()}.txt"
    for folder in (load_settings().home / FOLDER, Path(tempfile.gettempdir()) / "ml-platform-crashes"):
        path = folder / name
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(trace)
        except OSError:
            continue  # a crash must not hide behind another
        return path
    return None
