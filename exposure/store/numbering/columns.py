"""Columns of an index on disk: as narrow as they can be, and what gives them back as they are read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

KINDS: Mapping[str, str] = {
    "source": "i4",
    "target": "i4",
    "low": "u8",
    "high": "u8",
    "tx": "u8",
    "fee": "u1",
    "tx_no": "i4",
    "coin": "i4",
    "address": "i4",
    "amount": "i8",
    "flags": "u1",
    "n": "i4",
}
"""Columns and their types on disk."""

READ_ROWS = 1 << 20
"""Longest slice that is read rather than mapped."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What an index holds. ``stretches``: of rows with one block and time. ``wide``: whether some amount has a high word.

    ``key``: of the hashes of names and of transactions.
    """

    utxo: bool
    rows: int
    stretches: int
    pots: int
    names: int
    coins: int
    txs: int
    assets: tuple[str, ...]
    wide: bool
    key: int


class Columns:
    """Columns that grow. Rows of one block and time are a *stretch*: a row has its number, block and time are kept by it.

    A column of high words is only written from the first one on that is not zero: before it lies a hole.
    """

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self.rows, self.stretches, self.wide = 0, 0, False
        self._folder = folder
        self._names = [name for name in names if name != "high"]
        self._moment: tuple[int, int] | None = None
        self._open = contextlib.ExitStack()
        self._files: dict[str, IO[bytes]] = {}

    def __enter__(self) -> Self:
        for name in (*self._names, "stretch", "blocks", "times"):
            self._files[name] = self._open.enter_context((self._folder / f"{name}.bin").open("wb"))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._open.close()

    def add(self, columns: Mapping[str, NDArray[Any]], block: NDArray[Any], time: NDArray[Any]) -> None:
        """Add rows."""
        if not len(block):
            return
        for name in self._names:
            self._write(name, columns[name].astype(KINDS[name], copy=False))
        if "high" in columns and (self.wide or columns["high"].any()):
            if not self.wide:
                self._files["high"] = self._open.enter_context((self._folder / "high.bin").open("wb"))
                self._files["high"].truncate(8 * self.rows)
                self._files["high"].seek(8 * self.rows)
                self.wide = True
            self._write("high", columns["high"])
        new = np.ones(len(block), np.bool_)
        new[1:] = (block[1:] != block[:-1]) | (time[1:] != time[:-1])
        new[0] = self._moment != (int(block[0]), int(time[0]))
        self._moment = int(block[-1]), int(time[-1])
        self._write("stretch", (self.stretches - 1 + np.cumsum(new)).astype("i4"))
        self._write("blocks", block[new].astype("i8", copy=False))
        self._write("times", time[new].astype("i8", copy=False))
        self.stretches += int(new.sum())
        self.rows += len(block)

    def _write(self, name: str, column: NDArray[Any]) -> None:
        self._files[name].write(np.ascontiguousarray(column).data)


def write_pots(folder: Path, owner: NDArray[np.int32], asset: NDArray[np.int32], names: int) -> None:
    """Write each pot's name and asset, and the pots of each name one after the other."""
    firsts = np.zeros(names + 1, np.int64)
    np.cumsum(np.bincount(owner, minlength=names), out=firsts[1:])
    for name, column in (("owner", owner), ("asset", asset), ("held", np.argsort(owner, kind="stable")), ("firsts", firsts)):
        kind = "i8" if name == "firsts" else "i4"
        (folder / f"{name}.bin").write_bytes(np.ascontiguousarray(column, kind).data)


class Made:
    """A column that is made as it is read: a slice, a place or places of it give values; all of it, as an array, too."""

    def __init__(self, length: int, kind: str, make: Callable[[Any], Any]) -> None:
        self.dtype, self.shape, self.ndim = np.dtype(kind), (length,), 1
        self._make = make

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, some: Any) -> Any:
        return self._make(some)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype)


def as_read(path: Path, column: NDArray[Any]) -> Made:
    """A mapped column of which short slices are read instead: a sweep sees each row once, and mapped pages would pile up."""

    def some(which: Any) -> Any:
        if isinstance(which, slice):
            start, stop, step = which.indices(len(column))
            if step == 1 and 0 < stop - start <= READ_ROWS:
                return np.fromfile(path, column.dtype, stop - start, offset=start * column.itemsize)
        return column[which]

    return Made(len(column), column.dtype.str, some)


def by_stretch(stretch: Made, values: NDArray[np.int64]) -> Made:
    """A column of which only the values by stretch are kept."""
    return Made(len(stretch), "i8", lambda some: values[stretch[some]])


def zeros(length: int) -> Made:
    """A column of high words that are all zero."""
    return Made(length, "u8", lambda some: np.array(np.broadcast_to(np.uint64(0), (length,))[some]))
