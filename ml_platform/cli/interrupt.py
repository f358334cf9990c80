"""Ctrl-C: heard wherever it hits, and told in one line.

Inside a finalizer Python can't raise it: then it comes again a moment later. A pool of connections that is giving one
back would log it with its trace before raising it: that record is left out.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

AGAIN_SECONDS = 0.1
# A logger's filter doesn't hear what its children say, so that each of SQLAlchemy's pools is named.
POOLS = ("AssertionPool", "NullPool", "QueuePool", "SingletonThreadPool", "StaticPool")


@contextmanager
def insisting_on_interrupts() -> Iterator[None]:
    """Send an interrupt again that Python would only report as ignored, and log none that a pool hands on."""
    before = sys.unraisablehook
    main = threading.main_thread().ident or 0
    timers: list[threading.Timer] = []

    def hear(ignored: UnraisableHookArgs) -> None:
        if issubclass(ignored.exc_type, Exception):
            before(ignored)
            return
        again = threading.Timer(AGAIN_SECONDS, signal.pthread_kill, (main, signal.SIGINT))
        again.daemon = True
        timers.append(again)
        again.start()

    sys.unraisablehook = hear
    loggers = [logging.getLogger(f"sqlalchemy.pool.impl.{name}") for name in POOLS]
    for logger in loggers:
        logger.addFilter(_is_no_interrupt)
    try:
        yield
    finally:
        for timer in timers:  # whoever is leaving already would only be hit on the way out
            timer.cancel()
        for logger in loggers:
            logger.removeFilter(_is_no_interrupt)
        sys.unraisablehook = before


def _is_no_interrupt(record: logging.LogRecord) -> bool:
    """Say whether a record tells of anything but an interrupt, which is raised and told by whoever ends the command."""
    raised = record.exc_info[1] if record.exc_info else None
    return raised is None or isinstance(raised, Exception)
