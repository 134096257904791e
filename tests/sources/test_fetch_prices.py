"""Prices from outside: stored once, never zero, never of another day; what is missing is said."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from evm_explorers import serving
from fetching import Waits

from exposure import config
from exposure.net.calls import Calls
from exposure.sources.bulk.stored import python_rows
from exposure.store.prices import Prices
from exposure.store.store import Store
from exposure.workflows.fetch.prices import fetch_prices

DAY = 86_400
FRIDAY = 1_700_179_200  # 2023-11-17
ME, OTHER = "0x" + "a" * 40, "0x" + "b" * 40
USDT, SHIB, SPAM = (
    "ethereum/0xdac17f958d2ee523a2206206994597c13d831ec7",
    "ethereum/0x95ad61b0a150d79219dcf64e1e6cc01f0b64c4ce",
    "ethereum/0x" + "5" * 40,
)
ETH = "ethereum/native"


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.in_memory() as store:
        rows = []
        for n, (asset, time) in enumerate(
            [(ETH, FRIDAY + 5), (ETH, FRIDAY + 2 * DAY), (SHIB, FRIDAY + 9), (USDT, FRIDAY), (SPAM, FRIDAY)]
        ):
            tx = f"0x{n:064x}"
            rows.append(("ethereum", asset, tx, n, 0, 0, "log:0", time, OTHER, ME, Decimal(7), "token", "ok", None, 0))
        with store.writer("rows") as writer:
            writer.append("transfers", python_rows("transfers", rows))
            writer.commit()
        yield store


class Market:
    """Answers of DefiLlama, CoinGecko and the bank; ``wrong`` replaces a price."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.wrong: dict[str, object] = {}

    def __call__(self, path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        self.asked.append(path)
        if path.startswith("/prices/historical/"):
            day, coins = path.removeprefix("/prices/historical/").split("/", 1)
            known = {"coingecko:ethereum": 2000.5, f"ethereum:{SHIB[9:]}": 1e-05}
            found = {
                coin: {"decimals": 18, "symbol": "X", "price": price, "timestamp": int(day) + 60, "confidence": 0.99}
                for coin, price in known.items()
                if coin in coins.split(",")
            }
            for coin, change in self.wrong.items():
                if coin in found:
                    found[coin] |= change
            return 200, {"coins": found}
        if path.endswith("/market_chart/range"):
            if "contract" in path:
                return 404, {"error": "coin not found"}
            begin = int(query["from"])
            return 200, {
                "prices": [[(begin + n * 3600) * 1000, 1900 + n] for n in range(72)],
                "market_caps": [],
                "total_volumes": [],
            }
        lines = ["KEY,FREQ,CURRENCY,CURRENCY_DENOM,TIME_PERIOD,OBS_VALUE"]
        for day in ("2023-11-15", "2023-11-16", "2023-11-17"):
            lines += [f"k,D,JPY,EUR,{day},163.0", f"k,D,USD,EUR,{day},1.0875"]
        lines += ["k,D,JPY,EUR,2023-11-14,", "k,D,USD,EUR,2023-11-14,1.08"]
        return 200, "\n".join(lines).encode()


def priced(store: Store, base: str, **environ: str) -> list[str]:
    urls = {f"EXPOSURE_{name}_URL": base for name in ("DEFILLAMA", "COINGECKO", "ECB")}
    waits = Waits()
    calls = Calls(clock=waits.clock, sleep=waits.sleep)
    return fetch_prices(store, [("ethereum", ME)], config.load(environ=urls | environ), calls)


def test_prices_of_the_days_of_transfers_are_stored_once(store: Store) -> None:
    market = Market()
    with serving(market) as (base, _):
        notes = priced(store, base)
        known = Prices(store)
        dollars = known.price_at(ETH, "usd", FRIDAY + 5)
        assert dollars is not None
        assert (dollars.value, dollars.as_of) == (2000.5, FRIDAY)
        assert "127.0.0.1" in dollars.source
        yen = known.price_at(ETH, "jpy", FRIDAY + 2 * DAY)
        assert yen is not None
        assert yen.value == pytest.approx(2000.5 * 163.0 / 1.0875)
        assert yen.as_of == FRIDAY  # the weekend has the rate of Friday
        pegged = known.price_at(USDT, "usd", FRIDAY)
        assert pegged is not None
        assert pegged.source == "usd_peg"
        assert known.price_at(SPAM, "usd", FRIDAY) is None
        assert "1 asset has none" in notes[-1]
        assert len(market.asked) == 3
        assert not any(USDT[9:] in path for path in market.asked)
        market.asked.clear()
        priced(store, base)
        assert [path for path in market.asked if ETH in path or SHIB[9:] in path or "EXR" in path] == []


@pytest.mark.parametrize(
    "change",
    [{"price": 0}, {"price": -1}, {"price": "2000"}, {"price": None}, {"price": 1e300}, {"timestamp": 5}, {"confidence": 0.1}],
)
def test_a_price_that_is_none_is_not_stored(store: Store, change: dict[str, object]) -> None:
    market = Market()
    market.wrong["coingecko:ethereum"] = change
    with serving(market) as (base, _):
        priced(store, base)
    assert Prices(store).price_at(ETH, "usd", FRIDAY + 5) is None
    assert Prices(store).price_at(SHIB, "usd", FRIDAY + 9) is not None


def test_a_series_gives_the_first_price_of_each_day(store: Store) -> None:
    with serving(Market()) as (base, asked):
        priced(store, base, EXPOSURE_PRICE_SOURCE="coingecko", EXPOSURE_COINGECKO_KEY="a-key")
    days = [Prices(store, max_age=0).price_at(ETH, "usd", FRIDAY + n * DAY) for n in range(3)]
    assert [price.value for price in days if price is not None] == [1900, 1924, 1948]
    assert not any("a-key" in path for path in asked)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"null", b'{"coins": 5}', b'{"prices": [[1]]}', b""])
@pytest.mark.parametrize("source", ["defillama", "coingecko"])
def test_a_reply_that_is_no_price_is_said_and_stores_nothing(store: Store, source: str, body: bytes) -> None:
    with serving(lambda path, query, asked: (200, body)) as (base, _):
        notes = priced(store, base, EXPOSURE_PRICE_SOURCE=source)
    assert notes[0].startswith("prices: 127.0.0.1")
    assert Prices(store).price_at(ETH, "usd", FRIDAY + 5) is None
    assert Prices(store).price_at(ETH, "jpy", FRIDAY + 5) is None
