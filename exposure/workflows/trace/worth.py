"""What a subject's transfers were worth, each at its own time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from exposure.measure.account import Account, Part
from exposure.model.results import PriceUsed
from exposure.store.prices import Price
from exposure.workflows.trace.ledgers import Moved
from exposure.workflows.trace.views import PriceSource

Worths: TypeAlias = dict[Part, float | None]


class Valuation(NamedTuple):
    """What each part of some accounts was worth in both currencies."""

    usd: Worths
    jpy: Worths

    def of(self, parts: Sequence[Part]) -> tuple[float | None, float | None]:
        """Dollars and yen of some parts together; None where one of them has no price."""
        return _sum([self.usd.get(part, 0.0) for part in parts]), _sum([self.jpy.get(part, 0.0) for part in parts])


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


class Worth:
    """Money values in one asset; None where a price is missing, never zero."""

    def __init__(self, prices: PriceSource, asset: str, decimals: int) -> None:
        self._prices, self._asset, self._unit = prices, asset, 10.0**decimals
        self._known: dict[tuple[str, int], Price | None] = {}
        self.used: dict[PriceUsed, None] = {}

    def price(self, currency: str, time: int) -> float | None:
        """Price of a whole coin at a time."""
        key = currency, time
        if key not in self._known:
            self._known[key] = self._prices.price_at(self._asset, currency, time)
        found = self._known[key]
        if found is None:
            return None
        self.used[PriceUsed(currency, found.value, found.as_of, found.source)] = None
        return found.value

    def total(self, rows: Iterable[Moved], currency: str) -> float | None:
        """What some transfers were worth together."""
        total = 0.0
        for row in rows:
            price = self.price(currency, row.time)
            if price is None:
                return None
            total += row.amount / self._unit * price
        return total

    def valuation(self, accounts: Sequence[tuple[Moved, Account]]) -> Valuation:
        """What each part of some accounts was worth: of each transfer its share, at that transfer's time.

        None for a part of which any transfer has no price.
        """
        return Valuation(self._parts(accounts, "usd"), self._parts(accounts, "jpy"))

    def _parts(self, accounts: Iterable[tuple[Moved, Account]], currency: str) -> Worths:
        worths: Worths = {}
        for row, account in accounts:
            price = self.price(currency, row.time)
            for part, amount in account.items():
                before = worths.get(part, 0.0)
                if not amount or before is None:
                    continue
                worths[part] = None if price is None else before + float(amount) / self._unit * price
        return worths
