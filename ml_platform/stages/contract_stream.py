"""Contract stream: a file of any length against a contract, batch by batch, with the verdicts of `check_rows`.

A CSV file's cells are text here, so that each is judged by itself; in memory a column of them that looks like numbers
throughout is already numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid
from ml_platform.policy.coercions import TextToNumber
from ml_platform.policy.row_rules import RowRule, columns_of
from ml_platform.policy.spec import Csv, Role
from ml_platform.sources.stream import Stream, open_stream
from ml_platform.stages.assemble import SEPARATOR
from ml_platform.stages.batch_column import BatchColumn, Found
from ml_platform.stages.break_rules import rows_that_break
from ml_platform.stages.cells import Cells
from ml_platform.stages.coerce import FLAWS
from ml_platform.stages.repeats import MOST_KEYS, Repeats
from ml_platform.stages.rule_checks import IN_ORDER, MISSING, NOT_UNIQUE
from ml_platform.stages.text_keys import text_keys

if TYPE_CHECKING:
    import pyarrow as pa

    from ml_platform.policy.spec import Column

Rows = NDArray[np.bool_]
RowNumbers = NDArray[np.int64]
_AS_STATED = Csv()
_NO_RULES: Mapping[str, RowRule] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamChecked:
    """The verdict on a file. `refused` are the numbers of the rows that break a rule, ascending, from 0.

    `reasons[reason_of[i]]` is all that the row `refused[i]` breaks; `broken`, `undeclared` and `coerced` are as in
    `Checked`. `missing` counts the accepted rows without a value, by column, where there are any; when no row is
    accepted, those of the rows that lack only their outcome.
    """

    rows: int
    refused: RowNumbers
    reason_of: NDArray[np.int32]
    reasons: tuple[str, ...]
    broken: Mapping[str, int]
    undeclared: tuple[str, ...]
    coerced: Mapping[str, int]
    missing: Mapping[str, int]


def check_contract_streaming(
    where: str,
    contract: Mapping[str, Column],
    path: Path,
    *,
    rules: Mapping[str, RowRule] = _NO_RULES,
    most_keys: int = MOST_KEYS,
    form: Csv = _AS_STATED,
) -> StreamChecked:
    """Check a CSV or Parquet file row by row, holding a batch of its rows at a time; `where` names it in messages.

    `form` states how a CSV file is written; its encoding and delimiter are detected where it doesn't.
    Memory grows only with the refused rows (12 bytes each). The values of a unique column are kept in a temporary
    file, at most `most_keys` of them in memory. Raises DataInvalid when a declared column isn't there and when the file
    can't be read, Unavailable when it can't be reached.
    """
    stream = open_stream(where, path, form)
    absent = [name for name in contract if name not in stream.names]
    if absent:
        message = (
            f"{where}: the file has no column {', '.join(absent)}; the contract needs it; correct the file or the "
            "contract"
        )
        raise DataInvalid(message)
    if stream.written is not None and form.decimal == ",":
        contract = {name: _with_comma(column) for name, column in contract.items()}
    order = [*(f"{name}: {rule}" for name, column in contract.items() for rule in _rules_of(column)), *rules]
    outcomes = frozenset(f"{name}: {MISSING}" for name, column in contract.items() if Role.TARGET in column.roles)
    tally = _Tally({rule: place for place, rule in enumerate(order)}, outcomes=outcomes)
    with ExitStack() as stack:
        repeats = {name: stack.enter_context(Repeats(most_keys)) for name, one in contract.items() if one.unique}
        used = {name for rule in rules.values() for name in columns_of(rule)}
        columns = [BatchColumn(name, column, name in used) for name, column in contract.items()]
        for batch in stream.batches(list(contract)):
            _check_batch(batch, columns, rules, repeats, tally)
        late = np.empty(0, dtype=np.int64)
        for name, found in repeats.items():
            repeated = _repeated(stream, contract[name], name, found)
            late = np.union1d(late, tally.add_late(f"{name}: {NOT_UNIQUE}", repeated))
        without = _missing_in(stream, [one for one in columns if one.name in tally.missing], late)
    return StreamChecked(
        rows=tally.rows,
        **tally.verdict(),
        undeclared=tuple(name for name in stream.names if name not in contract),
        coerced=tally.coerced,
        missing=tally.missing_after(without),
    )


def _missing_in(stream: Stream, columns: Sequence[BatchColumn], rows: RowNumbers) -> dict[str, int]:
    """Return how many of these rows have no value, by column; the file is read again only when there are any rows."""
    import pyarrow as pa

    missing: dict[str, int] = {}
    start = 0
    for batch in stream.batches([one.name for one in columns]) if rows.size and columns else ():
        wanted = pa.array(rows[slice(*np.searchsorted(rows, [start, start + batch.num_rows]))] - start)
        for column, array in zip(columns, batch.columns, strict=True):
            gaps = column.check(array.take(wanted)).missing
            missing[column.name] = missing.get(column.name, 0) + (0 if gaps is None else int(gaps.sum()))
        start += batch.num_rows
    return missing


def _with_comma(column: Column) -> Column:
    """Return a column of numbers as the file's stated decimal comma reads it; what the column states itself stays."""
    if column.coerce is not None or column.type not in {"integer", "number"}:
        return column
    return column.model_copy(update={"coerce": (TextToNumber(kind="text_to_number", decimal=","),)})


