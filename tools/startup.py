"""Read by each Python of `.venv` when it starts, so that bare commands behave as make's do.

The set-up copies this file into site-packages with a `.pth` file that imports it. What a person has set is kept.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # importing it would cost every Python more than all the rest here
if TYPE_CHECKING:
    from collections.abc import MutableMapping


def prepare(root: str, folder: str, environment: MutableMapping[str, str]) -> None:
    """Say to third parties where their files belong, and that nobody wants to be tracked.

    Outside of `root` Dagster's home is left alone: that is another project's business.
    """
    if not os.path.isfile(os.path.join(root, "dagster.yaml")):
        return
    wanted = {
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MPLCONFIGDIR": os.path.join(root, ".cache", "matplotlib"),
        "OMP_WAIT_POLICY": "passive",  # waiting threads that spin cost several times the work itself
    }
    if os.path.join(folder, "").startswith(os.path.join(root, "")):
        wanted["DAGSTER_HOME"] = root  # unset, `dg` writes an identity for telemetry into the user's home
    for name, value in wanted.items():
        environment.setdefault(name, value)


def _folder() -> str:
    try:
        return os.path.realpath(os.getcwd())
    except OSError:  # removed while somebody was in it: no reason for a Python not to start
        return ""


prepare(os.path.realpath(os.path.dirname(sys.prefix)), _folder(), os.environ)
