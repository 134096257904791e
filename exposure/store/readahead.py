"""Reading ahead of a search that jumps from pot to pot: the disk is told of a whole hop's places at once.

A mapped page that is not in memory is otherwise waited for, one after the other, at some 0.2 ms each even on a fast disk, which
could have brought twenty at a time. Where everything is in memory nothing is asked for: a few places tell.
"""

from __future__ import annotations

import os
import resource
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAMPLE = 16
"""Places that tell whether the others are in memory; a hop of fewer is not worth asking for."""
MOST = 1 << 18
"""Bytes of one place that are asked for: before those a search has often found its end."""
GAP = 1 << 14
"""Bytes between two places that are read along with them: one request is cheaper than two."""


def expect(ends: NDArray[Any], firsts: NDArray[np.int64], pots: NDArray[np.int32], tops: NDArray[np.int32]) -> None:
    """Say that the runs of some pots will soon be read, from a place in each backwards. No effect on any figure.

    Parameters
    ----------
    ends, firsts
        See `exposure.store.ends.Ends`; where they are no mapped files nothing is done.
    pots, tops
        Which pots, and the last place of each that is wanted.
    """
    if len(pots) < SAMPLE or not isinstance(ends, np.memmap) or not hasattr(os, "posix_fadvise"):
        return
    some = slice(None, None, len(pots) // SAMPLE)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_majflt
    (ends["after"][firsts[pots[some]] + tops[some]] != 0).any()
    if 4 * (resource.getrusage(resource.RUSAGE_SELF).ru_majflt - before) < SAMPLE:
        return
    wide = pots.astype(np.int64)
    _announce(firsts, wide, wide + 1)
    begin = firsts[wide]
    _announce(ends, begin, begin + tops + 1)


def _announce(array: Any, starts: NDArray[np.int64], stops: NDArray[np.int64]) -> None:
    handle = os.open(array.filename, os.O_RDONLY)
    try:
        for first, last in zip(*_joined(starts * array.itemsize, stops * array.itemsize), strict=True):
            os.posix_fadvise(handle, first, last - first, os.POSIX_FADV_WILLNEED)
    finally:
        os.close(handle)


def _joined(first: NDArray[np.int64], last: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """Stretches of bytes in order, those close to each other as one."""
    order = np.argsort(last)
    first, last = np.maximum(first, last - MOST)[order], last[order]
    new = np.ones(len(first), np.bool_)
    new[1:] = first[1:] > last[:-1] + GAP
    begin = np.minimum.reduceat(first, np.flatnonzero(new))
    end = last[np.append(np.flatnonzero(new)[1:], len(first)) - 1]
    return begin.tolist(), end.tolist()


__all__ = ["expect"]
