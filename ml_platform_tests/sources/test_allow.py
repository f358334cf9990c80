from __future__ import annotations

import pytest

from ml_platform.core.errors import DataInvalid
from ml_platform.sources.allow import require_allowed

ALLOWED = "https://data.example.org/rows/, s3://bucket, memory://shelf/"


@pytest.fixture(autouse=True)
def _allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ML_PLATFORM_ALLOWED_URLS", ALLOWED)


@pytest.mark.parametrize(
    "url",
    [
        "https://data.example.org/rows/a.csv",
        "https://DATA.example.org/rows/2024/a.csv",
        "s3://bucket/a",
        "s3://bucket",
        "memory://shelf/a.csv",
    ],
)
def test_what_lies_under_an_allowed_place_is_let_through(url: str) -> None:
    assert require_allowed("t", url).geturl() == url


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://data.example.org/rowsets/a.csv", "isn't among the places"),
        ("https://data.example.org/", "isn't among the places"),
        ("https://data.example.org.evil.example/rows/a.csv", "isn't among the places"),
        ("https://data.example.org:444/rows/a.csv", "isn't among the places"),
        ("http://data.example.org/rows/a.csv", "isn't among the places"),
        ("s3://bucket2/a", "isn't among the places"),
        ("https://data.example.org/rows/../secret.csv", "leads upwards"),
        ("https://data.example.org/rows/%2e%2e/secret.csv", "leads upwards"),
        ("https://data.example.org/rows/%252e%252e/secret.csv", "leads upwards"),
        ("https://data.example.org/rows/..%5csecret.csv", "leads upwards"),
        ("https://data.example.org@evil.example/rows/a.csv", "names a user or a password"),
        ("https://anna:hunter2@data.example.org/rows/a.csv", "names a user or a password"),
        ("https://data.example.org/rows/a.csv?token=hunter2", "could lead elsewhere"),
        ("https://data.example.org/rows/a.csv#x", "could lead elsewhere"),
        ("https://data.example.org\\@evil.example/rows/a.csv", "could lead elsewhere"),
        ("zip::https://data.example.org/rows/a.zip", "could lead elsewhere"),
        ("https://data.example.org/rows/*.csv", "could lead elsewhere"),
        ("https:/data.example.org/rows/a.csv", "could lead elsewhere"),
        ("https://[bad/rows/a.csv", "can't be read|could lead elsewhere"),
        ("https://data.example.org:port/rows/a.csv", "can't be read"),
        ("rows/a.csv", "could lead elsewhere"),
        ("file:///etc/hostname", "file:// can lead elsewhere"),
        ("reference:///a.json", "reference:// can lead elsewhere"),
    ],
)
def test_what_lies_elsewhere_or_may_lead_there_is_refused(url: str, words: str) -> None:
    with pytest.raises(DataInvalid, match=words) as caught:
        require_allowed("m: source.tables.t", url)
    assert str(caught.value).startswith("m: source.tables.t: ")
    assert "hunter2" not in str(caught.value)


def test_nothing_is_allowed_unless_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ML_PLATFORM_ALLOWED_URLS")
    with pytest.raises(DataInvalid, match="ask whoever runs the platform to add it"):
        require_allowed("t", "memory://shelf/a.csv")
