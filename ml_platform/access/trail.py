"""The trail: who signed in, who was denied what, from where; in the audit chain, without secrets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

from ml_platform.core.ports import Ledger

SUBJECT = "access"
DENIED = "access_denied"
CHANGED = "changed_in_web"
SIGNED_IN = "signed_in"
SIGNED_OUT = "signed_out"
SIGN_IN_FAILED = "sign_in_failed"
USER_ADDED = "user_added"
USER_REMOVED = "user_removed"
TOKEN_MADE = "token_made"  # noqa: S105 - the name of an event
TOKEN_REVOKED = "token_revoked"  # noqa: S105 - the name of an event
LONGEST = 200
MOST_A_MINUTE = 120


@dataclass(slots=True)
class Trail:
    """Writes to the audit chain, at most so many entries a minute: nobody can fill the disk by knocking.

    What was left out is counted in the next entry that is written.
    """

    ledger: Ledger
    clock: Callable[[], dt.datetime]
    most_a_minute: int = MOST_A_MINUTE
    _minute: int = field(default=0, init=False)
    _written: int = field(default=0, init=False)
    _left_out: int = field(default=0, init=False)

    def note(self, action: str, *, actor: str, subject: str = SUBJECT, **facts: str) -> None:
        """Append an entry; long texts are cut, control characters are shown as escapes."""
        now = self.clock()
        minute = int(now.timestamp() // 60)
        if minute != self._minute:
            self._minute, self._written = minute, 0
        if self._written >= self.most_a_minute:
            self._left_out += 1
            return
        self._written += 1
        if self._left_out:
            facts, self._left_out = {**facts, "left_out_before": str(self._left_out)}, 0
        self.record(action, actor=actor, subject=subject, **facts)

    def record(self, action: str, *, actor: str, subject: str = SUBJECT, **facts: str) -> None:
        """Append an entry that is never left out: about a change by somebody who may."""
        payload = {name: shown(value) for name, value in facts.items()}
        self.ledger.append(action, actor=shown(actor), subject=shown(subject), payload=payload, at=self.clock())


def shown(text: str) -> str:
    r"""Return a text as it can stand in a log.

    >>> shown("kim\nadmin")
    'kim\\nadmin'
    """
    return text[:LONGEST].encode("unicode_escape").decode("ascii")
