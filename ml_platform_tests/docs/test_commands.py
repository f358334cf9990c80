"""Every command in the guide is one that exists, with options that it takes; the cheap ones are run."""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from ml_platform.adapters.ledger import SqliteLedger
from ml_platform.cli.main import group
from ml_platform.cli.models import utc_now as now
from ml_platform_tests.docs.pages import EXAMPLE, ROOT, Block, blocks, commands, guide, words

ENVIRONMENT = re.compile(r"^(?:[A-Z_]+=\S+\s+)+")
ASSIGNED = re.compile(r"\w+=\$\((.+)\)")
TARGETS = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
BIN = Path(sys.executable).parent


def all_commands() -> Iterator[tuple[str, str]]:
    for block in blocks("sh"):
        for command in commands(block.text):
            yield block.where, command
    for page in guide():
        for word in words(page):
            if word.startswith(("make ", "ml-platform ", "dagster ", "python -m ")):
                yield str(page.relative_to(ROOT)), word


def parse_ours(arguments: list[str]) -> None:
    """Let click read the words as it would, without doing anything."""
    context = click.Context(group, info_name="ml-platform")
    command: click.Command = group
    while isinstance(command, click.Group):
        if not arguments or arguments[0] in {"--help", "COMMAND"}:
            return
        found = command.get_command(context, arguments[0])
        assert found is not None, f"there is no command {arguments[0]!r}"
        command, arguments = found, arguments[1:]
    if arguments and "--help" not in arguments and "…" not in arguments:
        command.make_context(command.name, list(arguments), parent=context)


def parse_make(arguments: list[str]) -> None:
    targets = [word for word in arguments if "=" not in word]
    assert set(targets) <= set(TARGETS), f"make knows {', '.join(TARGETS)}"


def parse_python(arguments: list[str]) -> None:
    if arguments[0] == "-m":
        assert importlib.util.find_spec(arguments[1]) is not None
    else:
        assert (ROOT / arguments[0]).is_file()


def parse_dagster(arguments: list[str]) -> None:
    from dagster._cli import cli

    context = click.Context(cli)
    command: click.Command = cli
    while isinstance(command, click.Group):
        found = command.get_command(context, arguments[0])
        assert found is not None, f"dagster has no command {arguments[0]!r}"
        command, arguments = found, arguments[1:]
    if "-j" in arguments:
        assert_job(arguments[arguments.index("-j") + 1])


def parse_dg(arguments: list[str]) -> None:
    assert (BIN / "dg").is_file()
    assert arguments[:2] in (["scaffold", "defs"], ["launch", "--job"])
    if arguments[0] == "launch":
        assert_job(arguments[2])
    else:
        assert arguments[2] == "ml_platform.GovernedModel"


def assert_job(job: str) -> None:
    from ml_platform.definitions import defs

    defs.resolve_job_def(job)


def parse_curl(arguments: list[str]) -> None:
    """Hold the request against the contract that the service would hold it against."""
    from ml_platform.core.scoring import ScoringContract
    from ml_platform.serving.batch import KINDS as BATCH_KINDS
    from ml_platform.serving.contract_check import ContractCheck
    from ml_platform.serving.request import parse
    from ml_platform.stages.encode import input_columns
    from ml_platform_tests.docs.shipped import shipped

    if any(word.endswith(("/version", "/health")) for word in arguments):
        return
    if any(word.endswith("/feedback") for word in arguments):
        hold_feedback(arguments[arguments.index("-d") + 1].encode())
        return
    if any(word.endswith("/batch") for word in arguments):
        kind = arguments[arguments.index("-H") + 1].removeprefix("content-type: ")
        assert kind.encode() in BATCH_KINDS
        return
    assert any(word.endswith("/invocations") for word in arguments)
    rows = parse(arguments[arguments.index("-d") + 1].encode())
    spec = shipped("flights").spec
    contract = ScoringContract(
        model="flights", inputs=input_columns(spec), time=spec.time, features_module=spec.features, code_digest="",
        feature_names=(), categorical=(), threshold=0.5,
    )  # fmt: skip
    ContractCheck(contract, {}).check(rows)


