"""The pots of a whole ledger under one rule, as they are after the rows carried out so far, and what was found by then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exposure.engines.local.execute import QUEUES, RULES
from exposure.engines.local.ledger import Ledger
from exposure.engines.local.moves import Moves, Sight, doubles, in_units
from exposure.engines.local.roles import ALWAYS, NEVER
from exposure.engines.local.saved import Saved
from exposure.errors import EngineError
from exposure.model.settings import Rule
from exposure.taint.kernels import balances, haircut, poison, queues, tiho
from exposure.taint.kernels import layout as kernels
from exposure.taint.kernels.layout import NONE, width

ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Found:
    """By wanted pot: ``parts`` (hop 0..N, and N + 1 for all that is beyond, by group), in base units (``parts * unit``),
    ``unresolved`` and, under poison, what carries or may carry each category's flag (``upper``).

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


class State:
    """Pots of a sweep under one rule, and what it has found so far."""

    def __init__(
        self,
        ledger: Ledger,
        rule: Rule,
        groups: kernels.Groups,
        sight: Sight,
        wanted: NDArray[np.int32],
        opening: Moves | None = None,
        saved: Saved | None = None,
    ) -> None:
        self.rule, self.groups, self.sight, self.wanted = rule, groups, sight, wanted
        self.wide = width(groups.number, groups.hops)
        starts = {0, 0 if saved is None else saved.rows}  # from where a state goes on, chunks end elsewhere
        longest = max((part.stop - part.start for start in starts for part in ledger.chunks(start)), default=0)
        spare = ledger.txs if ledger.utxo and rule is Rule.POISON else longest
        pots = sight.spare + spare + 1
        count = max(len(wanted), 1)
        self.moved = _moved(ledger, opening, saved) if rule in RULES else np.zeros(max(ledger.assets, 1))
        self.units = [_unit(total) for total in self.moved.tolist()]
        self.limbs = np.zeros((count, 4), np.int64)
        self.span = np.tile(np.array([NEVER, ALWAYS]), (count, 1))
        self.state: Any
        if rule is Rule.HAIRCUT:
            self.state = haircut.empty(pots, groups, sight.pot_roles)
        elif rule is Rule.POISON:
            self.state = poison.empty(pots, groups, sight.pot_roles)
            if sight.flagged is not None and sight.pot_roles is not None:  # what was missed may have set any flag
                octets = self.state.octets.reshape(pots, -1)[: len(sight.flagged)]
                octets[sight.flagged, poison.FLAGS + sight.roles.groups.unknown] = 0
                self.state.words.reshape(pots, -1)[: len(sight.flagged)][sight.flagged, 6] = poison.MARKED
        elif rule is Rule.TIHO:
            self.state = tiho.empty(pots, groups, sight.pot_roles)
            unknown = sight.roles.groups.unknown  # value of unknown origin keeps its turn among the unresolved
            self.turn = tiho.turns(groups, doubtful=unknown if groups.seeds > unknown else NONE)
        else:
            self.state = queues.empty(pots, sight.pot_roles, blocks=max(1024, pots // 8))
        # Under poison there follow, behind the total, what is unresolved and what may carry each category's flag.
        width_kept = self.wide + 1 + (1 + len(sight.roles.groups.categories) if rule is Rule.POISON else 0)
        self.kept: Any = np.zeros((count, width_kept), np.int64 if rule in RULES else np.float64)
        self.fees: Any = np.zeros(self.wide + 1, self.kept.dtype)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that the state consists of, for `restore`."""
        if self.rule in QUEUES:
            own = queues.in_use(self.state)
        elif self.rule is Rule.POISON:
            own = poison.in_use(self.state)
        else:
            own = (tiho if self.rule is Rule.TIHO else haircut).in_use(self.state, self.groups)
        rows = {"kept": self.kept, "fees": self.fees, "limbs": self.limbs, "span": self.span}
        return own | rows | {"wanted": np.flatnonzero(self.sight.wanted >= 0), "row": self.sight.wanted[self.sight.wanted >= 0]}

    def restore(self, saved: Saved, pots: int) -> None:
        """Take a saved state; ``pots``: the ledger's (coins, on UTXO chains)."""
        arrays = dict(saved.arrays)
        if self.rule in QUEUES:
            while len(self.state.amounts) < len(arrays["amounts"]):
                self.state = queues.larger(self.state)
        elif self.rule is Rule.TIHO:
            while len(self.state.lots) < len(arrays["lots"]):
                self.state = tiho.larger(self.state)
        own = self.arrays()
        put_back(own["headers"], arrays.pop("headers"), saved.pots, pots)
        for name in own.keys() - {"headers", "kept", "fees", "limbs", "span", "wanted", "row"}:
            getattr(self.state, name)[: len(arrays[name])] = arrays[name]
        self.fees[:] = arrays["fees"]
        now, then = self.sight.wanted[arrays["wanted"]], arrays["row"]
        for mine, theirs in ((self.kept, "kept"), (self.limbs, "limbs"), (self.span, "span")):
            mine[now[now >= 0]] = arrays[theirs][then[now >= 0]]

    def carry(self, moves: Moves) -> None:
        """Carry out the moves of a chunk."""
        if not len(moves.source):
            return
        balances.receipts(moves.keep, moves.low, moves.high, moves.time, self.limbs, self.span)
        none = np.empty(0, np.int64)
        if self.rule in RULES:
            whole = kernels.Whole(
                moves.source, moves.target, self._whole(moves), moves.origin, moves.theft, moves.keep, moves.move
            )
            counted = kernels.Counted(self.kept, self.fees, none, none, none)
            if self.rule is Rule.TIHO:
                self.state, _ = tiho.run(self.state, whole, self.groups, counted, self.turn)
            else:
                self.state, _ = queues.run(self.state, whole, self.groups, counted, QUEUES[self.rule])
            return
        found = kernels.Found(self.kept, self.fees, np.empty((0, 0)), np.empty(0))
        if self.rule is Rule.HAIRCUT:
            haircut.advance(self.state, transfers(moves), self.groups, found)
            return
        names = self.sight.roles.groups.categories
        mixer = names.index("mixer") if "mixer" in names else NONE
        poison.advance(self.state, transfers(moves), self.groups, found, len(names), mixer)

    def _whole(self, moves: Moves) -> NDArray[np.int64]:
        """Amounts in their assets' units."""
        if len(set(self.units)) == 1:
            return in_units(moves.low, moves.high, self.units[0])
        amount = np.zeros(len(moves.low), np.int64)
        for unit in set(self.units):
            which = np.array([own == unit for own in self.units])[moves.asset]
            amount[which] = in_units(moves.low[which], moves.high[which], unit)
        return amount

    def found(self) -> Found:
        """What was found, checked to sum."""
        groups, count = self.sight.roles.groups, self.groups.number
        rows = len(self.wanted)
        parts, totals = self.kept[:rows, : self.wide], self.kept[:rows, self.wide]
        if self.rule is Rule.POISON:
            unresolved, upper = self.kept[:rows, self.wide + 1], self.kept[:rows, self.wide + 2 :]
        else:
            off = np.abs(parts.sum(axis=1) - totals)
            allowed = totals * ROUNDING if self.rule is Rule.HAIRCUT else np.zeros(rows)
            if rows and ((off > allowed).any() or parts.min() < 0):
                worst = int(np.argmax(off - allowed))
                raise EngineError(
                    f"the account of row {worst} sums to {parts[worst].sum()}, not to {totals[worst]}: please report this fault"
                )
            by_group = parts.reshape(rows, self.groups.hops + 2, count)
            lost = by_group[:, :-1, [groups.unknown, groups.blind]].sum(axis=(1, 2)) + by_group[:, -1].sum(axis=1)
            unresolved, upper = lost.astype(np.float64), np.zeros((rows, len(groups.categories)))
        unit = np.array(self.units, object)[self.wanted]
        first, last = self.span[:rows].T
        return Found(parts, unit, upper, unresolved, self.limbs[:rows], first, last, int(self.state.used[2]))


def put_back(into: NDArray[Any], saved: NDArray[Any], then: int, now: int) -> None:
    """Put what was saved by pot into a larger array: the ledger's pots, then those that stand in for some of them."""
    into[:then] = saved[:then]
    more = min(len(saved) - then, len(into) - now)
    into[now : now + more] = saved[then : then + more]


def _moved(ledger: Ledger, opening: Moves | None, saved: Saved | None) -> NDArray[np.float64]:
    """By asset, all that ever moves, known balances among it."""
    totals = np.zeros(max(ledger.assets, 1))
    if opening is not None:
        np.add.at(totals, opening.asset, doubles(opening.low, opening.high)[0])
    if saved is not None:
        totals[ledger.asset[saved.arrays["first_pots"]]] = saved.arrays["moved"]
    if not ledger.utxo:
        for part in ledger.chunks(0 if saved is None else saved.rows):
            source, target = ledger.columns["source"][part], ledger.columns["target"][part]
            asset = ledger.asset[np.where(source >= 0, source, target)]
            amount, _ = doubles(ledger.columns["low"][part], ledger.columns["high"][part])
            totals += np.bincount(asset, amount, minlength=len(totals))
    return totals


def _unit(total: float) -> int:
    """The smallest power of ten in which all that ever moves of an asset fits 62 bits."""
    unit = 1
    while total / unit >= 2.0**61:
        unit *= 10
    return unit


def transfers(moves: Moves) -> kernels.Transfers:
    """Moves as haircut, poison and the search for shortfalls take them: amounts as pairs of floats."""
    amount, rest = doubles(moves.low, moves.high)
    return kernels.Transfers(moves.source, moves.target, amount, rest, moves.origin, moves.theft, moves.keep, moves.move)
