"""`ml-platform`: what Dagster has no word for, on the command line.

Exit codes: 0 good, 1 refused by a gate, 2 wrong configuration or input, 3 not enough evidence, 130 interrupted.
"""

from __future__ import annotations

from ml_platform.cli.main import main

__all__ = ["main"]
