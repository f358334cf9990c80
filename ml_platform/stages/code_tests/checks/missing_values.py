"""Missing values: any column may be missing, and so may all of them."""

from __future__ import annotations

import numpy as np

from ml_platform.core.errors import DataInvalid
from ml_platform.stages.code_tests.bench import Bench
from ml_platform.stages.code_tests.checks.finite import infinite
from ml_platform.stages.code_tests.differ import several


def missing_values(bench: Bench) -> str:
    """Say which column can't be missing."""
    seen = []
    for missing in (*([name] for name in bench.rows), list(bench.rows)):
        given = {name: np.full_like(one, np.nan) if name in missing else one for name, one in bench.rows.items()}
        what = f"without '{missing[0]}'" if len(missing) == 1 else "without any column"
        try:
            wrong = infinite(bench.transform(given))
        except DataInvalid as error:
            wrong = str(error)
        if wrong:
            seen.append(f"{what}: {wrong}")
    return several(seen)
