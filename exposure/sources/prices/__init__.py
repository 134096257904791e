"""Prices from outside: DefiLlama or CoinGecko in dollars, the European Central Bank's reference rates for the yen."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

DAY = 86_400

COINS = {
    "bitcoin": "bitcoin",
    "ethereum": "ethereum",
    "arbitrum": "ethereum",
    "optimism": "ethereum",
    "base": "ethereum",
    "polygon": "polygon-ecosystem-token",
    "bsc": "binancecoin",
    "avalanche": "avalanche-2",
    "tron": "tron",
}
"""Names of chains' own coins at CoinGecko, which DefiLlama knows too."""

MAX_PRICE = 10**15


class Priced(NamedTuple):
    """A row of the table `prices` without ``source``. ``time``: the beginning of the day, UTC; ``price``: for a whole coin."""

    asset: str
    time: int
    currency: str
    price: float


def plausible(value: object) -> float | None:
    """A price as a number; None for what is none: text, nothing, zero, negative, or beyond all reason."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return float(value) if 0 < value < MAX_PRICE else None
