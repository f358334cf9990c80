"""The browser that browser tests drive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ml_platform_tests.house.chromium import why_no_chromium

if TYPE_CHECKING:
    from pathlib import Path

    from selenium.webdriver import Chrome


def test_without_a_browser_the_reason_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "apt-get install chromium chromium-driver" in why_no_chromium()


@pytest.mark.browser
def test_a_page_runs_its_script(browser: Chrome, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<title>before</title><script>document.title = 'after'</script>")
    browser.get(page.as_uri())
    assert browser.title == "after"
