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
    "loss_saved_by_next_doubling": "loss that another doubling would save, if the curve goes on as it went",
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
    saved, low, high = curve.next_doubling_would_save, curve.next_low, curve.next_high
    if saved is None or low is None or high is None:
        yield "What more training rows would save can't be told."
        return
    told = f"From {curve.points[-1].rows:,} training rows on, as many again would save"
    spread = f"between {_percent(low)} and {_percent(high)}"
    if high <= 0:
        yield f"{told} nothing ({spread} of the loss): more rows of the same kind won't help."
    elif low > 0:
        yield f"{told} about {_percent(saved)} of the loss ({spread}), if the curve goes on as it went."
    else:
        yield f"{told} {spread} of the loss, if the curve goes on as it went: whether they would help isn't shown."


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"


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
            "intervals. A line that still falls, by more than its intervals, says that more rows would help.",
        )
