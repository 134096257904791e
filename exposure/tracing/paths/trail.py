"""A trail: the transfers (coins) by which part of one seed's value moved, in the order in which it moved."""

from __future__ import annotations

from typing import NamedTuple

from exposure.taint.reference.lots import Amount, Origin


class Trail(NamedTuple):
    """``refs``: from the transfer that left the origin to the one asked about. ``amount``: what came by this way."""

    refs: tuple[str, ...]
    origin: Origin
    hop: int
    amount: Amount


class Trails(NamedTuple):
    """The largest trails, and how many there are in all; None where they were not counted to the end."""

    largest: tuple[Trail, ...]
    found: int | None
