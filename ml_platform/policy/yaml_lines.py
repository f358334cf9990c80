"""Reads a YAML file into plain values that remember their lines; strict, bounded, and never running anything.

The file is read event by event, so that neither a constructor nor recursion of PyYAML is involved. Anchors, tags,
merge keys and several documents in one file are refused: every line of a policy says itself what it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import yaml

from ml_platform.core.errors import PolicyInvalid, Unavailable
from ml_platform.policy.problems import Problem, Where, path_text
from ml_platform.policy.yaml_scalars import Ambiguous, read_scalar

LARGEST_BYTES = 256 * 1024
DEEPEST = 16

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7E\x85\xA0-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")


@dataclass(frozen=True, slots=True)
class LinedYaml:
    """A file's values, the line of every key or item, and what is wrong with it so far."""

    file: str
    value: Plain
    lines: Mapping[Where, int]
    problems: tuple[Problem, ...]

    def line(self, where: Where) -> int:
        """Return the line of a place, or of the nearest place around it."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 1)

    def at(self, where: Where) -> Plain:
        """Return the value at a place; None when it isn't there."""
        value = self.value
        for part in where:
            if isinstance(value, dict) and part in value:
                value = value[str(part)]
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return None
        return value

    def render(self, problems: list[Problem]) -> list[str]:
        """Write problems as `file:line: ...`, in the order of the file."""
        lined = [(problem.line or self.line(problem.where), problem.text) for problem in problems]
        return [f"{self.file}:{line}: {text}" for line, text in sorted(set(lined))]


def read_yaml(path: Path) -> LinedYaml:
    """Read a file; raises PolicyInvalid when there is no value to speak of, Unavailable when it can't be read."""
    return parse_yaml(_text_of(path), str(path))


def parse_yaml(text: str, file: str) -> LinedYaml:
    """Read YAML text; raises PolicyInvalid when its syntax is broken. Smaller problems are collected."""
    unprintable = _UNPRINTABLE.search(text)
    if unprintable:
        line = text.count("\n", 0, unprintable.start()) + 1
        raise PolicyInvalid([f"{file}:{line}: holds the control character {unprintable[0]!r}; remove it"])
    reading = _Reading(file)
    try:
        value = reading.document(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        what = " ".join(part for part in (error.context, error.problem) if part)
        raise PolicyInvalid([f"{file}:{line}: this isn't YAML: {what}; correct the indentation or quotes"]) from error
    return LinedYaml(file=file, value=value, lines=reading.lines, problems=tuple(reading.problems))


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_BYTES + 1)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise PolicyInvalid([f"{path}:1: there is no such file; write one or correct the path"]) from error
    except OSError as error:
        message = f"{path}: can't be read ({error.strerror}); check its permissions and the disk"
        raise Unavailable(message) from error
    if len(content) > LARGEST_BYTES:
        raise PolicyInvalid([f"{path}:1: is larger than {LARGEST_BYTES // 1024} KiB; needed: a file people can read"])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise PolicyInvalid([f"{path}:{line}: a byte isn't UTF-8; save the file as UTF-8"]) from error


@dataclass(slots=True)
class _Reading:
    """One pass over the events of one file."""

    file: str
    lines: dict[Where, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def document(self, events: Iterator[yaml.Event]) -> Plain:
        value: Plain = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._stop(event, "a second document begins; needed: one document per file")
            elif isinstance(event, yaml.NodeEvent):
                self.lines[()] = _line(event)
                value = self.node(event, events, ())
        if documents == 0:
            raise PolicyInvalid([f"{self.file}:1: the file is empty; describe something in it"])
        return value

    def node(self, event: yaml.Event, events: Iterator[yaml.Event], where: Where) -> Plain:
        if len(where) > DEEPEST:
            self._stop(event, f"is nested more than {DEEPEST} deep")
        match event:
            case yaml.MappingStartEvent():
                self._refuse_extras(event, where)
                return self._mapping(events, where)
            case yaml.SequenceStartEvent():
                self._refuse_extras(event, where)
                return self._sequence(events, where)
            case yaml.ScalarEvent():
                self._refuse_extras(event, where)
                return self._plain(event, where) if event.implicit[0] else str(event.value)
            case _:
                anchor = getattr(event, "anchor", "")
                return self._stop(event, f"'*{anchor}' refers to another place; write the value out")

    def _mapping(self, events: Iterator[yaml.Event], where: Where) -> Plain:
        found: dict[str, Plain] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            name = self._key(event, where)
            place = (*where, name)
            if name in found:
                self._add(place, _line(event), f"is given twice, first in line {self.lines[place]}; remove one of them")
                _Reading(self.file).node(next(events), events, place)
                continue
            self.lines[place] = _line(event)
            found[name] = None
            found[name] = self.node(next(events), events, place)
        return found

    def _key(self, event: yaml.Event, where: Where) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            self._stop(event, f"a key of {path_text(where)} is no plain text")
        self._refuse_extras(event, (*where, event.value))
        if event.implicit[0] and event.value == "<<":
            self._stop(event, "merge keys ('<<') aren't read; write the keys out")
        if event.implicit[0] and not isinstance(self._plain(event, (*where, event.value)), str):
            self._add((*where, event.value), _line(event), f"the key {event.value!r} isn't text; put it in quotes")
        return str(event.value)

    def _sequence(self, events: Iterator[yaml.Event], where: Where) -> Plain:
        found: list[Plain] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            place = (*where, len(found))
            self.lines[place] = _line(event)
            found.append(self.node(event, events, place))
        return found

    def _plain(self, event: yaml.ScalarEvent, where: Where) -> Plain:
        try:
            return read_scalar(event.value)
        except Ambiguous as error:
            self._add(where, _line(event), str(error))
            return str(event.value)

    def _refuse_extras(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, where: Where) -> None:
        if event.anchor is not None:
            self._add(where, _line(event), f"has the anchor '&{event.anchor}'; anchors aren't read, write values out")
        if event.tag is not None:
            self._add(where, _line(event), f"has the tag '{event.tag}'; tags aren't read, write the plain value")

    def _add(self, where: Where, line: int, text: str) -> None:
        self.problems.append(Problem(where, f"{path_text(where)} {text}", line))

    def _stop(self, event: yaml.Event, text: str) -> NoReturn:
        raise PolicyInvalid([f"{self.file}:{_line(event)}: {text}"])


def _line(event: yaml.Event) -> int:
    return int(event.start_mark.line) + 1 if event.start_mark else 1
