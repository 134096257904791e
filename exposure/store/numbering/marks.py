"""Digests of the beginnings of an index: whether two indexes, of two versions of a store, begin with the same rows.

Digests are chained, and one is kept for every `MARK` rows and names, so that asking for the digest of any beginning reads no
more than the last stretch of it. Transaction hashes are left out: they have a key of their own in each index.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

MARK = 1 << 20
SIZE = 16
"""Bytes of a digest."""


def marks(columns: Mapping[str, Any], rows: int) -> bytes:
    """The digests after every `MARK` rows, one behind the other."""
    made, state = [], b""
    for start in range(0, rows - MARK + 1, MARK):
        state = _link(state, _rows(columns, start, start + MARK))
        made.append(state)
    return b"".join(made)


def name_marks(octets: NDArray[np.uint8], ends: NDArray[np.int64]) -> bytes:
    """The same of the names."""
    made, state = [], b""
    for start in range(0, len(ends) - 1 - MARK + 1, MARK):
        state = _link(state, _names(octets, ends, start, start + MARK))
        made.append(state)
    return b"".join(made)


def row_digest(marked: bytes, columns: Mapping[str, Any], rows: int) -> bytes:
    """The digest of the first ``rows`` rows."""
    start = rows // MARK * MARK
    return _link(_mark(marked, rows), _rows(columns, start, rows))


def name_digest(marked: bytes, octets: NDArray[np.uint8], ends: NDArray[np.int64], names: int) -> bytes:
    """The digest of the first ``names`` names."""
    start = names // MARK * MARK
    return _link(_mark(marked, names), _names(octets, ends, start, names))


def pot_digest(owner: NDArray[np.int32], asset: NDArray[np.int32], assets: Sequence[str], pots: int) -> bytes:
    """The digest of the names and assets of the first ``pots`` pots. Cost: 8 bytes a pot."""
    numbers, first, rank = np.unique(asset[:pots], return_index=True, return_inverse=True)
    turn = np.argsort(np.argsort(first))  # an asset's number changes as others come in; its place by first use does not
    known = [assets[number] for number in numbers[np.argsort(first)].tolist()]
    return _link(b"", [np.ascontiguousarray(owner[:pots]).data, turn[rank].astype("i4").data, repr(known).encode()])


def _mark(marked: bytes, count: int) -> bytes:
    last = count // MARK
    return marked[SIZE * (last - 1) : SIZE * last] if last else b""


def _link(state: bytes, parts: Sequence[Any]) -> bytes:
    made = hashlib.blake2b(state, digest_size=SIZE)
    for part in parts:
        made.update(part)
    return made.digest()


def _rows(columns: Mapping[str, Any], start: int, stop: int) -> list[Any]:
    parts: list[Any] = []
    for name in sorted(columns.keys() - {"tx"}):
        values = np.ascontiguousarray(columns[name][start:stop])
        if name != "high" or values.any():  # an index without high words has no such column
            parts += [name.encode(), values.data]
    return parts


def _names(octets: NDArray[np.uint8], ends: NDArray[np.int64], start: int, stop: int) -> list[Any]:
    lengths = np.diff(ends[start : stop + 1]).astype("i4")
    return [lengths.data, np.ascontiguousarray(octets[ends[start] : ends[stop]]).data]
