"""Try code: every test of a features module, the platform's and the team's, as one record of exactly this code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.core.code_tests import CodeTestsRecord
from ml_platform.core.digest import canonical_json, digest_of, digest_of_bytes
from ml_platform.core.errors import DataInvalid
from ml_platform.stages.code_tests.assembling import try_assemble
from ml_platform.stages.code_tests.in_child import try_in_child
from ml_platform.stages.code_tests.own import own_digest, run_own
from ml_platform.stages.code_tests.sample import take_material
from ml_platform.stages.features_module import FeaturesModule, load_features
from ml_platform.stages.snapshot import read_rows
from ml_platform.stages.split import read_parts

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.core.code_tests import CodeTest
    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import SnapshotRecord, SplitRecord
    from ml_platform.policy.spec import ModelSpec

KIND = "code_tests"
FILE = "code_tests.json"


def what_decides(spec: ModelSpec) -> dict[str, object]:
    """Return what decides the outcome of the tests besides the model file: the code, and the team's tests."""
    module = load_features(spec)
    return {"code": module.digest, "own": own_digest(module)}


def try_code(spec: ModelSpec, *, store: ArtefactStore, snapshot: SnapshotRecord, split: SplitRecord) -> CodeTestsRecord:
    """Try the features module on training rows of a snapshot, and keep the record.

    Raises PolicyInvalid when the module can't be imported, DataInvalid when snapshot and split don't belong together.
    """
    frame, parts = read_rows(spec, store, snapshot), read_parts(store, split)
    if split.snapshot_digest != snapshot.digest or len(frame) != parts.size:
        raise DataInvalid(
            f"{spec.model}: the split is of snapshot {split.snapshot_digest}, the rows are of {snapshot.digest}; "
            "they must belong together; materialise `split` again"
        )
    record = try_on(spec, frame[parts == "train"])
    store.put(KIND, record.digest, {FILE: canonical_json(record).encode()})
    return record


def try_on(spec: ModelSpec, training: pd.DataFrame) -> CodeTestsRecord:
    """Try the features module on accepted rows; nothing is stored."""
    module = load_features(spec)
    own = own_digest(module)
    tests = (
        *try_in_child(module, take_material(spec, training), model=spec.model),
        *try_assemble(spec, module),
        *run_own(module),
    )
    return _record(spec, module, own, tests)


def require_harmless(model: str, record: CodeTestsRecord) -> None:
    """Raise DataInvalid when the code blocked or ended its process in a test: it would do so here as well."""
    for test in record.tests:
        if test.fatal:
            raise DataInvalid(
                f"{model}: the features module fails the test {test.name}: {test.reason}; code that ends in time is "
                f"needed; correct it (`ml-platform test {model}` tries it again)"
            )


def _record(spec: ModelSpec, module: FeaturesModule, own: str, tests: tuple[CodeTest, ...]) -> CodeTestsRecord:
    said = {"model": spec.model, "code": module.digest, "platform": platform_digest(), "own": own, "tests": tests}
    return CodeTestsRecord(
        model=spec.model,
        digest=digest_of(said),
        code_digest=module.digest,
        platform_digest=platform_digest(),
        own_digest=own,
        tests=tests,
    )


def platform_digest() -> str:
    """Return the digest of the platform's tests themselves."""
    folder = Path(__file__).parent
    paths = sorted(folder.rglob("*.py"))
    return digest_of({path.relative_to(folder).as_posix(): digest_of_bytes(path.read_bytes()) for path in paths})
