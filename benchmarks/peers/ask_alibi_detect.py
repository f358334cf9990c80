"""alibi-detect's TabularDrift: Kolmogorov-Smirnov and chi-squared per column, Bonferroni, p = 0.05 as in its guide."""

from __future__ import annotations

import numpy as np
import pandas as pd
from alibi_detect.cd import TabularDrift
from asking import answer, as_plain, numbers_of, same_columns


def ask(reference: pd.DataFrame, batch: pd.DataFrame) -> dict[str, bool]:
    """Encode levels by their place, missing numbers as one number below all others."""
    reference, batch = as_plain(reference), as_plain(batch)
    same_columns(reference, batch)
    numbers = set(numbers_of(reference))
    old, new = np.empty(reference.shape), np.empty(batch.shape)
    for place, name in enumerate(reference.columns):
        if name in numbers:
            low = float(reference[name].min()) - 1.0
            pair = [frame[name].fillna(low).to_numpy() for frame in (reference, batch)]
        else:
            both = pd.concat([reference[name], batch[name]]).fillna("(missing)")
            codes = pd.factorize(both, sort=True)[0]
            pair = [codes[: len(reference)], codes[len(reference) :]]
        old[:, place], new[:, place] = pair
    levels = {place: None for place, name in enumerate(reference.columns) if name not in numbers}
    detector = TabularDrift(old, p_val=0.05, categories_per_feature=levels or None)
    return {"": bool(detector.predict(new, drift_type="batch")["data"]["is_drift"])}


if __name__ == "__main__":
    answer("alibi-detect", ("",), ask)
