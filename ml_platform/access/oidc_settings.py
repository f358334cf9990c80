"""How an identity provider is reached, and which of its groups have which roles; checked at the start."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from ml_platform.access.person import Grant, parse_grant
from ml_platform.core.errors import DataInvalid, PolicyInvalid
from ml_platform.settings import OIDC, oidc_variables

LOCAL = {"127.0.0.1", "::1", "localhost"}
LARGEST_FILE = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcSettings:
    """One provider. `name_claim` says what a person is called here; `groups` which roles a group's members have."""

    issuer: str
    client_id: str
    secret: str = field(repr=False)
    name_claim: Literal["email", "sub"] = "email"
    groups_claim: str = "groups"
    groups: Mapping[str, tuple[Grant, ...]] = field(default_factory=dict)
    http: bool = False

    def may_reach(self, url: str) -> bool:
        """Say whether an address of the provider's is one that nobody on the way can read or change."""
        parts = urlsplit(url)
        return parts.scheme == "https" or (self.http and parts.scheme == "http" and parts.hostname in LOCAL)


def read_oidc_settings() -> OidcSettings | None:
    """Return what the environment says; None without an issuer. Raises PolicyInvalid with everything that is wrong."""
    said = oidc_variables()
    if not said.get("ISSUER"):
        return None
    problems = [
        f"{OIDC}{name}: is not set; sign-in through {said['ISSUER']} needs it; {what}"
        for name, what in (
            ("CLIENT_ID", "the provider gives it when this server is registered"),
            ("CLIENT_SECRET_FILE", "name a file that holds the client's secret, for its owner alone"),
        )
        if not said.get(name)
    ]
    claim = said.get("NAME_CLAIM", "email")
    if claim not in {"email", "sub"}:
        problems.append(f"{OIDC}NAME_CLAIM: is {claim[:40]!r}; email or sub is needed; unset it for email")
    http = said.get("ALLOW_HTTP", "")
    if http not in {"", "1"}:
        problems.append(f"{OIDC}ALLOW_HTTP: is {http[:40]!r}; 1 is all it can be; unset it, a provider has https")
    secret, groups = "", {}
    try:
        secret = _private(f"{OIDC}CLIENT_SECRET_FILE", said["CLIENT_SECRET_FILE"]) if not problems else ""
        groups = _groups(said["GROUPS_FILE"]) if said.get("GROUPS_FILE") else {}
    except DataInvalid as error:
        problems.append(str(error))
    found = OidcSettings(
        issuer=said["ISSUER"], client_id=said.get("CLIENT_ID", ""), secret=secret,
        name_claim="sub" if claim == "sub" else "email", groups_claim=said.get("GROUPS_CLAIM") or "groups",
        groups=groups, http=http == "1",
    )  # fmt: skip
    if not found.may_reach(found.issuer) or urlsplit(found.issuer).query or urlsplit(found.issuer).fragment:
        problems.append(f"{OIDC}ISSUER: is {found.issuer[:100]!r}; an address with https:// is needed; correct it")
    if problems:
        raise PolicyInvalid(problems)
    return found


def _private(variable: str, name: str) -> str:
    path = Path(name)
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8").strip() if path.stat().st_size <= LARGEST_FILE else ""
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it isn't text"
        raise DataInvalid(f"{variable}: {path}: {why}; a file with the secret is needed; correct the path") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        message = (
            f"{variable}: {path}: others than its owner may open it (mode {stat.S_IMODE(mode):04o}); it holds a "
            f"secret; run `chmod 600 {path}`, and have the provider give another if somebody may have read it"
        )
        raise DataInvalid(message)
    if not text:
        raise DataInvalid(f"{variable}: {path}: is empty or too large; one line with the secret is needed; write it")
    return text


def _groups(name: str) -> dict[str, tuple[Grant, ...]]:
    path = Path(name)
    where = f"{OIDC}GROUPS_FILE: {path}"
    try:
        mode, content = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise DataInvalid(f"{where}: {error.strerror}; a JSON file is needed; correct the path") from error
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        message = f"{where}: others than its owner may write it; it says who may do what; run `chmod 644 {path}`"
        raise DataInvalid(message)
    try:
        found = msgspec.json.decode(content, type=dict[str, list[str]])
    except msgspec.MsgspecError as error:
        message = f'{where}: isn\'t a mapping ({error}); {{"group": ["role", "role:model"]}} is needed; correct it'
        raise DataInvalid(message) from None
    return {group: tuple(map(parse_grant, roles)) for group, roles in found.items()}
