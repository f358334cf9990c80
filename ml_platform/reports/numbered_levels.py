"""Numbered levels: how large each level is that is shown by its number, because it says something about persons."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_platform.reports.content import Content

_NUMBERED = re.compile(r"(.+)=level (\d+)")
_SLICES = ("slice_auc", "slice_loss_change")


def numbered_levels(content: Content) -> str:
    """Say of each numbered level which share of the holdout it is, and how to have it named; empty without any."""
    sizes: dict[str, list[tuple[int, str]]] = {}
    for metric in _SLICES:
        for one in content.all_of(metric):
            if found := _NUMBERED.fullmatch(one.subject):
                sizes.setdefault(found[1], []).append((one.n, found[2]))
    rows = content.evaluation.rows
    told = [
        f"{name}: {', '.join(f'level {number} is {n / rows:.0%}' for n, number in sorted(levels, reverse=True))}"
        for name, levels in sizes.items()
    ]
    if not told or not rows:
        return ""
    return (
        "Levels of columns about persons are numbered, in the order in which the model knows them, unless the contract "
        f"declares them under `levels`. Of the holdout's rows, {'; '.join(told)}; smaller levels aren't shown."
    )
