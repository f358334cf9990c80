"""Pseudonymise: tokens in place of what names a person, before anything is stored; erased persons are left out.

The originals go into the vault under their person's key: the person is the entity's token, or the token itself in a
table without entities. From here on the path knows such a column as a category of tokens.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.errors import DataInvalid
from ml_platform.core.vault import Original, Vault
from ml_platform.policy.row_rules import columns_of
from ml_platform.policy.spec import PersonalData
from ml_platform.stages.level_text import level_text

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.contract import Checked


def direct_columns(spec: ModelSpec) -> tuple[str, ...]:
    """Return the columns that name a person, in the contract's order."""
    return tuple(name for name, column in spec.contract.items() if column.personal_data is PersonalData.DIRECT)


def stored_types(spec: ModelSpec) -> dict[str, str]:
    """Return the type of each column as it is stored: a column of tokens is a category."""
    direct = direct_columns(spec)
    return {name: "category" if name in direct else column.type for name, column in spec.contract.items()}


def as_stored(spec: ModelSpec) -> ModelSpec:
    """Return a model's contract as stored rows keep it: what is said of an original's form isn't asked of a token."""
    direct = direct_columns(spec)
    of_tokens = {"type": "category", **dict.fromkeys(("range", "levels", "format", "pattern", "coerce"))}
    contract = {
        name: column.model_copy(update=of_tokens) if name in direct else column
        for name, column in spec.contract.items()
    }
    rules = {name: rule for name, rule in spec.rules.items() if not set(columns_of(rule)) & set(direct)}
    return spec.model_copy(update={"contract": contract, "rules": rules})


def subject_token(spec: ModelSpec, vault: Vault, value: str) -> str:
    """Return the token of a person, given as the entity column's value; DataInvalid for a model without entities."""
    if spec.entity is None:
        raise DataInvalid(
            f"{spec.model}: no column has the role entity, so that no value names a person; it takes one to tell "
            "whose rows are meant; give the role entity to the column that names the person"
        )
    return vault.tokens(spec.model, spec.entity, [level_text(value.strip())])[0]


def without_erased(spec: ModelSpec, checked: Checked, vault: Vault | None) -> tuple[Checked, int]:
    """Leave out the rows of persons who were erased, and return how many those were."""
    erased = vault.forgotten(spec.model) if vault else frozenset()
    if vault is None or spec.entity is None or not erased:
        return checked, 0
    codes, tokens, _ = _tokens(spec, vault, checked.frame, spec.entity)
    gone = np.append(np.isin(tokens, list(erased)), False)[codes]
    if not gone.any():
        return checked, 0
    reasons = checked.reasons[~gone]
    rules = [rule for reason in reasons for rule in reason.split("; ") if rule]
    kept = dataclasses.replace(
        checked,
        frame=checked.frame[~gone].reset_index(drop=True),
        reasons=reasons,
        broken={rule: rules.count(rule) for rule in checked.broken if rule in rules},
    )
    return kept, int(gone.sum())


def pseudonymise(spec: ModelSpec, checked: Checked, vault: Vault | None) -> Checked:
    """Replace what names a person by tokens in all rows, and put the originals of the accepted ones into the vault.

    Raises DataInvalid when there is such a column and no vault: nothing is stored in plain then.
    """
    import pandas as pd

    direct = direct_columns(spec)
    if not direct:
        return checked
    if vault is None:
        raise DataInvalid(
            f"{spec.model}: {', '.join(direct)} name a person and there is no vault; one is needed to keep them apart; "
            "pass `vault`"
        )
    coded = {name: _tokens(spec, vault, checked.frame, name) for name in direct}
    vault.keep(spec.model, _originals(spec, vault, checked, coded))
    columns = {}
    for name, (codes, tokens, _) in coded.items():
        levels = sorted(set(tokens))
        place = {token: at for at, token in enumerate(levels)}
        of_code = np.array([*(place[token] for token in tokens), -1], dtype=np.int64)
        columns[name] = pd.Categorical.from_codes(of_code[codes], categories=pd.Index(levels, dtype="str"))
    return dataclasses.replace(checked, frame=checked.frame.assign(**columns))


Coded = tuple["NDArray[np.int64]", list[str], list[str]]


def _tokens(spec: ModelSpec, vault: Vault, frame: pd.DataFrame, name: str) -> Coded:
    """Return a column as codes (-1 for missing), with the token and the text of each code."""
    import pandas as pd

    codes, levels = pd.factorize(frame[name])
    texts = [level_text(level) for level in levels.tolist()]
    return codes.astype(np.int64), vault.tokens(spec.model, name, texts), texts


def _originals(spec: ModelSpec, vault: Vault, checked: Checked, coded: dict[str, Coded]) -> Iterator[Original]:
    """Yield each original once for each person it belongs to; rows without a person are their own."""
    accepted = ~checked.refused
    persons, names = _persons(spec, vault, checked, coded)
    for column, (codes, tokens, texts) in coded.items():
        pairs = np.unique(np.column_stack([codes, persons])[accepted & (codes >= 0)], axis=0)
        for code, person in pairs.tolist():
            yield Original(
                column=column,
                token=tokens[code],
                subject=names[person] if person >= 0 else tokens[code],
                text=texts[code],
            )


def _persons(
    spec: ModelSpec, vault: Vault, checked: Checked, coded: dict[str, Coded]
) -> tuple[NDArray[np.int64], list[str]]:
    if spec.entity is None:
        return np.full(len(checked.frame), -1, dtype=np.int64), []
    codes, tokens, _ = coded.get(spec.entity) or _tokens(spec, vault, checked.frame, spec.entity)
    return codes, tokens
