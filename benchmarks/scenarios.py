"""Who stops value in the three scenarios, and a ledger as moves under one of them.

A move is what a rule sees of a transfer: whether it leaves an origin or draws on a pot, and whether it reaches a pot. The
tainted share is counted here, by a pass over moves that knows no rule's kernel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.ledgers import FIRST_ACCOUNT, FIRST_HUB, FIRST_SERVICE, SEEDS, Chunk, Shape, openings
from exposure.taint.kernels.compiled import kernel

CATEGORIES = ("sanctioned", "mixer", "ransomware", "scam", "stolen_funds")
NONE = -1
BURN = -1
SERVICE, HUB, UNKNOWN = SEEDS, SEEDS + 1, SEEDS + 2
"""Origins besides seeds (which are their own ids): any service, any hub, and value that was there at the beginning."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """``stops``: ids from here to the first account's, and all seeds, are origins and ends of value; others are pots."""

    name: str
    says: str
    services_stop: bool
    hubs_stop: bool


SCENARIOS = (
    Scenario("L", "services and hubs stop", services_stop=True, hubs_stop=True),
    Scenario("M", "only services stop", services_stop=True, hubs_stop=False),
    Scenario("H", "nothing stops", services_stop=False, hubs_stop=False),
)


class Moves(NamedTuple):
    """``origin``: the origin that a move leaves (see `SERVICE`; a seed's id), or `NONE`: it draws on its source's pot.

    ``target``: a pot, `BURN` (an end of value) or `ledgers.FEE`. ``who``: who receives, whether or not it is a pot.
    """

    source: NDArray[np.int32]
    target: NDArray[np.int32]
    amount: NDArray[np.int64]
    origin: NDArray[np.int32]
    who: NDArray[np.int32]


def origins(scenario: Scenario) -> NDArray[np.int32]:
    """By id up to the first account's, the origin it is, or `NONE`. Whoever is an origin also ends what reaches it."""
    table = np.full(FIRST_ACCOUNT + 1, NONE, np.int32)
    table[:SEEDS] = np.arange(SEEDS)
    if scenario.services_stop:
        table[FIRST_SERVICE:FIRST_HUB] = SERVICE
    if scenario.hubs_stop:
        table[FIRST_HUB:FIRST_ACCOUNT] = HUB
    return table


def moves(chunk: Chunk, scenario: Scenario) -> Moves:
    """A chunk under a scenario."""
    origin, target = np.empty_like(chunk.source), np.empty_like(chunk.target)
    _roles(origins(scenario), chunk.source, chunk.target, origin, target)
    return Moves(chunk.source, target, chunk.amount, origin, chunk.target)


@kernel
def _roles(table: Any, source: Any, target: Any, origin: Any, reached: Any) -> None:
    last = table.shape[0] - 1
    for i in range(source.shape[0]):
        origin[i] = table[min(source[i], last)]
        ends = target[i] >= 0 and table[min(target[i], last)] != NONE
        reached[i] = BURN if ends else target[i]


def opening_moves(shape: Shape, scenario: Scenario) -> Moves:
    """What lies in pots before the first transfer: moves from an unknown origin."""
    who, held = openings(shape)
    pots = origins(scenario)[np.minimum(who, FIRST_ACCOUNT)] == NONE
    who, held = who[pots], held[pots]
    return Moves(np.zeros_like(who), who, held, np.full(len(who), UNKNOWN, np.int32), who)


def ledger_moves(shape: Shape, ledger: Iterable[Chunk], scenario: Scenario) -> Iterator[Moves]:
    """Openings, then the ledger, chunk by chunk."""
    yield opening_moves(shape, scenario)
    for chunk in ledger:
        yield moves(chunk, scenario)


class Reach(NamedTuple):
    """Counted over a ledger's moves. ``transfers``; ``carrying``: those whose payer is a seed or holds tracked value;
    ``drawn``, ``received``: pots drawn on, pots paid; ``reads``, ``writes``: those among them that held, or got, tracked
    value; ``short``: draws beyond the balance; ``holding``: pots that hold tracked value at the end."""

    transfers: int
    carrying: int
    drawn: int
    received: int
    reads: int
    writes: int
    short: int
    holding: int


def reach(addresses: int, ledger: Iterable[Moves], *, every: bool = False, forgets: bool = True) -> Reach:
    """How far tracked value reaches: exact for haircut, which leaves taint in a pot until that is empty.

    ``every``: all origins are tracked, not seeds alone. ``forgets``: an emptied pot holds nothing tracked (False: poison).
    """
    held, marked = np.zeros(addresses, np.int64), np.zeros(addresses, np.bool_)
    counts = np.zeros(8, np.int64)
    for part in ledger:
        _spread(held, marked, counts, part.source, part.target, part.amount, part.origin, every, forgets)
    counts[7] = marked.sum()
    return Reach(*counts.tolist())


@kernel
def _spread(
    held: Any, marked: Any, counts: Any, source: Any, target: Any, amount: Any, origin: Any, every: bool, forgets: bool
) -> None:
    for i in range(source.shape[0]):
        s, d, value = source[i], target[i], amount[i]
        counts[0] += origin[i] != UNKNOWN
        if origin[i] != NONE:
            tracked = every or origin[i] < SEEDS
        else:
            counts[2] += 1
            tracked = marked[s]
            counts[4] += tracked
            left = held[s] - value
            if left < 0:
                counts[6] += 1
                tracked |= every
                left = 0
            if left == 0 and forgets:
                marked[s] = False
            held[s] = left
        counts[1] += tracked
        if d >= 0:
            counts[3] += 1
            counts[5] += tracked
            held[d] += value
            marked[d] |= tracked
