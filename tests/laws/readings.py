"""Reading figures off runs: small sums that the laws are stated in."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import Any

from ledgers import CATEGORY, ends, moves

from exposure.model.labels import Labels
from exposure.model.ledger import Transfer
from exposure.taint.reference.lots import Lot
from exposure.taint.reference.origins import owner_origin

Figure = Any
PRECISION = Fraction(1, 10**40)


def near(left: Figure, right: Figure, scale: Figure = 0) -> bool:
    """Equal: exactly between integers, to 40 digits of the larger one (or of ``scale``) where decimals are behind it."""
    if isinstance(left, int) and isinstance(right, int):
        return left == right
    a, b = Fraction(left), Fraction(right)
    return abs(a - b) <= max(abs(a), abs(b), Fraction(scale)) * PRECISION


def at_most(left: Figure, right: Figure, scale: Figure = 0) -> bool:
    """``left <= right``, with the same allowance."""
    return bool(Fraction(left) <= Fraction(right)) or near(left, right, scale)


def beyond(lot: Lot, max_hops: int | None) -> bool:
    """Whether a lot lies past the hop limit, by whatever name."""
    return lot.origin.name == "beyond" or (max_hops is not None and lot.hop > max_hops)


def composition(lots: tuple[Lot, ...], max_hops: int | None) -> dict[tuple[Any, ...], Figure]:
    """Sums by origin and hop; past the limit all is one."""
    found: dict[tuple[Any, ...], Figure] = defaultdict(int)
    for lot in lots:
        key = ("unresolved", "beyond", None, None) if beyond(lot, max_hops) else (*lot.origin, lot.hop)
        found[key] += lot.amount
    return {key: amount for key, amount in found.items() if amount}


def same(left: tuple[Lot, ...], right: tuple[Lot, ...], max_hops: int | None, scale: Figure = 0) -> bool:
    """Whether two compositions say the same."""
    a, b = composition(left, max_hops), composition(right, max_hops)
    return all(near(a.get(key, 0), b.get(key, 0), scale) for key in a.keys() | b.keys())


def exposure(lots: tuple[Lot, ...], max_hops: int | None, *, poison: bool = False) -> dict[str, Figure]:
    """Sum by category within the limit; under poison the whole value for each flag."""
    found: dict[str, Figure] = defaultdict(int)
    for lot in lots:
        if lot.origin.kind == "seed" and not beyond(lot, max_hops):
            category = CATEGORY[lot.origin.name]
            found[category] = lot.amount if poison else found[category] + lot.amount
    return dict(found)


def unresolved(lots: tuple[Lot, ...], max_hops: int | None) -> Figure:
    """Sum of what is unresolved."""
    return sum(lot.amount for lot in lots if lot.origin.kind == "unresolved" or beyond(lot, max_hops))


def is_end(transfer: Transfer, labels: Labels) -> bool:
    """Whether value that moves with a transfer leaves all pots: to a seed, service or hub, burned, or as a fee."""
    receiver = ends(transfer, labels)[1]
    return receiver is None or owner_origin(labels, receiver, transfer.time) is not None


def balances(transfers: list[Transfer], labels: Labels, openings: dict[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """Balances of the ordinary pots at the end, from amounts alone: what is not there cannot be held."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    for (address, asset), amount in openings.items():
        found[labels.owner(address), asset] += amount
    for transfer in transfers:
        if not moves(transfer, labels):
            continue
        sender, receiver = ends(transfer, labels)
        if sender is not None and owner_origin(labels, sender, transfer.time) is None:
            pot = sender, transfer.asset
            found[pot] = max(0, found[pot] - transfer.amount)
        if receiver is not None and owner_origin(labels, receiver, transfer.time) is None:
            found[receiver, transfer.asset] += transfer.amount
    return {pot: amount for pot, amount in found.items() if amount}
