"""Explainable: a trained model with what it takes to explain rows of a request and rows of its holdout."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.digest import short
from ml_platform.core.errors import DataInvalid
from ml_platform.core.ports import ArtefactStore
from ml_platform.core.records import FeaturesRecord, ModelRecord
from ml_platform.core.scoring import FEATURES_SOURCE
from ml_platform.learners.scorer import Scorer
from ml_platform.policy.spec import ModelSpec, PersonalData
from ml_platform.stages.author_code import transformed
from ml_platform.stages.bundle import KIND, Bundle, read_bundle
from ml_platform.stages.encode import encode_rows
from ml_platform.stages.features import read_matrix
from ml_platform.stages.features_module import FeaturesModule
from ml_platform.stages.matrix import Matrix
from ml_platform.stages.rebuild import spec_of
from ml_platform.stages.recipe import recipe_of
from ml_platform.stages.scored_part import ScoredPart, score_part
from ml_platform.stages.shown_values import ShownValues, shown_values

if TYPE_CHECKING:
    from ml_platform.core.ports import Ledger
    from ml_platform.core.records import ReleaseRecord

REQUEST = "request"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Explainable:
    """A model whose bytes were checked, the model file that it was made by, and how its features are shown."""

    spec: ModelSpec
    features: FeaturesRecord
    bundle: Bundle
    shown: ShownValues
    store: ArtefactStore

    def request_part(self, rows: Sequence[Mapping[str, object]]) -> ScoredPart:
        """Score rows as a service does that checked them against the contract; outcomes aren't known."""
        bundle = self.bundle
        inputs = encode_rows(bundle.contract.inputs, bundle.features.levels, rows)
        columns = transformed(self._module, inputs, bundle.features.state)
        values = np.column_stack([columns[name] for name in bundle.contract.feature_names])
        return self._scored(np.asarray(values, dtype=np.float64))

    def holdout_part(self, number: int) -> ScoredPart:
        """Score one row of the holdout, counted from 1; raises DataInvalid when there is no such row."""
        held = read_matrix(self.store, self.features).part_of("holdout")
        if not 1 <= number <= len(held.values):
            message = (
                f"{self.spec.model}: row {number:,} of the holdout was asked for; it has the rows 1 to "
                f"{len(held.values):,}; give one of them"
            )
            raise DataInvalid(message)
        return self._scored(held.values[number - 1 : number])

    def _scored(self, values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> ScoredPart:
        contract, rows = self.bundle.contract, len(values)
        matrix = Matrix(
            values=values,
            names=contract.feature_names,
            categorical=contract.categorical,
            target=np.full(rows, np.nan),
            part=np.full(rows, REQUEST),
        )
        scorer = Scorer(self.bundle.model_text.decode(), self.bundle.calibration)
        return score_part(matrix, scorer, threshold=contract.threshold, threads=self.spec.learner.threads)

    @property
    def _module(self) -> FeaturesModule:
        contract = self.bundle.contract
        return FeaturesModule(
            name=contract.features_module,
            assemble=None,
            fit=None,
            transform=self.bundle.transform,
            digest=contract.code_digest,
            path=self.store.folder(KIND, self.bundle.digest) / FEATURES_SOURCE,
        )


def of_release(
    store: ArtefactStore, ledger: Ledger, release: ReleaseRecord, *, present: ModelSpec | None = None
) -> Explainable:
    """Return a released version by its recipe; raises as `recipe_of` and `read_bundle` do.

    What only the present model file calls personal isn't shown either.
    """
    recipe, _ = recipe_of(store, ledger, release)
    made = recipe.ingredients
    return explainable(spec_of(recipe.spec), store=store, features=made.features, model=made.model, present=present)


def explainable(
    spec: ModelSpec,
    *,
    store: ArtefactStore,
    features: FeaturesRecord,
    model: ModelRecord,
    present: ModelSpec | None = None,
) -> Explainable:
    """Return a trained model, released or not; raises DataInvalid when it learned from other features."""
    if model.features_digest != features.digest:
        message = (
            f"{spec.model}: the model learned from the features {short(model.features_digest)}, the newest are "
            f"{short(features.digest)}; its own are needed; run `ml-platform run {spec.model}`"
        )
        raise DataInvalid(message)
    bundle = read_bundle(store, model.digest)
    shown = shown_values(
        spec,
        levels=bundle.features.levels,
        categorical=features.categorical,
        lineage=features.lineage,
        names=features.names,
        also_personal=_personal(present) if present else frozenset(),
    )
    return Explainable(spec=spec, features=features, bundle=bundle, shown=shown, store=store)


def _personal(spec: ModelSpec) -> frozenset[str]:
    return frozenset(name for name, column in spec.contract.items() if column.personal_data is not PersonalData.NONE)
