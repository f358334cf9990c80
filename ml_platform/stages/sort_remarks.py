"""Sort remarks: those that are about one prediction, and those kept aside, each with its reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.remark import Remark
from ml_platform.core.traffic import Prediction
from ml_platform.stages.outcome_codes import outcome_codes
from ml_platform.stages.take_remark import is_of_the_future

if TYPE_CHECKING:
    from ml_platform.core.traffic import InputValue
    from ml_platform.policy.spec import ModelSpec

FUTURE = "it tells of the future"
UNKNOWN = "there is no such prediction"
SEVERAL = "several predictions have this key"
REFUSED = "the request was refused, so there was no answer"
ABSTAINED = "the model abstained, so there was no prediction"
IMPOSSIBLE = "the target can't have this outcome"

Key = tuple["InputValue", ...]


@dataclass(frozen=True, slots=True)
class About:
    """A remark with the prediction that it is about."""

    remark: Remark
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class Sorted:
    """All remarks, in their order: those about a prediction, and the others with what keeps each aside."""

    about: tuple[About, ...]
    aside: tuple[tuple[Remark, str], ...]


@dataclass(slots=True)
class Predictions:
    """The predictions that were served, to be found by id or by key; a repeated line of the log counts once."""

    by_id: Mapping[str, Prediction]
    _by_key: dict[tuple[str, ...], Mapping[Key, list[str]]] = field(default_factory=dict, init=False)

    def find(self, remark: Remark) -> Prediction | str:
        """Return what a remark is about, or why that can't be said."""
        if remark.prediction_id:
            return self.by_id.get(remark.prediction_id, UNKNOWN)
        names = tuple(sorted(remark.key))
        if names not in self._by_key:
            self._by_key[names] = self._grouped(names)
        found = self._by_key[names].get(tuple(remark.key[name] for name in names), [])
        if len(found) == 1:
            return self.by_id[found[0]]
        return SEVERAL if found else UNKNOWN

    def _grouped(self, names: tuple[str, ...]) -> Mapping[Key, list[str]]:
        found: dict[Key, list[str]] = defaultdict(list)
        for one in self.by_id.values():
            if all(name in one.inputs for name in names):
                found[tuple(one.inputs[name] for name in names)].append(one.id)
        return found


def known_predictions(predictions: Iterable[Prediction]) -> Predictions:
    """Return the predictions by id."""
    return Predictions({one.id: one for one in predictions})


def sort_remarks(spec: ModelSpec, remarks: Sequence[Remark], predictions: Predictions) -> Sorted:
    """Return which remarks are about a prediction, and why the others can't be used."""
    answers = [one.answer for one in remarks]
    possible = ~np.isnan(outcome_codes(spec.learner.task, spec.classes, answers))
    about, aside = [], []
    for one, answer, is_possible in zip(remarks, answers, possible.tolist(), strict=True):
        found = predictions.find(one)
        reason = found if isinstance(found, str) else ""
        if is_of_the_future(one):
            reason = FUTURE
        elif not reason and answer is not None and not is_possible:
            reason = IMPOSSIBLE
        if isinstance(found, str) or reason:
            aside.append((one, reason))
        elif found.score is None:
            aside.append((one, ABSTAINED if found.abstained else REFUSED))
        else:
            about.append(About(one, found))
    return Sorted(about=tuple(about), aside=tuple(aside))
