"""Encoding: which one a text file is in, from its beginning, and its bytes as UTF-8 or the line that is broken.

A byte order mark and valid UTF-8 are sure. Encodings of one byte per character can't be told apart for sure: Windows'
Western European one is taken when the text reads like one of its languages, and what was taken is said.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from ml_platform.core.errors import DataInvalid

HEAD_BYTES = 4 << 20
CHUNK = 1 << 20
WIDE = ("utf-16", "utf-32")
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
# The letters beyond ASCII of languages that are written together: German, French, Italian, Dutch; Spanish, Catalan,
# Portuguese; the Nordic ones; Icelandic and Faroese.
_FAMILIES = tuple(map(frozenset, ("äöüßàâæçéèêëîïôœùûÿìíòóú", "áàâãçéèêíïñóòôõúüªº", "åäöæøéàèüóêô", "áéíóúýþæöðø")))
_SIGNS = frozenset(
    b"\x80\x84\x85\x91\x92\x93\x94\x96\x97\x99\xa1\xa3\xa7\xa9\xab\xae\xb0\xb2\xb3\xb5\xb7\xbb\xbc\xbd\xbf".decode(
        "cp1252"
    )
)
_IN_WORDS = frozenset(b"\x92\x96\xb7".decode("cp1252"))
LEAST_SHARE = 0.95


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
        return without_nul(where, content)
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
    return without_nul(where, b"".join(parts) if keep else content)


def without_nul(where: str, content: bytes) -> bytes:
    """Return a text's bytes as they are; DataInvalid names the line that holds a NUL. Not for UTF-16 and UTF-32."""
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
    """Return latin-1 or cp1252 when the text reads like a Western European language; raises DataInvalid otherwise."""
    start = max(0, head.rfind(b"\n", 0, at))
    sample = head[start : start + _SAMPLE]
    text = sample.decode("cp1252", "replace")
    other = [place for place, char in enumerate(text) if ord(char) >= 0x80]
    if len(other) < LEAST_CHARACTERS or not _reads_western(text, other):
        message = (
            f"{_not_utf8(where, head, at)} and not surely of another encoding{_guess(sample)}; needed: UTF-8, or the "
            "right name in `csv: {encoding: ...}`"
        )
        raise DataInvalid(message)
    return "cp1252" if re.search(rb"[\x80-\x9f]", head) else "latin-1"


def _reads_western(text: str, other: list[int]) -> bool:
    """Say whether nearly all letters beyond ASCII are those of one family of languages, in words mostly of ASCII."""
    letters = [text[place].lower() for place in other if text[place].isalpha()]
    fitting = sum(_is_in_place(text, place) for place in other)
    plain = sum(char.isalpha() for char in text) - len(letters)
    covered = max(sum(letter in family for letter in letters) for family in _FAMILIES)
    return fitting >= LEAST_SHARE * len(other) and covered >= LEAST_SHARE * len(letters) and plain >= len(letters)


def _is_in_place(text: str, place: int) -> bool:
    """Say whether a letter stands beside no digit, or a sign anywhere but inside of a word."""
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if text[place].isalpha():
        return not (before.isdigit() or after.isdigit())
    return text[place] in _SIGNS and (text[place] in _IN_WORDS or not (before.isalpha() and after.isalpha()))


def _guess(sample: bytes) -> str:
    """Return what charset-normalizer takes the text for: a hint for people, too often wrong to be acted upon."""
    from charset_normalizer import from_bytes

    best = from_bytes(sample, enable_fallback=False).best()
    return f" (it may be {best.encoding.replace('_', '-')})" if best is not None else ""
