"""Running a program under a rule on the kernels, and reading what they found back into lots."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from exposure.engines.local.program import Numbering, Program, numbered
from exposure.model.settings import Rule
from exposure.taint.kernels import haircut, poison, queues, tiho
from exposure.taint.kernels.layout import NONE, Counted, Found, Groups, Transfers, Whole, two_parts, width
from exposure.taint.reference.lots import Lot, Lots, Origin

SCALED = Origin("unresolved", "scaling")
"""What is lost where amounts do not fit 64 bits and a coarser unit is used: reported, never dropped."""
NOWHERE = Origin("mint", "")
FIRST_LIMIT = 16
LIMIT = 250
QUEUES = {Rule.FIFO: queues.FIFO, Rule.LIFO: queues.LIFO}
RULES = {*QUEUES, Rule.TIHO}
"""Order rules: they count in integers."""


class Result:
    """What every move carried and every pot holds; ``beyond``: whether anything went past the hop limit."""

    def __init__(self, program: Program, rule: Rule, hops: int) -> None:
        # Under poison a theft flags what may hold unlabelled value: that there is no attributed origin must not look like
        # their not being tracked.
        tracked = [NOWHERE] if rule is Rule.POISON else []
        self.numbering = numbered([*program.origins, *program.theft, *program.short.values(), *tracked])
        self.rule, self.hops = rule, hops
        count = len(self.numbering.origins)
        shortfall = np.full(max(len(program.pots), 2), NONE, np.int32)
        for pot, origin in program.short.items():
            shortfall[pot] = self.numbering.of(origin)
        self.groups = Groups(count, self.numbering.seeds, self.numbering.unresolved, hops, shortfall)
        self.wide = width(count, hops)
        self.state: Any
        self.found: Any
        self._run(program)

    def _run(self, program: Program) -> None:
        number, pots = self.numbering, max(len(program.pots), 1)
        source = np.array(program.source, np.int32)
        target = np.array(program.target, np.int32)
        origin = np.array([number.of(o) for o in program.origins], np.int32)
        theft = np.array([number.of(o) for o in program.theft], np.int32)
        keep = np.empty(0, np.int32)
        move = np.array(program.move, np.int8)
        n, self.amounts = len(program.source), program.amount
        if self.rule in RULES:
            self.unit = _unit(program)
            amounts = np.array([amount // self.unit for amount in program.amount], np.int64)
            self.rest = [amount % self.unit for amount in program.amount]
            found = Counted(
                np.zeros((1, self.wide + 1), np.int64),
                np.zeros(self.wide + 1, np.int64),
                np.empty(2 * n + 2, np.int64),
                np.zeros(n + 1, np.int64),
                np.empty(0, np.int64),
            )
            whole = Whole(source, target, amounts, origin, theft, keep, move)
            if self.rule is Rule.TIHO:
                turn = tiho.turns(self.groups)
                self.state, self.found = tiho.run(tiho.empty(pots, self.groups), whole, self.groups, found, turn)
            else:
                self.state, self.found = queues.run(queues.empty(pots), whole, self.groups, found, QUEUES[self.rule])
            self.tags = self.found.sent.reshape(-1, 2)
            return
        high, low = two_parts(program.amount)
        found_parts = Found(np.zeros((1, self.wide + 1)), np.zeros(self.wide + 1), np.zeros((n, self.wide)), np.empty(0))
        moves = Transfers(source, target, high, low, origin, theft, keep, move)
        module: Any = poison if self.rule is Rule.POISON else haircut
        self.state = module.empty(pots, self.groups)
        module.advance(self.state, moves, self.groups, found_parts)
        self.found = found_parts

    @property
    def beyond(self) -> bool:
        """Whether anything went past the hop limit."""
        last = (self.hops + 1) * self.groups.number
        if self.rule in RULES:
            used = self.tags[: self.found.ends[-1], 0]
            return bool(((used >= last) & (used < self.wide)).any())
        return bool(self.found.sent[:, last:].any())

    def sent(self, place: int) -> Lots:
        """What the move at a place carried."""
        if self.rule in RULES:
            rows = self.tags[self.found.ends[place] : self.found.ends[place + 1]]
            lots = [self._lot(int(tag), int(amount) * self.unit) for tag, amount in rows]
            if self.rest[place]:
                lots.append(Lot(SCALED, 1, self.rest[place]))
            return tuple(lots)
        carried = self.found.sent[place]
        if self.rule is Rule.POISON:  # whatever it carries, it carries whole
            return tuple(self._lot(tag, self.amounts[place]) for tag in np.flatnonzero(carried).tolist())
        return tuple(self._columns(carried))

    def held(self, pot: int) -> Lots:
        """What a pot holds at the end."""
        if self.rule is Rule.POISON:
            return self._flags(pot)
        header = self.state.headers[pot]
        if self.rule is Rule.HAIRCUT:
            if header["row"] < 0:
                return ()
            row = self.state.cells.reshape(-1, haircut.stride(self.groups))[header["row"]]
            return tuple(self._columns(row[: self.wide] * row[self.wide]))
        lots = (
            queues.lots(self.state, pot, QUEUES[self.rule]) if self.rule in QUEUES else tiho.lots(self.state, pot, self.groups)
        )
        return tuple(self._lot(tag, amount * self.unit) for tag, amount in lots)

    def _flags(self, pot: int) -> Lots:
        numbers, octets = self.state.numbers.reshape(-1, self.state.line // 8), self.state.octets.reshape(-1, self.state.line)
        held, count = int(numbers[pot, 0]) + int(numbers[pot, 1]), self.groups.number
        hops, past = octets[pot, poison.FLAGS :][:count].tolist(), octets[pot, poison.FLAGS + count :][:count].tolist()
        flags = [Lot(o, hop, held) for o, hop in zip(self.numbering.origins, hops, strict=True) if hop != poison.NO_FLAG]
        return (*flags, *(Lot(o, self.hops + 1, held) for o, set_ in zip(self.numbering.origins, past, strict=True) if set_))

    def _columns(self, row: Any) -> Iterator[Lot]:
        for tag in np.flatnonzero(row).tolist():
            yield self._lot(tag, float(row[tag]))

    def _lot(self, tag: int, amount: float) -> Lot:
        if tag == self.wide:  # of no origin: in whole units a pot may hold less than it pays, where its receipts were cut
            return Lot(SCALED, 1, amount)
        hop, group = divmod(tag, self.groups.number)
        return Lot(self.numbering.origins[group], hop, amount)


def _unit(program: Program) -> int:
    """The smallest power of ten in which everything that ever enters the pots fits 62 bits."""
    entering = sum(amount for amount, origin in zip(program.amount, program.origins, strict=True) if origin is not None)
    most = max([entering + sum(program.amount) if program.short else entering, *program.amount, 1])
    unit = 1
    while most // unit >= 2**62:
        unit *= 10
    return unit


def execute(program: Program, rule: Rule, max_hops: int | None) -> Result | None:
    """Run a program under a rule; None where no hop limit was set and value passes more hops than the kernels count.

    None also for a limit of 0, of which they have no column: what leaves an origin is at hop 1.
    """
    if max_hops is not None:
        return Result(program, rule, max_hops) if 1 <= max_hops <= LIMIT else None
    hops = min(FIRST_LIMIT, len(program.source) + 1)
    while True:
        result = Result(program, rule, hops)
        if not result.beyond:
            return result
        if hops >= LIMIT:
            return None
        hops = min(2 * hops, LIMIT)


def collided(lots: Lots, theft: Origin) -> bool:
    """Whether, in a transfer that a theft relabelled, some unit carried a seed's label before."""
    return any(lot.origin.kind == "seed" and (lot.origin, lot.hop) != (theft, 0) for lot in lots)


__all__ = ["Numbering", "Result", "collided", "execute"]
