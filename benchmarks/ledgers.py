"""Account ledgers of any length, generated in chunks: the same ledger for the same seed, whatever the chunks.

Who pays was lately paid: a payer is drawn from a ring of accounts that hold something, at a log-uniform distance from its
head, and spends what lies there, in part or (two times in three) all. So balances suffice, most accounts are emptied in
the end, and value that nobody moves falls off the ring's edge and stays. Services and hubs are few and take part in very
many transfers, by Zipf's law, as old accounts do that are paid again. One transfer in 64 pays back whoever paid the payer
last; there are bursts in which one service pays out or collects.

Ids are given by first use: first `SEEDS`, services and hubs, then accounts that hold something at the beginning, then
births. Memory: 16 bytes for each place of the ring (at most 2**20), 8 for each address, and one chunk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exposure.taint.kernels.compiled import kernel, prefetch

SEEDS, SERVICES, HUBS = 200, 1_000, 50
RECEIVING = SERVICES - 32
"""The last services only pay: pools, which have nothing but what is new and fall short."""
FIRST_SERVICE, FIRST_HUB, FIRST_ACCOUNT = SEEDS, SEEDS + SERVICES, SEEDS + SERVICES + HUBS
"""Ids ``0..SEEDS-1`` are seeds, then services, then hubs, then everybody else."""
FEE = -2
"""Target of a row that is a fee."""
NEWCOMERS = 0.30
"""Share of the transfers whose receiver is on no place of the ring: births, and old accounts that are paid again."""
MOST_BIRTHS = 0.28
"""New addresses per transfer: fewer than newcomers, since fees and bursts bring none."""
RING = np.dtype([("account", "i4"), ("payer", "i4"), ("left", "i8")], align=True)
OPENING = 1 << 40
FILLED = 8
"""One place of the ring in so many is taken at the beginning."""

# Shares in 65,536ths. They were chosen so that the tainted shares of the three scenarios come out as docs/performance.md says.
_PAID_BY_SEED, _PAID_BY_SERVICE, _PAID_BY_HUB = 68, 30_200, 4_200
_TO_SERVICE, _TO_HUB, _TO_SEED, _BACK = 37_000, 3_900, 40, 1_024
_PAID_BY_POOL = 9_000
_EMPTIES = 45_000
_PROBES = 8
_WINDOW, _AHEAD = 4_096, 8

_QUANTILES = np.rint(1e6 * (np.maximum(np.arange(513), 1) / 512.0) ** -0.8)

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST_FACTOR, _SECOND_FACTOR = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_TWO, _SHIFT30, _SHIFT27, _SHIFT31 = np.uint64(2), np.uint64(30), np.uint64(27), np.uint64(31)


class Chunk(NamedTuple):
    """Transfers in order. ``source``, ``target``: ids (int32; a target may be `FEE`); ``amount``: base units (int64, > 0)."""

    source: NDArray[np.int32]
    target: NDArray[np.int32]
    amount: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of a ledger. ``fees``: share of the accounts' payments that are fees; ``seed``: another seed, another ledger.

    Births come at the rate that uses up ``addresses`` at the end.
    """

    transfers: int
    addresses: int
    fees: float = 1 / 32
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be generated."""
        least, most = FIRST_ACCOUNT + self.first + 1, f"at most {MOST_BIRTHS:.0%}"
        if self.addresses < least:
            raise SystemExit(f"{self.addresses:,} addresses are too few: at least {least:,} are needed")
        if self.births > MOST_BIRTHS:
            raise SystemExit(f"{self.addresses:,} addresses are too many for {self.transfers:,} transfers: {most}")

    @classmethod
    def of(cls, transfers: int, births: float) -> Shape:
        """A shape by its births per transfer."""
        return cls(transfers, FIRST_ACCOUNT + _ring(transfers) // FILLED + 1 + int(births * transfers))

    @property
    def ring(self) -> int:
        """Places of the ring."""
        return _ring(self.transfers)

    @property
    def first(self) -> int:
        """Accounts that hold something at the beginning."""
        return self.ring // FILLED

    @property
    def births(self) -> float:
        """New addresses per transfer."""
        return (self.addresses - FIRST_ACCOUNT - self.first) / max(self.transfers, 1)


def _ring(transfers: int) -> int:
    """A power of two, about a sixteenth of the transfers."""
    return 1 << max(8, min(20, (max(transfers, 16) // 16).bit_length() - 1))


def openings(shape: Shape) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Who holds what before the first transfer: services but for pools, hubs, the first accounts (ids, base units)."""
    who = np.arange(FIRST_SERVICE, FIRST_ACCOUNT + shape.first, dtype=np.int32)
    held = np.full(len(who), OPENING, np.int64)
    held[FIRST_ACCOUNT - FIRST_SERVICE :] = 1_000_000 + np.arange(shape.first) * 7_919 % 100_000_000
    some = (who < FIRST_SERVICE + RECEIVING) | (who >= FIRST_HUB)
    return who[some], held[some]


