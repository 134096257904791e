"""From cells to stored values, a column at a time: amounts, addresses, times, places, hashes. Exact or refused.

Each function takes one column as it stands in the file (text, or the type a Parquet file gives it) and a `Sieve` that
collects the rows which cannot be read. What comes back has the length of the chunk, null in refused rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exposure.errors import InputError
from exposure.model import addresses
from exposure.model.addresses.bulk import canonical_many
from exposure.model.assets import Chain
from exposure.model.ledger import LAST_INDEX
from exposure.model.schemas import AMOUNT_DIGITS
from exposure.sources.bulk.batches import Findings, Reject
from exposure.sources.bulk.exact import base_units, looks_like_a_float
from exposure.sources.bulk.times import LATEST, unix_seconds
from exposure.text import shown

Bools = np.ndarray[tuple[int], np.dtype[np.bool_]]
DECIMAL = pa.decimal128(AMOUNT_DIGITS, 0)
_TICKS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_DAY = 86_400
_ABOVE = 10**18


class Sieve:
    """The rows of one chunk that are still good. A refused row is reported once, with the first reason.

    ``file`` is None where the rows of a chunk come from several files; then a column ``file_name`` says which.
    ``cells`` are the columns that a report shows; all, if not given.
    """

    def __init__(
        self, chunk: pa.Table, table: str, file: str | None, findings: Findings, cells: Sequence[str] | None = None
    ) -> None:
        self.chunk, self.table, self.file, self.findings = chunk, table, file, findings
        self.cells = [name for name in chunk.column_names if name not in ("line", "file_name")] if cells is None else cells
        self.good: Bools = np.ones(chunk.num_rows, dtype=bool)
        self._reasons: dict[int, str] = {}

    def refuse(self, bad: Bools, reason: str | Callable[[int], str]) -> None:
        """Refuse the rows where ``bad``; the reason may depend on the row's place in the chunk."""
        for row in np.flatnonzero(bad & self.good):
            self._reasons[int(row)] = reason if isinstance(reason, str) else reason(int(row))
        self.good &= ~bad

    def sift(self, table: pa.Table) -> pa.Table:
        """Report the refused rows in their order, and return the good rows of a table that is parallel to the chunk."""
        for row in sorted(self._reasons):
            cells = (_plain(self.chunk.column(name)[row]) for name in self.cells)
            text = ",".join("" if cell is None else shown(cell, 80) for cell in cells)
            line = self.chunk.column("line")[row].as_py()
            file = self.file if self.file is not None else self.chunk.column("file_name")[row].as_py()
            self.findings.reject(Reject(self.table, file, line, self._reasons[row], text[:500]))
        self._reasons.clear()
        return table if self.good.all() else table.filter(pa.array(self.good))


def _plain(cell: pa.Scalar) -> object:
    try:
        return cell.as_py()
    except (OverflowError, ValueError):  # a time that Python has no date for
        return getattr(cell, "value", "")


