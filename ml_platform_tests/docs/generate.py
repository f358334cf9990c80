"""Write the parts of the guide that follow from the product: `python -m ml_platform_tests.docs.generate`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ml_platform.access.actions import MEANING, Action
from ml_platform.access.roles import RIGHTS, Role
from ml_platform.cli.main import COMMANDS
from ml_platform.policy.controls import CONTROLS
from ml_platform.policy.describe import describe
from ml_platform.policy.formats import MEANINGS
from ml_platform.policy.gates import Gate
from ml_platform.policy.metrics import METRICS
from ml_platform.policy.packs import Gates, combine, pack_files
from ml_platform.policy.stages import STAGES
from ml_platform.stages.faults.catalogue import FAULTS
from ml_platform_tests.docs.pages import DOCS, ROOT, pages

_GENERATED = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_FILE = re.compile(r"(<!-- file: (\S+) -->\n```\w+\n).*?(^```$)", re.DOTALL | re.MULTILINE)
_PACKS = ("inspection", "base", "limited", "high")


def generated(text: str) -> str:
    """Return a page with its generated parts written anew."""
    text = _GENERATED.sub(lambda found: f"{found[1]}{_TABLES[found[2]]()}{found[3]}", text)
    return _FILE.sub(lambda found: f"{found[1]}{(DOCS / found[2]).read_text(encoding='utf-8')}{found[3]}", text)


def _packs() -> Mapping[str, Gates]:
    files = pack_files()
    return {name: combine([name], files) for name in _PACKS}


def _gates() -> str:
    return "\n".join(_gate_lines(_packs())) + "\n"


def _gate_lines(packs: Mapping[str, Gates]) -> Iterator[str]:
    strictest = packs["high"]
    for stage in STAGES:
        found = {name: gate for name, gate in strictest.gates.items() if gate.stage == stage}
        yield f"## {stage}\n"
        yield "| Gate | Needs | Control | Severity | Pack |"
        yield "|---|---|---|---|---|"
        for name, gate in found.items():
            origin = strictest.origins[name]
            first = packs[origin].gates[name]
            yield f"| `{name}` | {_needs(first)} | {gate.control} | {first.severity} | {_pack(name, origin, packs)} |"
        yield ""


def _needs(gate: Gate) -> str:
    condition = "" if gate.when == "always" else f"; with {gate.when}"
    tasks = METRICS[gate.metric].tasks
    condition += f"; {', '.join(tasks)} only" if tasks else ""
    return f"`{gate.metric}` {describe(gate)}{condition}"


def _pack(name: str, origin: str, packs: Mapping[str, Gates]) -> str:
    """Name the pack that defines a gate and how later ones tighten it."""
    said, before = [origin], packs[origin].gates[name]
    for pack in _PACKS[_PACKS.index(origin) + 1 :]:
        gate = packs[pack].gates[name]
        tighter = [describe(gate)] if describe(gate) != describe(before) else []
        tighter += [gate.severity] if gate.severity != before.severity else []
        if tighter:
            said.append(f"{pack}: {', '.join(tighter)}")
        before = gate
    return "; ".join(said)


def _roles() -> str:
    lines = ["| Action | Means | Roles |", "|---|---|---|"]
    for action in Action:
        roles = ", ".join(f"`{role}`" for role in Role if action in RIGHTS[role])
        lines.append(f"| `{action}` | {MEANING[action]} | {roles or '*nobody*'} |")
    return "\n".join(lines) + "\n"


def _controls() -> str:
    lines = ["| Control | Demands | Gates |", "|---|---|---|"]
    gates = _packs()["high"].gates
    for control in CONTROLS.values():
        serving = [f"`{name}`" for name, gate in gates.items() if gate.control == control.id]
        lines.append(f"| {control.id} | {control.title} | {', '.join(serving) or '*none yet*'} |")
    return "\n".join(lines) + "\n"


def _commands() -> str:
    lines = ["| Command | Does |", "|---|---|"]
    lines += [f"| `ml-platform {name}` | {about} |" for name, about in COMMANDS.items()]
    return "\n".join(lines) + "\n"


def _formats() -> str:
    lines = ["| Format | Is |", "|---|---|"]
    lines += [f"| `{form.value}` | {meaning} |" for form, meaning in MEANINGS.items()]
    return "\n".join(lines) + "\n"


def _faults() -> str:
    lines = ["| Fault | Means | Small, medium, large |", "|---|---|---|"]
    for name, fault in FAULTS.items():
        sizes = ", ".join(f"{size:g}" for size in fault.sizes)
        lines.append(f"| `{name}` | {fault.meaning} | {sizes} ({fault.unit}) |")
    return "\n".join(lines) + "\n"


def _forging() -> str:
    from ml_platform_tests.flow.forging import ATTACKS  # brings Dagster and MLflow

    lines = ["| Who | Does | What stops it | Where it shows |", "|---|---|---|---|"]
    lines += [f"| {one.who} | {one.does} | {one.stops} | {one.shows} |" for one in ATTACKS]
    return "\n".join(lines) + "\n"


def _decisions() -> str:
    lines = []
    for page in sorted((DOCS / "decisions").glob("[0-9]*.md")):
        title = page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        lines.append(f"- [{title}]({page.name})")
    return "\n".join(lines) + "\n"


_TABLES: Mapping[str, Callable[[], str]] = {
    "roles": _roles,
    "gates": _gates,
    "controls": _controls,
    "commands": _commands,
    "decisions": _decisions,
    "formats": _formats,
    "faults": _faults,
    "forging": _forging,
}


def main() -> None:
    """Write every page anew and name those that changed."""
    for page in pages():
        before = page.read_text(encoding="utf-8")
        after = generated(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            sys.stdout.write(f"{_shown(page)} was written\n")


def _shown(page: Path) -> str:
    return str(page.relative_to(ROOT))


if __name__ == "__main__":
    main()