def chunks(shape: Shape, size: int = 1 << 20) -> Iterator[Chunk]:
    """The ledger, ``size`` transfers at a time. Cost: about 50 ns per transfer, one thread."""
    state = _beginning(shape)
    births = int(shape.births * 2**32)
    for start in range(0, shape.transfers, size):
        count = min(size, shape.transfers - start)
        chunk = Chunk(np.empty(count, np.int32), np.empty(count, np.int32), np.empty(count, np.int64))
        _fill(*state, np.uint64(shape.seed), start, births, shape.addresses, int(shape.fees * 65_536), *chunk)
        yield chunk


def _beginning(shape: Shape) -> tuple[Any, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The ring with the first accounts on it; (places written, next id); what hubs hold; what accounts hold off the ring."""
    ring = np.zeros(shape.ring, RING)
    who, held = openings(shape)
    accounts = who >= FIRST_ACCOUNT
    ring["account"][: shape.first], ring["payer"][: shape.first] = who[accounts], FIRST_SERVICE
    ring["left"][: shape.first] = held[accounts]
    counts = np.array([shape.first, FIRST_ACCOUNT + shape.first], np.int64)
    return ring, counts, np.full(HUBS, OPENING, np.int64), np.zeros(shape.addresses, np.int64)


@kernel
def mixed(state: np.uint64) -> np.uint64:
    """64 bits that look random, from 64 bits that do not (the finaliser of splitmix64)."""
    state = (state ^ (state >> _SHIFT30)) * _FIRST_FACTOR
    state = (state ^ (state >> _SHIFT27)) * _SECOND_FACTOR
    return state ^ (state >> _SHIFT31)


@kernel
def _near(bits: int, doublings: int) -> int:
    """A log-uniform number, 1 to 2**doublings - 1, from 40 bits."""
    whole = 1 << ((bits >> 32) * doublings >> 8)
    return whole | (bits & (whole - 1))


@kernel
def _heavy(bits: int) -> int:
    """An amount with a Pareto tail of exponent 1.25, from 24 bits: between two quantiles, computed only in the tail."""
    step = bits >> 15
    if step == 0:
        return int(1e6 * ((bits + 1) / 16_777_216.0) ** -0.8)
    return int(_QUANTILES[step] + (_QUANTILES[step + 1] - _QUANTILES[step]) * ((bits & 0x7FFF) / 32_768.0))


@kernel
def _draw(key: np.uint64, first: int, who: Any, whom: Any, much: Any) -> None:
    """Three times 62 random bits for each transfer, as signed numbers: shifts and products then stay integers."""
    for n in range(who.shape[0]):
        draw = mixed(key + np.uint64(first + n) * _GOLDEN)
        who[n] = np.int64(draw >> _TWO)
        whom[n] = np.int64(mixed(draw + _GOLDEN) >> _TWO)
        much[n] = np.int64(mixed(draw ^ _FIRST_FACTOR) >> _TWO)


@kernel
def _fill(
    ring: Any,
    counts: Any,
    stock: Any,
    asleep: Any,
    seed: np.uint64,
    start: int,
    births: int,
    addresses: int,
    fees: int,
    source: Any,
    target: Any,
    amount: Any,
) -> None:
    places = ring.shape[0]
    doublings = 0
    while (1 << (doublings + 1)) <= places:
        doublings += 1
    newcomers, first = int(NEWCOMERS * 65_536), FIRST_ACCOUNT + places // FILLED
    key = mixed(seed * _GOLDEN + _GOLDEN)
    draws = np.empty((3, _WINDOW), np.int64)
    burst, bursting, one, end = 0, False, 0, 0
    for n in range(source.shape[0]):
        drawn = (start + n) % _WINDOW
        if drawn == 0 or n == 0:
            count = min(_WINDOW - drawn, source.shape[0] - n)
            end = drawn + count
            _draw(key, start + n, draws[0, drawn:end], draws[1, drawn:end], draws[2, drawn:end])
            burst = np.int64(mixed(key ^ np.uint64((start + n) // _WINDOW)) >> _TWO)
            bursting, one = burst & 15 == 0, FIRST_SERVICE + _near(burst >> 8 & 0xFF_FFFF_FFFF, 9) % RECEIVING
        who, whom, much = draws[0, drawn], draws[1, drawn], draws[2, drawn]
        bursts = bursting and who >> 60 & 1 == 1
        if drawn + _AHEAD < end:
            away = _near(draws[0, drawn + _AHEAD] >> 16 & 0xFF_FFFF_FFFF, doublings)
            prefetch(ring, (counts[0] + _AHEAD // 2 - away) & (places - 1))
            away = _near(draws[1, drawn + _AHEAD] >> 16 & 0xFF_FFFF_FFFF, doublings)
            prefetch(ring, (counts[0] + _AHEAD // 2 - away) & (places - 1))

        # who pays: whoever is about to fall off the ring, else somebody of the ring, a service, a hub, a seed
        edge = counts[0] & (places - 1)
        place, payer, chance = -1, -1, who & 0xFFFF
        if ring[edge].left > 0:
            if much & 7 == 0:
                asleep[ring[edge].account] += ring[edge].left  # stays where it is until the account is paid again
                ring[edge].left = 0
            else:
                place = edge
        if place < 0 and not (bursts and burst & 16):
            if chance < _PAID_BY_SEED:
                payer = (who >> 16 & 0xFFFF) * SEEDS >> 16
            elif chance < _PAID_BY_SEED + _PAID_BY_HUB:
                hub = _near(who >> 16 & 0xFF_FFFF_FFFF, 6) % HUBS
                if stock[hub] > 1 << 30:
                    payer = FIRST_HUB + hub
            elif chance >= _PAID_BY_SEED + _PAID_BY_HUB + _PAID_BY_SERVICE:
                away = _near(who >> 16 & 0xFF_FFFF_FFFF, doublings)
                for more in range(_PROBES):
                    at = (counts[0] - away - more) & (places - 1)
                    if ring[at].left > 0:
                        place = at
                        break
        sum_left = 0
        if place >= 0:
            payer, sum_left = ring[place].account, ring[place].left
        elif payer < 0:
            payer = one
            if not bursts:
                pool = who >> 16 & 0xFFFF < _PAID_BY_POOL
                payer = FIRST_SERVICE + (
                    RECEIVING + (who >> 40 & 31) if pool else _near(who >> 16 & 0xFF_FFFF_FFFF, 10) % RECEIVING
                )

        # how much
        if place >= 0:
            if (much >> 4 & 0xFFFF) < fees and place != edge:
                paid = max(1, sum_left >> 10)
                source[n], target[n], amount[n] = payer, FEE, paid
                ring[place].left -= paid
                continue
            if (much >> 20 & 0xFFFF) < _EMPTIES or place == edge:
                paid = sum_left
            else:
                paid = max(1, sum_left // 1024 * (1 + (much >> 36 & 1023)))
            ring[place].left -= paid
        else:
            paid = _heavy(much >> 20 & 0xFF_FFFF)
            if payer >= FIRST_HUB:
                paid = min(paid, stock[payer - FIRST_HUB] >> 2)
                stock[payer - FIRST_HUB] -= paid

        # to whom
        payee, held, chance = -1, 0, whom & 0xFFFF
        if bursts and not burst & 16:
            payee = one
        elif chance < newcomers:
            if counts[1] <= first + (births * (start + n) >> 32) and counts[1] < addresses:
                payee = counts[1]
                counts[1] += 1
            else:
                born = counts[1] - FIRST_ACCOUNT
                again = whom >> 22 & 0xFF_FFFF_FFFF
                payee = FIRST_ACCOUNT + (_near(again, 24) << 8 | whom & 0xFF if again & 1 else again >> 1) % born
                held, asleep[payee] = asleep[payee], 0
        elif chance < newcomers + _TO_SERVICE:
            payee = FIRST_SERVICE + _near(whom >> 16 & 0xFF_FFFF_FFFF, 10) % RECEIVING
        elif chance < newcomers + _TO_SERVICE + _TO_HUB:
            payee = FIRST_HUB + _near(whom >> 16 & 0xFF_FFFF_FFFF, 6) % HUBS
        elif chance < newcomers + _TO_SERVICE + _TO_HUB + _TO_SEED:
            payee = (whom >> 16 & 0xFFFF) * SEEDS >> 16
        elif chance < newcomers + _TO_SERVICE + _TO_HUB + _TO_SEED + _BACK and place >= 0:
            payee = ring[place].payer
            if payee >= FIRST_SERVICE + RECEIVING and payee < FIRST_HUB:
                payee = one
        else:
            at = (counts[0] - _near(whom >> 16 & 0xFF_FFFF_FFFF, doublings)) & (places - 1)
            payee = ring[at].account
            if payee >= FIRST_ACCOUNT and at != place:
                held, ring[at].left = ring[at].left, 0
        if payee < 0 or payee == payer:
            payee = one if payer != one else FIRST_SERVICE + (one - FIRST_SERVICE + 1) % RECEIVING
        source[n], target[n], amount[n] = payer, payee, paid
        if payee >= FIRST_ACCOUNT:
            ring[edge].account, ring[edge].payer, ring[edge].left = payee, payer, paid + held
            counts[0] += 1
        elif payee >= FIRST_HUB:
            stock[payee - FIRST_HUB] += paid
