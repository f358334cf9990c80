"""`FakeVault`: the Vault port in memory."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence

from ml_platform.core.vault import Original


class FakeVault:
    """Keeps originals in a dict; tokens are plain hashes."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str, str], str] = {}
        self._forgotten: set[tuple[str, str]] = set()

    def tokens(self, model: str, column: str, texts: Sequence[str]) -> list[str]:
        return [f"p_{hashlib.sha256(f'{model}/{column}/{text}'.encode()).hexdigest()[:32]}" for text in texts]

    def keep(self, model: str, originals: Iterable[Original]) -> int:
        before = len(self._kept)
        for one in originals:
            if (model, one.subject) not in self._forgotten:
                self._kept.setdefault((model, one.column, one.token, one.subject), one.text)
        return len(self._kept) - before

    def reveal(self, model: str, column: str, token: str) -> str | None:
        return next((text for place, text in self._kept.items() if place[:3] == (model, column, token)), None)

    def forget(self, model: str, subject: str, *, at: dt.datetime) -> int:
        gone = [place for place in self._kept if (place[0], place[3]) == (model, subject)]
        for place in gone:
            del self._kept[place]
        self._forgotten.add((model, subject))
        return len(gone)

    def forgotten(self, model: str) -> frozenset[str]:
        return frozenset(subject for of, subject in self._forgotten if of == model)
