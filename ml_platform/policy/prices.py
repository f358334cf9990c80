"""The price table: what an hour of a core and of a GiB of memory costs, in a file beside the models' folders."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ml_platform.core.errors import PolicyInvalid
from ml_platform.policy.translate import validate
from ml_platform.policy.yaml_lines import read_yaml

FILE_NAME = "prices.yaml"
Price = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class Prices(BaseModel):
    """What is paid for an hour of one core, and for an hour of one GiB, in a currency."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    cpu_hour: Price
    gib_hour: Price
    currency: Annotated[str, Field(min_length=1)]


def load_prices(folder: Path) -> Prices | None:
    """Read the price table of a folder of models, None without one; raises PolicyInvalid with every problem."""
    path = folder / FILE_NAME
    if not path.is_file():
        return None
    document = read_yaml(path)
    found, problems = validate(Prices, document.value)
    problems = [*document.problems, *problems]
    if problems:
        raise PolicyInvalid(document.render(problems))
    prices: Prices = found
    return prices
