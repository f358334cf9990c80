"""The samples in docs/deploy say only what the product knows, and ask for nothing that it doesn't need."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from ml_platform.cli.main import group
from ml_platform.serving import pages
from ml_platform.serving.routes import route_of
from ml_platform.serving.run import GRACE_SECONDS
from ml_platform_tests.docs.pages import DOCS, ROOT

FOLDER = DOCS / "deploy"
UNIT, CONTAINER, MANIFESTS = FOLDER / "flights.service", FOLDER / "Containerfile", FOLDER / "kubernetes.yaml"
EVERYWHERE, SCRATCH = "0.0.0.0", "/tmp"  # noqa: S104, S108 - inside of a container
PROGRAM = "/opt/ml-platform/.venv/bin/ml-platform"


def served(arguments: list[str]) -> dict[str, Any]:
    """Return what the command line makes of the words behind `ml-platform`; raises for what it doesn't know."""
    name, *rest = arguments
    command = group.get_command(click.Context(group), name)
    assert command is not None
    given = command.make_context(name, rest).params
    assert {path.parent.name for path in (ROOT / "ml_platform" / "defs").glob("*/defs.yaml")} >= set(given["models"])
    return given


def is_page(path: str) -> bool:
    return route_of(path).page in {*pages.OF_MODEL, "v2/live", "v2/ready"}


def manifests() -> dict[str, Any]:
    return {one["kind"]: one for one in yaml.safe_load_all(MANIFESTS.read_text())}


def container() -> dict[str, Any]:
    (found,) = manifests()["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def unit() -> configparser.SectionProxy:
    parsed = configparser.ConfigParser(interpolation=None, strict=False)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string(UNIT.read_text())
    return parsed["Service"]


def instructions(name: str) -> list[str]:
    joined = CONTAINER.read_text().replace("\\\n", " ")
    return [line.partition(" ")[2] for line in joined.splitlines() if line.startswith(f"{name} ")]


def test_the_unit_starts_the_service_as_it_can_be_started_and_waits_for_its_end() -> None:
    program, *arguments = shlex.split(unit()["ExecStart"])
    given = served(arguments)
    assert program == PROGRAM
    assert given["workers"] > 1
    assert float(unit()["TimeoutStopSec"]) > given["drain_seconds"] + GRACE_SECONDS
    assert unit()["KillMode"] == "mixed"


def test_the_unit_may_touch_nothing_but_its_home() -> None:
    wanted = {"NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "CapabilityBoundingSet": ""}
    assert {name: unit()[name] for name in wanted} == wanted
    assert unit()["User"] != "root"
    assert unit()["Environment"] == f"ML_PLATFORM_HOME=/var/lib/{unit()['StateDirectory']}"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace(PROGRAM, "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if UNIT.name in line]) == (0, [])


def test_the_image_starts_the_service_as_nobody_from_what_is_there() -> None:
    (base,) = instructions("FROM")
    assert re.fullmatch(r"[a-z]+:[\w.-]+", base)  # no registry is named
    assert json.loads(instructions("ENTRYPOINT")[0]) == ["ml-platform"]
    given = served(json.loads(instructions("CMD")[0]))
    assert (str(given["port"]), given["host"]) == (instructions("EXPOSE")[0], EVERYWHERE)
    assert instructions("USER")[0].split(":")[0] not in {"0", "root"}
    (path,) = re.findall(r"127\.0\.0\.1:8080(/\w+)", CONTAINER.read_text())
    assert is_page(path)
    for copied in instructions("COPY"):
        assert all((ROOT / name).exists() for name in copied.split()[:-1])


def test_the_pods_start_the_service_as_it_can_be_started_and_ask_it_what_it_answers() -> None:
    given, spec = served(container()["args"]), manifests()["Deployment"]["spec"]["template"]["spec"]
    (port,) = container()["ports"]
    assert (port["containerPort"], given["host"]) == (given["port"], EVERYWHERE)
    assert spec["terminationGracePeriodSeconds"] > given["drain_seconds"] + GRACE_SECONDS
    probes = [container()[f"{kind}Probe"] for kind in ("readiness", "liveness")]
    assert all(is_page(probe["httpGet"]["path"]) and probe["httpGet"]["port"] == port["name"] for probe in probes)
    assert container()["startupProbe"]["tcpSocket"]["port"] == port["name"]
    # Long enough that a balancer has seen /health say no before nothing is accepted any more.
    assert given["drain_seconds"] > 2 * probes[0]["periodSeconds"] * probes[0]["failureThreshold"]
    (wanted,) = manifests()["Service"]["spec"]["ports"]
    assert wanted["targetPort"] == port["name"]


def test_the_pods_may_do_nothing_that_they_need_not() -> None:
    spec = manifests()["Deployment"]["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["automountServiceAccountToken"] is False
    secure = container()["securityContext"]
    assert (secure["readOnlyRootFilesystem"], secure["allowPrivilegeEscalation"]) == (True, False)
    assert secure["capabilities"] == {"drop": ["ALL"]}
    assert set(container()["resources"]["limits"]) == {"cpu", "memory"}
    mounted = {mount["name"]: mount["mountPath"] for mount in container()["volumeMounts"]}
    assert mounted == {"home": "/var/lib/ml-platform", "tmp": SCRATCH}
    assert {volume["name"] for volume in spec["volumes"]} == set(mounted)


def test_at_least_one_pod_stays_and_all_parts_mean_the_same_pods() -> None:
    every = manifests()
    labels = every["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert every["Service"]["spec"]["selector"] == labels
    assert every["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    budget = every["PodDisruptionBudget"]["spec"]
    assert budget["selector"]["matchLabels"] == labels
    assert 0 < budget["minAvailable"] < every["Deployment"]["spec"]["replicas"]
    claim = every["PersistentVolumeClaim"]["metadata"]["name"]
    home = every["Deployment"]["spec"]["template"]["spec"]["volumes"][0]
    assert home["persistentVolumeClaim"]["claimName"] == claim
