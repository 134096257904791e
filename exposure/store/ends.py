"""Every transfer of a numbered account ledger at both of its ends, sorted by pot: what a trace on a large store reads.

One folder for each version and chain, beside the numbered index and made from it the first time a trace asks. It appears
whole or not at all; one of another index is made anew.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exposure.errors import StoreError
from exposure.store.index_places import beside
from exposure.store.numbered import Numbered, alone, array_file, settle, stamps
from exposure.store.parts import disk_errors, sync_folder
from exposure.taint.kernels import ends as kernels

FORM = 1
"""Goes up whenever the files change their meaning: older ones are made anew."""
CHUNK = 1 << 20
"""Transfers read at a time."""
BUCKET = 1 << 25
"""Ends that are sorted at a time: 1 GB."""

Advance = Callable[[int, int], None]


class UnindexedError(StoreError):
    """A ledger that a trace index cannot hold."""


@dataclass(frozen=True, slots=True)
class Ends:
    """``ends``: see `exposure.taint.kernels.ends.END`; pot p's run is ``ends[firsts[p]:firsts[p + 1]]``. ``short``: by pot, the
    first payment of its run for which it had not enough, or -1. All are mapped, not loaded."""

    ends: NDArray[Any]
    firsts: NDArray[np.int64]
    short: NDArray[np.int32]


def ends_of(index: Numbered, advance: Advance = lambda done, total: None) -> Ends:
    """The ends of an index, in a folder beside it; made there if there are none yet.

    Cost: the index is counted once, then read once for every `BUCKET` ends; 64 bytes a transfer and 12 a pot on disk.
    Memory: one bucket (more, where one pot has more ends) and 16 bytes a pot.

    Raises
    ------
    UnindexedError
        If an amount, or the number of transfers, is past what the format holds.
    StoreError
        If the disk is full.
    """
    place = beside(index.place)
    found = _opened(index, place)
    if found is None:
        with alone(place.parent, place.parent):
            found = _opened(index, place)
            if found is None:
                _make(index, place, advance)
                found = _opened(index, place)
    assert found is not None
    return found


def _said(index: Numbered) -> dict[str, Any]:
    return {"form": FORM, "index": index.facts.key, "rows": index.rows, "pots": index.pots, "byteorder": sys.byteorder}


def _opened(index: Numbered, place: Path) -> Ends | None:
    """Ends that are there, of this very index, with files as they were made; else None."""
    try:
        if json.loads((place / "manifest.json").read_text()) != _said(index) | {"files": stamps(place)}:
            return None
        firsts = array_file(place, "firsts", "i8", index.pots + 1)
        short = array_file(place, "short", "i4", index.pots)
        return Ends(array_file(place, "ends", kernels.END, int(firsts[-1])), firsts, short)
    except (OSError, ValueError):
        return None


def _make(index: Numbered, place: Path, advance: Advance) -> None:
    if index.rows >= kernels.MOST:
        raise UnindexedError(f"{index.rows:,} transfers are more than a trace index holds ({kernels.MOST:,})")
    with disk_errors(place.parent):
        for left in place.parent.glob(f"{place.name}.*.part"):  # by makers that were killed: nobody else makes one now
            shutil.rmtree(left, ignore_errors=True)
        part = place.with_name(f"{place.name}.{secrets.token_hex(4)}.part")
        part.mkdir(mode=0o700)
        try:
            _fill(index, part, advance)
            for file in part.iterdir():
                settle(file)
            (part / "manifest.json").write_text(json.dumps(_said(index) | {"files": stamps(part)}))
            settle(part / "manifest.json")
            sync_folder(part)
            shutil.rmtree(place, ignore_errors=True)
            part.replace(place)
            sync_folder(place.parent)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise


def _fill(index: Numbered, part: Path, advance: Advance) -> None:
    counts = np.zeros(max(index.pots, 1), np.int32)
    for columns, start in _chunks(index):
        kernels.count(columns[0], columns[1], counts)
        if columns[3].size and int(columns[3].max()) >= 1 << 32:
            raise UnindexedError("an amount of 2^96 base units or more is past what a trace index holds")
        advance(start, 2 * index.rows)
    firsts = np.zeros(index.pots + 1, np.int64)
    np.cumsum(counts[: index.pots], out=firsts[1:])
    (part / "firsts.bin").write_bytes(firsts.data)
    short = np.empty(index.pots, np.int32)
    buckets = list(_buckets(firsts))
    passes = 1 + len(buckets)  # each reads the whole index
    with (part / "ends.bin").open("wb") as file:
        for number, (first, last) in enumerate(buckets, 1):
            ends = np.zeros(int(firsts[last] - firsts[first]), kernels.END)
            counts[:] = 0
            for columns, start in _chunks(index):
                kernels.fill(columns, start, first, last, firsts, counts, ends)
                advance(number * index.rows + start, passes * index.rows)
            kernels.balance(firsts, first, last, ends, short)
            file.write(ends.data)
            advance((number + 1) * index.rows, passes * index.rows)
    (part / "short.bin").write_bytes(short.data)
    if (short >= 0).any():
        ends = np.memmap(part / "ends.bin", kernels.END, "r+")
        kernels.tell(firsts, short, ends)
        ends.flush()


def _buckets(firsts: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Stretches of pots that have at most `BUCKET` ends together, or are one pot."""
    first, pots = 0, len(firsts) - 1
    while first < pots:
        last = int(np.searchsorted(firsts, firsts[first] + BUCKET, side="right")) - 1
        last = min(max(last, first + 1), pots)
        yield first, last
        first = last


def _chunks(index: Numbered) -> Iterator[tuple[tuple[Any, ...], int]]:
    none = np.empty(0, np.uint64)
    for start in range(0, index.rows, CHUNK):
        some = slice(start, min(start + CHUNK, index.rows))
        source, target, low, fee = (np.asarray(index.columns[name][some]) for name in ("source", "target", "low", "fee"))
        yield (source, target, low, np.asarray(index.columns["high"][some]) if index.facts.wide else none, fee), start
