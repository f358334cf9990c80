"""The ledger in one SQLite file: releases, verdicts, approvals, what is live, and the audit chain."""

from __future__ import annotations

from ml_platform.adapters.ledger.sqlite import SqliteLedger
from ml_platform.adapters.ledger.verify import verify_audit

__all__ = ["SqliteLedger", "verify_audit"]
