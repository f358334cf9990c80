"""`ml-platform improve` says what is on record, and what isn't."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from ml_platform.adapters.platform import open_platform
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import EvaluationRecord
from ml_platform.orchestration.records import keep_record
from ml_platform.settings import load_settings
from ml_platform_tests.cli.conftest import Run
from ml_platform_tests.cli.home import NAME, write_model


def test_what_is_on_record_is_said_and_what_isnt_is_named(defs: Path, run: Run) -> None:
    write_model(defs)
    said = run("improve", NAME)
    assert said.code == 0
    assert "nothing on record says that anything would" in said.out
    assert "?  no evaluation is on record" in said.out
    found = Measurement(metric="loss_saved_by_next_doubling", value=0.04, low=0.02, high=0.06, n=1000)
    record = EvaluationRecord(model=NAME, digest="e" * 64, model_digest="m", split_digest="s", rows=9)
    with open_platform(load_settings()) as platform:
        platform.store.put("evaluations", record.digest, {"measurements.json": msgspec.json.encode((found,))})
        keep_record(platform.home, (NAME, "evaluation"), record)
    said = run("improve", NAME)
    assert "   1  gather more rows" in said.out
    assert "(n = 1,000); at least 2 % of the loss" in said.out
    assert json.loads(run("improve", NAME, "--json").out)["advice"][0]["saving"] == 0.02
