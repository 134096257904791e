"""Amounts are exact on the way in and never misleading on the way out."""

from datetime import UTC
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure import units
from exposure.errors import InputError

AMOUNTS = st.integers(0, 10**60)
DECIMALS = st.integers(0, 40)


@given(AMOUNTS, DECIMALS)
def test_an_amount_survives_the_way_out_and_back(amount, decimals):
    assert units.to_base_units(units.exact_coins(amount, decimals), decimals) == amount
    assert units.to_base_units(units.coins(amount, decimals).replace(",", ""), decimals) == amount


@given(AMOUNTS, DECIMALS, st.integers(-30, 30))
def test_an_exponent_is_read_exactly(amount, decimals, exponent):
    text = f"{amount}e{exponent}"
    shift = exponent + decimals
    if shift >= 0:
        assert units.to_base_units(text, decimals) == amount * 10**shift
    elif amount % 10**-shift == 0:
        assert units.to_base_units(text, decimals) == amount // 10**-shift
    else:
        with pytest.raises(InputError, match="smallest unit"):
            units.to_base_units(text, decimals)


@pytest.mark.parametrize(
    ("text", "decimals", "amount"),
    [
        ("1.5", 8, 150_000_000),
        ("1e-05", 18, 10**13),
        ("0.000000010000", 8, 1),
        ("12.", 0, 12),
        (".5", 1, 5),
        ("-0", 8, 0),
        (" 7 ", 2, 700),
        ("0e400", 0, 0),
        ("182163.95600000000558793545", 20, 18216395600000000558793545),
    ],
)
def test_numbers_as_sources_print_them(text, decimals, amount):
    assert units.to_base_units(text, decimals) == amount


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("NaN", "not a decimal"),
        ("inf", "not a decimal"),
        ("", "not a decimal"),
        ("1,000", "separators"),
        ("1_000", "separators"),
        ("0x10", "not a decimal"),
        ("\u0661", "not a decimal"),
        ("1e5e5", "not a decimal"),
        ("-1", "negative"),
        ("0.000000001", "smallest unit"),
        ("1e999999", "exponent"),
        ("1e-999999", "exponent"),
        ("1e99999999999", "not a decimal"),
        ("9" * 1_000_000, "1000000 characters"),
    ],
)
def test_bad_numbers_are_refused_with_the_reason(text, reason):
    with pytest.raises(InputError, match=reason):
        units.to_base_units(text, 8)


@given(st.text(max_size=220))
def test_any_text_is_a_number_or_refused(text):
    try:
        assert units.to_base_units(text, 8) >= 0
    except InputError as error:
        assert len(str(error)) < 400


def test_coins_cut_towards_zero_and_never_to_nothing():
    assert units.coins(31_000_000, 8, digits=3) == "0.31"
    assert units.coins(123_456_789_012, 8, digits=3) == "1,234.567"
    assert units.coins(99_999_999, 8, digits=3) == "0.999"
    assert units.coins(1, 18, digits=3) == "<0.001"
    assert units.coins(0, 18, digits=3) == "0"
    assert units.coins(-5, 1) == "-0.5"
    assert units.coins(7, 0, digits=3) == "7"
    assert units.coins(1, 8, digits=0) == "<1"


@given(st.floats(0, 1), st.integers(0, 4))
def test_a_share_says_nothing_or_all_only_where_it_is(part, digits):
    text = units.share(part, digits=digits)
    assert (text == "0 %") == (part == 0)
    assert (text == "100 %") == (part == 1)
    number = float(text.strip("<> %"))
    if text[0] not in "<>":
        assert abs(number - part * 100) <= 0.5000001 * 10**-digits
        assert 0 < number < 100 or part in (0, 1)


def test_shares_as_printed():
    printed = [units.share(p) for p in (0.124, 0.0004, 0.0005, 0.9999, 0.9994, 1.0000000001, -1e-12)]
    assert printed == ["12.4 %", "<0.1 %", "0.1 %", ">99.9 %", "99.9 %", "100 %", "0 %"]
    for wrong in (1.1, -0.1, float("nan")):
        with pytest.raises(InputError, match="between 0 and 1"):
            units.share(wrong)


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        (142_300.4, "usd", "$142,300"),
        (17.654, "usd", "$17.65"),
        (999.999, "usd", "$1,000.00"),
        (0, "usd", "$0.00"),
        (0.001, "usd", "<$0.01"),
        (0.001, "jpy", "<JPY 1"),
        (21_412_345, "jpy", "JPY 21.4M"),
        (999_999.9, "jpy", "JPY 1,000,000"),
        (999_999_999, "usd", "$1B"),
        (1_234_567, "usd", "$1.235M"),
        (123_456_789_012, "usd", "$123.5B"),
        (5.5e15, "usd", "$5,500T"),
        (Decimal("12.5"), "eur", "EUR 12.50"),
        (-12.5, "usd", "-$12.50"),
    ],
)
def test_money_at_a_glance(value, currency, text):
    assert units.money(value, currency) == text


def test_times_in_utc_and_in_a_zone():
    time = 1_710_753_125
    assert units.iso(time) == "2024-03-18T09:12:05Z"
    assert units.day(time) == "2024-03-18"
    assert units.clock(time) == "2024-03-18 09:12 UTC"
    tokyo = units.zone("Asia/Tokyo")
    assert units.clock(time, tokyo) == "2024-03-18 18:12 JST (09:12 UTC)"
    assert units.clock(time + 7 * 3600, tokyo) == "2024-03-19 01:12 JST (2024-03-18 16:12 UTC)"
    assert units.zone("utc") is UTC
    for bad in ("Asia/Tokio", "../etc/passwd", "/etc/localtime", "", "Asia", "A\x00B"):
        with pytest.raises(InputError, match="time zone"):
            units.zone(bad)


@given(st.integers(-(10**9), 10**11))
def test_a_time_survives_the_way_out_and_back(time):
    assert units.to_unix(units.iso(time)) == time
    assert units.start_of_day(time) == units.to_unix(units.day(time)) <= time


def test_times_as_people_write_them():
    tokyo = units.zone("Asia/Tokyo")
    assert units.to_unix("2024-03-18") == 1_710_720_000
    assert units.to_unix("2024-03-18", tokyo) == 1_710_720_000 - 9 * 3600
    assert units.to_unix("2024-03-18", end_of_day=True) == 1_710_720_000 + 86_399
    assert units.to_unix("2024-03-18 00:01 UTC", end_of_day=True) == 1_710_720_000 + 119
    assert units.to_unix("2024-03-18T00:01:00Z", end_of_day=True) == 1_710_720_000 + 60
    assert units.to_unix("2024-03-18 18:12+09:00") == units.to_unix("2024-03-18T09:12Z") == 1_710_753_120
    assert units.to_unix("2024-03-18 09:12:05.9 UTC") == 1_710_753_125
    assert units.to_unix("1710753125") == 1_710_753_125
    for bad in (
        "",
        "yesterday",
        "18.03.2024",
        "2024-13-01",
        "2024-02-30",
        "12345",
        "2024-03-18T25:00",
        "9" * 50,
        "２０２４-03-18",
    ):
        with pytest.raises(InputError, match="not a time"):
            units.to_unix(bad)
    with pytest.raises(InputError, match="unix seconds"):
        units.iso(10**15)


def test_durations_at_a_glance():
    got = [units.duration(s) for s in (0.31, 42.4, 59.6, 185, 7_440, 86_400, 3 * 86_400 + 5)]
    assert got == ["0.3 s", "42 s", "1 min", "3 min 5 s", "2 h 4 min", "1 day", "3 days"]
