"""False alarms on sound batches: random halves of one month of flights, inspected as a release run does.

`python benchmarks/same_month.py [--tries 300]`: tries, alarms with their interval (Clopper-Pearson), CPU seconds a try.
"""

from __future__ import annotations

import argparse
import datetime as dt
import time
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from ml_platform import inspect_batch
from ml_platform.policy.load import load_model
from ml_platform.stages.snapshot import rows_after

MODEL = Path("ml_platform/defs/flights/defs.yaml")
MONTHS = 7


def main() -> None:
    """Deal each month's rows into halves at random, in their order, and count the alarms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=300)
    tries = parser.parse_args().tries
    spec = load_model(MODEL, now=dt.datetime.now(tz=dt.UTC)).spec
    rows = rows_after(spec, dt.datetime(2013, 1, 1, tzinfo=dt.UTC), dt.datetime(2013, MONTHS + 1, 1, tzinfo=dt.UTC))
    months = rows[spec.time].dt.month
    alarms, began = 0, time.process_time()
    for seed in range(tries):
        month = rows[months == seed % MONTHS + 1]
        order = np.random.default_rng(seed).permutation(len(month))
        one, other = (month.iloc[np.sort(half)] for half in np.array_split(order, 2))
        alarms += not inspect_batch(one, other, contract=spec.contract).passed
    low, high = binomtest(alarms, tries).proportion_ci()
    seconds = (time.process_time() - began) / tries
    print(f"{alarms} alarms in {tries} tries ({low:.2%} to {high:.2%}), {seconds:.2f} CPU s a try")


if __name__ == "__main__":
    main()
