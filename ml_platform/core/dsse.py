"""DSSE: a signed envelope around a payload (Dead Simple Signing Envelope 1.0, github.com/secure-systems-lab/dsse)."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from ml_platform.core.digest import canonical_json
from ml_platform.core.errors import DataInvalid
from ml_platform.core.signing import Signature, Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A payload with the one signature over its type and content."""

    payload_type: str
    payload: bytes
    signature: Signature

    @property
    def message(self) -> bytes:
        """Return the bytes that were signed."""
        return pae(self.payload_type, self.payload)


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the pre-authentication encoding (the standard's PAE): type and content, each with its length.

    >>> pae("http://example.com/HelloWorld", b"hello world")
    b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(signer: Signer, payload_type: str, payload: bytes) -> Envelope:
    """Sign a payload."""
    return Envelope(payload_type=payload_type, payload=payload, signature=signer.sign(pae(payload_type, payload)))


def write_envelope(envelope: Envelope) -> str:
    """Write an envelope as one line of JSON."""
    signature = {"keyid": envelope.signature.key_id, "sig": _text(envelope.signature.value)}
    return canonical_json(
        {"payloadType": envelope.payload_type, "payload": _text(envelope.payload), "signatures": [signature]}
    )


def read_envelope(line: str | bytes, where: str) -> Envelope:
    """Read an envelope; raises DataInvalid unless it is written exactly as `write_envelope` does."""
    try:
        said = json.loads(line)
        (signature,) = said["signatures"]
        envelope = Envelope(
            payload_type=str(said["payloadType"]),
            payload=base64.b64decode(said["payload"], validate=True),
            signature=Signature(
                key_id=str(signature["keyid"]), value=base64.b64decode(signature["sig"], validate=True)
            ),
        )
    except (ValueError, KeyError, TypeError):
        envelope = None
    if envelope is None or write_envelope(envelope).encode() != (line.encode() if isinstance(line, str) else line):
        raise DataInvalid(
            f"{where}: it isn't a signed envelope as this version writes it; the file as it was written is needed; "
            "restore it from a copy"
        )
    return envelope


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
