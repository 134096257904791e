"""Whose money it really is: every pot and coin carries parts by their true source, and people choose what they part with.

This is the truth that no ledger shows. A spender's habit decides which parts leave with a payment, and none of the
habits is a tracing rule: they look at where money came from, which the rules must infer from amounts and order.
Amounts are exact integers and never change in sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from exposure.model.labels import DEFAULT_ROLES, Category, Role
from exposure.simulate.dice import Dice

Parts = tuple[tuple[int, int], ...]
"""(number of the source, amount) with positive amounts, ascending by source."""

MINED = "mined"
MINTED = "minted"


class Habit(StrEnum):
    """Which of their money people part with first. In a payment the parts go to the receivers, then change, then fee."""

    ANY = "any"
    DIRTY_FIRST = "dirty_first"
    CLEAN_FIRST = "clean_first"
    LARGEST_FIRST = "largest_first"


class Sources:
    """Numbers of true sources: (category, entity). Categories are those of tags, or ``mined`` and ``minted``."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self.named: list[tuple[str, str]] = []
        self.is_dirty: list[bool] = []

    def number(self, category: str, entity: str) -> int:
        """The number of a source, given out at first sight."""
        key = (category, entity)
        if key not in self._numbers:
            self._numbers[key] = len(self.named)
            self.named.append(key)
            risky = category not in (MINED, MINTED) and DEFAULT_ROLES[Category(category)] is Role.SEED
            self.is_dirty.append(risky)
        return self._numbers[key]


def total(parts: Parts) -> int:
    """Sum of the amounts."""
    return sum(amount for _, amount in parts)


def merged(many: Sequence[Parts]) -> Parts:
    """The sum of several parts."""
    filled = [parts for parts in many if parts]
    if len(filled) < 2:
        return filled[0] if filled else ()
    out: dict[int, int] = {}
    for parts in filled:
        for source, amount in parts:
            out[source] = out.get(source, 0) + amount
    return tuple(sorted(out.items()))


def ordered(parts: Parts, habit: Habit, sources: Sources, dice: Dice) -> Parts:
    """Parts in the order in which someone of this habit spends them."""
    if len(parts) < 2:
        return parts
    out = dice.shuffled(parts)
    if habit is Habit.DIRTY_FIRST:
        out.sort(key=lambda part: not sources.is_dirty[part[0]])
    elif habit is Habit.CLEAN_FIRST:
        out.sort(key=lambda part: sources.is_dirty[part[0]])
    elif habit is Habit.LARGEST_FIRST:
        out.sort(key=lambda part: -part[1])
    return tuple(out)


def lay(parts: Parts, amounts: Sequence[int]) -> list[Parts]:
    """Lay parts, in their order, on ``amounts`` one after the other; the last item returned is what is left."""
    if len(parts) == 1:
        source, left = parts[0]
        out: list[Parts] = [((source, amount),) if amount else () for amount in amounts]
        left -= sum(amounts)
        if left < 0:
            raise ValueError("more is paid than there is")
        return [*out, ((source, left),) if left else ()]
    queue = list(reversed(parts))
    out = []
    for amount in amounts:
        taken: list[tuple[int, int]] = []
        while amount:
            if not queue:
                raise ValueError("more is paid than there is")
            source, here = queue.pop()
            used = min(here, amount)
            taken.append((source, used))
            amount -= used
            if used < here:
                queue.append((source, here - used))
        out.append(tuple(sorted(taken)))  # no source comes twice in parts, so none does in a piece of them
    return [*out, tuple(sorted(queue))]


def converted(parts: Parts, amount: int) -> Parts:
    """The same sources in another asset: part k ends at ``floor(amount * first k parts / all)``. Sums to ``amount``."""
    whole = total(parts)
    out = []
    running = before = 0
    for source, here in parts:
        running += here
        after = amount * running // whole
        if after > before:
            out.append((source, after - before))
        before = after
    return tuple(out)
