"""Laws of amounts, times and mappings as they are read from files."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.errors import InputError
from exposure.sources.bulk.exact import base_units, looks_like_a_float
from exposure.sources.bulk.mapping import Mapped, read_mapping, resolve
from exposure.sources.bulk.times import unix_seconds


@given(st.integers(0, 10**38 - 1), st.integers(0, 18))
def test_an_amount_written_in_coins_is_read_back_exactly(units, decimals):
    text = format(Decimal(units).scaleb(-decimals).normalize(), "f") if units else "0"
    assert base_units(str(units), 0) == units
    digits = str(units).rjust(decimals + 1, "0")
    written = f"{digits[: len(digits) - decimals]}.{digits[len(digits) - decimals :]}" if decimals else str(units)
    assert base_units(written, decimals) == units
    if units < 10**27:  # the default context of Decimal keeps 28 digits
        assert base_units(text, decimals) == units


@given(st.floats(min_value=1e-8, max_value=2e7, allow_nan=False))
def test_the_shortest_text_of_a_double_of_bitcoins_is_its_nearest_satoshi(coins):
    satoshis = round(Decimal(coins) * 10**8)
    if satoshis:
        assert base_units(repr(satoshis / 10**8), 8, of_double=True) == satoshis


@pytest.mark.parametrize(
    ("text", "decimals", "units"),
    [
        ("1e-05", 18, 10**13),
        ("1E+3", 0, 1000),
        ("3364.5375835279715", 18, 3364537583527971500000),
        ("0.0", 0, 0),
        ("-0.0", 18, 0),
        ("5.", 2, 500),
        (".5", 2, 50),
        ("+7", 0, 7),
        ("00000000000000000000000000000000000000000001", 0, 1),
        ("1.50", 1, 15),
        ("0.30000000000000004", 8, 30_000_000),
        ("9" * 38, 0, 10**38 - 1),
    ],
)
def test_amounts_are_exact_from_their_text(text, decimals, units):
    assert base_units(text, decimals) == units


@pytest.mark.parametrize(
    ("text", "decimals", "reason"),
    [
        ("0.5", 0, "fraction of a base unit; if it is in whole coins"),
        ("0.123456789", 8, "has a fraction of a base unit: the asset has 8 decimals"),
        ("1e-9", 8, "fraction of a base unit"),
        ("-1", 0, "is negative"),
        ("0x10", 0, "hexadecimal"),
        ("nan", 0, "is no number"),
        ("Infinity", 0, "is no number"),
        ("1,000", 0, "comma"),
        ("1_000", 0, "is no number"),
        ("", 0, "is no number"),
        (".", 0, "is no number"),
        ("--1", 0, "is no number"),
        ("١٢", 0, "is no number"),
        ("1e999", 0, "does not fit"),
        ("1e9999", 0, "is no number"),
        ("1" + "0" * 38, 0, "does not fit"),
        ("1" + "0" * 30, 18, "does not fit"),
        ("1e38", 0, "does not fit"),
    ],
)
def test_an_amount_that_does_not_fit_is_refused_with_its_reason(text, decimals, reason):
    with pytest.raises(ValueError, match=reason):
        base_units(text, decimals)


def test_a_number_of_a_million_digits_is_refused_at_once():
    started = time.monotonic()
    for text in ("9" * 1_000_000, "0." + "1" * 1_000_000, "1e" + "9" * 1_000_000):
        with pytest.raises(ValueError, match="characters"):
            base_units(text, 18)
    assert time.monotonic() - started < 0.5


def test_only_text_that_may_have_lost_digits_looks_like_a_float():
    assert looks_like_a_float("1e-05")
    assert looks_like_a_float("0.002120804918497651")
    assert not looks_like_a_float("12.5")
    assert not looks_like_a_float("1234567890123456789012")


@pytest.mark.parametrize(
    ("text", "form", "seconds"),
    [
        ("1600000000", "", 1_600_000_000),
        ("1600000000", "unix", 1_600_000_000),
        ("1600000000.0", "unix", 1_600_000_000),
        ("1600000000999", "ms", 1_600_000_000),
        ("2020-09-13T12:26:40+00:00", "", 1_600_000_000),
        ("2020-09-13T21:26:40+09:00", "iso", 1_600_000_000),
        ("2020-09-13 12:26:40 UTC", "", 1_600_000_000),
        ("2020-09-13T12:26:40.999Z", "iso", 1_600_000_000),
        ("2020-09-13", "iso", 1_599_955_200),
        ("13.09.2020 12:26", "%d.%m.%Y %H:%M", 1_599_999_960),
        ("1970-01-01", "", 0),
    ],
)
def test_times_are_unix_seconds_in_utc(text, form, seconds):
    assert unix_seconds(text, form) == seconds


@pytest.mark.parametrize(
    ("text", "form", "reason"),
    [
        ("1600000000000", "", "milliseconds, map the column with :ms"),
        ("yesterday", "", "ISO 8601"),
        ("1600000000", "iso", "ISO 8601"),
        ("13.09.2020", "%Y-%m-%d", "does not match"),
        ("-5", "unix", "no number of seconds"),
        ("1969-12-31", "iso", "outside of 1970"),
        ("9999-12-31T23:59:59-23:59", "iso", "outside of 1970"),
        ("9" * 60, "", "outside of 1970"),
        ("9" * 1_000_000, "", "no time"),
    ],
)
def test_what_is_no_time_is_refused_with_its_reason(text, form, reason):
    with pytest.raises(ValueError, match=reason):
        unix_seconds(text, form)


def test_a_mapping_reads_columns_fields_and_formats():
    assert read_mapping(["block_time=time:iso", "from=from:hexbytes", "v=amount:decimals=6", "a=b=fee:gwei"]) == (
        Mapped("block_time", "time", "iso"),
        Mapped("from", "from", "hexbytes"),
        Mapped("v", "amount", "decimals=6"),
        Mapped("a=b", "fee", "gwei"),
    )
    assert [one.decimals for one in read_mapping(["v=amount:decimals=6", "f=fee:ether"])] == [6, 18]
    assert read_mapping(["when=time:%d.%m.%Y %H:%M:%S"])[0].format == "%d.%m.%Y %H:%M:%S"


def test_a_mapping_in_a_file_says_the_same(tmp_path):
    path = tmp_path / "map.toml"
    path.write_text('[map]\n"block_time" = "time:iso"\n"total_eth" = "amount:ether"\n')
    assert read_mapping([str(path)]) == read_mapping(["block_time=time:iso", "total_eth=amount:ether"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x=ammount"], "did you mean amount"),
        (["x=colour"], "there is no field colour"),
        (["x=amount:gigawei"], "is no format of amount; it takes ether, gwei, decimals=N"),
        (["x=amount:decimals=99"], "is no format of amount"),
        (["x=time:%Q"], "is no format of time"),
        (["x=status:hexbytes"], "takes no format"),
        (["x=time", "y=time"], "to several columns"),
        (["=time"], "write COLUMN=FIELD"),
        (["nonsense"], "name a TOML file"),
        (["missing.toml"], "No such file"),
    ],
)
def test_a_wrong_mapping_is_refused_with_what_to_do(arguments, message):
    with pytest.raises(InputError, match=message):
        read_mapping(arguments)


@pytest.mark.parametrize("content", ["", "x = 5", "not toml", '"a" = "time"\n"a" = "time"', '[map]\n"a" = "tyme"'])
def test_a_wrong_mapping_file_is_refused(tmp_path, content):
    path = tmp_path / "map.toml"
    path.write_text(content)
    with pytest.raises(InputError):
        read_mapping([str(path)])


def test_a_mapped_column_that_is_not_there_is_refused_with_the_nearest():
    with pytest.raises(InputError, match="no column block_tim .did you mean block_time"):
        resolve(["block_time", "from"], read_mapping(["block_tim=time"]), ("time", "from"), "x.csv")


def test_a_mapping_overrides_a_column_that_has_a_fields_name():
    found = resolve(["time", "moment", "from"], read_mapping(["moment=time"]), ("time", "from"), "x.csv")
    assert found["time"].column == "moment"
    assert found["from"].column == "from"
