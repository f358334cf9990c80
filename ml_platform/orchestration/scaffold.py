"""`dg scaffold defs ml_platform.GovernedModel NAME`: a model folder that loads, and explains itself."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path

import click
import dagster as dg

from ml_platform.core.errors import DataInvalid

TEMPLATE = Path(__file__).parent / "template"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


class ModelScaffolder(dg.Scaffolder):
    """Writes a commented defs.yaml, a features.py that goes with it, and a test of that."""

    def scaffold(self, request: dg.ScaffoldRequest) -> None:
        """Write the files of a new model; raises UsageError when something is there already or the name won't do."""
        folder = Path(request.target_path).absolute()
        try:
            if request.scaffold_format != "yaml" or request.append:
                raise DataInvalid(f"{folder}: a governed model is a folder with its own defs.yaml; use the yaml format")
            write_template(folder)
        except DataInvalid as error:
            with contextlib.suppress(OSError):
                folder.rmdir()  # Dagster made it; one that holds something stays
            raise click.UsageError(str(error)) from error


def write_template(folder: Path) -> None:
    """Write the template of a model into a folder, named after it; raises DataInvalid when that won't do."""
    if not _NAME.fullmatch(folder.name):
        message = f"{folder}: {folder.name!r} can't name a model; a-z, 0-9 and _ are needed; choose another name"
        raise DataInvalid(message)
    words = {"MODEL_NAME": folder.name, "FEATURES_MODULE": f"{_dotted(folder)}.features"}
    paths = sorted(path for path in TEMPLATE.rglob("*") if path.suffix in {".py", ".yaml"})
    files = {path.relative_to(TEMPLATE).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    there = [name for name in files if (folder / name).exists()]
    if there:
        raise DataInvalid(f"{folder}: {', '.join(there)} is there already; nothing was written; choose another name")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(_filled(text, words), encoding="utf-8")


def _filled(text: str, words: Mapping[str, str]) -> str:
    for word, meant in words.items():
        text = text.replace(word, meant)
    return text


def _dotted(folder: Path) -> str:
    """Return the dotted path under which Python finds a folder: its packages from the outermost one on."""
    names = [folder.name]
    for parent in folder.parents:
        if not (parent / "__init__.py").is_file():
            break
        names.insert(0, parent.name)
    return ".".join(names)
