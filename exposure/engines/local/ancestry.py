"""Where one transfer came from, on a ledger of any size: from pot to pot over memory-mapped ends, hop by hop backwards.

The same figures as the reference's over the transfer's cone, for haircut, fifo and lifo: these lay the same units of what a pot
received on the same payments, whoever they come from, so origins are asked for only when the search arrives at them. Tiho
and poison serve by label, a reported theft relabels, and clusters join pots: a search that meets one of these says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exposure.model.settings import Rule
from exposure.store.readahead import expect
from exposure.taint.kernels import shares, units
from exposure.taint.kernels.ends import PLACE
from exposure.taint.kernels.queues import FIFO, LIFO
from exposure.taint.kernels.shares import ASKS, LAST_BUT_ONE, NAMED, NOT_YET, ORDINARY, STOPS

RULES = (Rule.HAIRCUT, Rule.FIFO, Rule.LIFO)
MOST_STEPS = 250
"""Hops back without a limit, after which a search gives up."""
WORD = 1 << 64

Ints = NDArray[Any]
Judge = Callable[[int], int]


class Origins(NamedTuple):
    """What came from origins: the payer's pot (-1: minted), the row of its payment (-1: of several, added up; never where the
    pot is `NAMED`), the hop at which it arrives, and how much of the subject that is (doubles; order rules: whole numbers)."""

    pot: Ints
    row: Ints
    hop: Ints
    amount: Ints


class Lacking(NamedTuple):
    """What pots had not got: pot, hop, amount."""

    pot: Ints
    hop: Ints
    amount: Ints


@dataclass(frozen=True, slots=True)
class Ancestry:
    """Where a transfer came from: parts that sum to it. ``looked``: ends that were read; ``pots``: pots gone through."""

    origins: Origins
    lacking: Lacking
    beyond: Any
    looked: int
    pots: int


class Unfit(Exception):  # noqa: N818  # no error: the reference is asked instead
    """The search met what it is not made for."""


@dataclass(slots=True)
class Search:
    """A ledger's ends, and who is who.

    Parameters
    ----------
    ends, firsts
        See `exposure.store.ends.Ends`.
    marks
        By pot, two bits each (`shares.ORDINARY`, `STOPS`, `ASKS`, `NAMED`).
    judge
        Told a pot that asks, says what it is. It is asked once; it may raise `Unfit`.
    most
        Ends that a search may read.
    """

    ends: Ints
    firsts: NDArray[np.int64]
    marks: NDArray[np.uint8]
    judge: Judge
    most: int = 1 << 34
    _scratch: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def stops(self, pot: int) -> bool:
        """Whether a pot is an origin."""
        if shares.mark(self.marks, pot) == ASKS:
            self._ask(np.array([pot], np.int32))
        return shares.mark(self.marks, pot) in (STOPS, NAMED)

    def trace(self, pot: int, at: int, rule: Rule, max_hops: int | None) -> Ancestry:
        """Where movement ``at`` of an ordinary pot, a payment, came from.

        Raises
        ------
        Unfit
            If the search met what it is not made for, or read too much.

        Notes
        -----
        Cost: by the pots that it comes to and what they did since they were last empty, once for each hop at which they
        are met.
        """
        if rule not in RULES:
            raise Unfit(f"{rule.value} serves by label")
        while True:
            found = self._shares(pot, at, max_hops) if rule is Rule.HAIRCUT else self._units(pot, at, rule, max_hops)
            if isinstance(found, Ancestry):
                return found
            self._ask(found)

    def _ask(self, pots: Ints) -> None:
        for pot in np.unique(pots).tolist():
            shares.put(self.marks, np.array([pot], np.int64), self.judge(pot))

    def _amount(self, pot: int, at: int) -> int:
        end = self.ends[self.firsts[pot] + at]
        return int(end["high"]) * WORD + int(end["low"])

    def _shares(self, pot: int, at: int, max_hops: int | None) -> Ancestry | Ints:
        """The account, or pots that ask first."""
        wanted = shares.subject(pot, at, float(self._amount(pot, at)))
        found, lacking, beyond, looked, pots = [], [], 0.0, 0, 0
        for level in range(MOST_STEPS + 1):
            if not len(wanted.pots):
                break
            if level == max_hops:  # no hop is left
                beyond += float(wanted.list["weight"].sum())
                break
            if max_hops is not None and level == max_hops - 1:
                who, amounts, rest = shares.lacking(self.ends, self.firsts, wanted)
                lacking.append(Lacking(who, np.full(len(who), level + 1), amounts))
                beyond += rest
                break
            self._give_up(level, looked)
            mode = LAST_BUT_ONE if max_hops is not None and level == max_hops - 2 else NOT_YET
            wanted = shares.in_turn(wanted)
            expect(self.ends, self.firsts, wanted.pots["pot"], wanted.pots["top"])
            longest = int(wanted.pots["top"].max()) + 1
            if longest > len(self._scratch):
                self._scratch = np.zeros(2 * longest)
            pots += len(wanted.pots)
            wanted, origins, short, rest, asks, read = shares.step(
                self.ends, self.firsts, self.marks, wanted, self._scratch, mode
            )
            looked += read
            if len(asks):
                return np.asarray(asks)
            beyond += rest
            found.append(Origins(origins[0], origins[1], np.full(len(origins[0]), level + 2), origins[2]))
            lacking.append(Lacking(short[0], np.full(len(short[0]), level + 1), short[1]))
        return Ancestry(_joined(found, Origins), _joined(lacking, Lacking), beyond, looked, pots)

    def _units(self, pot: int, at: int, rule: Rule, max_hops: int | None) -> Ancestry | Ints:
        wanted, order = units.subject(pot, at, self._amount(pot, at)), FIFO if rule is Rule.FIFO else LIFO
        found, lacking, beyond, looked, pots = [], [], 0, 0, 0
        for level in range(MOST_STEPS + 1):
            if not len(wanted.pot):
                break
            if level == max_hops:
                beyond += sum(_whole(wanted.end_high, wanted.end_low)) - sum(_whole(wanted.high, wanted.low))
                break
            if max_hops is not None and level == max_hops - 1:
                short, rest, read = units.lacking(self.ends, self.firsts, wanted)
                lacking.append(Lacking(short[0], np.full(len(short[0]), level + 1), _whole(short[1], short[2])))
                beyond, looked = beyond + _number(rest), looked + read
                break
            self._give_up(level, looked)
            mode = LAST_BUT_ONE if max_hops is not None and level == max_hops - 2 else NOT_YET
            wanted = units.in_turn(wanted)
            pots += len(np.unique(wanted.pot))
            expect(self.ends, self.firsts, wanted.pot, wanted.at)
            wanted, origins, short, rest, asks, read = units.step(self.ends, self.firsts, self.marks, wanted, order, mode)
            looked += read
            if len(asks):
                return np.asarray(asks)
            beyond += _number(rest)
            hops = np.full(len(origins[0]), level + 2)
            found.append(Origins(origins[0], origins[1], hops, _whole(origins[2], origins[3])))
            lacking.append(Lacking(short[0], np.full(len(short[0]), level + 1), _whole(short[1], short[2])))
        return Ancestry(_joined(found, Origins), _joined(lacking, Lacking), beyond, looked, pots)

    def _give_up(self, level: int, looked: int) -> None:
        if level >= MOST_STEPS:
            raise Unfit(f"value passes more than {MOST_STEPS} hops")
        if looked > self.most:
            raise Unfit(f"more than {self.most:,} movements bear on it")

    def find(self, pot: int, rows: range) -> list[int]:
        """Places in a pot's run of its movements among some rows of the ledger."""
        start, stop = int(self.firsts[pot]), int(self.firsts[pot + 1])
        low = _first(self.ends, start, stop, rows.start)
        found = []
        while low < stop and int(self.ends[low]["row"] & PLACE) < rows.stop:
            found.append(low - start)
            low += 1
        return found


def _first(ends: Ints, start: int, stop: int, row: int) -> int:
    """The first place from ``start`` on whose row is not before ``row``."""
    while start < stop:
        middle = (start + stop) // 2
        if int(ends[middle]["row"] & PLACE) < row:
            start = middle + 1
        else:
            stop = middle
    return start


def _joined(parts: list[Any], kind: Any) -> Any:
    if not parts:
        return kind(*(np.empty(0, np.int64) for _ in kind._fields))
    return kind(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _whole(high: Ints, low: Ints) -> Ints:
    """Numbers of two words as Python's, exact."""
    return np.array([int(a) * WORD + int(b) for a, b in zip(high, low, strict=True)], object)


def _number(words: tuple[Any, Any]) -> int:
    return int(words[0]) * WORD + int(words[1])


def marked(pots: int) -> NDArray[np.uint8]:
    """Marks of so many ordinary pots."""
    return np.zeros(pots // 4 + 1, np.uint8)


__all__ = ["ASKS", "NAMED", "ORDINARY", "STOPS", "Ancestry", "Lacking", "Origins", "Search", "Unfit", "marked"]
