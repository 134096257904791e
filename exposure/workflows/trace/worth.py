"""What a subject's transfers were worth, each at its own time."""

from __future__ import annotations

from collections.abc import Iterable

from exposure.measure.account import Account, Part
from exposure.model.results import PriceUsed
from exposure.store.prices import Price
from exposure.workflows.trace.ledgers import Moved
from exposure.workflows.trace.views import PriceSource

CURRENCIES = ("usd", "jpy")


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

    def part(self, accounts: Iterable[tuple[Moved, Account]], part: Part, currency: str) -> float | None:
        """What one part of an account was worth: of each transfer its share, at that transfer's time."""
        total = 0.0
        for row, account in accounts:
            amount = account.get(part, 0)
            if not amount:
                continue
            price = self.price(currency, row.time)
            if price is None:
                return None
            total += float(amount) / self._unit * price
        return total
