"""What the input guard costs the caller: a service that looks at every row against one whose model has no guard.

The same trees in two homes, one keep-alive socket each, requests to both in turn, of one usual row. The guard holds
every number against the training rows' range, and every row, once it is answered, against their histograms.

`python benchmarks/input_guard.py [--requests 3000] [--pause 0.0]`. Ends with 1 when the ratio of the medians is above
the limit.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from two_services import command, counted, main, measure, process, told

from ml_platform.core.input_guard import InputGuard
from ml_platform.learners.histograms import fit_detector
from ml_platform_tests.serving.small_model import (
    CONTRACT,
    make_live,
    make_rows,
    matrix_of,
    put_model,
)

LIMIT = 1.05


def guard() -> InputGuard:
    """Return a guard that looks at everything."""
    matrix = matrix_of(make_rows(5000))
    coded = np.isin(CONTRACT.feature_names, CONTRACT.categorical)
    detector = fit_detector(matrix[:3000], matrix[3000:], categorical=coded, flagged_share=0.01)
    ranges = {"hour": (0.0, 23.0), "distance": (0.0, 6000.0), "wind": (0.0, 90.0), "account": (0.0, 10.0)}
    return InputGuard(out_of_range="abstain", ranges=ranges, detector=detector)


def compare(requests: int, pause: float) -> float:
    """Run both services, print what was measured, and return the ratio of the medians."""
    with tempfile.TemporaryDirectory() as scratch:
        homes = [Path(scratch) / name for name in ("guarded", "plain")]
        for home, its in zip(homes, (guard(), None), strict=True):
            home.mkdir()
            make_live(home, put_model(home, guard=its))
        guarded, plain = (command(home, beside=home) for home in homes)
        with process(*guarded) as one, process(*plain) as other:
            taken = measure((one, other), requests, pause)
            time.sleep(1.0)  # what was answered last is looked at by then
            counts = counted(one, "ml_platform_outlier_rows")
    return told("a guard", taken, counts)


if __name__ == "__main__":
    sys.exit(main(__doc__, compare, LIMIT))
