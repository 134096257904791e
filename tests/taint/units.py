"""The order rules and the haircut once more, unit by unit, from the words of the definition: slow, tiny, independent.

A unit is a list ``[origin, hop, label]`` that moves from pot to pot; nothing here shares code with the engines.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from fractions import Fraction
from typing import Any

Unit = tuple[Any, ...]  # (kind, name, epoch, hop)
Mix = dict[Unit, Fraction]


def rank(unit: Unit, limit: int | None) -> tuple[int, int]:
    """Order in which tiho lets units go."""
    kind, _, _, hop = unit
    if kind == "unresolved" or (limit is not None and hop > limit):
        return (2, 0)
    return (1, hop) if kind == "seed" else (3, -hop)


def take(pot: list[Unit], amount: int, rule: str, limit: int | None) -> list[Unit]:
    """Remove units from a pot that is ordered from the oldest to the newest."""
    taken: list[Unit] = []
    for _ in range(min(amount, len(pot))):
        if rule == "fifo":
            place = 0
        elif rule == "lifo":
            place = len(pot) - 1
        else:
            place = min(range(len(pot)), key=lambda n: (rank(pot[n], limit), n))
        taken.append(pot.pop(place))
    return taken


def share(pot: Mix, amount: int) -> Mix:
    """Remove the same share of every part."""
    whole = sum(pot.values(), Fraction(0))
    taken = {unit: part * amount / whole for unit, part in pot.items()} if whole else {}
    for unit, part in taken.items():
        pot[unit] -= part
        if not pot[unit]:
            del pot[unit]
    return taken


def stepped(unit: Unit, *, change: bool = False) -> Unit:
    kind, name, epoch, hop = unit
    return (kind, name, epoch, max(hop, 1) if change else hop + 1)


def relabelled(unit: Unit, theft: Unit | None) -> Unit:
    return theft if theft is not None and unit[0] != "seed" else unit


def counted(units: list[Unit]) -> Mix:
    found: Mix = defaultdict(Fraction)
    for unit in units:
        found[unit] += 1
    return dict(found)


def mapped(mix: Mix, change: Callable[[Unit], Unit]) -> Mix:
    found: Mix = defaultdict(Fraction)
    for unit, part in mix.items():
        found[change(unit)] += part
    return dict(found)
