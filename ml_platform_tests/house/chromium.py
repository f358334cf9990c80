"""A headless Chromium, driven through the distribution's own driver; nothing is downloaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def why_no_chromium() -> str:
    """Say why browser tests can't run here; empty when they can."""
    if not any(map(shutil.which, BROWSERS)):
        return "no Chromium on the PATH; on Debian: apt-get install chromium chromium-driver"
    if not shutil.which("chromedriver"):
        return "Chromium is there, its driver isn't; on Debian: apt-get install chromium-driver"
    return ""


@contextmanager
def chromium(width: int = 1600, height: int = 1000) -> Iterator[Chrome]:
    """Start a headless Chromium with a fresh profile, and end it."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = next(filter(None, map(shutil.which, BROWSERS)))
    for argument in (
        "--headless=new",
        "--no-sandbox",  # a container's root can't have one; it only ever opens our own pages
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        f"--window-size={width},{height}",
    ):
        options.add_argument(argument)
    with TemporaryDirectory(ignore_cleanup_errors=True) as home:  # its profile and caches, gone afterwards
        away = {**os.environ, "HOME": home, "XDG_CACHE_HOME": home, "XDG_CONFIG_HOME": home}
        service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"), env=away)
        driver = webdriver.Chrome(options=options, service=service)
        try:
            yield driver
        finally:
            driver.quit()
