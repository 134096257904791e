"""What an asset was worth: the nearest stored price at or before a moment, if it is recent enough; else nothing, never zero."""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path
from typing import NamedTuple

import pyarrow.compute as pc

from exposure.errors import InputError
from exposure.store.store import Store

DAY = 86_400
MAX_AGE = 3 * DAY
"""How old a price may be, in seconds: a daily series with a weekend in it."""

FIAT_USD = "fiat/usd"
USD_PEG = "usd_peg"
"""Name of the rule that takes a well-known dollar stablecoin at 1."""


class Price(NamedTuple):
    """``value``: currency per whole coin. ``as_of``: unix seconds of the price, of the older one where two were combined.

    ``source``: names of the imported files, or the rule.
    """

    value: float
    as_of: int
    source: str


class Prices:
    """Prices of a version of a store. Series are read once and kept.

    Parameters
    ----------
    store : Store
        Must stay open as long as this object is used.
    max_age : int
        Seconds for which a price holds.
    """

    def __init__(self, store: Store, max_age: int = MAX_AGE) -> None:
        self._store = store
        self._max_age = max_age
        self._lookup = store.lookup("prices", "")
        self._series: dict[tuple[str, str], tuple[list[int], list[float], list[str]]] = {}
        # Names alone: a report that leaves the machine says nothing of its folders.
        self._files = {one.id: ", ".join(Path(name).name for name, _, _ in one.files) for one in store.imports()}

    def price_at(self, asset: str, currency: str, time: int) -> Price | None:
        """Price of one whole coin at a moment.

        A dollar stablecoin without a stored price is taken at 1 (rule ``usd_peg``). A yen price is the stored one, else
        the dollar price times the yen rate of the dollar (``fiat/usd`` in ``jpy``).

        Parameters
        ----------
        asset : str
            Asset id.
        currency : str
            ``usd`` or ``jpy``.
        time : int
            Unix seconds.

        Returns
        -------
        Price or None
            None if no price is known that is recent enough.

        Raises
        ------
        InputError
            If the currency is another one.
        """
        if currency not in ("usd", "jpy"):
            raise InputError(f"no prices in {currency!r}: use usd or jpy")
        stored = self._stored(asset, currency, time)
        if stored is not None:
            return stored
        if currency == "usd":
            return Price(1.0, time, USD_PEG) if self._store.asset_info(asset).usd_peg else None
        dollars = self.price_at(asset, "usd", time)
        rate = self._stored(FIAT_USD, "jpy", time)
        if dollars is None or rate is None:
            return None
        return Price(dollars.value * rate.value, min(dollars.as_of, rate.as_of), _joined(dollars.source, rate.source))

    def has(self, asset: str, currency: str, time: int) -> bool:
        """Whether a price is stored that holds at a moment; rules do not count."""
        return self._stored(asset, currency, time) is not None

    def _stored(self, asset: str, currency: str, time: int) -> Price | None:
        times, values, sources = self._series_of(asset, currency)
        place = bisect_right(times, time) - 1
        if place < 0 or time - times[place] > self._max_age:
            return None
        return Price(values[place], times[place], sources[place])

    def _series_of(self, asset: str, currency: str) -> tuple[list[int], list[float], list[str]]:
        key = (asset, currency)
        if key not in self._series:
            rows = self._lookup.rows(asset)
            rows = rows.filter(pc.equal(rows["currency"], currency))
            sources = [self._files.get(source) or source for source in rows["source"].to_pylist()]
            self._series[key] = (rows["time"].to_pylist(), rows["price"].to_pylist(), sources)
        return self._series[key]


def _joined(dollars: str, rate: str) -> str:
    return dollars if dollars == rate else f"{dollars} x {rate}"


def price_at(store: Store, asset: str, currency: str, time: int, max_age: int = MAX_AGE) -> Price | None:
    """One price; see `Prices.price_at`. For many, make a `Prices` and keep it."""
    return Prices(store, max_age).price_at(asset, currency, time)
