"""Prices from CSV or Parquet: ``asset, date|time, currency, price``, or ``date, price`` with --asset and --currency.

The reference rates of the European Central Bank (``Date, USD, JPY, ...`` per euro) are recognised and give the yen rate of
the dollar.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exposure.errors import InputError
from exposure.model.assets import CHAINS, Asset
from exposure.model.assets import chain as chain_of
from exposure.sources.bulk.batches import Batch, Findings, ReadOptions
from exposure.sources.bulk.columns import Sieve, as_text, missing, read_each, required, times
from exposure.sources.bulk.mapping import PRICE_FIELDS, Mapped, resolve
from exposure.sources.bulk.own_transfers import asset_id
from exposure.sources.bulk.stored import rows_of
from exposure.sources.bulk.tables import TableFile
from exposure.text import shown

CURRENCIES = ("usd", "jpy")
YEN_RATE = "fiat/usd"
_MAX_PRICE = 1e15


def is_reference_rates(columns: Sequence[str]) -> bool:
    """Whether these are the columns of the ECB's reference rates."""
    return {"Date", "USD", "JPY", "GBP", "CHF"} <= set(columns)


def is_prices(columns: Sequence[str], options: ReadOptions) -> bool:
    """Whether a file has the columns of prices, as they are or as mapped."""
    fields = {one.field for one in options.columns if one.column in columns} | set(columns)
    return "price" in fields and bool(fields & {"date", "time"}) and not fields & {"from", "to", "tx"}


def read_prices(files: Sequence[TableFile], options: ReadOptions, findings: Findings) -> Iterator[Batch]:
    """Prices of files.

    Raises
    ------
    InputError
        If a file does not say asset or currency and the command does not either.
    """
    for file in files:
        rates = is_reference_rates(file.columns) and not options.columns
        field = {} if rates else _fields(file, options)
        names = ["Date", "USD", "JPY"] if rates else [one.column for one in field.values()]
        for chunk in file.chunks(names, findings, "prices"):
            sieve = Sieve(chunk, "prices", file.name, findings)
            rows = _yen_rates(sieve) if rates else _prices(sieve, field, options)
            if rows.num_rows:
                yield Batch("prices", rows)


def _fields(file: TableFile, options: ReadOptions) -> Mapping[str, Mapped]:
    field = resolve(file.columns, options.columns, PRICE_FIELDS, file.name)
    if "price" not in field or not field.keys() & {"date", "time"}:
        names = ", ".join(shown(column, 40) for column in file.columns[:30])
        raise InputError(f"{file.name} needs a column price and a column date or time; its columns are {names}: use --map")
    if "asset" not in field and not options.asset and not options.chain:
        raise InputError(f"{file.name} does not say of what its prices are: add --asset, such as --asset bitcoin/native")
    if "currency" not in field and not options.currency:
        raise InputError(f"{file.name} does not say its currency: add --currency usd or --currency jpy")
    return field


def _prices(sieve: Sieve, field: Mapping[str, Mapped], options: ReadOptions) -> pa.Table:
    chunk, size = sieve.chunk, sieve.chunk.num_rows
    moment = field.get("time") or field["date"]
    if "asset" in field:
        asset = read_each(sieve, as_text(chunk.column(field["asset"].column)), "asset", priced_asset, pa.string())
        required(sieve, asset, "asset")
    else:
        asset = pa.repeat(priced_asset(options.asset or options.chain or ""), size)
    if "currency" in field:
        currency = read_each(sieve, as_text(chunk.column(field["currency"].column)), "currency", _currency, pa.string())
        required(sieve, currency, "currency")
    else:
        currency = pa.repeat(_currency(options.currency or ""), size)
    rows = {
        "asset": asset,
        "time": required(sieve, times(sieve, chunk.column(moment.column), moment.field, moment.format), moment.field),
        "currency": currency,
        "price": required(sieve, _numbers(sieve, field["price"].column, "price"), "price"),
    }
    return sieve.sift(rows_of("prices", rows, size))


def _numbers(sieve: Sieve, column: str, name: str) -> pa.Array:
    return read_each(sieve, as_text(sieve.chunk.column(column)), name, _price, pa.float64())


def _price(text: str) -> float:
    try:
        number = float(text) if len(text) <= 60 and "_" not in text else math.nan
    except ValueError:
        number = math.nan
    if not 0 < number < _MAX_PRICE:
        raise ValueError(f"{shown(text, 40)} is no price above zero")
    return number


def _currency(text: str) -> str:
    if text.strip().lower() not in CURRENCIES:
        raise InputError(f"currency {shown(text, 20)} is not read: use usd or jpy")
    return text.strip().lower()


def priced_asset(text: str) -> str:
    """Asset id of what a price file or ``--asset`` names: an id, a chain, a coin's symbol, or ``fiat/usd``.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if text.lower() == YEN_RATE:
        return YEN_RATE
    name, slash, _ = text.partition("/")
    if slash:
        return asset_id(text, chain_of(name))
    for known in CHAINS.values():
        if text.upper() == known.symbol:  # the first chain of a symbol is the main one
            return known.native
    return Asset(chain_of(text).name).id


def _yen_rates(sieve: Sieve) -> pa.Table:
    """Yen per dollar from both per euro. Days on which one of the two is missing are no fault of the file."""
    chunk = sieve.chunk
    text = {name: as_text(chunk.column(name)) for name in ("USD", "JPY")}
    gone = np.logical_or.reduce(
        [missing(column) | (np.asarray(column.to_pylist(), dtype=object) == "N/A") for column in text.values()]
    )
    sieve.good &= ~gone
    usd, jpy = (_numbers(sieve, name, name) for name in ("USD", "JPY"))
    rows = {
        "asset": pa.scalar(YEN_RATE),
        "time": required(sieve, times(sieve, chunk.column("Date"), "Date", "iso"), "Date"),
        "currency": pa.scalar("jpy"),
        "price": pc.divide(jpy, usd),
    }
    return sieve.sift(rows_of("prices", rows, chunk.num_rows))
