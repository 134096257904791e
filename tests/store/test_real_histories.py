"""Histories of a real ledger without hashes or blocks: what the store gives back is what the file says."""

from __future__ import annotations

import csv
import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from exposure.store import ledgers
from exposure.store.histories import StoredAccountHistory, as_of_block, holds
from exposure.store.store import Store
from exposure.workflows.ingest import ImportOptions, ingest

pytestmark = pytest.mark.data

THIEF = "0x098b716b8aaf21512996dc57eb0615e2383e2f96"
ETH = "ethereum/native"


def test_the_movements_of_an_address_are_those_of_the_file(check_data: Path, store: Store) -> None:
    path = check_data / "data" / "eth_lazarus" / "LazarusTabularTxs1322519.csv"
    columns = ("block_time=time:iso", "from=from:hexbytes", "to=to:hexbytes", "total_eth=amount:ether")
    ingest([path], ImportOptions(chain="ethereum", columns=columns), store=store)
    with path.open(newline="") as file:
        source = [
            (row["from"].replace("\\x", "0x"), row["to"].replace("\\x", "0x"), int(Decimal(row["total_eth"]) * 10**18))
            for row in csv.DictReader(file)
        ]
    assert store.counts()["transfers"] == len(source) == 436
    assert store.time_ordered("ethereum")
    history = StoredAccountHistory(store, "ethereum")
    for address in {end for sender, receiver, _ in source for end in (sender, receiver)}:
        rows = history.movements(address, ETH)
        assert sorted((row.sender, row.receiver, row.amount) for row in rows) == sorted(
            row for row in source if address in row[:2]
        )
        assert [row.place for row in rows] == sorted(row.place for row in rows)
    assert round(sum(row.amount for row in history.movements(THIEF, ETH) if row.sender == THIEF) / 10**18, 3) == 182_163.956
    assert holds(store, THIEF) == {"ethereum": [ETH]}
    gap = history.incomplete(THIEF, ETH)
    assert gap is not None
    may = int(datetime.datetime(2022, 5, 1, tzinfo=datetime.UTC).timestamp())
    early = StoredAccountHistory(store, "ethereum", as_of_block(store, "ethereum", time=may))
    assert 0 < len(early.movements(THIEF, ETH)) < len(history.movements(THIEF, ETH))
    assert all(row.time <= may for row in early.movements(THIEF, ETH))
    assert sum(row.time <= may for row in ledgers.transfers(store, "ethereum")) == len(
        list(ledgers.transfers(store, "ethereum", early.as_of))
    )
