"""What you promise of the features of MODEL_NAME: a case whose answer you know for each. A release runs these."""

from __future__ import annotations

import importlib

import numpy as np

features = importlib.import_module("FEATURES_MODULE")


def test_an_amount_is_told_in_parts_of_the_usual_one() -> None:
    columns = {"amount": np.array([1.0, 2.0, 6.0]), "channel": np.zeros(3)}
    found = features.transform(columns, features.fit(columns))
    assert found["amount_to_middle"].tolist() == [0.5, 1.0, 3.0]