def hold_feedback(body: bytes) -> None:
    """Hold remarks against what the service takes."""
    from ml_platform.serving.feedback import read_said
    from ml_platform.stages.take_remark import Said, Taking, take_remark
    from ml_platform_tests.docs.shipped import shipped

    taking = Taking(by="", heard_at=dt.datetime.now(dt.UTC), columns=shipped("flights").spec.inputs)
    said = [one for one in read_said(body) if isinstance(one, Said)]
    assert said
    assert not [one for one in said if isinstance(take_remark(one, taking), str)]


def parse_files(arguments: list[str]) -> None:
    for word in [word for word in arguments[:-1] if word != "-r"]:
        assert (ROOT / word).exists(), f"there is no {word}"


def parse_sed(arguments: list[str]) -> None:
    """What is to be replaced in a copy of the shipped model has to be in it."""
    before = arguments[1].split("/")[1]
    assert before in (ROOT / "ml_platform" / "defs" / "flights" / "defs.yaml").read_text(encoding="utf-8")


def parse_export(arguments: list[str]) -> None:
    assert all(re.fullmatch(r"ML_PLATFORM_\w+=\S+", word) for word in arguments)


PARSERS: dict[str, Callable[[list[str]], None]] = {
    "ml-platform": parse_ours,
    "make": parse_make,
    "python": parse_python,
    "dagster": parse_dagster,
    "dg": parse_dg,
    "curl": parse_curl,
    "cp": parse_files,
    "mkdir": lambda arguments: None,
    "printf": lambda arguments: None,
    "ls": lambda arguments: None,
    "sed": parse_sed,
    "export": parse_export,
    "source": lambda arguments: None if arguments == [".venv/bin/activate"] else pytest.fail("there is no such file"),
}


@pytest.mark.parametrize(("where", "command"), sorted(set(all_commands())))
def test_every_command_exists_and_takes_its_words(where: str, command: str) -> None:
    if assigned := ASSIGNED.fullmatch(command):
        command = assigned[1]
    program, *arguments = shlex.split(ENVIRONMENT.sub("", command))
    assert program in PARSERS, f"{where}: {program} is no command that this guide explains"
    PARSERS[program](arguments)


def test_every_variable_that_the_guide_names_is_read_and_every_one_that_is_read_is_named() -> None:
    settings = (ROOT / "ml_platform" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r'"((?:ML_PLATFORM|MLFLOW)_[A-Z_]+)"', settings))
    text = "\n".join(page.read_text(encoding="utf-8") for page in guide())
    assert set(re.findall(r"\b(?:ML_PLATFORM|MLFLOW)_[A-Z_]+\b", text)) == read


def test_models_in_a_folder_of_ones_own_are_found(tmp_path: Path) -> None:
    command = next(one for _, one in all_commands() if one.startswith("ML_PLATFORM_DEFS=models"))
    folder = tmp_path / "models" / "returns"
    folder.mkdir(parents=True)
    for name in ("defs.yaml", "features.py"):
        shutil.copy(EXAMPLE / name, folder)
    assert "✓ returns" in run(command, tmp_path)


def test_a_copy_of_the_state_is_verified_as_the_guide_says(tmp_path: Path) -> None:
    command = next(one for _, one in all_commands() if "audit verify" in one and one.startswith("ML_PLATFORM_HOME"))
    with contextlib.closing(SqliteLedger(tmp_path / ".ml_platform" / "ledger.sqlite", clock=now)) as ledger:
        ledger.append("noted", actor="author", subject="returns", payload={}, at=now())
    shutil.copytree(tmp_path / ".ml_platform", tmp_path / "backup" / ".ml_platform")
    assert "the audit chain is whole" in run(command, tmp_path)


def run(command: str, folder: Path) -> str:
    """Run a command as a shell does, with the environment's programs on the PATH."""
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("block", blocks("json"), ids=lambda block: block.where)
def test_every_json_example_is_json(block: Block) -> None:
    json.loads(block.text)


@pytest.mark.parametrize("block", blocks("python"), ids=lambda block: block.where)
def test_every_python_example_runs(block: Block, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", block.text], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
