"""Channels are data: strict, with line numbers, and without any secret in them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from ml_platform.core.errors import PolicyInvalid
from ml_platform.core.notice import Notice
from ml_platform.policy.notifications import FILE_NAME, KINDS, Channel, load_notifications

GOOD = """\
channels:
  team:
    kind: apprise
    hosts: [hooks.slack.com]
    events: [refused, harm]
    models: [flights]
"""


def loaded(home: Path, text: str) -> object:
    (home / FILE_NAME).write_text(text, encoding="utf-8")
    return load_notifications(home)


def test_a_home_without_the_file_has_no_channels(tmp_path: Path) -> None:
    assert load_notifications(tmp_path) is None


def test_a_good_file_is_read(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(GOOD, encoding="utf-8")
    found = load_notifications(tmp_path)
    assert found is not None
    assert (found.repeat_after_hours, found.give_up_after_hours) == (24.0, 72.0)
    assert found.channels["team"].events == ("refused", "harm")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("apprise", "pigeon"), ":3: "),
        (GOOD.replace("hooks.slack.com", "https://hooks.slack.com/T0"), ":4: channels.team.hosts[0] is"),
        (GOOD.replace("[hooks.slack.com]", "[]"), ":4: "),
        (GOOD.replace("harm", "harrm"), ":5: "),
        (GOOD + "    url: json://secret\n", ":7: "),
        (GOOD + "repeat_after_hours: -1\n", ":7: "),
        (GOOD + "give_up_after_hours: 0\n", ":7: "),
        ("channels: {}\n", ":1: "),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        loaded(tmp_path, text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("model", "models", "wanted"),
    [("flights", None, True), ("flights", ("flights",), True), ("flights", ("a",), False), ("", ("a",), True)],
)
def test_a_channel_wants_its_models_and_what_is_about_none(
    model: str, models: tuple[str, ...] | None, *, wanted: bool
) -> None:
    notice = Notice(
        key="k", kind="harm", model=model, cause="c", title="t", evidence=(), next_step="n",
        at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), sequence=1,
    )  # fmt: skip
    assert Channel(kind="webhook", hosts=("a",), models=models).wants(notice) is wanted
    assert not Channel(kind="webhook", hosts=("a",), events=("released",)).wants(notice)
    assert "harm" in KINDS