def as_text(column: pa.ChunkedArray | pa.Array, *, hexbytes: bool = False) -> pa.Array:
    """A column as trimmed text; bytes as hex digits behind 0x; an empty cell is null."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):  # an empty chunked array stays chunked
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type) or pa.types.is_fixed_size_binary(array.type):
        return pa.array([None if cell is None else "0x" + cell.hex() for cell in array.to_pylist()], pa.string())
    if not pa.types.is_string(array.type):
        array = array.cast(pa.string())
    text = pc.ascii_trim_whitespace(array)
    if hexbytes:
        text = pc.replace_substring_regex(text, r"^(\\\\x|\\x|0[xX])", "0x")
        bare = pc.match_substring_regex(text, "^[0-9a-fA-F]+$")
        text = pc.if_else(bare, pc.binary_join_element_wise("0x", text, ""), text)
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def truth(array: pa.Array) -> Bools:
    """A boolean Arrow array as numpy, null as false."""
    return np.asarray(pc.fill_null(array, False).to_numpy(zero_copy_only=False), dtype=bool)


def missing(array: pa.Array) -> Bools:
    """Where an array is null."""
    return np.asarray(array.is_null().to_numpy(zero_copy_only=False), dtype=bool)


def _per_distinct(
    text: pa.Array, read: Callable[[str], object], kind: pa.DataType
) -> tuple[pa.Array, pa.Array, list[str | None]]:
    """Read each distinct text once: (values by row, codes by row, reason by code). A ValueError or InputError is a reason."""
    coded = pc.dictionary_encode(text)
    values: list[object] = []
    reasons: list[str | None] = []
    for distinct in coded.dictionary.to_pylist():
        try:
            values.append(read(distinct))
            reasons.append(None)
        except (ValueError, InputError) as error:
            values.append(None)
            reasons.append(str(error))
    return pa.array(values, kind).take(coded.indices), coded.indices, reasons


def read_each(sieve: Sieve, text: pa.Array, name: str, read: Callable[[str], object], kind: pa.DataType) -> pa.Array:
    """Read each distinct text once; a ValueError or InputError of ``read`` refuses the rows that have it."""
    values, codes, reasons = _per_distinct(text, read, kind)
    if any(reasons):
        wrong = pa.array([reason is not None for reason in reasons], pa.bool_())
        sieve.refuse(truth(wrong.take(codes)), lambda row: f"{name}: {reasons[codes[row].as_py()]}")
    return values


def required(sieve: Sieve, array: pa.Array, name: str) -> pa.Array:
    """Refuse the rows that have no value."""
    sieve.refuse(missing(array), f"{name} is empty")
    return array


def amounts(sieve: Sieve, column: pa.ChunkedArray, name: str, decimals: int) -> tuple[pa.Array, Bools]:
    """Amounts in base units as decimal128(38, 0), and where digits may have been lost before they came here.

    Text and integers are exact. A column of doubles is taken as the shortest decimal of each and flagged throughout.
    """
    kind = column.type
    floats = pa.types.is_floating(kind)
    if pa.types.is_integer(kind) and decimals == 0:
        array = column.combine_chunks()
        array = pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array
        sieve.refuse(truth(pc.less(array, 0)), f"{name} is negative")
        return array.cast(DECIMAL) if not pa.types.is_uint64(kind) else array.cast(pa.decimal128(38, 0)), np.zeros(
            len(array), bool
        )
    if floats:
        array = pa.array([None if cell is None else repr(cell) for cell in column.to_pylist()], pa.string())
        return read_each(sieve, array, name, lambda t: _decimal(base_units(t, decimals, of_double=True)), DECIMAL), ~missing(
            array
        )
    text = as_text(column)
    plain = truth(pc.match_substring_regex(text, "^[0-9]{1,38}$")) if decimals == 0 else np.zeros(len(text), bool)
    if plain.all():
        return text.cast(DECIMAL), np.zeros(len(text), bool)
    mask = pa.array(plain)
    direct = pc.if_else(mask, text, pa.scalar(None, pa.string())).cast(DECIMAL)
    rest = pc.if_else(mask, pa.scalar(None, pa.string()), text)
    slow = read_each(sieve, rest, name, lambda t: _decimal(base_units(t, decimals)), DECIMAL)
    printed = truth(pc.match_substring_regex(rest, r"[eE]|\d[\d.]{15}"))
    flagged = np.zeros(len(text), bool)
    for row in np.flatnonzero(printed & sieve.good):
        flagged[row] = looks_like_a_float(rest[int(row)].as_py())
    return pc.coalesce(direct, slow), flagged


def _decimal(number: int) -> Decimal:
    return Decimal(number)


_HASH64 = re.compile(r"(?:0[xX])?([0-9a-fA-F]{64})")
_HEX = re.compile(r"(?:0[xX])?[0-9a-fA-F]+")
_PRINTABLE = re.compile(r"[!-~]{1,128}")


def hashes(sieve: Sieve, text: pa.Array, name: str, chain: Chain) -> pa.Array:
    """Transaction hashes as the chain prints them. Identifiers of other forms are kept, hex digits in lower case."""
    prefix = "0x" if chain.family == "evm" else ""
    simple = f"^{prefix}[0-9a-f]{{64}}$"
    if truth(pc.match_substring_regex(text, simple)).all():
        return text

    def read(cell: str) -> str:
        found = _HASH64.fullmatch(cell)
        if found:
            return prefix + found[1].lower()
        if not _PRINTABLE.fullmatch(cell):
            raise ValueError(f"{shown(cell, 40)} is no transaction hash")
        return cell.lower() if _HEX.fullmatch(cell) else cell

    return read_each(sieve, text, name, read, pa.string())


def address_column(sieve: Sieve, text: pa.Array, name: str, chain: Chain) -> pa.Array:
    """Canonical addresses of a chain, checksums tested where they carry one; null stays null."""
    if chain.family == "evm" and truth(pc.fill_null(pc.match_substring_regex(text, "^0x[0-9a-f]{40}$"), True)).all():
        return text
    # Whatever is surely right is told at once for all; the others are looked at one by one, for their reasons.
    distinct = [cell for cell in pc.unique(text).to_pylist() if cell is not None]
    sure = {
        cell: canonical
        for cell, canonical in zip(distinct, canonical_many(distinct), strict=True)
        if canonical is not None and canonical.startswith(_STARTS.get(chain.name, _STARTS[chain.family]))
    }
    return read_each(
        sieve, text, name, lambda cell: sure.get(cell) or canonical_address(cell, chain.name, chain.family), pa.string()
    )


_STARTS = {"evm": ("0x",), "tron": ("T",), "bitcoin": ("1", "3", "bc1"), "bitcoin-testnet": (), "bitcoin-regtest": ()}
"""How the canonical addresses of a chain, or of a family, begin."""


@lru_cache(maxsize=1 << 18)
def canonical_address(cell: str, chain: str, family: str) -> str:
    """Canonical form of one address that must belong to a chain.

    Raises
    ------
    InputError
        If it is no address, or one of another chain.
    """
    read = addresses.parse(cell, suggest=False)
    if read.family != family:
        raise InputError(f"{shown(cell, 80)} is an address of another family ({read.family}) than {chain}")
    network = addresses.network_of(read.canonical) if family == "bitcoin" else None
    wanted = {"bitcoin": ("mainnet",), "bitcoin-testnet": ("testnet",), "bitcoin-regtest": ("testnet", "regtest")}.get(chain)
    if network is not None and wanted is not None and network not in wanted:
        raise InputError(f"{shown(cell, 80)} is an address of Bitcoin's {network}, not of {chain}")
    return read.canonical


def _within(column: pa.ChunkedArray | pa.Array, most: int) -> bool:
    """Whether all integers of a column that are there lie between 0 and ``most``."""
    ends = pc.min_max(column)
    least, largest = ends["min"].as_py(), ends["max"].as_py()
    return least is None or (least >= 0 and largest <= most)


def _whole(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array


def integers(sieve: Sieve, column: pa.ChunkedArray | pa.Array, name: str, most: int = LAST_INDEX) -> pa.Array:
    """Whole numbers from 0 to ``most`` as int64."""
    if pa.types.is_integer(column.type) and _within(column, min(most, _ABOVE)):
        return _whole(column).cast(pa.int64())
    text = as_text(column)
    if pa.types.is_floating(column.type):  # pandas turns a column of integers with a gap into doubles
        text = pc.replace_substring_regex(text, r"\.0*$", "")
    good = truth(pc.match_substring_regex(text, "^[0-9]{1,18}$"))
    empty = missing(text)
    sieve.refuse(~good & ~empty, lambda row: f"{name}: {shown(text[row].as_py(), 40)} is no whole number of at most 18 digits")
    numbers = pc.if_else(pa.array(good), text, pa.scalar(None, pa.string())).cast(pa.int64())
    above = truth(pc.greater(numbers, most))
    sieve.refuse(above, f"{name} is above {most}")
    return pc.if_else(pa.array(above), pa.scalar(None, pa.int64()), numbers)


def times(sieve: Sieve, column: pa.ChunkedArray, name: str, form: str = "") -> pa.Array:
    """Unix seconds, UTC, as int64. ``form`` as in ``--map``; empty recognises unix seconds and ISO 8601."""
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        array = column.combine_chunks()
        array = pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array
        # Compared as the numbers that they are: converting a time far out into another unit overflows.
        ticks = array.cast(pa.int32()).cast(pa.int64()) if pa.types.is_date32(array.type) else array.cast(pa.int64())
        per_second = _TICKS.get(getattr(array.type, "unit", "ms"), 1)
        limit = LATEST // _DAY if pa.types.is_date32(array.type) else LATEST * per_second
        outside = pc.or_(pc.less(ticks, 0), pc.greater_equal(ticks, limit))
        sieve.refuse(truth(outside), f"{name} lies outside of 1970 to 2100")
        ticks = pc.if_else(outside, pa.scalar(None, pa.int64()), ticks)
        return pc.multiply(ticks, _DAY) if pa.types.is_date32(array.type) else pc.divide(ticks, per_second)
    if form in ("", "unix") and pa.types.is_integer(column.type) and _within(column, LATEST - 1):
        return _whole(column).cast(pa.int64())
    text = as_text(column)
    if form in ("", "unix") and truth(pc.match_substring_regex(text, "^[0-9]{1,10}$")).all():
        return text.cast(pa.int64())
    return read_each(sieve, text, name, lambda cell: unix_seconds(cell, form), pa.int64())
