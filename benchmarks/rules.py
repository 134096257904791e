"""The one place that calls the compiled rules: a mode, its state, and what it cost.

Everything else here speaks of moves (`scenarios.Moves`) and knows no kernel's layout. A mode is one entry of `MODES`; what
a run of it needs is made by `begin`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.ledgers import SEEDS
from benchmarks.scenarios import HUB, NONE, SERVICE, UNKNOWN, Moves, reach
from exposure.taint.kernels import haircut, poison, queues, tiho
from exposure.taint.kernels.compiled import kernel
from exposure.taint.kernels.layout import Counted, Found, Groups, Transfers, Whole, width

WANTED = 100
"""One account in so many is a wallet whose inflow is kept."""
ORDERS = {"fifo": queues.FIFO, "lifo": queues.LIFO}
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

    ``translated``: moves as this rule's kernel wants them (pure: another thread may do it ahead). ``carry``: carries a
    translated part out. ``carrying``: how many moves carried something tracked so far.
    """

    translated: Callable[[Moves], Any]
    carry: Callable[[Any], None]
    carrying: Callable[[], int]
    seconds: float = 0.0

    def advance(self, part: Any) -> None:
        """Carry out a translated part and count the seconds."""
        start = time.perf_counter()
        self.carry(part)
        self.seconds += time.perf_counter() - start


def columns(mode: Mode) -> int:
    """Columns of a row: hops 0..N by group, and what lies beyond."""
    return width(_groups(mode, 0).number, mode.hops)


def begin(mode: Mode, addresses: int) -> Run:
    """A run over pots that are all empty; ``addresses`` is the number of pots."""
    groups = _groups(mode, addresses)
    wide, rows = width(groups.number, mode.hops), 0 if mode.own_tags else addresses // WANTED + 1
    table = _group_of_origin(mode)
    state: Any

    def arrays(moves: Moves) -> tuple[Any, Any, Any]:
        source, origin, keep = (np.empty(len(moves.source), np.int32) for _ in range(3))
        _numbered(table, addresses, moves.source, moves.origin, moves.who, source, origin, keep, mode.own_tags)
        return source, origin, EMPTY32 if mode.own_tags else keep

    if mode.rule in ("fifo", "lifo", "tiho"):
        state = _lots(mode, addresses)
        counted = Counted(np.zeros((rows, wide + 1), np.int64), np.zeros(wide + 1, np.int64), EMPTY64, EMPTY64, EMPTY64)

        def whole(moves: Moves) -> Whole:
            source, origin, keep = arrays(moves)
            return Whole(source, moves.target, moves.amount, origin, EMPTY32, keep, EMPTY8)

        def carry_lots(part: Whole) -> None:
            nonlocal state
            state, _ = _carry_lots(mode, state, part, groups, counted)

        return Run(whole, carry_lots, lambda: int(state.used[2]))
    module: Any = haircut if mode.rule == "haircut" else poison
    state = module.empty(addresses + 1, groups)
    found = Found(np.zeros((rows, wide + 1)), np.zeros(wide + 1), np.empty((0, 0)), np.empty(0))

    def parts(moves: Moves) -> Transfers:
        source, origin, keep = arrays(moves)
        return Transfers(source, moves.target, moves.amount.astype(np.float64), np.empty(0), origin, EMPTY32, keep, EMPTY8)

    def carry_parts(part: Transfers) -> None:
        module.advance(state, part, groups, found)

    return Run(parts, carry_parts, lambda: int(state.used[2]))


def _lots(mode: Mode, addresses: int) -> Any:
    return tiho.empty(addresses + 1) if mode.rule == "tiho" else queues.empty(addresses + 1, blocks=addresses)


def _carry_lots(mode: Mode, state: Any, part: Whole, groups: Groups, counted: Counted) -> tuple[Any, Counted]:
    if mode.rule == "tiho":
        return tiho.run(state, part, groups, counted, tiho.turns(groups))
    return queues.run(state, part, groups, counted, ORDERS[mode.rule])


def touched(mode: Mode, ledger: Iterable[Moves], addresses: int) -> float:
    """Bytes of state that a transfer reads or writes, on average: headers, and rows or lots; a lot that moves counts once.

    Counted from the layout and from a pass that knows how far tracked value reaches, not timed.
    """
    groups = _groups(mode, addresses)
    parts = list(ledger)
    if mode.rule in ("fifo", "lifo", "tiho"):
        return _lots_touched(mode, parts, addresses)
    reached = reach(addresses, parts, every=mode.every, forgets=mode.rule == "haircut")
    pots = reached.drawn + reached.received
    if mode.rule == "poison":  # a pot's flags lie in its header
        return float(poison.empty(1, groups).line * pots / reached.transfers)
    row, headers = 8 * haircut.stride(groups), haircut.POT.itemsize * pots
    return float((headers + row * (reached.reads + reached.writes)) / reached.transfers)


@kernel
def _numbered(
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


def _lots_touched(mode: Mode, parts: list[Moves], addresses: int) -> float:
    groups = _groups(mode, addresses)
    wide = width(groups.number, mode.hops)
    state = _lots(mode, addresses)
    run, lots, headers, transfers = begin(mode, addresses), 0, 0, 0
    rows = 0 if mode.own_tags else addresses // WANTED + 1
    for moves in parts:
        part = run.translated(moves)
        n = len(part.source)
        asked = Counted(
            np.zeros((rows, wide + 1), np.int64),
            np.zeros(wide + 1, np.int64),
            np.empty(4 * n + 2, np.int64),
            np.zeros(n + 1, np.int64),
            EMPTY64,
        )
        state, asked = _carry_lots(mode, state, part, groups, asked)
        ends = asked.ends
        # Where nothing tracked moves, a single lot of what is not tracked stands for the balance: that is no lot.
        tracked = np.concatenate([[0], np.cumsum(asked.sent[: 2 * ends[-1] : 2] < wide)])
        some = tracked[ends[1:]] > tracked[ends[:-1]]
        lots += int((ends[1:] - ends[:-1])[some].sum())
        headers += int((moves.origin == NONE).sum() + (moves.target >= 0).sum())
        transfers += int((moves.origin != UNKNOWN).sum())
    size = (tiho.LOT.itemsize if mode.rule == "tiho" else 64 / queues.LOTS) * lots + state.headers.dtype.itemsize * headers
    return float(size / transfers)
