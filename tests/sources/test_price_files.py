"""Laws of price files and of descriptions of assets."""

from __future__ import annotations

import pytest
from bulk_files import TOKEN, read, write

from exposure.errors import InputError

DAY = 1_599_955_200


def test_prices_by_asset_date_and_currency(tmp_path):
    rows = [
        "bitcoin/native,2020-09-13,USD,10400.5",
        f"ethereum/{TOKEN.upper().replace('X', 'x')},1599955200,jpy,1e-3",
        "ETH,2020-09-13T00:00:00Z,usd,365",
    ]
    found = read([write(tmp_path / "p.csv", "asset,date,currency,price", *rows)]).rows["prices"]
    assert found == [
        {"asset": "bitcoin/native", "time": DAY, "currency": "usd", "price": 10400.5},
        {"asset": f"ethereum/{TOKEN}", "time": DAY, "currency": "jpy", "price": 0.001},
        {"asset": "ethereum/native", "time": DAY, "currency": "usd", "price": 365.0},
    ]


def test_dates_and_prices_alone_take_asset_and_currency_from_the_command(tmp_path):
    path = write(tmp_path / "p.csv", "Date,Open,Close", "2020-09-13,1,2")
    found = read([path], columns=["Date=date", "Close=price"], asset="bitcoin", currency="usd").rows["prices"]
    assert found == [{"asset": "bitcoin/native", "time": DAY, "currency": "usd", "price": 2.0}]
    with pytest.raises(InputError, match="add --asset"):
        read([path], columns=["Date=date", "Close=price"], currency="usd")
    with pytest.raises(InputError, match="add --currency usd"):
        read([path], columns=["Date=date", "Close=price"], asset="bitcoin")
    with pytest.raises(InputError, match="use usd or jpy"):
        read([path], columns=["Date=date", "Close=price"], asset="bitcoin", currency="eur")


def test_reference_rates_per_euro_give_yen_per_dollar_and_gaps_are_no_fault(tmp_path):
    rows = [
        "2020-09-14,1.25,125.0,0.9,1.1,",
        "2020-09-13,N/A,120,0.9,1.1,",
        "2020-09-12,1.25,N/A,0.9,1.1,",
        "2020-09-11,x,1,1,1,",
    ]
    result = read([write(tmp_path / "rates.csv", "Date,USD,JPY,GBP,CHF,", *rows)])
    assert result.rows["prices"] == [{"asset": "fiat/usd", "time": DAY + 86400, "currency": "jpy", "price": 100.0}]
    assert [one.line for one in result.rejects] == [5]


@pytest.mark.parametrize("price", ["0", "-1", "nan", "inf", "", "1_0", "abc", "9" * 400, "1e300"])
def test_what_is_no_price_is_rejected(tmp_path, price):
    path = write(tmp_path / "p.csv", "asset,date,currency,price", f"bitcoin,2020-09-13,usd,{price}", "bitcoin,2020-09-13,usd,1")
    result = read([path])
    assert [one.line for one in result.rejects] == [2]
    assert len(result.rows["prices"]) == 1


@pytest.mark.parametrize("asset", ["atlantis/native", "0x12", "ethereum/0x12", ""])
def test_an_asset_that_nobody_knows_is_rejected(tmp_path, asset):
    result = read([write(tmp_path / "p.csv", "asset,date,currency,price", f"{asset},2020-09-13,usd,1")])
    assert len(result.rejects) == 1
    assert "prices" not in result.rows


def test_assets_are_described_by_symbol_and_decimals(tmp_path):
    rows = [
        f"ethereum/{TOKEN},SIM,6",
        f"{TOKEN},X,6",
        f"ethereum/{TOKEN[:-1]},X,6",
        f"ethereum/{TOKEN},{'x' * 40},6",
        f"ethereum/{TOKEN},X,-6",
    ]
    result = read([write(tmp_path / "a.csv", "asset,symbol,decimals", *rows)])
    assert result.findings.descriptions == {f"ethereum/{TOKEN}": ("SIM", 6)}
    assert [one.line for one in result.rejects] == [3, 4, 5, 6]
