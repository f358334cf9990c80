"""An interrupt that nobody could raise comes again."""

from __future__ import annotations

import subprocess
import sys

LOST = """
import os, signal, time
from ml_platform.cli.interrupt import insisting_on_interrupts
class Finalized:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
with insisting_on_interrupts():
    one = Finalized()
    del one
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        print("came again")
"""


def test_an_interrupt_inside_a_finalizer_comes_again() -> None:
    done = subprocess.run([sys.executable, "-c", LOST], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "came again\n", "")
