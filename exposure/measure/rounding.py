"""Exact parts (decimals, fractions) to whole base units that still sum to their total: the method of largest remainders."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

from exposure.errors import EngineError

K = TypeVar("K", bound=Hashable)

SLACK = Fraction(1, 1_000_000_000)
"""How far exact parts may miss their total, relative to it: the agreement that haircut engines promise each other."""


def whole_units(parts: Mapping[K, int | Decimal | Fraction | float], total: int) -> dict[K, int]:
    """Round parts to integers that sum to ``total``; parts that are exact move by less than one unit.

    Parameters
    ----------
    parts
        Non-negative amounts in base units. Their sum must equal ``total`` to within 1e-9 of it (or one unit).
    total
        The sum that the rounded parts must have, in base units.

    Returns
    -------
    dict
        Same keys and order as ``parts``. A part below one unit may come out as 0.

    Raises
    ------
    EngineError
        If a part is negative or the parts do not add up to the total: then the account itself is wrong.

    Notes
    -----
    Every part is cut to its whole units; the units still missing go to the largest remainders, ties to the earlier key
    (so the result depends on the order of ``parts`` only among equals). Where the exact sum misses the total by a rounding
    error, units are given or taken in rounds of one, in the same order.
    """
    exact = {key: Fraction(part) for key, part in parts.items()}
    for key, part in exact.items():
        if part < 0:
            raise EngineError(f"a part of an account is negative: {key!r} has {float(part):g} base units")
    difference = sum(exact.values(), Fraction(0)) - total
    if total < 0 or abs(difference) > max(total * SLACK, Fraction(1)) or (total and not exact):
        raise EngineError(f"the parts of an account miss its total of {total} by {float(difference):g} base units")
    whole = {key: int(part) for key, part in exact.items()}
    missing = total - sum(whole.values())
    largest_first = sorted(exact, key=lambda key: whole[key] - exact[key])
    while missing > 0:
        for key in largest_first[:missing]:
            whole[key] += 1
            missing -= 1
    while missing < 0:
        for key in reversed(largest_first):
            if missing < 0 < whole[key]:
                whole[key] -= 1
                missing += 1
    return whole
