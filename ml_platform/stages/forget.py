"""Forget: one person's key and originals are destroyed, and the person's rows are taken no more."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid
from ml_platform.stages.pseudonymise import subject_token

if TYPE_CHECKING:
    from ml_platform.core.ports import Ledger
    from ml_platform.core.vault import Vault
    from ml_platform.policy.spec import ModelSpec

ERASED = "person_erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """Who was erased, by token, and how many originals were destroyed."""

    token: str
    originals: int


def forget(spec: ModelSpec, value: str, *, vault: Vault, ledger: Ledger, actor: str, now: dt.datetime) -> Erased:
    """Erase the person with this value in the entity column, and write that down by token alone.

    The same call twice destroys nothing more. Raises DataInvalid for no value and for a model without entities.
    """
    if not value.strip():
        raise DataInvalid(
            f"{spec.model}: the person to be erased isn't named; the value of the entity column is needed; give it"
        )
    token = subject_token(spec, vault, value)
    gone = vault.forget(spec.model, token, at=now)
    ledger.append(ERASED, actor=actor, subject=spec.model, payload={"token": token, "originals": gone}, at=now)
    return Erased(token=token, originals=gone)
