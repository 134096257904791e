"""The one place that calls the compiled rules: a rule's run over chunks of a ledger, its seconds, and the state it touches.

Everything else here speaks of chunks and scenarios and knows no kernel's layout. A mode is one entry of `MODES`; what a run
of it needs is made by `begin`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.ledgers import SEEDS, Chunk, Shape
from benchmarks.scenarios import HUB, NONE, SERVICE, UNKNOWN, Moves, Scenario, ledger_moves, moves, opening_moves, reach
from exposure.taint.kernels import haircut, poison, queues, tiho
from exposure.taint.kernels.compiled import kernel
from exposure.taint.kernels.layout import Counted, Found, Groups, Transfers, Whole, width

WANTED = 100
"""One account in so many is a wallet whose inflow is kept."""
ORDERS = ("fifo", "lifo", "tiho")
EMPTY32, EMPTY64, EMPTY8 = np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int8)


class Mode(NamedTuple):
    """A rule by category and hop. ``every``: services, hubs and unknown origins are tracked as seeds are; ``own_tags``: each
    seed, and each account for what it had or spent from nowhere known, is an origin of its own."""

    name: str
    rule: str
    categories: int
    hops: int
    every: bool = False
    own_tags: bool = False


MODES = (
    Mode("haircut 1x1", "haircut", 1, 1),
    Mode("haircut 5x5", "haircut", 5, 5),
    Mode("haircut 5x5, all origins", "haircut", 5, 5, every=True),
    Mode("poison 5x5", "poison", 5, 5),
    Mode("fifo 5x5", "fifo", 5, 5),
    Mode("lifo 5x5", "lifo", 5, 5),
    Mode("fifo, own tags", "fifo", 5, 5, every=True, own_tags=True),
    Mode("lifo, own tags", "lifo", 5, 5, every=True, own_tags=True),
    Mode("tiho 5x5", "tiho", 5, 5),
)
HAIRCUT = MODES[1]


@dataclass(slots=True)
class Run:
    """A rule on its way through a ledger.

    ``translated``: a chunk as this rule's kernel wants it (pure: another thread may do it ahead). ``carry``: carries a
    translated part out. ``carrying``: how many transfers carried something tracked so far, openings aside.
    """

    translated: Callable[[Chunk], Any]
    carry: Callable[[Any], None]
    carrying: Callable[[], int]
    seconds: float = 0.0

    def advance(self, part: Any) -> None:
        """Carry out a translated part and count the seconds."""
        start = time.thread_time()
        self.carry(part)
        self.seconds += time.thread_time() - start


def columns(mode: Mode) -> int:
    """Columns of a row: hops 0..N by group, and what lies beyond."""
    return width(_groups(mode, 0).number, mode.hops)


def begin(mode: Mode, shape: Shape, scenario: Scenario) -> Run:
    """A run over a ledger of some shape: pots hold their openings, and no transfer was carried out yet."""
    run = (_lots_run if mode.rule in ORDERS else _parts_run)(mode, shape, scenario)
    run.carry(_translated(mode, shape, opening_moves(shape, scenario)))
    opened, carrying = run.carrying(), run.carrying
    run.carrying = lambda: carrying() - opened
    return run


def _parts_run(mode: Mode, shape: Shape, scenario: Scenario) -> Run:
    """Haircut and poison."""
    groups = _groups(mode, shape.addresses)
    module: Any = haircut if mode.rule == "haircut" else poison
    state, wide = module.empty(shape.addresses + 1, groups), width(groups.number, groups.hops)
    found = Found(np.zeros((shape.addresses // WANTED + 1, wide + 1)), np.zeros(wide + 1), np.empty((0, 0)), np.empty(0))
    return Run(
        lambda chunk: _translated(mode, shape, moves(chunk, scenario)),
        lambda part: module.advance(state, part, groups, found),
        lambda: int(state.used[2]),
    )


def _lots_run(mode: Mode, shape: Shape, scenario: Scenario) -> Run:
    """Order rules."""
    groups = _groups(mode, shape.addresses)
    state, found = _lots(mode, groups, shape.addresses), _counted(mode, shape, 0)

    def carry(part: Whole) -> None:
        nonlocal state
        state, _ = _carry_lots(mode, state, part, groups, found)

    return Run(lambda chunk: _translated(mode, shape, moves(chunk, scenario)), carry, lambda: int(state.used[2]))


def _translated(mode: Mode, shape: Shape, given: Moves) -> Any:
    """Moves as a kernel wants them."""
    source, origin, keep = (np.empty(len(given.source), np.int32) for _ in range(3))
    table, empty = _group_of_origin(mode), shape.addresses
    _number(table, empty, given.source, given.origin, given.who, source, origin, keep, mode.own_tags)
    keep = EMPTY32 if mode.own_tags else keep
    if mode.rule in ORDERS:
        return Whole(source, given.target, given.amount, origin, EMPTY32, keep, EMPTY8)
    return Transfers(source, given.target, given.amount.astype(np.float64), np.empty(0), origin, EMPTY32, keep, EMPTY8)


def _lots(mode: Mode, groups: Groups, addresses: int) -> Any:
    return tiho.empty(addresses + 1, groups) if mode.rule == "tiho" else queues.empty(addresses + 1, blocks=addresses)


def _carry_lots(mode: Mode, state: Any, part: Whole, groups: Groups, counted: Counted) -> tuple[Any, Counted]:
    if mode.rule == "tiho":
        return tiho.run(state, part, groups, counted, tiho.turns(groups))
    return queues.run(state, part, groups, counted, queues.FIFO if mode.rule == "fifo" else queues.LIFO)


def _counted(mode: Mode, shape: Shape, transfers: int) -> Counted:
    """What order rules keep; with a number of transfers, the lots of each too."""
    wide = width(_groups(mode, shape.addresses).number, mode.hops)
    rows = 0 if mode.own_tags else shape.addresses // WANTED + 1
    kept, fees = np.zeros((rows, wide + 1), np.int64), np.zeros(wide + 1, np.int64)
    if not transfers:
        return Counted(kept, fees, EMPTY64, EMPTY64, EMPTY64)
    return Counted(kept, fees, np.empty(4 * transfers + 2, np.int64), np.zeros(transfers + 1, np.int64), EMPTY64)


def touched(mode: Mode, shape: Shape, ledger: Iterable[Chunk], scenario: Scenario) -> float:
    """Bytes of state that a transfer reads or writes, on average: headers, and rows or lots; a lot that moves counts once.

    Counted from the layout and from a pass that knows how far tracked value reaches, not timed.
    """
    if mode.rule in ORDERS:
        return _lots_touched(mode, shape, ledger, scenario)
    forgets = mode.rule == "haircut"
    reached = reach(shape.addresses, ledger_moves(shape, ledger, scenario), every=mode.every, forgets=forgets)
    groups, pots = _groups(mode, shape.addresses), reached.drawn + reached.received
    if mode.rule == "poison":  # a pot's flags lie in its header
        return float(poison.empty(1, groups).line * pots / reached.transfers)
    row, headers = 8 * haircut.stride(groups), haircut.POT.itemsize * pots
    return float((headers + row * (reached.reads + reached.writes)) / reached.transfers)


def _lots_touched(mode: Mode, shape: Shape, ledger: Iterable[Chunk], scenario: Scenario) -> float:
    moved = lots_moved(mode, shape, ledger, scenario)
    size = tiho.LOT.itemsize if mode.rule == "tiho" else 64 / queues.LOTS
    header = (tiho if mode.rule == "tiho" else queues).POT.itemsize
    return float((size * moved.lots + header * moved.pots) / moved.transfers)


class Moved(NamedTuple):
    """Under an order rule: transfers; lots that were moved out of lists, or into them; pots drawn on and paid."""

    transfers: int
    lots: int
    pots: int


def lots_moved(mode: Mode, shape: Shape, ledger: Iterable[Chunk], scenario: Scenario) -> Moved:
    """How many lots move: counted in a run of its own that keeps the lots of every transfer."""
    groups = _groups(mode, shape.addresses)
    state = _lots(mode, groups, shape.addresses)
    lots = pots = transfers = 0
    for given in ledger_moves(shape, ledger, scenario):
        part, asked = _translated(mode, shape, given), _counted(mode, shape, len(given.source))
        before = int(state.used[2])
        state, asked = _carry_lots(mode, state, part, groups, asked)
        # Of a pot without a list one lot is kept for the balance, and no list is touched.
        lots += int(asked.ends[-1]) - (len(given.source) - (int(state.used[2]) - before))
        pots += int((given.origin == NONE).sum() + (given.target >= 0).sum())
        transfers += int((given.origin != UNKNOWN).sum())
    return Moved(transfers, lots, pots)


@kernel
def _number(
    table: Any, empty: int, given: Any, origins: Any, who: Any, source: Any, origin: Any, keep: Any, own_tags: bool
) -> None:
    """What leaves an origin that is not tracked is drawn on a pot that is always ``empty``."""
    for i in range(given.shape[0]):
        group = NONE if origins[i] == NONE else table[origins[i]]
        if own_tags and group != NONE:
            group = who[i] if origins[i] == UNKNOWN else given[i]
        source[i] = empty if origins[i] != NONE and group == NONE else given[i]
        origin[i] = group
        keep[i] = who[i] // WANTED if who[i] >= 0 and who[i] % WANTED == 0 else NONE


def _groups(mode: Mode, addresses: int) -> Groups:
    """Categories; with every origin, then unknown ones, hubs, services; or as many as there are accounts."""
    if mode.own_tags:
        return Groups(addresses + 1, SEEDS, addresses + 1, mode.hops, np.arange(addresses + 1, dtype=np.int32))
    if mode.every:
        unknown = mode.categories
        return Groups(mode.categories + 3, mode.categories, mode.categories + 2, mode.hops, np.array([unknown], np.int32))
    return Groups(mode.categories, mode.categories, mode.categories, mode.hops, np.array([NONE], np.int32))


def _group_of_origin(mode: Mode) -> NDArray[np.int32]:
    table = np.full(UNKNOWN + 1, NONE, np.int32)
    table[:SEEDS] = np.arange(SEEDS) % mode.categories
    if mode.every:
        table[[UNKNOWN, HUB, SERVICE]] = mode.categories + np.arange(3)
    return table
