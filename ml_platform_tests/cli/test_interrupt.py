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


POOLED = """
import os, signal, time
from sqlalchemy import create_engine, event, pool
from ml_platform.cli.interrupt import insisting_on_interrupts
class Connection:
    def rollback(self):
        if failure:
            raise failure[0]
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
    def close(self): pass
failure = []
with insisting_on_interrupts():
    for kind in (pool.QueuePool, pool.NullPool, pool.StaticPool):
        one = kind(Connection).connect()
        try:
            one.close()
        except KeyboardInterrupt:
            print("raised")
    one = pool.QueuePool(Connection).connect()
    try:
        del one
        time.sleep(60)
    except KeyboardInterrupt:
        print("came again")
    failure.append(OSError("broken"))
    pool.QueuePool(Connection).connect().close()
"""


def test_an_interrupt_while_a_pool_takes_a_connection_back_leaves_no_trace_and_a_failure_does() -> None:
    done = subprocess.run([sys.executable, "-c", POOLED], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "raised\nraised\nraised\ncame again\n"), done.stderr
    assert "KeyboardInterrupt" not in done.stderr
    assert "OSError: broken" in done.stderr


def test_an_interrupt_inside_a_finalizer_comes_again() -> None:
    done = subprocess.run([sys.executable, "-c", LOST], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "came again\n", "")
