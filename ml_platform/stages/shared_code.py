"""Shared code: the modules of an author's own package that a features module imports, found without running them."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path

from ml_platform.core.errors import PolicyInvalid

# Nobody's own: what the platform itself is made of comes with the environment, and the lock names its version.
PLATFORM = "ml_platform"
MODELS = "ml_platform.defs"


def shared_code(name: str, path: Path) -> Mapping[str, Path]:
    """Return the files of the modules that a features module imports from its own package, by dotted name, sorted.

    Own is what begins with the package that holds the model's folder (`team.late` and `team.early` share `team`);
    modules imported by those count too. Raises PolicyInvalid for `import team.shared`: only `from team.shared import
    name` is taken, because a model takes the shared code with it and has to find every place that uses it; and for what
    a package's `__init__.py` holds, because a model takes modules with it.
    """
    root, found, todo = _root(name), dict[str, Path](), [(name, path)]
    while todo:
        user, source = todo.pop()
        for shared in _imported(user, source, root):
            if shared != name and shared not in found:
                found[shared] = _file_of(shared)
                todo.append((shared, found[shared]))
    return dict(sorted(found.items()))


def _root(name: str) -> str:
    if name.startswith(f"{MODELS}."):
        return MODELS
    return name.partition(".")[0]


def _imported(user: str, path: Path, root: str) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (OSError, SyntaxError, ValueError):
        return  # whoever runs the code says what is wrong with it
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                for one in node.names:
                    if _own(one.name, root):
                        raise PolicyInvalid([_refusal(path, node.lineno, f"import {one.name}", one.name)])
            case ast.ImportFrom(level=0, module=str(module)) if _own(module, root):
                yield from _modules_of(f"{path}:{node.lineno}", module, [one.name for one in node.names])
            case ast.ImportFrom(level=level, module=module) if level:
                base = ".".join([*user.split(".")[:-level], *([module] if module else [])])
                raise PolicyInvalid([_refusal(path, node.lineno, f"from {'.' * level}{module or ''} import", base)])


def _modules_of(where: str, module: str, names: list[str]) -> Iterator[str]:
    """Yield the modules that `from module import names` runs: its own file, or those of a package."""
    package = importlib.util.find_spec(module)
    if package is None or package.submodule_search_locations is None:
        yield module
        return
    for name in names:
        if importlib.util.find_spec(f"{module}.{name}") is None:
            seen = f"'from {module} import {name}' takes a name of the package itself"
            needed = "a model takes modules with it and no package's `__init__.py`"
            raise PolicyInvalid([f"{where}: {seen}; {needed}; import it from a module of {module}"])
        yield f"{module}.{name}"


def _own(module: str, root: str) -> bool:
    if root != MODELS and module.partition(".")[0] == PLATFORM:
        return False
    return module == root or module.startswith(f"{root}.")


def _file_of(module: str) -> Path:
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None or not Path(found.origin).is_file():
        needed = "a Python file is needed; correct the import"
        raise PolicyInvalid([f"{module}: features import it and it has no source file; {needed}"])
    return Path(found.origin)


def _refusal(path: Path, line: int, seen: str, module: str) -> str:
    return (
        f"{path}:{line}: '{seen}' imports the team's own code; a model takes shared code with it, and only "
        f"`from {module} import name` can be followed; write that"
    )
