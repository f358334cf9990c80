"""Outliers: how many of the rows that were answered are unlike the training rows, found out afterwards.

Rows wait for it in a bounded queue and are looked at by a thread of their own, a few at a time. What the queue can't
take is dropped and counted. So it costs the one who asks nothing but to be put there.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.input_guard import Detector
from ml_platform.learners.histograms import PValues
from ml_platform.serving.refusal import place_of
from ml_platform.serving.request import Rows
from ml_platform.stats.share_alarm import ShareAlarm

MOST_WAITING = 2_000
ROWS_AT_ONCE = 32
GATHER_SECONDS = 0.2
PAUSE_SECONDS = 0.001
# On traffic like the training rows it takes so many rows on average, or more, until it says otherwise.
ROWS_UNTIL_FALSE = 1e9

MatrixOf = Callable[[Rows], NDArray[np.float64]]

log = logging.getLogger("ml_platform.serving")


@dataclass(slots=True)
class LookedAt:
    """How many rows were held against the training rows, were unlike them, and couldn't be taken or looked at."""

    scored: int = 0
    flagged: int = 0
    dropped: int = 0


class Outliers:
    """Looks at one version's answered rows, later; safe for threads."""

    def __init__(self, detector: Detector, matrix_of: MatrixOf, *, most_waiting: int = MOST_WAITING) -> None:
        self.tally = LookedAt()
        self.at_most = detector.at_most
        self._share = detector.flagged_share
        self._p_values = PValues(detector)
        self._matrix_of = matrix_of
        self._alarm = ShareAlarm(detector.at_most, rows=ROWS_UNTIL_FALSE)
        self._most_waiting = most_waiting
        self._waiting: deque[Rows] = deque()
        self._count = 0
        self._asked = False
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="outliers")

    @property
    def proven(self) -> bool:
        """Whether more rows than usual are proven to be unlike the training rows, and haven't ceased to be."""
        return self._alarm.raised

    def p_values(self, rows: Rows) -> list[float]:
        """Return how usual rows are, at once: the share of calibration rows that are as unlike the training rows."""
        return [float(one) for one in self._p_values.of(self._matrix_of(rows))]

    def later(self, rows: Rows) -> None:
        """Take rows to be looked at, as many as there is room for."""
        with self._lock:
            room = self._most_waiting - self._count
            taken = rows if len(rows) <= room else rows[:room]
            self.tally.dropped += len(rows) - len(taken)
            if not taken:
                return
            self._count += len(taken)
            self._waiting.append(taken)
            if not self._asked:
                self._ask()

    def _ask(self) -> None:
        try:
            self._thread.submit(self._work)
        except RuntimeError:  # no thread can be started, or the process ends
            self.tally.dropped += self._count
            self._waiting.clear()
            self._count = 0
        else:
            self._asked = True

    def _work(self) -> None:
        time.sleep(GATHER_SECONDS)
        while rows := self._next():
            for start in range(0, len(rows), ROWS_AT_ONCE):
                self._look(rows[start : start + ROWS_AT_ONCE])
                time.sleep(PAUSE_SECONDS)  # whoever asks goes first

    def _next(self) -> Rows:
        """Return all rows that wait; with none of them the thread is done, until it is asked again."""
        with self._lock:
            found = [row for rows in self._waiting for row in rows]
            self._waiting.clear()
            self._count = 0
            self._asked = bool(found)
        return found

    def _look(self, rows: Rows) -> None:
        try:
            p_values = self._p_values.of(self._matrix_of(rows))
        except Exception as error:  # noqa: BLE001 - the boundary: whatever an author's features do, rows are answered
            # No traceback: it repeats the error's text, which may hold a value of the request
            log.error("rows can't be held against the training rows: %s at %s", type(error).__name__, place_of(error))  # noqa: TRY400
            with self._lock:
                self.tally.dropped += len(rows)
            return
        self._count_in((p_values <= self._share).tolist())

    def _count_in(self, flagged: Sequence[bool]) -> None:
        self._alarm.see(flagged)
        self.tally.scored += len(flagged)
        self.tally.flagged += sum(flagged)
