"""How kernels lay out a ledger and its state. Origins are *groups*: seeds first, then unresolved, then attributed.

What a pot, coin or transfer carries is a row of columns, hop-major, so that the hop that every transfer adds is one
contiguous move::

    column = hop * groups + group          hop 0..N, and N + 1 for all that lies beyond N hops

Under order rules a lot's *tag* is that same column number.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

BURN, FEE = -1, -2
"""Targets of value that leaves the picture, and of fees."""
NONE = -1
HOP, STILL, OWN = 0, 1, 2
"""How a transfer moves value: a hop; no hop at all; change to an owner of the inputs (what is still at hop 0 goes to hop 1)."""
LEAKS = 1 << 24


class Transfers(NamedTuple):
    """Transfers in canonical order; a pot is one dense id (an address and asset).

    ``target`` is a pot, or `BURN` or `FEE`: also what reaches a seed, boundary or hub is burned, as far as pots go.
    ``amount + rest`` is the amount in base units, exact to 106 bits; 0 moves nothing (failed), nor does a transfer to itself.
    ``origin``: group of what leaves an origin, at hop 1; `NONE` draws on the source's pot; the number of groups plus a group
    is value that lies past the hop limit already. ``theft``: group of the theft seed that relabels the transfer, or `NONE`.
    ``keep``: row of `Found.kept` to add it to, or `NONE`. ``move``: `HOP`, `STILL` or `OWN`. All but source,
    target and amount may be empty: no rest, origins by the pots' roles, no theft, nothing kept, all hops.

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
    ``shortfall``: by pot, or one for all, the group of what it spends beyond its balance; ``minted``: of what comes from
    nowhere where `Transfers.origin` is empty. `NONE` is not tracked.
    """

    number: int
    seeds: int
    unresolved: int
    hops: int
    shortfall: NDArray[np.int32]
    minted: int = NONE


class Found(NamedTuple):
    """What a sweep keeps besides its state: rows of columns and then the total, one row per wanted address; fees; and, where
    asked for (not empty), what each transfer carries and what each pot spent beyond its balance."""

    kept: NDArray[np.float64]
    fees: NDArray[np.float64]
    sent: NDArray[np.float64]
    short: NDArray[np.float64]


class Whole(NamedTuple):
    """As `Transfers`, with amounts as integers of the asset's unit that fit 62 bits, also in sum."""

    source: NDArray[np.int32]
    target: NDArray[np.int32]
    amount: NDArray[np.int64]
    origin: NDArray[np.int32]
    theft: NDArray[np.int32]
    keep: NDArray[np.int32]
    move: NDArray[np.int8]


class Counted(NamedTuple):
    """As `Found`, in integers; ``sent``: lots of every transfer, one behind the other (tag, amount); ``ends``: where each
    transfer's begin, and where the last one's end (empty: not asked for)."""

    kept: NDArray[np.int64]
    fees: NDArray[np.int64]
    sent: NDArray[np.int64]
    ends: NDArray[np.int64]
    short: NDArray[np.int64]


def width(groups: int, hops: int) -> int:
    """Columns of a row."""
    return (hops + 2) * groups


def role_codes(roles: NDArray[Any], pots: int) -> NDArray[np.int32]:
    """What a header holds in place of a row: -1 for an ordinary pot, else ``-2 - (2 * group + ends)``.

    Parameters
    ----------
    roles
        By pot: the group of what leaves it, `NONE` for an ordinary one; with `LEAKS` added where what reaches it does not
        end there: it is no service, but what leaves it is unknown. May be shorter than ``pots``.
    """
    codes = np.full(pots, -1, np.int32)
    is_role = roles >= 0
    leaks = roles >= LEAKS
    codes[: len(roles)] = np.where(is_role, -2 - (2 * np.where(leaks, roles - LEAKS, roles) + ~leaks), -1)
    return codes


def two_parts(amounts: Iterable[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Python integers as sums of two doubles: exact below 2**106."""
    exact = list(amounts)
    high = [float(amount) for amount in exact]
    low = [float(amount - int(top)) for amount, top in zip(exact, high, strict=True)]
    return np.array(high, np.float64), np.array(low, np.float64)
