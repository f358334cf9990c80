"""Seldom: what fails at every request is told once a minute, with how often it happened meanwhile.

Thousands of lines a second help nobody, fill a disk, and hold up every answer where whoever reads them is slow.
"""

from __future__ import annotations

import logging

PAUSE_SECONDS = 60.0
MOST_KNOWN = 100


class Seldom(logging.Filter):
    """Lets a line pass unless the same was told in the last minute; those held back are counted in the next one."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[str, tuple[float, int]] = {}  # when last, and how often it was held back since then

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether to tell it."""
        said = record.getMessage()
        at, held_back = self._told.pop(said, (-PAUSE_SECONDS, 0))
        if 0 <= record.created - at < PAUSE_SECONDS:
            self._told[said] = (at, held_back + 1)
            return False
        if len(self._told) >= MOST_KNOWN:
            del self._told[next(iter(self._told))]
        self._told[said] = (record.created, 0)
        if held_back:
            record.msg, record.args = f"{said} ({held_back:,} more since it was last said)", None
        return True


SELDOM = Seldom()
