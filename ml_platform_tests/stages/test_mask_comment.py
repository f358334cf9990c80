"""A comment keeps what it says of the answer, and nothing that names, numbers or locates a person."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.stages.mask_comment import LONGEST_COMMENT, mask_comment


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("late by 20 minutes on 3 June, 45.5 % sure", "late by 20 minutes on 3 June, 45.5 % sure"),
        ("Will the model learn? grace period over", "Will the model learn? grace period over"),
        ("write to a.b+c@mail.example.co.uk.", "write to [e-mail]"),
        ("call (212) 555-0147 at 12 Main Street", "call [number] at [address]"),
        ("born 1970-01-02, IP 192.168.10.200", "born [number], IP [number]"),
        ("card 4111 1111 1111 1111, IBAN DE89370400440532013000", "card [number], IBAN [code]"),
        ("Herr Müller aus der Hauptstraße 12", "[name] aus der [address]"),
        ("dr. J. Öztürk and Maria's mother Anna Nowak", "[name] and [name] mother [name]"),
        ("see https://example.org/u/kim @kim_j", "see [link] [name]"),
        ("", ""),
    ],
)
def test_what_is_personal_gives_way_to_the_word_for_it(text: str, kept: str) -> None:
    assert mask_comment(text) == kept


@settings(max_examples=30, deadline=None)
@given(st.text(alphabet="Aa1 .@-(/:'ß", max_size=3000))
def test_no_comment_keeps_five_digits_or_grows_beyond_its_words(text: str) -> None:
    masked = mask_comment(text)
    assert not any(word.isdigit() and len(word) >= 5 for word in masked.split())
    assert len(masked) <= 10 * LONGEST_COMMENT
