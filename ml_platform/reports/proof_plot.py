"""Proof plot: how much of what a decision needs is proven, a bar for each way in which it may go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.reports.svg import box, label, line, picture

if TYPE_CHECKING:
    from markupsafe import Markup

WIDTH, WORDS, START, END, ROW, BAR, TOP = 640.0, 100.0, 220.0, 560.0, 44.0, 13.0, 26.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What is proven of one thing that is compared, as parts of what is needed (0 to 1)."""

    name: str
    within: float
    worse: float


def proof_plot(proofs: Sequence[Proof]) -> Markup:
    """Return two bars for each: that it isn't worse by the margin, and that it is worse; at the line it is proven."""
    bottom = TOP + ROW * len(proofs)
    drawn = [label(END, TOP - 10, "proven", anchor="middle", class_="tick strong")]
    for place, proof in enumerate(proofs):
        top = TOP + ROW * place
        drawn.append(label(0, top + 20, proof.name, class_="tick strong"))
        for words, part, tone, down in (
            ("within the margin", proof.within, "negative", 3),
            ("worse", proof.worse, "positive", 5 + BAR),
        ):
            drawn += [
                label(WORDS, top + down + BAR - 2, words, class_="tick"),
                box((START, top + down), (END - START, BAR), "track"),
                box((START, top + down), ((END - START) * part, BAR), tone),
                label(END + 8, top + down + BAR - 2, f"{part:.0%}", class_="tick"),
            ]
    drawn.append(line((END, TOP - 4), (END, bottom), "limit"))
    return picture(WIDTH, bottom + 6, *drawn, title="How much is proven of what a decision needs")
