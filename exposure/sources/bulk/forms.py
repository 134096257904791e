"""Which form a file has: told by name, or recognised by its columns or first bytes; and the reader of each form."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from exposure.errors import InputError
from exposure.sources.bulk import assets, bitcoin_etl, block_files, ethereum_etl, own_coins, own_transfers, prices
from exposure.sources.bulk.batches import Batch, Findings, ReadOptions
from exposure.sources.bulk.containers import Member
from exposure.sources.bulk.tables import PARQUET_MAGIC, TableFile, table_file
from exposure.sources.bulk.text_lines import lines
from exposure.text import shown


class Form(NamedTuple):
    """A form of bulk file: its name, what it is in words, how it is read."""

    name: str
    title: str
    read: Callable[[Sequence[Member], ReadOptions, Findings], Iterator[Batch]]


def _tables(files: Sequence[Member], options: ReadOptions) -> list[TableFile]:
    return [table_file(file, options.work) for file in files]


def _own(files: Sequence[Member], options: ReadOptions, findings: Findings) -> Iterator[Batch]:
    tables = _tables(files, options)
    if any(own_coins.is_inputs(table.columns, options) or own_coins.is_outputs(table.columns, options) for table in tables):
        return own_coins.read_own_coins(tables, options, findings)
    return own_transfers.read_own_transfers(tables, options, findings)


def _ethereum_etl(files: Sequence[Member], options: ReadOptions, findings: Findings) -> Iterator[Batch]:
    return ethereum_etl.read_ethereum_etl(_tables(files, options), options, findings)


def _aws(files: Sequence[Member], options: ReadOptions, findings: Findings) -> Iterator[Batch]:
    tables = _tables(files, options)
    nested = [set(table.columns) >= bitcoin_etl.MARKS for table in tables]
    if all(nested):
        return bitcoin_etl.read_bitcoin_parquet(files, options, findings)
    if any(nested):
        raise InputError("tables of Bitcoin and of Ethereum in one import: give them one chain at a time")
    return ethereum_etl.read_ethereum_etl(tables, options, findings)


def _assets(files: Sequence[Member], options: ReadOptions, findings: Findings) -> Iterator[Batch]:
    return assets.read_assets(_tables(files, options), options, findings)


def _prices(files: Sequence[Member], options: ReadOptions, findings: Findings) -> Iterator[Batch]:
    return prices.read_prices(_tables(files, options), options, findings)


FORMS = {
    form.name: form
    for form in (
        Form("own", "own table", _own),
        Form("ethereum-etl", "tables of ethereum-etl", _ethereum_etl),
        Form("bitcoin-etl", "JSON lines of bitcoin-etl", bitcoin_etl.read_bitcoin_etl),
        Form("aws", "Parquet of the AWS public blockchain data", _aws),
        Form("raw-blocks", "raw Bitcoin blocks", block_files.read_blocks),
        Form("prices", "prices", _prices),
        Form("assets", "names and decimals of assets", _assets),
    )
}
"""Every form by name, for ``--form``."""


def recognise(file: Member, options: ReadOptions) -> str:
    """Name of the form of a file, from its first bytes or its columns.

    Raises
    ------
    InputError
        If it is of no form that is read; the message says what it has.
    """
    head = file.head()
    if head.startswith(PARQUET_MAGIC):
        columns = table_file(file, options.work).columns
        if set(columns) >= bitcoin_etl.MARKS:
            return "aws"
        if not options.columns and ethereum_etl.table_of(columns):
            return "aws" if {"date", "last_modified"} & set(columns) else "ethereum-etl"
        return _own_or_prices(file, columns, options)
    if block_files.recognised_key(file) is not None:
        return "raw-blocks"
    start = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if start[:1] == b"{":
        return _json_form(file)
    if start[:1] in (b"<", b"["):
        what = (
            "XML: sanctions lists are read by `exposure tags import`"
            if start[:1] == b"<"
            else "a JSON array: write one record a line"
        )
        raise InputError(f"{file.name} is {what}")
    columns = table_file(file, options.work).columns
    if not options.columns and ethereum_etl.table_of(columns):
        return "ethereum-etl"
    return _own_or_prices(file, columns, options)


def _own_or_prices(file: Member, columns: Sequence[str], options: ReadOptions) -> str:
    if prices.is_prices(columns, options) or (prices.is_reference_rates(columns) and not options.columns):
        return "prices"
    if set(columns) == assets.COLUMNS:
        return "assets"
    if options.columns or {"from", "to", "amount"} <= set(columns) or {"sender", "receiver", "amount"} <= set(columns):
        return "own"
    if own_coins.is_inputs(columns, options) or own_coins.is_outputs(columns, options):
        return "own"
    names = ", ".join(shown(column, 40) for column in columns[:30])
    raise InputError(
        f"{file.name} is of no form that is recognised (its columns are {names}): say which column is what with --map "
        "COLUMN=FIELD, or name the form with --form"
    )


def _json_form(file: Member) -> str:
    with file.open() as stream:
        first = next(lines(stream), None)
    try:
        record = json.loads(first.text) if first is not None and not first.fault else None
    except (ValueError, RecursionError):
        record = None
    if isinstance(record, dict) and set(record) >= bitcoin_etl.MARKS:
        return "bitcoin-etl"
    raise InputError(
        f"{file.name} holds JSON, but no transactions of bitcoin-etl, one a line (with hash, block_number, inputs, outputs)"
    )
