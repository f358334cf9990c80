"""What a shadow costs the caller: the service that mirrors every request against the one that mirrors none.

The same live model in the same home, one keep-alive socket each, requests to both in turn. The challenger is
as large as the live version. `pause` is what a caller waits between two requests; without one the shadow's process,
the service and the caller share the machine's cores all the time.

`python benchmarks/shadow.py [--requests 3000] [--pause 0.0]`. Ends with 1 when the ratio of the medians is above the
limit.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from two_services import command, counted, main, measure, process, told

from ml_platform_tests.serving.small_model import begin_rollout, make_live, put_model

LIMIT = 1.15


def compare(requests: int, pause: float) -> float:
    """Run both services, print what was measured, and return the ratio of the medians."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "home"
        home.mkdir()
        make_live(home, put_model(home))
        begin_rollout(home, put_model(home, seed=2), strategy="shadow", weight=0.0)
        shadowed, alone = (Path(scratch) / name for name in ("shadowed", "alone"))
        with (
            process(*command(home, "--traffic", str(shadowed), beside=shadowed)) as one,
            process(*command(home, "--traffic", str(alone), "--live-only", beside=alone)) as other,
        ):
            taken = measure((one, other), requests, pause)
            counts = counted(one, "ml_platform_rollout_rows")
    return told("a shadow", taken, counts)


if __name__ == "__main__":
    sys.exit(main(__doc__, compare, LIMIT))
