"""The page on health and the dashboard: every gate and metric that they name is one that is really there."""

from __future__ import annotations

import json
import re
import shlex
from configparser import ConfigParser

import click

from ml_platform.cli.main import group
from ml_platform.policy.metrics import METRICS
from ml_platform.policy.packs import combine, pack_files
from ml_platform.reports.prometheus import prometheus_text
from ml_platform.serving.metrics import Metrics
from ml_platform.serving.status import Process, gauges
from ml_platform.stages.health import measure_health
from ml_platform_tests.docs.pages import DOCS
from ml_platform_tests.stages.test_health import NOW, WELL

PAGE = (DOCS / "health.md").read_text(encoding="utf-8")
DASHBOARD = json.loads((DOCS / "deploy" / "grafana.json").read_text(encoding="utf-8"))
_FAMILY = re.compile(r"^# TYPE (\S+) (\w+)$", re.MULTILINE)
_NAMED = re.compile(r"\bml_platform_\w+")


def exposed() -> set[str]:
    """Return the names of all samples that the service and the file really write."""
    meanings = {name: metric.meaning for name, metric in METRICS.items() if metric.stages == ("health",)}
    texts = (
        Metrics().text(gauges([], Process(uptime_seconds=1.0))),
        prometheus_text({"flights": (measure_health(WELL), ())}, meanings, at=NOW),
    )
    families = [found for text in texts for found in _FAMILY.findall(text)]
    parts = {"histogram": ("_bucket", "_sum", "_count")}
    return {name + part for name, kind in families for part in parts.get(kind, ("",))}


def test_the_dashboard_asks_for_nothing_that_nobody_exposes() -> None:
    queries = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    queries += [one["query"] for one in DASHBOARD["templating"]["list"]]
    named = {name for query in queries for name in _NAMED.findall(query)}
    assert len(named) > 15
    assert named <= exposed()


def test_every_panel_has_a_place_of_its_own() -> None:
    cells = [
        (x, y)
        for one in DASHBOARD["panels"]
        for x in range(one["gridPos"]["x"], one["gridPos"]["x"] + one["gridPos"]["w"])
        for y in range(one["gridPos"]["y"], one["gridPos"]["y"] + one["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_every_gate_of_the_stage_is_explained() -> None:
    gates = [name for name, gate in combine(["high"], pack_files()).gates.items() if gate.stage == "health"]
    assert [name for name in gates if f"`{name}`" not in PAGE] == []


def test_the_timers_command_is_one_that_exists() -> None:
    units = [ConfigParser(), ConfigParser()]
    for unit, text in zip(units, re.findall(r"```ini\n(.*?)```", PAGE, re.DOTALL), strict=True):
        unit.read_string(text)
    program, *words = shlex.split(units[0]["Service"]["ExecStart"])
    assert program.endswith("/ml-platform")
    command = group.get_command(click.Context(group), words[0])
    assert command is not None
    command.make_context(words[0], words[1:])
    assert units[1]["Timer"]["OnUnitActiveSec"] == "5min"
