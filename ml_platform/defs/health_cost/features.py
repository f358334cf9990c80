"""Features of an insured person's coming year: plan, household, health at enrolment, and last year's use of care."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Columns = Mapping[str, NDArray[np.float64]]

HIGH_COST_DOLLARS = 200.0
LAGGED = ("meddol", "outpdol", "drugdol", "suppdol", "mentdol", "inpdol", "totadm", "mdvis", "notmdvis", "mentvis")
AS_THEY_ARE = (
    "plan", "site", "coins", "tookphys", "income", "xage", "female", "educdec", "num", "child", "fchild", "mhi",
    "disea", "physlm", "ghindx", "hlthg", "hlthf", "hlthp", "mdeoff", "pioff", *(f"last_{name}" for name in LAGGED),
)  # fmt: skip


def assemble(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Put last year's spending and use of care beside each person-year, and say whether its own spending was high.

    A person's first year, and a year after one that isn't there, has no last year and is no case.
    """
    years = tables["person_years"]
    last = years[["zper", "year", *LAGGED]].assign(year=years["year"] + 1)
    last = last.rename(columns={name: f"last_{name}" for name in LAGGED})
    cases = years.merge(last, on=["zper", "year"], how="inner", validate="one_to_one")
    high = (cases["meddol"] > HIGH_COST_DOLLARS).astype("boolean").mask(cases["meddol"].isna())
    return cases.assign(high_cost=high)


def transform(columns: Columns, state: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:  # noqa: ARG001
    """Return the features; what the person paid is last year's spending at the plan's rate, up to the plan's limit."""
    at_the_rate = columns["last_meddol"] * columns["coins"] / 100.0
    return {
        **{name: columns[name] for name in AS_THEY_ARE},
        "last_own_dollars": np.fmin(at_the_rate, columns["mdeoff"]),
        "last_visits": columns["last_mdvis"] + columns["last_notmdvis"],
    }
