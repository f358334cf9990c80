"""The report has a chapter on what would help most, where anything is on record."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ml_platform.core.improvement import Advice, Improvement, Kept
from ml_platform.reports.improvement_rows import improvement_section, kept_text

if TYPE_CHECKING:
    from ml_platform.reports.content import Content

FOUND = Improvement(
    model="toy",
    advice=(Advice(what="gather more rows", why="they save", n=1000, saving=0.02), Advice(what="repair", why="x", n=5)),
    kept=(
        Kept(version=2, of="AUC in 2024-06", promised="as on the holdout", came_true="-0.05", agrees=False),
        Kept(version=1, of="AUC in 2024-05", promised="as on the holdout", came_true="+0.01", agrees=True),
        Kept(version=1, of="gain", promised="0.1", came_true="nothing", agrees=None),
    ),
    missing=("no learning curve",),
)


class Told:
    """What a report's content says of improvement."""

    def __init__(self, improvement: Improvement | None) -> None:
        self.improvement = improvement


def test_advice_is_a_table_and_promises_are_words() -> None:
    section = improvement_section(cast("Content", Told(FOUND)))
    assert [[cell.text for cell in row] for row in section.rows] == [
        ["gather more rows", "they save", "1,000", "at least 2 % of the loss"],
        ["repair", "x", "5", "how much it costs is not on record"],
    ]
    assert section.words == (
        "What releases promised: 1 of 2 came true as far as the intervals tell.",
        "v2, AUC in 2024-06: promised as on the holdout, came true -0.05; agree: no.",
        "v1, AUC in 2024-05: promised as on the holdout, came true +0.01; agree: yes.",
        "v1, gain: promised 0.1, came true nothing; agree: can't be told.",
        "Not known: no learning curve.",
    )
    assert kept_text(FOUND) == "1 of 2 came true as far as the intervals tell"


def test_without_a_record_there_is_no_chapter() -> None:
    assert improvement_section(cast("Content", Told(None))).rows == ()
