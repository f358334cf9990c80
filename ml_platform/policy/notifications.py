"""Who is told what: the channels of a home, as data. Where each leads to is a secret and stands elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from ml_platform.core.errors import PolicyInvalid
from ml_platform.core.notice import Notice, NoticeKind
from ml_platform.policy.problems import Problem, path_text, seen
from ml_platform.policy.translate import validate
from ml_platform.policy.yaml_lines import read_yaml

FILE_NAME = "notifications.yaml"
KINDS: tuple[NoticeKind, ...] = get_args(NoticeKind)
_Host = Annotated[str, Field(min_length=1)]
_NOT_PLAIN = frozenset("/@:*?#% ")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Channel(_Strict):
    """One way to people: through Apprise, or a signed request to a web address; only `hosts` are ever reached.

    `private_addresses` lets these hosts lie in the own network, and be reached without TLS.
    """

    kind: Literal["apprise", "webhook"]
    hosts: tuple[_Host, ...] = Field(min_length=1, max_length=20)
    events: tuple[NoticeKind, ...] = Field(default=KINDS, min_length=1)
    models: tuple[str, ...] | None = Field(default=None, min_length=1)
    private_addresses: bool = False

    def wants(self, notice: Notice) -> bool:
        """Say whether a notice is for this channel; what is about no model goes to every channel of its kind."""
        return notice.kind in self.events and (self.models is None or not notice.model or notice.model in self.models)


class Notifications(_Strict):
    """The channels by name, after how many hours the same is said again, and when a notice is given up."""

    channels: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")], Channel] = Field(
        min_length=1, max_length=50
    )
    repeat_after_hours: float = Field(default=24.0, ge=0.0, le=24.0 * 366)
    give_up_after_hours: float = Field(default=72.0, gt=0.0, le=24.0 * 366)


def load_notifications(home: Path) -> Notifications | None:
    """Read a home's channels, None when it has none; raises PolicyInvalid with every problem and its line."""
    path = home / FILE_NAME
    if not path.is_file():
        return None
    document = read_yaml(path)
    found, problems = validate(Notifications, document.value)
    problems = [*document.problems, *problems, *(_host_problems(found.channels) if found else ())]
    if problems:
        raise PolicyInvalid(document.render(problems))
    notifications: Notifications = found
    return notifications


def _host_problems(channels: Mapping[str, Channel]) -> Iterator[Problem]:
    for name, channel in channels.items():
        for index, host in enumerate(channel.hosts):
            if _NOT_PLAIN.intersection(host):
                where = ("channels", name, "hosts", index)
                yield Problem(where, f"{path_text(where)} is {seen(host)}; needed: a host's bare name: hooks.slack.com")
