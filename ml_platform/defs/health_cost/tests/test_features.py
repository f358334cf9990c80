"""What the team promises of the features of an insured person's coming year."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml_platform.defs.health_cost.features import AS_THEY_ARE, LAGGED, assemble, transform


def test_a_person_pays_the_plans_rate_up_to_its_limit() -> None:
    columns = dict.fromkeys((*AS_THEY_ARE, "last_meddol", "coins", "mdeoff"), np.full(3, np.nan))
    columns |= {"last_meddol": np.array([400.0, 4000.0, 400.0]), "coins": np.array([25.0, 25.0, 0.0])}
    columns["mdeoff"] = np.full(3, 450.0)
    assert transform(columns, {})["last_own_dollars"].tolist() == [100.0, 450.0, 0.0]


def test_a_case_is_a_year_after_a_year_that_is_there() -> None:
    years = pd.DataFrame({"zper": [1, 1, 1, 2], "year": [1, 2, 4, 2], "meddol": [50.0, 201.0, 9.0, 900.0]})
    found = assemble({"person_years": years.assign(**dict.fromkeys(LAGGED[1:], 0.0))})
    assert found[["zper", "year", "last_meddol", "high_cost"]].to_numpy().tolist() == [[1, 2, 50.0, True]]