def _rules_of(column: Column) -> Iterator[str]:
    """Return the rules of a column in the order in which a row's reasons name them."""
    yield FLAWS[column.type]
    yield from IN_ORDER


def _check_batch(
    batch: pa.RecordBatch,
    columns: Iterable[BatchColumn],
    rules: Mapping[str, RowRule],
    repeats: Mapping[str, Repeats],
    tally: _Tally,
) -> None:
    broken: dict[str, Rows] = {}
    cells: dict[str, Cells] = {}
    missing: dict[str, Rows] = {}
    for column, array in zip(columns, batch.columns, strict=True):
        found = column.check(array)
        broken |= {f"{column.name}: {rule}": rows for rule, rows in found.broken.items()}
        for how, count in found.coerced.items():
            tally.coerced[f"{column.name}: {how}"] = tally.coerced.get(f"{column.name}: {how}", 0) + count
        if found.missing is not None:
            missing[column.name] = found.missing
        if found.cells is not None:
            cells[column.name] = found.cells
        if column.name in repeats:
            keys, rows = _keys(found)
            repeats[column.name].add(keys, rows + tally.rows)
    broken |= {name: rows_that_break(rule, cells) for name, rule in rules.items()}
    tally.add(batch.num_rows, broken, missing)


def _keys(found: Found) -> tuple[NDArray[np.uint64], RowNumbers]:
    """Return a key for each present cell and its row in the batch; only texts may share a key and differ."""
    import pyarrow as pa

    if found.texts is not None:
        present = found.texts.is_valid().to_numpy(zero_copy_only=False)
        return text_keys(found.texts.drop_null()), np.flatnonzero(present)
    cells = found.cells
    assert cells is not None  # noqa: S101 - a unique column gives one or the other
    rows = np.flatnonzero(cells.present)
    values = cells.values[rows]
    if cells.levels is not None:
        return text_keys(pa.array(cells.levels, pa.large_string()))[values], rows
    if values.dtype == np.bool_:
        return values.astype(np.uint64), rows
    return (values.astype(np.float64) + 0.0).view(np.uint64), rows


def _repeated(stream: Stream, column: Column, name: str, repeats: Repeats) -> RowNumbers:
    """Return the rows that repeat an earlier row's value; texts that share a key are read again and compared."""
    if column.type != "category":
        return repeats.repeated()
    found = [_repeated_texts(stream, BatchColumn(name, column, True), rows) for _, rows in repeats.shared()]  # noqa: FBT003
    return np.sort(np.concatenate([np.empty(0, dtype=np.int64), *found]))


def _repeated_texts(stream: Stream, column: BatchColumn, rows: RowNumbers) -> RowNumbers:
    import pyarrow as pa

    seen: set[str] = set()
    repeated: list[int] = []
    start = 0
    for batch in stream.batches([column.name]):
        low, high = np.searchsorted(rows, [start, start + batch.num_rows])
        wanted = rows[low:high]
        if wanted.size:
            cells = column.check(batch.column(0).take(pa.array(wanted - start))).cells
            texts = [cells.levels[code] for code in cells.values] if cells and cells.levels else []
            for row, text in zip(wanted.tolist(), texts, strict=True):
                if text in seen:
                    repeated.append(row)
                seen.add(text)
        start += batch.num_rows
    return np.array(repeated, dtype=np.int64)


