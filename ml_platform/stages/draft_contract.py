"""Draft contract: a table's inferred contract as YAML to be edited, with what was seen and what is guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ml_platform.policy.coercions import TextToBoolean, TextToDatetime
from ml_platform.policy.spec import Column, PersonalData, Role
from ml_platform.policy.yaml_text import yaml_line
from ml_platform.stages.coerce import ColumnType
from ml_platform.stages.guess_coercion import Guess, Guessed, guess_coercion
from ml_platform.stages.guess_entity import guess_entity
from ml_platform.stages.guess_split import each_row_its_own, guess_split
from ml_platform.stages.infer_contract import infer_contract
from ml_platform.stages.read_column import read_column

if TYPE_CHECKING:
    import pandas as pd

LONGEST_LINE = 120
_NO_DOUBTS: Mapping[str, str] = MappingProxyType({})
_STATED: Mapping[str, Mapping[str, Any]] = {
    "text read as number": {"kind": "text_to_number"},
    "text read as integer": {"kind": "text_to_number"},
    "text read as datetime": {"kind": "text_to_datetime"},
    "time without a zone read as datetime": {"kind": "local_to_datetime", "zone": "UTC"},
    "number read as category": {"kind": "number_to_category"},
    "boolean read as category": {"kind": "boolean_to_category"},
    "text read as boolean": {"kind": "text_to_boolean"},
}


def draft_contract(
    frame: pd.DataFrame, *, source: str, target: str | None = None, doubts: Mapping[str, str] = _NO_DOUBTS
) -> str:
    """Return the lines `contract: ...` for a model file, with comments; raises DataInvalid as `infer_contract` does.

    `doubts` says of columns by name what was unclear when they were read. No value of a column that looks personal is
    shown.
    """
    contract = infer_contract(frame, target=target)
    frame = frame.set_axis([str(name) for name in frame.columns], axis="columns")
    guesses = _guesses(frame, contract)
    contract = {
        name: _as_guessed(name, frame[name], column, guesses[name].coercion) if name in guesses else column
        for name, column in contract.items()
    }
    time = next((name for name, column in contract.items() if _may_be_time(column)), None)
    lines = [
        f"# Drafted from {_shown(source)}: {len(frame):,} rows, {len(frame.columns):,} columns. Read every line,",
        "# correct it and say what the column is (description), then put it into the model file. A range is what was",
        "# seen, stretched as far as the column's own tail suggests. What is marked as a guess needs your word.",
        "contract:",
    ]
    for name, column in contract.items():
        said, notes = _said(frame[name], column, is_time=name == time)
        notes += [guesses[name].note] if name in guesses else []
        notes += [doubts[name]] if name in doubts else []
        lines += _placed(f"{yaml_line(name)}: {yaml_line(said)}", notes)
    lines += [
        f"  # {_shown(name)} is left out: it holds text longer than a contract does (256 characters)."
        for name in frame.columns
        if name not in contract
    ]
    if target is None:
        lines.append(
            "  # No target was named: give the outcome `role: target` (type boolean, or integer with range [0, 1])."
        )
    entity = guess_entity(frame, contract)
    lines += entity
    if time is not None:
        lines += guess_split(read_column(frame[time], contract[time]).values)
    elif not entity:
        lines += each_row_its_own()
    return "\n".join(lines) + "\n"


def _guesses(frame: pd.DataFrame, contract: Mapping[str, Column]) -> dict[str, Guessed]:
    """Guess how columns of text are read that no format explains and that don't name or describe a person."""
    private = {PersonalData.DIRECT, PersonalData.SENSITIVE}
    found = {
        name: guess_coercion(frame[name])
        for name, column in contract.items()
        if column.type == "category"
        and column.role is not Role.TARGET
        and column.format is None
        and column.personal_data not in private
    }
    return {name: guess for name, guess in found.items() if guess is not None}


