"""The page on notifications: its snippet verifies what the product sends, and its example is a good file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ml_platform.adapters.webhook import signature_of
from ml_platform.policy.notifications import FILE_NAME, KINDS, load_notifications
from ml_platform_tests.docs.pages import DOCS

PAGE = (DOCS / "notifications.md").read_text(encoding="utf-8")
KEY = "k" * 32


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_snippet_accepts_ours_and_nothing_else() -> None:
    scope: dict[str, Any] = {}
    exec(block("python"), scope)  # noqa: S102 - the page's own code
    headers = {
        "X-ML-Platform-Timestamp": "1000",
        "X-ML-Platform-Signature": f"sha256={signature_of(KEY, '1000', b'{}')}",
    }
    is_ours = scope["is_ours"]
    assert is_ours(KEY, headers, b"{}", now=1200.0)
    assert not is_ours(KEY, headers, b"{ }", now=1200.0)
    assert not is_ours("x" * 32, headers, b"{}", now=1200.0)
    assert not is_ours(KEY, headers, b"{}", now=1301.0)
    assert not is_ours(KEY, {**headers, "X-ML-Platform-Timestamp": "1001"}, b"{}", now=1200.0)


def test_the_example_is_a_good_file(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(block("yaml"), encoding="utf-8")
    found = load_notifications(tmp_path)
    assert found is not None
    assert list(found.channels) == ["delays_team", "governance"]


def test_every_event_is_explained() -> None:
    told = PAGE[PAGE.index("## What is told") : PAGE.index("## Once")]
    assert [kind for kind in KINDS if kind != "test" and f"`{kind}`" not in told] == []
