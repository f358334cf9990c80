"""Encoding: which one a text file is in, from its beginning, and its bytes as UTF-8 or the line that is broken.

A byte order mark and valid UTF-8 are sure. Encodings of one byte per character can't be told apart for sure: Windows'
Western European one is taken when all that speaks for it does, and what was taken is said. The second opinion is
charset-normalizer's.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from ml_platform.core.errors import DataInvalid

HEAD_BYTES = 4 << 20
CHUNK = 1 << 20
LEAST_CHARACTERS = 3
_SAMPLE = 1 << 16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_ABOVE_ASCII = bytes(range(0x80, 0x100))
_WORDS = re.compile("[À-ÖØ-öø-þŠšŽžŒœŸ]")
_SIGNS = frozenset(
    b"\x80\x84\x85\x91\x92\x93\x94\x96\x97\x99\xa3\xa7\xa9\xab\xae\xb0\xb2\xb3\xb5\xb7\xbb\xbc\xbd".decode("cp1252")
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """A codec's name, and how it is known: stated, by its mark, or detected."""

    name: str
    how: str


def encoding_of(where: str, head: bytes, stated: str | None, *, whole: bool) -> Encoding:
    """Return the encoding of a text that begins with `head` (all of it when `whole`); raises DataInvalid."""
    mark = next((name for sign, name in _MARKS if head.startswith(sign)), None)
    if stated is not None:
        return Encoding(mark if mark and stated in mark else stated, "stated")
    if mark is not None:
        return Encoding(mark, "byte order mark")
    wide = _without_mark(head)
    if wide is not None:
        return Encoding(wide, "detected")
    at = _broken(head, whole=whole)
    if at is None:
        return Encoding("utf-8", "detected")
    _require_no_utf8(where, head, at)
    return Encoding(_western(where, head, at), "detected")


def as_utf8(where: str, content: bytes, encoding: Encoding) -> bytes:
    """Return a whole text's bytes in UTF-8 without a mark; DataInvalid names the line that is broken or holds a NUL."""
    if encoding.name == "utf-8" and content.isascii():
        return _without_nul(where, content)
    decoder = codecs.getincrementaldecoder(encoding.name)("strict")
    lines, parts = 1, []
    keep = encoding.name != "utf-8"
    try:
        for start in range(0, len(content), CHUNK):
            text = decoder.decode(content[start : start + CHUNK], final=start + CHUNK >= len(content))
            text = text if start else text.removeprefix("\ufeff")
            lines += text.count("\n")
            if keep:
                parts.append(text.encode())
    except UnicodeDecodeError as error:
        lines += error.object[: error.start].decode(encoding.name, "ignore").count("\n")
        message = (
            f"{where}: line {lines:,} holds bytes that are not {encoding.name} ({encoding.how}); correct the file, or "
            "state `csv: {encoding: ...}`"
        )
        raise DataInvalid(message) from None
    except UnicodeError:
        message = (
            f"{where}: is not {encoding.name} ({encoding.how}); correct the file, or state `csv: {{encoding: ...}}`"
        )
        raise DataInvalid(message) from None
    return _without_nul(where, b"".join(parts) if keep else content)


def _without_nul(where: str, content: bytes) -> bytes:
    at = content.find(b"\0")
    if at >= 0:
        line = content.count(b"\n", 0, at) + 1
        message = f"{where}: line {line:,} holds a NUL byte; text has none; fetch the file again or correct the line"
        raise DataInvalid(message)
    return content


def _without_mark(head: bytes) -> str | None:
    """Return UTF-16 when nearly every second byte is NUL on one side only, as in mostly Latin text."""
    pairs = len(head) // 2
    first, second = head[0 : 2 * pairs : 2].count(0), head[1 : 2 * pairs : 2].count(0)
    if pairs < 4:
        return None
    if second > 0.7 * pairs and first < 0.05 * pairs:
        return "utf-16-le"
    return "utf-16-be" if first > 0.7 * pairs and second < 0.05 * pairs else None


def _broken(head: bytes, *, whole: bool) -> int | None:
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(head, final=whole)
    except UnicodeDecodeError as error:
        return error.start
    return None


def _require_no_utf8(where: str, head: bytes, at: int) -> None:
    """Refuse a text of which most is UTF-8: it is broken, and in no other encoding."""
    inside = sum(len(found) for found in _MULTIBYTE.findall(head))
    above = len(head) - len(head.translate(None, delete=_ABOVE_ASCII))
    if inside >= 0.5 * above:
        raise DataInvalid(f"{_not_utf8(where, head, at)}, though other lines are; correct the line")


def _not_utf8(where: str, head: bytes, at: int) -> str:
    line = head.count(b"\n", 0, at) + 1
    return f"{where}: line {line:,} holds bytes that are not UTF-8"


def _western(where: str, head: bytes, at: int) -> str:
    """Return latin-1 or cp1252 when the text reads like words in it; raises DataInvalid when that can't be told."""
    needed = "needed: UTF-8, or the right name in `csv: {encoding: ...}`"
    start = max(0, head.rfind(b"\n", 0, at))
    sample = head[start : start + _SAMPLE]
    text = sample.decode("cp1252", "replace")
    other = [place for place, char in enumerate(text) if ord(char) >= 0x80]
    like_words = sum(_in_a_word(text, place) for place in other)
    letters = [char for char in text if char.isalpha()]
    foreign = sum(not char.isascii() for char in letters) > 0.5 * len(letters)
    if len(other) < LEAST_CHARACTERS or like_words < 0.9 * len(other) or foreign:
        raise DataInvalid(f"{_not_utf8(where, head, at)} and not surely of another encoding; {needed}")
    better = _second_opinion(sample)
    if better is not None:
        raise DataInvalid(f"{_not_utf8(where, head, at)}; they may be {better}; {needed}")
    return "cp1252" if re.search(rb"[\x80-\x9f]", head) else "latin-1"


def _in_a_word(text: str, place: int) -> bool:
    if text[place] in _SIGNS:
        return True
    beside = text[max(0, place - 1) : place] + text[place + 1 : place + 2]
    return _WORDS.match(text[place]) is not None and any(char.isalpha() for char in beside)


def _second_opinion(sample: bytes) -> str | None:
    """Return another encoding whose words charset-normalizer recognises and that reads the sample otherwise."""
    from charset_normalizer import from_bytes

    best = from_bytes(sample, enable_fallback=False).best()
    if best is None or best.coherence == 0 or "cp1252" in best.could_be_from_charset:
        return None
    return None if str(best) == sample.decode("cp1252", "replace") else best.encoding.replace("_", "-")
