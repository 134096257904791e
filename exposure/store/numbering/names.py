"""Names with dense numbers: a table that grows while an index is made, and the same one mapped from its files."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from exposure.store.numbering import kernels

SMALLEST = 1 << 12


class Texts(NamedTuple):
    """Bytes of texts one after the other, where each begins (one more than there are), and whether there is one."""

    octets: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    there: NDArray[np.bool_]


def texts(column: pa.Array) -> Texts:
    """An Arrow column of strings as arrays."""
    if len(column) == 0:
        return Texts(np.empty(0, np.uint8), np.zeros(1, np.int64), np.empty(0, np.bool_))
    wide = pa.types.is_large_string(column.type)
    validity, places, octets = column.buffers()
    offsets = np.frombuffer(places, np.int64 if wide else np.int32)[column.offset : column.offset + len(column) + 1]
    whole = np.frombuffer(octets, np.uint8) if octets is not None else np.empty(0, np.uint8)
    there = np.ones(len(column), np.bool_) if validity is None else column.is_valid().to_numpy(zero_copy_only=False)
    return Texts(whole, offsets.astype(np.int64), there)


class Names:
    """A growing table of names. Numbers follow the order of first appearance."""

    def __init__(self) -> None:
        self.key = np.uint64(secrets.randbits(64))
        self.count = 0
        self._slots = np.zeros(SMALLEST, np.uint64)
        self._octets = np.empty(1 << 16, np.uint8)
        self._ends = np.zeros(SMALLEST, np.int64)

    def ends(self, left: Texts, right: Texts, live: NDArray[np.bool_]) -> NDArray[np.int64]:
        """The two numbers of each live row, -1 where there is no text; rows with twice the same text stop being live."""
        rows = len(live)
        self._room(2 * rows, int(left.offsets[-1] - left.offsets[0] + right.offsets[-1] - right.offsets[0]))
        found = np.full((rows, 2), -1, np.int64)
        self.count = kernels.number_ends(self._table(), self.count, left, right, live, self.key, found)
        return found

    def write(self, folder: Path) -> None:
        """Write the table into a folder: ``names``, ``ends``, ``slots``."""
        used = int(self._ends[self.count])
        for name, array in (
            ("names", self._octets[:used]),
            ("ends", self._ends[: self.count + 1]),
            ("slots", self._slots),
        ):
            with (folder / f"{name}.bin").open("wb") as file:
                file.write(np.ascontiguousarray(array).data)

    def _table(self) -> tuple[Any, Any, Any]:
        return self._slots, self._octets, self._ends

    def _room(self, names: int, octets: int) -> None:
        """Have room for some more names. Arrays grow in place where the system can."""
        if self.count + names + 2 > len(self._ends):
            self._ends.resize(2 * (self.count + names) + 2, refcheck=False)
        used = int(self._ends[self.count])
        if used + octets > len(self._octets):
            self._octets.resize((used + octets) * 3 // 2, refcheck=False)
        if self.count + names > kernels.FULL * len(self._slots):
            size = len(self._slots)
            while self.count + names > kernels.FULL * size:
                size *= 2
            self._slots = np.zeros(size, np.uint64)
            kernels.fill(self._table(), self.count, self.key)


class Pots:
    """A growing table of (name, asset), numbered by first appearance."""

    def __init__(self) -> None:
        self.count = 0
        self._further = 0
        self._first = np.empty(0, np.int32)
        self._owner = np.empty(0, np.int32)
        self._asset = np.empty(0, np.int32)
        self._slots = np.zeros(SMALLEST, np.int32)

    @property
    def owner(self) -> NDArray[np.int32]:
        """The name's number of each pot."""
        return self._owner[: self.count]

    @property
    def asset(self) -> NDArray[np.int32]:
        """The asset's number of each pot."""
        return self._asset[: self.count]

    def number(self, found: NDArray[np.int64], names: int, asset: NDArray[np.int64], live: NDArray[np.bool_]) -> None:
        """Turn the names of rows, ``found``, into pots. ``names``: how many names there are by now."""
        rows = 2 * len(live)
        if names > len(self._first):
            old = len(self._first)
            self._first.resize(2 * names, refcheck=False)
            self._first[old:] = -1
        if self.count + rows > len(self._owner):
            self._owner.resize(2 * (self.count + rows), refcheck=False)
            self._asset.resize(2 * (self.count + rows), refcheck=False)
        if self._further + rows > kernels.FULL * len(self._slots):
            size = len(self._slots)
            while self._further + rows > kernels.FULL * size:
                size *= 2
            self._slots = np.zeros(size, np.int32)
            kernels.fill_pots(self._table(), self.count)
        self.count, self._further = kernels.number_pots(self._table(), self.count, self._further, asset, live, found)

    def _table(self) -> tuple[Any, Any, Any, Any]:
        return self._first, self._owner, self._asset, self._slots
