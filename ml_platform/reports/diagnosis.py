"""A diagnosis in lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ml_platform.core.diagnosis import Diagnosis


def diagnosis_lines(found: Diagnosis) -> Iterator[str]:
    """Yield the lines."""
    good = found.deterministic
    yield f"{found.model}: {'the same every time' if good else 'not the same every time'}"
    wide = max(len(one.name) for one in found.trials)
    for one in found.trials:
        if not one.tried:
            yield f"  - {one.name:<{wide}}  not tried"
        elif one.stage:
            yield f"  ✗ {one.name:<{wide}}  {one.stage} differs first: {', '.join(one.parts)}"
            yield f"    {'':<{wide}}  {one.why}"
        else:
            yield f"  ✓ {one.name:<{wide}}  identical"
    if not good:
        yield "  look at:" if found.suspects else "  nothing in the features module looks like the cause"
        yield from (f"    {line}" for line in found.suspects)
