"""The report for programs: the decision, every verdict and measurement, and the digests they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.reports.decision import decide

if TYPE_CHECKING:
    from ml_platform.reports.content import Content

SCHEMA_VERSION = 1


def json_bytes(content: Content) -> bytes:
    """Return the report as JSON, the same bytes for the same content."""
    import msgspec

    decision = decide(content.verdicts, content.policy)
    told = {
        "schema_version": SCHEMA_VERSION,
        "model": content.spec.model,
        "purpose": content.spec.purpose,
        "owner": content.spec.owner,
        "risk_class": content.spec.risk_class.value,
        "decision": {"outcome": decision.tone, "headline": decision.headline, "because": decision.because},
        "policy_digests": sorted({verdict.policy_digest for verdict in content.verdicts}),
        "rows": content.rows,
        "trained": content.model,
        "evaluation": content.evaluation,
        "live": content.live,
        "verdicts": content.verdicts,
        "measurements": content.measurements,
        "mitigation": content.mitigation,
        "probes": content.probes,
        "improvement": content.improvement,
        "left_out": content.left_out,
    }
    return msgspec.json.format(msgspec.json.encode(told, order="deterministic"), indent=1)
