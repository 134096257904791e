"""How kernels lay out a ledger and its state. Origins are *groups*: seeds first, then unresolved, then attributed.

What a pot, coin or transfer carries is a row of columns, hop-major, so that the hop that every transfer adds is one
contiguous move::

    column = hop * groups + group          hop 0..N
    column = (N + 1) * groups              seeds beyond N hops
    column = (N + 1) * groups + 1          everything else beyond N hops

Under order rules a lot's *tag* is that same column number.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BURN, FEE = -1, -2
"""Targets of value that leaves the picture, and of fees."""
NONE = -1
HOP, STILL, OWN, CLEAR = 0, 1, 2, 4
"""How a transfer moves value: a hop; no hop at all; change to an owner of the inputs (what is still at hop 0 goes to hop 1).
`CLEAR` is added where the source must be forgotten afterwards (flags too)."""


class Transfers(NamedTuple):
    """Transfers in canonical order; a pot is one dense id (an address and asset).

    ``target`` is a pot, or `BURN` or `FEE`: also what reaches a seed, boundary or hub is burned, as far as pots go.
    ``amount + rest`` is the amount in base units, exact to 106 bits; 0 moves nothing (failed, self-transfer).
    ``origin``: group of what leaves an origin, at hop 1; `NONE` draws on the source's pot; the number of groups itself is
    value past the hop limit. ``theft``: group of the theft seed that relabels the transfer, or `NONE`. ``keep``: row of
    `Found.kept` to add it to, or `NONE`. ``move``: `HOP`, `STILL` or `OWN`, and `CLEAR`. ``theft``, ``keep`` and ``move``
    may be empty: none, all hops.

    A transaction of a UTXO chain is written as transfers too: each input a `STILL` from its coin into one pot, each output
    from there into a coin, and the fee. So one kernel serves both kinds of ledger.
    """

    source: NDArray[np.int32]
    target: NDArray[np.int32]
    amount: NDArray[np.float64]
    rest: NDArray[np.float64]
    origin: NDArray[np.int32]
    theft: NDArray[np.int32]
    keep: NDArray[np.int32]
    move: NDArray[np.int8]


class Groups(NamedTuple):
    """How many groups there are, and the hop limit.

    Groups ``0..seeds-1`` are seeds', ``seeds..unresolved-1`` of unknown origin, the others attributed.
    ``shortfall``: by pot, or one for all, the group of what it spends beyond its balance; `NONE` is not tracked.
    """

    number: int
    seeds: int
    unresolved: int
    hops: int
    shortfall: NDArray[np.int32]


class Found(NamedTuple):
    """What a sweep keeps besides its state: rows of columns and then the total, one row per wanted address; fees; and, where
    asked for (not empty), what each transfer carries and what each pot spent beyond its balance."""

    kept: NDArray[np.float64]
    fees: NDArray[np.float64]
    sent: NDArray[np.float64]
    short: NDArray[np.float64]


def width(groups: int, hops: int) -> int:
    """Columns of a row."""
    return (hops + 1) * groups + 2


def two_parts(amounts: Iterable[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Python integers as sums of two doubles: exact below 2**106."""
    exact = list(amounts)
    high = [float(amount) for amount in exact]
    low = [float(amount - int(top)) for amount, top in zip(exact, high, strict=True)]
    return np.array(high, np.float64), np.array(low, np.float64)
