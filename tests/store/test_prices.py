"""A missing price is missing: never zero, never a stale one without notice."""

import pytest
import store_ledgers as made

from exposure.errors import InputError
from exposure.store.prices import DAY, Price, Prices, price_at
from exposure.store.store import Store

NOON = 1_700_000_000
USDT = "ethereum/0xdac17f958d2ee523a2206206994597c13d831ec7"


def stock(store: Store, *rows: tuple[str, int, str, float]) -> None:
    with store.writer(f"prices {store.version}") as writer:
        writer.append("prices", made.price_rows(rows))
        writer.commit()


def test_the_nearest_earlier_price_counts(store: Store) -> None:
    stock(store, ("bitcoin/native", NOON, "usd", 30_000.0), ("bitcoin/native", NOON + DAY, "usd", 31_000.0))
    prices = Prices(store)
    assert prices.price_at("bitcoin/native", "usd", NOON + DAY - 1) == Price(30_000.0, NOON, "prices 0")
    assert prices.price_at("bitcoin/native", "usd", NOON + DAY) == Price(31_000.0, NOON + DAY, "prices 0")
    assert prices.price_at("bitcoin/native", "usd", NOON - 1) is None


def test_a_price_that_is_too_old_is_none(store: Store) -> None:
    stock(store, ("bitcoin/native", NOON, "usd", 30_000.0))
    assert price_at(store, "bitcoin/native", "usd", NOON + 3 * DAY) is not None
    assert price_at(store, "bitcoin/native", "usd", NOON + 3 * DAY + 1) is None
    assert price_at(store, "bitcoin/native", "usd", NOON + 3 * DAY + 1, max_age=4 * DAY) is not None


def test_yen_come_by_the_rate_of_the_dollar_and_say_so(store: Store) -> None:
    stock(store, ("bitcoin/native", NOON, "usd", 30_000.0))
    assert price_at(store, "bitcoin/native", "jpy", NOON) is None
    stock(store, ("fiat/usd", NOON - DAY, "jpy", 150.0))
    assert price_at(store, "bitcoin/native", "jpy", NOON) == Price(4_500_000.0, NOON - DAY, "prices 0 x prices 1")
    stock(store, ("bitcoin/native", NOON, "jpy", 4_400_000.0))
    assert price_at(store, "bitcoin/native", "jpy", NOON) == Price(4_400_000.0, NOON, "prices 2")


def test_dollar_stablecoins_are_taken_at_one_by_a_named_rule(store: Store) -> None:
    assert price_at(store, USDT, "usd", NOON) == Price(1.0, NOON, "usd_peg")
    assert price_at(store, USDT, "jpy", NOON) is None
    stock(store, (USDT, NOON, "usd", 0.97))
    assert price_at(store, USDT, "usd", NOON) == Price(0.97, NOON, "prices 0")


def test_what_has_no_price_has_none(store: Store) -> None:
    assert price_at(store, "ethereum/native", "usd", NOON) is None
    with pytest.raises(InputError, match="usd or jpy"):
        price_at(store, "ethereum/native", "eur", NOON)


@pytest.mark.parametrize("price", [0.0, -1.0, float("nan"), float("inf")])
def test_a_price_that_is_no_positive_number_is_refused(store: Store, price: float) -> None:
    with pytest.raises(InputError, match="positive"):
        stock(store, ("bitcoin/native", NOON, "usd", price))
    assert store.version == 0
