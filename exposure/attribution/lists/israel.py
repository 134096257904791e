"""Israel's administrative seizure orders (National Bureau for Counter Terror Financing) as CSV.

A row of an order's number alone, or a number in a row's first cell, holds for the rows below it. Accounts of exchanges stand
among the addresses: a number is no address. Letters of other alphabets are mixed in, with which the checksum is still right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from exposure.attribution.lists.csv_text import read_rows
from exposure.attribution.lists.dates import day_first
from exposure.attribution.lists.listing import Entry, distinct, parsed_list
from exposure.errors import AttributionError
from exposure.model.tags import ParsedList

if TYPE_CHECKING:  # the stream is only named in a signature
    from exposure.attribution.opening import Bounded

NAME = "NBCTF Israel"
REGIME = "IL"
SOURCE = "National Bureau for Counter Terror Financing of Israel, seizure orders"

_COLUMNS = {
    "order": ("orderid", "order", "ordernumber", "aso"),
    "name": ("fullname", "name", "holder", "ownername"),
    "address": (
        "virtualcurrencyaddressuserid",
        "virtualcurrencyaddress",
        "accountwalletid",
        "walletaddress",
        "address",
        "wallet",
    ),
    "ticker": ("currency", "coin", "ticker"),
    "from": ("startdate", "date", "issuedon"),
    "to": ("enddate",),
}


def parse_israel(stream: Bounded, name: str) -> ParsedList:
    """Read the orders: one tag for each address of an order.

    Returns
    -------
    ParsedList
        ``programmes`` holds the order's number. An order states a day only in some versions of the file.

    Raises
    ------
    AttributionError
        If the text is no CSV in UTF-8, or has no columns for the order and the address.
    """
    return parsed_list(_entries(stream, name), name=NAME, form="israel", regime=REGIME, source=SOURCE)


def _entries(stream: Bounded, name: str) -> Iterator[Entry]:
    rows = read_rows(stream, name)
    first = next(rows, None)
    header = [re.sub(r"[^a-z]", "", cell.lower()) for cell in first[1]] if first else []
    places = {
        field: next((header.index(known) for known in names if known in header), None) for field, names in _COLUMNS.items()
    }
    if places["order"] is None or places["address"] is None:
        raise AttributionError(f"{name}: has no columns 'Order ID' and 'Virtual currency address / User ID' (or 'address')")
    order = ""
    for line, row in rows:

        def cell(field: str, row: list[str] = row) -> str:
            place = places[field]
            return row[place].strip() if place is not None and place < len(row) else ""

        if cell("order") and not _is_address(cell("order")):
            order = cell("order")
        texts = distinct([cell("address"), *(row if not cell("address") else ())])
        ticker = cell("ticker") if len(cell("ticker")) <= 12 else ""
        yield Entry(
            where=f"line {line}",
            entity=cell("name") or f"{order or 'order without number'} (Israel)",
            reference=order,
            programmes=(order,) if order else (),
            listed_on=day_first(cell("from")),
            delisted_on=day_first(cell("to")),
            texts=tuple(f"{ticker}: {text}" if ticker else text for text in texts),
        )


def _is_address(text: str) -> bool:
    """Whether a cell that stands in the first column is an address, slipped there over a line break."""
    return re.fullmatch(r"[0-9A-Za-z]{26,90}", text) is not None
