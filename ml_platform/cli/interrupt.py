"""Ctrl-C: an interrupt that hits where Python can't raise it (inside a finalizer) comes again a moment later."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

AGAIN_SECONDS = 0.1


@contextmanager
def insisting_on_interrupts() -> Iterator[None]:
    """Send an interrupt again that Python would only report as ignored."""
    before = sys.unraisablehook
    main = threading.main_thread().ident or 0

    def hear(ignored: UnraisableHookArgs) -> None:
        if issubclass(ignored.exc_type, Exception):
            before(ignored)
            return
        again = threading.Timer(AGAIN_SECONDS, signal.pthread_kill, (main, signal.SIGINT))
        again.daemon = True
        again.start()

    sys.unraisablehook = hear
    try:
        yield
    finally:
        sys.unraisablehook = before
