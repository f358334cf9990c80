"""The guard: what the scoring service does with rows that keep their types and that the model can't be trusted on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ml_platform.core.input_guard import Action


class Guard(BaseModel):
    """Whether such a row is refused, scored and flagged, or answered without a prediction.

    `flagged_share` is of rows like the calibration rows that which is flagged as unlike the training rows, on average.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    out_of_contract: Action = "reject"
    out_of_range: Action = "flag"
    unseen_level: Action = "flag"
    out_of_distribution: Literal["flag", "ignore"] = "flag"
    flagged_share: Annotated[float, Field(ge=0.001, le=0.1)] = 0.01