@dataclass(slots=True)
class _Tally:
    """Which rows break which rules, in the order of the file."""

    order: Mapping[str, int]
    rows: int = 0
    coerced: dict[str, int] = field(default_factory=dict)
    outcomes: frozenset[str] = frozenset()
    missing: dict[str, int] = field(default_factory=dict)
    _missing_beside_outcome: dict[str, int] = field(default_factory=dict)
    _combinations: dict[bytes, int] = field(default_factory=dict)
    _found: list[tuple[RowNumbers, NDArray[np.int32]]] = field(default_factory=list)

    def add(self, count: int, broken: Mapping[str, Rows], missing: Mapping[str, Rows]) -> None:
        """Add a batch of rows with the masks of the rules they break, and of what is missing in them."""
        hit = {rule: rows for rule, rows in broken.items() if rows.any()}
        refused = np.logical_or.reduce(list(hit.values())) if hit else np.zeros(count, dtype=np.bool_)
        others = [rows for rule, rows in hit.items() if rule not in self.outcomes]
        lacking = refused & ~np.logical_or.reduce(others) if others else refused
        for name, rows in missing.items():
            self.missing[name] = self.missing.get(name, 0) + int((rows & ~refused).sum())
            before = self._missing_beside_outcome.get(name, 0)
            self._missing_beside_outcome[name] = before + int((rows & lacking).sum())
        if hit:
            places = np.flatnonzero(refused)
            bits = np.zeros((places.size, len(self.order)), dtype=np.bool_)
            for rule, rows in hit.items():
                bits[:, self.order[rule]] = rows[places]
            self._found.append((places + self.rows, self._codes(bits)))
        self.rows += count

    def add_late(self, rule: str, rows: RowNumbers) -> RowNumbers:
        """Add a rule that was found broken only when all rows had been read; returns the rows that broke no other."""
        if not rows.size:
            return rows
        known, codes = self._all()
        every = np.union1d(known, rows)
        before = np.full(every.size, -1, dtype=np.int32)
        before[np.searchsorted(every, known)] = codes
        of_code = np.vstack([self._bits(), np.zeros(len(self.order), dtype=np.bool_)])
        late = np.zeros(every.size, dtype=np.bool_)
        late[np.searchsorted(every, rows)] = True
        after = before.copy()
        for code in np.unique(before[late]).tolist():
            bits = of_code[code].copy()
            bits[self.order[rule]] = True
            after[late & (before == code)] = self._codes(bits[None, :])[0]
        self._found = [(every, after)]
        return np.setdiff1d(rows, known)

    def missing_after(self, late: Mapping[str, int]) -> dict[str, int]:
        """Return what is missing in accepted rows, less in those refused late; or in rows that lack an outcome only."""
        if self._all()[0].size == self.rows:
            return dict(self._missing_beside_outcome)
        return {name: count - late.get(name, 0) for name, count in self.missing.items()}

    def verdict(self) -> dict[str, Any]:
        """Return what is said of the rows, by the names of `StreamChecked`."""
        refused, codes = self._all()
        bits = self._bits()
        counts = np.bincount(codes, minlength=len(bits))
        by_rule = counts @ bits
        texts = [SEPARATOR.join(rule for rule, one in zip(self.order, row, strict=True) if one) for row in bits]
        return {
            "refused": refused,
            "reason_of": codes,
            "reasons": tuple(texts),
            "broken": {rule: int(count) for rule, count in zip(self.order, by_rule, strict=True) if count},
        }

    def _all(self) -> tuple[RowNumbers, NDArray[np.int32]]:
        rows = np.concatenate([np.empty(0, dtype=np.int64), *(rows for rows, _ in self._found)])
        codes = np.concatenate([np.empty(0, dtype=np.int32), *(codes for _, codes in self._found)])
        return rows, codes

    def _codes(self, bits: Rows) -> NDArray[np.int32]:
        """Return the number of each row's combination of broken rules."""
        packed = np.packbits(bits, axis=1)
        different, place = np.unique(packed, axis=0, return_inverse=True)
        numbers = [self._combinations.setdefault(row.tobytes(), len(self._combinations)) for row in different]
        return np.array(numbers, dtype=np.int32)[place.ravel()]

    def _bits(self) -> Rows:
        packed = np.frombuffer(b"".join(self._combinations), dtype=np.uint8).reshape(-1, -(-len(self.order) // 8))
        return np.unpackbits(packed, axis=1, count=len(self.order)).astype(np.bool_)
