"""What goes into a report, read and checked before a word is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, assert_never

from ml_platform.core.compared import ComparedColumns
from ml_platform.core.curves import AnyCurves, ClassCurves, Curves, NumberCurves
from ml_platform.core.digest import short
from ml_platform.core.errors import DataInvalid, PlatformError, Unavailable
from ml_platform.core.improvement import Improvement
from ml_platform.core.measurement import Measurement
from ml_platform.core.mitigation import Mitigation, MitigationRecord
from ml_platform.core.probes import PROBES_VERSION, Probes
from ml_platform.core.records import DeploymentRecord, EvaluationRecord, ModelRecord
from ml_platform.core.verdict import Verdict
from ml_platform.policy.resolve import Policy
from ml_platform.policy.spec import ModelSpec, Task
from ml_platform.reports.compared_columns import read_compared

if TYPE_CHECKING:
    from ml_platform.core.ports import ArtefactStore

KIND = "evaluations"
CURVES_VERSION = 1
ReadT = TypeVar("ReadT")
DrawnT = TypeVar("DrawnT", bound=AnyCurves | Probes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Everything that a report says; `left_out` names, in words, what it can't show."""

    spec: ModelSpec
    model: ModelRecord
    evaluation: EvaluationRecord
    verdicts: tuple[Verdict, ...]
    measurements: tuple[Measurement, ...]
    curves: AnyCurves | None
    live: DeploymentRecord | None
    rows: Mapping[str, int]
    policy: Policy | None
    left_out: tuple[str, ...] = ()
    compared: ComparedColumns | None = None
    mitigation: Mitigation | None = None
    probes: Probes | None = None
    improvement: Improvement | None = None

    def found(self, metric: str) -> Measurement | None:
        """Return the evaluation's measurement of a metric that has no subject."""
        return next((one for one in self.measurements if one.metric == metric and not one.subject), None)

    def all_of(self, metric: str) -> tuple[Measurement, ...]:
        """Return the evaluation's measurements of a metric, one per subject."""
        return tuple(one for one in self.measurements if one.metric == metric)


def read_content(
    *,
    spec: ModelSpec,
    store: ArtefactStore,
    evaluation: EvaluationRecord,
    model: ModelRecord,
    verdicts: Sequence[Verdict],
    live: DeploymentRecord | None,
    rows: Mapping[str, int],
    policy: Policy | None,
    mitigation: MitigationRecord | None = None,
    improvement: Improvement | None = None,
) -> Content:
    """Read an evaluation's measurements and curves.

    Raises DataInvalid when evaluation, model and file aren't of one model or the measurements can't be read,
    Unavailable when they are gone. Curves that are missing or of another version are left out, and that is said.
    """
    _require_belonging(spec, evaluation, model)
    measurements = _decoded(
        store.read(KIND, evaluation.digest, "measurements.json"), tuple[Measurement, ...], "measurements.json"
    )
    curves, left_out = _curves(spec, store, evaluation)
    compared, missed = _compared(store, verdicts)
    probes, unprobed = _probes(store, evaluation)
    return Content(
        spec=spec, model=model, evaluation=evaluation, verdicts=tuple(verdicts), measurements=measurements,
        curves=curves, live=live, rows=dict(rows), policy=policy,
        left_out=(*left_out, *missed, *unprobed), compared=compared,
        mitigation=read_mitigation(store, mitigation) if mitigation else None,
        probes=probes,
        improvement=improvement,
    )  # fmt: skip


def read_mitigation(store: ArtefactStore, record: MitigationRecord) -> Mitigation:
    """Read what it would take to treat groups alike; raises DataInvalid if unreadable, Unavailable if gone."""
    return _decoded(store.read("mitigations", record.digest, "mitigation.json"), Mitigation, "mitigation.json")


def kind_of_curves(task: Task) -> type[AnyCurves]:
    """Return which curves the evaluation of a task's model holds."""
    match task:
        case "binary":
            return Curves
        case "multiclass":
            return ClassCurves
        case "regression" | "quantile":
            return NumberCurves
        case _:
            assert_never(task)


def _curves(
    spec: ModelSpec, store: ArtefactStore, evaluation: EvaluationRecord
) -> tuple[AnyCurves | None, tuple[str, ...]]:
    kind = kind_of_curves(spec.learner.task)
    curves, why = _to_draw(store, evaluation, "curves", kind, CURVES_VERSION)
    if curves is None:
        return None, (f"No plots of the scores: {why}.",)
    lacking = [name for name, found in _drawn(curves).items() if not found]
    return curves, tuple(f"No plot of the {name}: the evaluation has none." for name in lacking)


def _probes(store: ArtefactStore, evaluation: EvaluationRecord) -> tuple[Probes | None, tuple[str, ...]]:
    if evaluation.profile == "fast":
        return None, ()
    probes, why = _to_draw(store, evaluation, "probes", Probes, PROBES_VERSION)
    return probes, (f"No pictures of the probes: {why}.",) if probes is None else ()


def _to_draw(
    store: ArtefactStore, evaluation: EvaluationRecord, name: str, kind: type[DrawnT], version: int
) -> tuple[DrawnT | None, str]:
    """Return what an evaluation holds for the plots, or None and why it can't be drawn."""
    try:
        found = _decoded(store.read(KIND, evaluation.digest, f"{name}.json"), kind, f"{name}.json")
    except Unavailable:
        return None, f"the evaluation holds no {name}"
    except _Unreadable as error:
        return None, str(error)
    if found.schema_version != version:
        return None, f"the {name} are of version {found.schema_version}, this report reads version {version}"
    return found, ""


def _drawn(curves: AnyCurves) -> Mapping[str, object]:
    match curves:
        case Curves():
            return {
                "ROC curve": curves.roc,
                "calibration": curves.calibration,
                "spread of scores": curves.positives and curves.negatives,
                "importance of features": curves.importance,
            }
        case NumberCurves():
            return {"outcomes by prediction": curves.predicted, "importance of features": curves.importance}
        case ClassCurves():
            return {"calibration": curves.calibration, "importance of features": curves.importance}
        case _:
            assert_never(curves)


def _compared(store: ArtefactStore, verdicts: Sequence[Verdict]) -> tuple[ComparedColumns | None, tuple[str, ...]]:
    try:
        return read_compared(store, (one for verdict in verdicts for one in verdict.measurements)), ()
    except PlatformError as error:
        return None, (f"No plots of the columns that findings name: {error}.",)


class _Unreadable(DataInvalid):
    """Bytes that aren't what they should be."""


def _decoded(content: bytes, kind: type[ReadT], name: str) -> ReadT:
    import msgspec

    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError as error:
        message = f"{name} of the evaluation can't be read ({error}); materialise `evaluation` again"
        raise _Unreadable(message) from error


def _require_belonging(spec: ModelSpec, evaluation: EvaluationRecord, model: ModelRecord) -> None:
    names = {spec.model, evaluation.model, model.model}
    if len(names) > 1 or evaluation.model_digest != model.digest:
        message = (
            f"report: the file is of {spec.model}, the evaluation of {evaluation.model} "
            f"{short(evaluation.model_digest)}, the model is {model.model} {short(model.digest)}; "
            "a report is about one model; pass what belongs together"
        )
        raise DataInvalid(message)
