"""Share alarm: whether a share has grown, watched row by row for as long as one likes."""

from __future__ import annotations

import math
from collections.abc import Iterable


class ShareAlarm:
    """Watches whether more than a share of rows has a mark; `raised` while that is proven and hasn't ended.

    Evidence is the likelihood ratio of three times the share against the share, which starts again wherever it falls
    below 1 (Page 1954). As long as no more than the share is marked, whatever came before, it takes on average `rows`
    rows or more until the first alarm (Lorden 1971; Shin, Ramdas and Rinaldo 2024, E-detectors). The alarm ends when
    the evidence is used up. Raises ValueError unless 0 < share < 1 and rows > 1.

    >>> alarm = ShareAlarm(0.01, rows=1e9)
    >>> alarm.see([False] * 5000), alarm.see([True] * 25), alarm.see([False] * 2000)
    (False, True, False)
    """

    def __init__(self, share: float, *, rows: float) -> None:
        if not 0 < share < 1 or not rows > 1:
            message = f"share is {share}, rows {rows}; a share between 0 and 1 and more than 1 row are needed"
            raise ValueError(message)
        larger = min(3 * share, (1 + share) / 2)
        self._marked = math.log(larger / share)
        self._unmarked = math.log((1 - larger) / (1 - share))
        self._enough = math.log(rows)
        self._evidence = 0.0
        self.raised = False

    def see(self, marks: Iterable[bool]) -> bool:
        """Take the next rows in their order; returns whether the alarm is raised now."""
        for marked in marks:
            evidence = self._evidence + (self._marked if marked else self._unmarked)
            self._evidence = min(max(0.0, evidence), self._enough)
            self.raised = evidence >= self._enough or (self.raised and evidence > 0.0)
        return self.raised
