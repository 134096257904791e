"""How far value can come or go in time: who can still reach some pots, and whom value that left them can have reached."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from exposure.taint.kernels.compiled import kernel, prefetch
from exposure.taint.kernels.haircut import AHEAD

IDLE, DRAWS, FEEDS = 0, 1, 2
"""What a transfer has to do with pots that are asked about: nothing; it draws on a pot that feeds them later; it feeds one."""


@kernel
def feeding(
    source: NDArray[np.int32],
    target: NDArray[np.int32],
    low: NDArray[np.uint64],
    high: NDArray[np.uint64],
    asked: NDArray[np.bool_],
    is_origin: NDArray[np.bool_],
    feeds: NDArray[np.bool_],
    found: NDArray[Any],
) -> None:
    """Go through a chunk of transfers backwards; which of them bear on what the pots ``asked`` send.

    ``low``, ``high``: words of the amounts; high ones may be empty. ``is_origin``: pots whose contents nothing goes into
    or is taken from. ``feeds``: pots that feed the asked ones later on, kept from chunk to chunk. ``found``: by transfer,
    `DRAWS` or `FEEDS`.
    """
    for i in range(source.shape[0] - 1, -1, -1):
        if i - AHEAD >= 0:
            prefetch(feeds, max(source[i - AHEAD], 0))
            prefetch(feeds, max(target[i - AHEAD], 0))
        s, d = source[i], target[i]
        found[i] = IDLE
        if s == d or (low[i] == 0 and (high.shape[0] == 0 or high[i] == 0)):
            continue
        into = d >= 0 and not is_origin[d] and feeds[d]
        draws = s >= 0 and not is_origin[s] and (feeds[s] or asked[s])
        if into:
            found[i] = FEEDS
        elif draws:
            found[i] = DRAWS
        if (into or draws) and s >= 0 and not is_origin[s]:
            feeds[s] = True


@kernel
def reached(
    source: NDArray[np.int32],
    target: NDArray[np.int32],
    low: NDArray[np.uint64],
    high: NDArray[np.uint64],
    asked: NDArray[np.bool_],
    is_origin: NDArray[np.bool_],
    reached: NDArray[np.bool_],
) -> None:
    """Go through a chunk of transfers; pots that value from the pots ``asked`` can have come to, through no origin's pot."""
    for i in range(source.shape[0]):
        if i + AHEAD < source.shape[0]:
            prefetch(reached, max(source[i + AHEAD], 0))
            prefetch(reached, max(target[i + AHEAD], 0))
        s, d = source[i], target[i]
        if s >= 0 and d >= 0 and s != d and (asked[s] or reached[s]) and not is_origin[d]:
            reached[d] |= low[i] != 0 or (high.shape[0] > 0 and high[i] != 0)


@kernel
def near(source: NDArray[np.int32], target: NDArray[np.int32], touched: NDArray[np.bool_], found: NDArray[np.bool_]) -> None:
    """Which transfers of a chunk draw on, or reach, a pot that is touched."""
    for i in range(source.shape[0]):
        if i + AHEAD < source.shape[0]:
            prefetch(touched, max(source[i + AHEAD], 0))
            prefetch(touched, max(target[i + AHEAD], 0))
        s, d = source[i], target[i]
        found[i] = (s >= 0 and touched[s]) or (d >= 0 and touched[d])
