"""Scoring: a request for scores on its way: how it is scored, and what becomes of it when that fails."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from ml_platform.core.gate import Admitted
from ml_platform.serving.answer import Answered, answer, log_failure
from ml_platform.serving.live import Live
from ml_platform.serving.protocol import ScoringProtocol
from ml_platform.serving.refusal import Refused, place_of
from ml_platform.serving.reply import Reply
from ml_platform.serving.served import Served

log = logging.getLogger("ml_platform.serving")


@dataclass(slots=True)
class Scoring:
    """A request to a model, scored by the version that was live when it came, at `started`."""

    served: Served
    live: Live
    protocol: ScoringProtocol
    started: float

    def score(self, body: bytes, admitted: Admitted) -> tuple[Answered, Reply]:
        """Score a body; raises Refused and whatever a model may."""
        answered = answer(
            self.live, self.served.traffic, body, self.started, admitted=admitted, read=self.protocol.read
        )
        return answered, self.protocol.told(answered.live, answered)

    def failed(self, error: Exception) -> Reply:
        """Write down that there are no scores, and say why when it is refused; else nothing but that."""
        refused = error if isinstance(error, Refused) else _inside(error)
        if not self.served.traffic.problem:
            log_failure(self.live, self.served.traffic, refused.status, self.started)
        return self.protocol.refused(refused)


def _inside(error: Exception) -> Refused:
    # No traceback: it repeats the error's text, which may hold a value of the request
    log.error("scoring failed: %s at %s", type(error).__name__, place_of(error))
    return Refused(500, "INTERNAL_ERROR", "scoring failed inside the service; its log says where")
