"""The guide is whole: links lead somewhere, pages are short, generated parts are fresh, nothing names this machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ml_platform_tests.docs.generate import generated
from ml_platform_tests.docs.pages import DOCS, ROOT, anchors, guide, links, pages

LONGEST = 175
_TABLES = re.compile(r"<!-- generated: .*?<!-- end -->", re.DOTALL)  # to look things up in, not to read


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_link_leads_to_something(page: Path) -> None:
    for link in links(page):
        if link.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name(page)}: {link} leads nowhere"
        assert not anchor or anchor in anchors(target), f"{name(page)}: {link} names no heading"


@pytest.mark.parametrize("page", pages(), ids=name)
def test_what_is_generated_is_what_the_product_says(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text == generated(text), f"{name(page)} is old: run `python -m ml_platform_tests.docs.generate`"


@pytest.mark.parametrize("page", guide(), ids=name)
def test_a_page_is_read_in_minutes(page: Path) -> None:
    assert len(_TABLES.sub("", page.read_text(encoding="utf-8")).splitlines()) <= LONGEST


@pytest.mark.parametrize("page", pages(), ids=name)
def test_no_page_speaks_of_one_machine_or_of_people(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    machine = re.search(r"(?<![\w.])/(work|tmp|home|root|Users)/", text)
    assert machine is None, f"{name(page)} names a folder of one machine"
    addresses = re.findall(r"[\w.+-]+@[\w-]+\.[\w.-]+", text)
    assert all(address.endswith("@example.org") for address in addresses)


@pytest.mark.parametrize("page", pages(), ids=name)
def test_nothing_is_left_to_be_written(page: Path) -> None:
    found = re.findall(r"\b(?:TODO|FIXME|TBD|XXX|[A-Z]+_(?:HERE|RUN|REFUSED|PROMOTE|REPLAY|AUDIT))\b", page.read_text())
    assert found == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        targets = [(page.parent / link.partition("#")[0]).resolve() for link in links(page) if "://" not in link]
        waiting += [target for target in targets if target.suffix == ".md"]
    assert {page for page in pages() if page.is_relative_to(DOCS)} <= reached
