"""Aims: the places that a kind of fault can go to, one for each column that it makes sense for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stages.faults.fault import Aim, Scene, Slice

if TYPE_CHECKING:
    from ml_platform.stages.faults.traits import Trait

Aims = Callable[[Scene, np.random.Generator], list[Aim]]
SMALLEST_SLICE = 0.03
LARGEST_SLICE = 0.5


def columns_that(fits: Callable[[Trait], bool], *, choices: Sequence[object] = ()) -> Aims:
    """Aim at each column that fits; each aim holds one of the choices, by chance."""

    def aims(scene: Scene, rng: np.random.Generator) -> list[Aim]:
        return [
            Aim(columns=(name,), levels=(choices[int(rng.integers(len(choices)))],) if choices else ())
            for name, trait in scene.traits.items()
            if fits(trait)
        ]

    return aims


def slices_of(fits: Callable[[Trait], bool]) -> Aims:
    """Aim at each column that fits, within a slice that another column makes."""

    def aims(scene: Scene, rng: np.random.Generator) -> list[Aim]:
        found = []
        for name, trait in scene.traits.items():
            cut = a_slice(scene, rng, apart_from=(name,)) if fits(trait) else None
            if cut is not None:
                found.append(Aim(columns=(name,), slice=cut))
        return found

    return aims


def pairs_of(*groups: Callable[[Trait], bool]) -> Aims:
    """Aim at columns of one group, each with a partner of the same group, by chance."""

    def aims(scene: Scene, rng: np.random.Generator) -> list[Aim]:
        found = []
        for fits in groups:
            names = [name for name, trait in scene.traits.items() if fits(trait)]
            order = [names[place] for place in rng.permutation(len(names))]
            if len(order) > 1:
                found += [Aim(columns=pair) for pair in zip(order, [*order[1:], order[0]], strict=True)]
        return found

    return aims


def several(most: int, *, choices: Sequence[object] = ()) -> Aims:
    """Aim at up to `most` columns at once, starting with each column in turn."""

    def aims(scene: Scene, rng: np.random.Generator) -> list[Aim]:
        names = list(scene.traits)
        found = []
        for name in names:
            others = [other for other in names if other != name]
            more = [others[place] for place in rng.permutation(len(others))[: most - 1]]
            chosen = (choices[int(rng.integers(len(choices)))],) if choices else ()
            found.append(Aim(columns=(name, *more), levels=chosen))
        return found

    return aims


def half_of_the_columns(scene: Scene, rng: np.random.Generator) -> list[Aim]:
    """Aim at one half of the columns, as if they came from one table and the others from another."""
    names = list(scene.traits)
    if len(names) < 4:
        return []
    chosen = rng.permutation(len(names))[: len(names) // 2]
    return [Aim(columns=tuple(names[place] for place in sorted(chosen)))]


def whole_rows(_scene: Scene, _rng: np.random.Generator) -> list[Aim]:
    """Aim at rows as a whole."""
    return [Aim()]


def each_slice(scene: Scene, rng: np.random.Generator) -> list[Aim]:
    """Aim at one slice of each column that has any."""
    cuts = (_slice_by(trait, rng) for trait in scene.traits.values())
    return [Aim(columns=(cut.column,), slice=cut) for cut in cuts if cut is not None]


def labels(scene: Scene, _rng: np.random.Generator) -> list[Aim]:
    """Aim at the label column, if there is one with two or a few classes."""
    levels = label_levels(scene)
    return [Aim(columns=(scene.target,), levels=levels)] if scene.target is not None and levels else []


def labels_in_slices(scene: Scene, rng: np.random.Generator) -> list[Aim]:
    """Aim at the label column within one slice of each column that has any."""
    levels = label_levels(scene)
    if scene.target is None or not levels:
        return []
    return [Aim(columns=(scene.target,), slice=aim.slice, levels=levels) for aim in each_slice(scene, rng)]


def label_levels(scene: Scene) -> tuple[object, ...]:
    """Return the classes of the label, the most frequent first; none when it has one or more than 20."""
    if scene.target is None:
        return ()
    counts = scene.reference[scene.target].value_counts(dropna=True)
    counts = counts[counts > 0]
    return tuple(counts.index) if 2 <= len(counts) <= 20 else ()


def a_slice(scene: Scene, rng: np.random.Generator, *, apart_from: Sequence[str] = ()) -> Slice | None:
    """Cut a slice by a column by chance; None where no column makes one."""
    names = [name for name in scene.traits if name not in apart_from]
    for place in rng.permutation(len(names)):
        found = _slice_by(scene.traits[names[place]], rng)
        if found is not None:
            return found
    return None


def _slice_by(trait: Trait, rng: np.random.Generator) -> Slice | None:
    if trait.is_measure:
        above = bool(rng.integers(2))
        middle = trait.middle + (0.5 if above else -0.5) * trait.spread
        return Slice(column=trait.name, low=middle) if above else Slice(column=trait.name, high=middle)
    sized = [
        level
        for level, share in zip(trait.levels, trait.shares, strict=True)
        if SMALLEST_SLICE <= share * (1 - trait.missing) <= LARGEST_SLICE
    ]
    if not sized or trait.kind == "time":
        return None
    return Slice(column=trait.name, level=sized[int(rng.integers(len(sized)))])