def _as_guessed(name: str, values: pd.Series, column: Column, coercion: Guess | None) -> Column:
    """Return a column as it is inferred from what its texts mean; cells that don't read so are for the quarantine."""
    if coercion is None:
        return column
    read = read_column(values, Column(type=_type_made(coercion), coerce=(coercion,), missing=1.0))
    inferred = infer_contract(read.values[~read.bad].to_frame(name))[name]
    personal = {} if column.personal_data is PersonalData.NONE else {"personal_data": column.personal_data}
    return inferred.model_copy(update={"coerce": (coercion,), **personal})


def _type_made(coercion: Guess) -> ColumnType:
    match coercion:
        case TextToBoolean():
            return "boolean"
        case TextToDatetime():
            return "datetime"
        case _:
            return "number"


def _may_be_time(column: Column) -> bool:
    """Say whether a column may be the time of the rows; a date that looks like a person's, as of birth, is not."""
    return column.type == "datetime" and not column.missing and column.personal_data is PersonalData.NONE


def _of_target(column: Column) -> list[str]:
    """Say what is guessed of the target, or that none of its kind can be learned yet."""
    if column.role is not Role.TARGET:
        return []
    if column.type == "boolean":
        return ["guess: which words are true"] if column.coerce else []
    if (column.type, column.range) == ("integer", (0, 1)):
        return []
    return ["a binary target is needed: type boolean with `coerce`, or integer with range [0, 1]"]


def _said(values: pd.Series, column: Column, *, is_time: bool) -> tuple[dict[str, Any], list[str]]:
    """Return what the column's line says, and the notes on it."""
    said = column.model_dump(mode="json", exclude_defaults=True)
    notes = _facts(values, column)
    if column.range is not None:
        said["range"] = [int(bound) if bound.is_integer() and abs(bound) < 1e15 else bound for bound in column.range]
    if is_time:
        said["role"] = Role.TIME.value
        notes.append("guess: the role, as the first time column without a gap")
    if column.personal_data is not PersonalData.NONE:
        notes.append(f"guess: {column.personal_data.value} personal data")
        for hidden in ("range", "levels"):
            said.pop(hidden, None)
    if column.format is not None:
        notes.append("guess: the format")
    notes += _of_target(column)
    stated, how = ([], []) if column.coerce is not None else _coercions(values, column)
    if stated:
        said["coerce"] = stated
    return {"type": said.pop("type"), **said}, [*notes, *how]


def _coercions(values: pd.Series, column: Column) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the conversions that the rows seen need, to be stated, and the notes on them."""
    stated, notes = [], []
    for how in read_column(values, column).coerced:
        coercion = dict(_STATED.get(how, {}))
        if not coercion:
            return [], [
                f"{how}: no statement allows it; it is made, and counted, as long as the column has no `coerce`"
            ]
        if coercion["kind"] == "text_to_boolean":
            words = sorted({str(value) for value in values.dropna()})
            coercion["true_words"] = [word for word in words if word.lower() == "true"]
            coercion["false_words"] = [word for word in words if word.lower() == "false"]
        if "zone" in coercion:
            notes.append("guess: the zone")
        stated.append(coercion)
    return stated, notes


def _facts(values: pd.Series, column: Column) -> list[str]:
    """Say what was seen, of columns that aren't personal."""
    notes = []
    if column.missing and len(values):
        notes.append(f"{values.isna().mean():.2%} missing")
    if column.personal_data is not PersonalData.NONE or not values.notna().any():
        return notes
    read = read_column(values, column).values
    match column.type:
        case "integer" | "number":
            return [f"seen {read.min():.6g} to {read.max():.6g}", *notes]
        case "datetime":
            return [f"seen {read.min():%Y-%m-%d} to {read.max():%Y-%m-%d}", *notes]
        case "category" if column.levels is None:
            return [f"{read.nunique():,} different texts seen", *notes]
        case _:
            return notes


def _placed(entry: str, notes: Sequence[str]) -> list[str]:
    """Put the notes behind the line, or above it where the line is long."""
    note = f"# {'; '.join(notes)}" if notes else ""
    line = f"  {entry}  {note}".rstrip()
    return [line] if len(line) <= LONGEST_LINE or not note else [f"  {note}", f"  {entry}"]


def _shown(name: str) -> str:
    return name[:60] if name.isprintable() else ascii(name)[:60]
