"""Moves of a chunk of a numbered ledger, as arrays, before they are put into the order in which kernels carry them out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exposure.engines.local.roles import NEVER, Roles, Theft
from exposure.taint.kernels.layout import HOP, NONE

Ints = NDArray[Any]
LIMB = np.uint64(0xFFFF_FFFF)
SHIFT = np.uint64(32)


class Moves(NamedTuple):
    """Moves in order. ``low`` and ``high``: the amount's words. The others as in `exposure.taint.kernels.layout.Transfers`."""

    source: Ints
    target: Ints
    low: NDArray[np.uint64]
    high: NDArray[np.uint64]
    origin: Ints
    theft: Ints
    keep: Ints
    move: Ints
    time: Ints
    asset: Ints


class Later(NamedTuple):
    """Pots whose balance is known from a block on: the pot that takes their place, the block and that balance."""

    pot: int
    instead: int
    block: int
    balance: int


@dataclass(slots=True)
class Sight:
    """How moves are to be read: for the figure, or (``gap`` given) for the stricter run behind the interval.

    ``pot_roles``: by pot what leaves it, and whether what reaches it ends there (`layout.role_codes`), where that says all:
    transfers are then carried out as they stand. ``gap``: by pot, the block from which all that leaves it is unresolved.
    ``instead`` and ``known_from``: by pot, the one that takes its place from a block on. ``poison`` and ``tiho``: the rule is
    that one. ``flagged``: pots that hold the flag of what is missing already.
    ``joint``: numbers and names of transactions that a list calls joint.
    """

    roles: Roles
    wanted: NDArray[np.int32]
    thefts: dict[int, Theft] = field(default_factory=dict)
    coin_thefts: dict[tuple[int, int], Theft] = field(default_factory=dict)
    pot_roles: NDArray[Any] | None = None
    gap: NDArray[np.int64] | None = None
    instead: NDArray[np.int32] | None = None
    known_from: NDArray[np.int64] | None = None
    flagged: NDArray[np.bool_] | None = None
    joint: dict[int, str] = field(default_factory=dict)
    spare: int = 0
    poison: bool = False
    tiho: bool = False

    def now(self, pots: Ints, blocks: Ints) -> Ints:
        """The pots that stand for owners' pots at some blocks."""
        if self.instead is None or self.known_from is None:
            return pots
        place = np.maximum(pots, 0)
        return np.where((pots >= 0) & (blocks >= self.known_from[place]), self.instead[place], pots)

    def is_open(self, pots: Ints, blocks: Ints) -> NDArray[np.bool_]:
        """Whether what leaves pots at some blocks is unresolved."""
        if self.gap is None:
            return np.zeros(len(pots), np.bool_)
        place = np.maximum(pots, 0)
        return np.asarray((pots >= 0) & (self.gap[place] != NEVER) & (blocks >= self.gap[place]), np.bool_)


def words(amounts: Any) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Low and high words of amounts that fit 63 bits."""
    low = np.asarray(amounts, np.int64).astype(np.uint64)
    return low, np.zeros(len(low), np.uint64)


def doubles(low: NDArray[np.uint64], high: NDArray[np.uint64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Amounts as sums of two doubles, exact below 2**106."""
    top = high.astype(np.float64) * 2.0**64
    middle = (low >> SHIFT).astype(np.float64) * 2.0**32
    whole = top + middle
    rest = (middle - (whole - top)) + (low & LIMB).astype(np.float64)
    total = whole + rest
    return total, rest - (total - whole)


def in_units(low: NDArray[np.uint64], high: NDArray[np.uint64], unit: int) -> NDArray[np.int64]:
    """Amounts divided by a power of ten, cut: long division by 32-bit limbs, exact. The results must fit 62 bits."""
    limbs = [high >> SHIFT, high & LIMB, low >> SHIFT, low & LIMB]
    while unit > 1:
        step = np.uint64(min(unit, 10**9))
        unit //= int(step)
        rest = np.zeros(len(low), np.uint64)
        for place, limb in enumerate(limbs):
            whole = (rest << SHIFT) | limb
            limbs[place], rest = whole // step, whole % step
    return ((limbs[2] << SHIFT) | limbs[3]).astype(np.int64)


def blank(count: int, **columns: Any) -> Moves:
    """Moves with the usual values where none are given: no origin, no theft, not kept, a hop."""
    usual = {
        "source": NONE,
        "target": NONE,
        "low": 0,
        "high": 0,
        "origin": NONE,
        "theft": NONE,
        "keep": NONE,
        "move": HOP,
        "time": 0,
        "asset": 0,
    }
    types = {"low": np.uint64, "high": np.uint64, "move": np.int8, "time": np.int64}
    return Moves(
        **{
            name: np.ascontiguousarray(np.broadcast_to(columns.get(name, value), (count,)), types.get(name, np.int32))
            for name, value in usual.items()
        }
    )


def in_order(parts: list[tuple[Moves, tuple[Ints, ...]]]) -> Moves:
    """Moves of several kinds as one sequence, by their keys (most significant first)."""
    if len(parts) == 1:
        return parts[0][0]
    joined = Moves(*(np.concatenate([part[n] for part, _ in parts]) for n in range(len(Moves._fields))))
    keys = [np.concatenate([key[n] for _, key in parts]) for n in range(len(parts[0][1]))]
    order = np.lexsort(keys[::-1])
    return Moves(*(column[order] for column in joined))


def stolen(found: Ints, hashes: dict[int, Theft], times: Ints) -> Ints:
    """Group of the theft of each transaction, by its number in the index; `NONE` where there is none."""
    groups = np.full(len(found), NONE, np.int32)
    for number, theft in hashes.items():
        groups[(found == np.uint64(number)) & (times >= theft.since)] = theft.group
    return groups
