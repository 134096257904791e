"""One rule over a whole numbered ledger: what each wanted pot received, by category and hop, in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exposure.engines.local import account_moves, utxo_moves
from exposure.engines.local.moves import LIMB, SHIFT, Moves, Sight, blank, doubles, in_units
from exposure.engines.local.roles import ALWAYS, NEVER
from exposure.errors import EngineError
from exposure.model.settings import Rule
from exposure.taint.kernels import balances, haircut, ordered, poison
from exposure.taint.kernels import layout as kernels
from exposure.taint.kernels.layout import STILL, width

RULES = {Rule.FIFO: ordered.FIFO, Rule.LIFO: ordered.LIFO, Rule.TIHO: ordered.TIHO}
ROUNDING = 1e-9
Advance = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Ledger:
    """A numbered ledger as `exposure.store.numbered` gives it, without where it lies."""

    utxo: bool
    pots: int
    coins: int
    txs: int
    asset: NDArray[np.int32]
    assets: int
    columns: Mapping[str, NDArray[Any]]

    @property
    def rows(self) -> int:
        """Number of transfers, or of inputs and outputs."""
        return len(self.columns["time"])

    def chunks(self) -> Iterator[slice]:
        """Slices that never cut a transaction."""
        return account_moves.chunks(self.columns["tx_no" if self.utxo else "tx"])


class Stricter(NamedTuple):
    """What is missing, by pot: the block from which all that leaves it is unresolved; pots whose balance is known from a
    block on, and which under lifo keep what they are known to hold although they spend too much."""

    gap: NDArray[np.int64]
    known: Mapping[int, tuple[int, int]]
    bears: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Found:
    """By wanted pot: ``parts`` (hop 0..N by group; the last two columns: seeds beyond N hops, all else beyond), in base units
    (``parts * unit``), ``unresolved`` and, under poison, what carries or may carry each category's flag (``upper``).

    ``limbs``: what was received in all, exact, as sums of 32-bit limbs, lowest first; ``first`` and ``last``: times of it.
    """

    parts: NDArray[Any]
    unit: NDArray[np.object_]
    upper: NDArray[np.float64]
    unresolved: NDArray[np.float64]
    limbs: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    tracked: int


def sweep(
    ledger: Ledger,
    rule: Rule,
    max_hops: int,
    sight: Sight,
    wanted_asset: NDArray[np.int32],
    *,
    stricter: Stricter | None = None,
    advance: Advance = lambda done, total: None,
) -> Found:
    """Carry a rule through a ledger.

    Parameters
    ----------
    sight
        Roles, thefts, and the row of each wanted pot; ``wanted_asset``: the asset of each such row.
    stricter
        None for the figure; what is missing for the run behind the interval.
    advance
        Told (rows done, rows in all) after each chunk.

    Raises
    ------
    EngineError
        If the parts of what a wanted pot received do not sum to it.

    Notes
    -----
    Memory: 16 to 32 bytes for each pot (coin, on UTXO chains), a row of columns for each that holds something.
    """
    groups = sight.roles.groups
    seeds = len(groups.categories) + (stricter is not None)
    counted = kernels.Groups(groups.number, seeds, groups.known, max_hops, np.array([groups.unknown], np.int32))
    sight.tiho, sight.poison = rule is Rule.TIHO, rule is Rule.POISON
    opening = _prepare(ledger, rule, sight, stricter)
    state = _State(ledger, rule, counted, sight, wanted_asset)
    if opening is not None:
        state.carry(opening)
    done = 0
    for part in ledger.chunks():
        state.carry(_moves(ledger, part, sight, strict=stricter is not None, one_pot_each=rule is Rule.POISON))
        done = part.stop
        advance(done, ledger.rows)
    return state.found()


def _moves(ledger: Ledger, part: slice, sight: Sight, *, strict: bool, one_pot_each: bool) -> Moves:
    if ledger.utxo:
        return utxo_moves.moves(ledger.columns, part, ledger.coins, sight, strict=strict, one_pot_each=one_pot_each)
    return account_moves.moves(ledger.columns, part, ledger.asset, sight)


def _prepare(ledger: Ledger, rule: Rule, sight: Sight, stricter: Stricter | None) -> Moves | None:
    """Set a sight for the figure or the stricter run; the moves that put known balances into pots beforehand."""
    size = ledger.coins if ledger.utxo else ledger.pots
    sight.gap = sight.instead = sight.known_from = sight.flagged = None
    sight.spare = size
    if stricter is None or ledger.utxo:  # of a UTXO ledger the transactions themselves say what is missing
        return None
    owner = sight.roles.owner
    lifo = np.array(rule is Rule.LIFO)
    own = np.where(stricter.bears & lifo, NEVER, stricter.gap)
    gap = np.concatenate([own, np.full(len(stricter.known), NEVER)])
    np.minimum.at(gap, owner, own)
    bears = np.zeros(len(gap), np.bool_)
    np.logical_or.at(bears, owner, stricter.bears & lifo)
    opening = None
    if stricter.known:
        sight.instead, sight.known_from = np.arange(size, dtype=np.int32), np.full(size, NEVER)
        low, high, at = [], [], []
        for n, (pot, (block, balance)) in enumerate(stricter.known.items()):
            sight.instead[owner[pot]], sight.known_from[owner[pot]] = size + n, block
            at.append(size + n)
            low.append(balance & (2**64 - 1))
            high.append(balance >> 64)
        some = np.array(at, np.int32)
        opening = blank(
            len(at),
            target=some,
            low=np.array(low, np.uint64),
            high=np.array(high, np.uint64),
            origin=sight.roles.groups.unknown,
            move=STILL,
        )
    sight.spare = len(gap)
    sight.gap, sight.flagged = gap, np.zeros(len(gap), np.bool_)
    short = _short(ledger, sight, opening)
    gap[short & ~bears] = ALWAYS
    return opening


def _short(ledger: Ledger, sight: Sight, opening: Moves | None) -> NDArray[np.bool_]:
    """Pots that spend more than they hold: a shortfall proves a gap."""
    assert sight.gap is not None
    size = len(sight.gap)
    high, low, short = np.zeros(size), np.zeros(size), np.zeros(size, np.bool_)
    gap, sight.gap = sight.gap, None
    tiho, flags, sight.tiho, sight.poison = sight.tiho, sight.poison, False, False
    if opening is not None:
        balances.fall_short(high, low, _transfers(opening), short)
    for part in ledger.chunks():
        balances.fall_short(high, low, _transfers(_moves(ledger, part, sight, strict=True, one_pot_each=False)), short)
    sight.gap, sight.tiho, sight.poison = gap, tiho, flags
    return short


def _transfers(moves: Moves) -> kernels.Transfers:
    amount, rest = doubles(moves.low, moves.high)
    return kernels.Transfers(moves.source, moves.target, amount, rest, moves.origin, moves.theft, moves.keep, moves.move)


class _State:
    """Pots of a sweep under one rule, and what it has found so far."""

    def __init__(self, ledger: Ledger, rule: Rule, groups: kernels.Groups, sight: Sight, wanted: NDArray[np.int32]) -> None:
        self.rule, self.groups, self.sight, self.wanted = rule, groups, sight, wanted
        self.wide = width(groups.number, groups.hops)
        longest = max((part.stop - part.start for part in ledger.chunks()), default=0)
        spare = ledger.txs if ledger.utxo and rule is Rule.POISON else longest
        pots = sight.spare + spare + 1
        count = max(len(wanted), 1)
        self.units = _units(ledger)
        self.upper = np.zeros((count, len(sight.roles.groups.categories)))
        self.unresolved = np.zeros(count)
        self.limbs = np.zeros((count, 4), np.int64)
        self.first, self.last = np.full(count, NEVER), np.full(count, ALWAYS)
        self.state: Any
        self.kept: Any
        if rule in RULES:
            self.state = ordered.empty(pots)
            self.after, self.turn = ordered.tables(groups)
            if groups.seeds > len(sight.roles.groups.categories):  # value of unknown origin keeps its turn among unresolved
                self.turn[sight.roles.groups.unknown : self.wide - 2 : groups.number] = groups.hops + 1
            self.kept = np.zeros((count, self.wide + 1), np.int64)
            self.fees: Any = np.zeros(self.wide + 1, np.int64)
        else:
            self.state = (poison if rule is Rule.POISON else haircut).empty(pots, groups)
            self.kept = np.zeros((count, self.wide + 1))
            self.fees = np.zeros(self.wide + 1)

    def carry(self, moves: Moves) -> None:
        """Carry out the moves of a chunk."""
        if not len(moves.source):
            return
        self._received(moves)
        none = np.empty(0, np.int64)
        if self.rule in RULES:
            amount = np.zeros(len(moves.low), np.int64)
            for unit in set(self.units):
                which = np.array([own == unit for own in self.units])[moves.asset]
                amount[which] = in_units(moves.low[which], moves.high[which], unit)
            whole = ordered.Whole(moves.source, moves.target, amount, moves.origin, moves.theft, moves.keep, moves.move)
            found = ordered.Counted(self.kept, self.fees, none, none, none)
            self.state, _ = ordered.advance(self.state, whole, self.groups, found, RULES[self.rule], self.after, self.turn)
            return
        ledger = _transfers(moves)
        if self.rule is Rule.HAIRCUT:
            kept = kernels.Found(self.kept, self.fees, np.empty((0, self.wide)), np.empty(0))
            self.state = haircut.advance(self.state, ledger, self.groups, kept)
            return
        sent = np.zeros((len(moves.source), self.wide))
        kept = kernels.Found(self.kept, self.fees, sent, np.empty(0))
        self.state = poison.advance(self.state, ledger, self.groups, kept)
        self._flags(moves.keep, sent, ledger.amount)

    def _received(self, moves: Moves) -> None:
        at = np.flatnonzero(moves.keep >= 0)
        keep = moves.keep[at]
        for place, limb in enumerate((moves.low & LIMB, moves.low >> SHIFT, moves.high & LIMB, moves.high >> SHIFT)):
            np.add.at(self.limbs[:, place], keep, limb[at].astype(np.int64))
        np.minimum.at(self.first, keep, moves.time[at])
        np.maximum.at(self.last, keep, moves.time[at])

    def _flags(self, keep: NDArray[Any], sent: NDArray[Any], amount: NDArray[np.float64]) -> None:
        """Under poison: what carries a flag may carry several, so each transfer is looked at by itself."""
        at = np.flatnonzero(keep >= 0)
        groups, count = self.sight.roles.groups, self.groups.number
        by_group: Any = (sent[at, : self.wide - 2].reshape(len(at), self.groups.hops + 1, count) > 0).any(axis=1)
        lost = (sent[at, self.wide - 2 :] > 0).any(axis=1) | by_group[:, groups.unknown] | by_group[:, groups.blind]
        np.add.at(self.unresolved, keep[at], np.where(lost, amount[at], 0.0))
        doubtful = lost.copy()
        if "mixer" in groups.categories:
            doubtful |= by_group[:, groups.categories.index("mixer")]
        for place in range(len(groups.categories)):
            np.add.at(self.upper[:, place], keep[at], np.where(by_group[:, place] | doubtful, amount[at], 0.0))

    def found(self) -> Found:
        """What was found, checked to sum."""
        groups, count = self.sight.roles.groups, self.groups.number
        rows = len(self.wanted)
        parts, totals = self.kept[:rows, : self.wide], self.kept[:rows, self.wide]
        if self.rule is not Rule.POISON and rows:
            off = np.abs(parts.sum(axis=1) - totals)
            allowed = totals * ROUNDING if self.rule is Rule.HAIRCUT else np.zeros(rows)
            if (off > allowed).any() or parts.min() < 0:
                worst = int(np.argmax(off - allowed))
                raise EngineError(
                    f"the account of row {worst} sums to {parts[worst].sum()}, not to {totals[worst]}: please report this fault"
                )
            by_group = parts[:, : self.wide - 2].reshape(rows, self.groups.hops + 1, count).sum(axis=1)
            self.unresolved[:rows] = (
                by_group[:, groups.unknown] + by_group[:, groups.blind] + parts[:, self.wide - 2 :].sum(axis=1)
            )
        unit = np.array(self.units if self.rule in RULES else [1] * len(self.units), object)[self.wanted]
        received = self.limbs[:rows], self.first[:rows], self.last[:rows]
        return Found(parts, unit, self.upper[:rows], self.unresolved[:rows], *received, int(self.state.used[2]))


def _units(ledger: Ledger) -> list[int]:
    """By asset, the smallest power of ten in which all that ever moves fits 62 bits."""
    totals = np.zeros(max(ledger.assets, 1))
    if not ledger.utxo:
        for part in ledger.chunks():
            source, target = ledger.columns["source"][part], ledger.columns["target"][part]
            asset = ledger.asset[np.where(source >= 0, source, target)]
            amount, _ = doubles(ledger.columns["low"][part], ledger.columns["high"][part])
            totals += np.bincount(asset, amount, minlength=len(totals))
    units = []
    for total in totals.tolist():
        unit = 1
        while total / unit >= 2.0**61:
            unit *= 10
        units.append(unit)
    return units
