"""What a unit of value carries: where it came from (origin) and how many hops ago."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

Amount: TypeAlias = Any
"""An exact int under order rules, a Decimal (or, on request, a Fraction) under haircut; never mixed within one run."""


class Origin(NamedTuple):
    """Where value came from.

    ``kind`` is ``seed`` (``name`` is the seed's, ``epoch`` its place among the seed's dates), ``service`` (``name`` is
    the boundary's owner), ``mint`` (``name`` is the pool, or empty) or ``unresolved`` (``name`` is the reason:
    ``beyond``, ``budget``, ``hub:X``, ``opening:X``, ``shortfall:X``, ``incomplete:X``, ``conversion:X``).
    """

    kind: str
    name: str
    epoch: int | None = None


CONSERVED = 1e-12
"""Largest error of the haircut's parts of a transfer, as a share of it; order rules allow none."""

BEYOND = Origin("unresolved", "beyond")
FOLLOWED = Origin("seed", "followed", 0)
"""The subject's own value, where it is followed forward."""


class Lot(NamedTuple):
    """An amount of one origin at one hop. Under poison ``amount`` is the whole value for each flag."""

    origin: Origin
    hop: int
    amount: Amount


Lots = tuple[Lot, ...]

Mark = Callable[[str, Lots], Lots]
"""Given a transfer's ref (``tx:n`` on UTXO chains) and what it carries, the same lots with origins renamed: this is how
evidence is gathered (which address, which path), without writing any rule again. Kinds, hops and amounts must stay.
"""


@dataclass(slots=True)
class Run:
    """What a rule says of a ledger.

    ``received``: by transfer ref, or ``tx:n`` on UTXO chains, what it carries on arrival. ``fees``: by transaction.
    ``held``: by pot ``(owner, asset)``, or by unspent coin ``(tx:n, "")``, what lies there at the end.
    ``shortfalls``: by pot, what was spent beyond the known balance. ``lost``: by
    pot, followed value that came to lie in an incomplete pot. ``collisions``: transfers or outputs of theft
    seeds in which some unit already carried a seed's label.
    """

    received: dict[str, Lots] = field(default_factory=dict)
    fees: dict[str, Lots] = field(default_factory=dict)
    held: dict[tuple[str, str], Lots] = field(default_factory=dict)
    shortfalls: dict[tuple[str, str], int] = field(default_factory=dict)
    lost: dict[tuple[str, str], Lots] = field(default_factory=dict)
    collisions: int = 0


def is_beyond(hop: int, max_hops: int | None) -> bool:
    """Whether a part lies past the hop limit. The limit holds for every origin."""
    return max_hops is not None and hop > max_hops


def moved(lots: Iterable[Lot], max_hops: int | None, *, keeps_hop: bool = False) -> Lots:
    """Lots after one transfer: a hop more, or, where the transfer is no hop, at least hop 1.

    What leaves a seed, boundary, hub or theft lies at hop 0 and is at hop 1 after any move, also as change. Hops past
    the limit are counted as one more than the limit, so that they stay few.
    """
    result = []
    for origin, hop, amount in lots:
        after = max(hop, 1) if keeps_hop else hop + 1
        if is_beyond(after, max_hops):
            assert max_hops is not None
            after = max_hops + 1
        result.append(Lot(origin, after, amount))
    return tuple(result)


LABEL_UNKNOWN = ("incomplete:", "opening:", "shortfall:", "budget", "floor", "beyond")
"""Reasons for which value is unresolved though it may well carry a seed's label (a hub's or a pool's value carries none)."""


def stolen(lots: Lots, theft: Origin, *, strict: bool = False) -> tuple[Lots, bool]:
    """Relabel value that a reported theft moved: all of it becomes ``theft`` at hop 0, but for units of another seed.

    ``strict`` (the interval): value whose history is missing stays unresolved, since it may carry a label already, and
    would keep it. Returns the lots and whether any unit already carried a seed's label (a reported theft washes nothing).
    """
    collision = any(lot.origin.kind == "seed" for lot in lots)
    return tuple(lot if _keeps_label(lot.origin, strict) else Lot(theft, 0, lot.amount) for lot in lots), collision


def _keeps_label(origin: Origin, strict: bool) -> bool:
    if origin.kind == "unresolved":
        return strict and origin.name.startswith(LABEL_UNKNOWN)
    return origin.kind == "seed"


def imposed(origin: Origin, amount: int, max_hops: int | None) -> Lots:
    """The composition of a transfer that leaves an origin, or that somebody else vouches for."""
    hop = max_hops + 1 if origin == BEYOND and max_hops is not None else 1
    return (Lot(origin, hop, amount),)


def summed(lots: Sequence[Lot]) -> Amount:
    """Total amount of some lots."""
    total: Amount = 0
    for lot in lots:
        total = total + lot.amount
    return total
