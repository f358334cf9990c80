"""Luck: the chapter on how much of a result is the seed's or chance's work, and whether more rows would help."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ml_platform.reports.figures import Figure
from ml_platform.reports.learning_plot import learning_plot, seeds_plot
from ml_platform.reports.probe_section import HEADS, ProbeSection, measured_rows

if TYPE_CHECKING:
    from ml_platform.core.probes import Probes
    from ml_platform.reports.content import Content
    from ml_platform.reports.measured_rows import MeasuredRows

_SAID = {
    "seed_flip_share": "decisions that another seed makes otherwise",
    "seed_change_share": "change of the prediction with the seed, by the mean error",
    "seed_luck": "the model's loss against that of other seeds",
    "loss_change_over_seeds": "loss against the live version, the seed's luck in the interval",
    "permutation_p_value": "chance of learning as much from outcomes in random order",
    "loss_saved_by_last_doubling": "loss saved by the last doubling of the training rows",
}


def luck_section(content: Content, measured: MeasuredRows) -> ProbeSection:
    """Return the chapter; without rows where nothing of it was measured."""
    probes = content.probes
    return ProbeSection(
        name="luck",
        title="How much of it is luck, and would more rows help?",
        note="The same learner was trained again: with other seeds, on outcomes in random order, and on fewer rows.",
        heads=HEADS,
        rows=measured_rows(content, measured, _SAID),
        words=tuple(_words(probes)) if probes else (),
        figures=tuple(_figures(probes)) if probes else (),
    )


def _words(probes: Probes) -> Iterator[str]:
    curve = probes.learning_curve
    if curve is None:
        return
    saved = curve.next_doubling_would_save
    if saved is None:
        yield "The last doublings of the training rows saved nothing: more rows of the same kind won't help."
    else:
        rows = curve.points[-1].rows
        yield f"From {rows:,} training rows on, as many again would save about {100 * saved:.2g} % of the loss."


def _figures(probes: Probes) -> Iterator[Figure]:
    if probes.seeds:
        yield Figure(
            title="Would another seed have done as well?",
            picture=seeds_plot(probes.seeds),
            caption="The mean loss on the holdout of each training, the model's own seed first, with 95 % intervals "
            "over the rows. All are measured on the same rows, so that they move together.",
        )
    if probes.learning_curve:
        yield Figure(
            title="Would more rows help?",
            picture=learning_plot(probes.learning_curve),
            caption="The mean loss on the holdout by the number of training rows, each step twice as many, with 95 % "
            "intervals. A line that still falls says that more rows would help.",
        )
