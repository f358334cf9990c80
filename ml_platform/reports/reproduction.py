"""A reproduction in lines for a terminal: the verdict first, then stage by stage, then what has changed since."""

from __future__ import annotations

from collections.abc import Iterator

from ml_platform.core.reproduction import Reproduction, StageState

_WIDE = 11


def reproduction_lines(found: Reproduction) -> Iterator[str]:
    """Yield the lines."""
    name = f"{found.model} v{found.version}"
    first = found.first
    if first is not None:
        kinds = list(dict.fromkeys(one.kind.value for one in found.reasons))
        word = "fails" if first.state is StageState.FAILED else "differs first"
        yield f"{name}: {word} at {first.stage} ({', '.join(kinds)})"
    else:
        yield f"{name}: {'identical' if found.identical else 'not made to its end'}"
    yield f"  made from {found.made_from}; environment: {found.environment}"
    for stage in found.stages:
        which = f": {', '.join(stage.parts)}" if stage.parts else ""
        note = f"  ({stage.note})" if stage.note else ""
        yield f"  {stage.stage:<{_WIDE}} {stage.state.value}{which}{note}"
        if stage is first:
            yield from (f"  {'':<{_WIDE}}   because of {one.kind.value}: {one.text}" for one in found.reasons)
    if found.notes:
        yield "  not as recorded, and without effect on this:"
        yield from (f"    {one.kind.value}: {one.text}" for one in found.notes)
