"""Service discovery reports the owners that a trace takes for hubs, with the figures that made them so."""

from __future__ import annotations

import hashlib

import pandas as pd
import pytest
from test_clusters_in_runs import START, coin_address, coins, evm

import exposure as ex
from exposure.errors import InputError
from exposure.workflows.hubs import hubs_of

CHUNKY = 10


def transfers(rows):
    return pd.DataFrame(
        [
            {
                "tx": f"0x{n:064x}",
                "index": 0,
                "block": n,
                "time": START + n,
                "from": evm(a) if a else "",
                "to": evm(b),
                "amount": v,
            }
            for n, (a, b, v) in enumerate(rows, 1)
        ]
    )


def test_what_a_hub_received_and_sent_and_to_how_many_is_said():
    rows = (
        [("", f"p{n}", 100) for n in range(8)]
        + [(f"p{n}", "H", 100) for n in range(8)]
        + [("H", f"q{n}", 50) for n in range(9)]
    )
    with ex.from_frame(transfers(rows), chain="ethereum", asset="native", whole_ledger=True) as store:
        (hub,) = hubs_of(store, chain=None, threshold=CHUNKY, dust_usd=1.0)
        assert (hub.address, hub.counterparties, hub.payers, hub.payees) == (evm("H"), 17, 8, 9)
        assert (hub.received * 10**18, hub.sent * 10**18, hub.few) == (
            pytest.approx(800),
            pytest.approx(450),
            pytest.approx(1 / 3),
        )
        assert hubs_of(store, chain="ethereum", threshold=17, dust_usd=1.0) == []
        traced = ex.trace(store, evm("q1"), direction="source", hub_counterparties=CHUNKY)
        assert [(row.reason, row.name) for row in traced.sections[0].unresolved] == [("hub", evm("H"))]
        ex.add_tag(store, evm("H"), "exchange", entity="E", source="test", note="by hand")
        assert hubs_of(store, chain=None, threshold=CHUNKY, dust_usd=1.0) == []
        with pytest.raises(InputError, match="no ledger of tron"):
            hubs_of(store, chain="tron", threshold=CHUNKY, dust_usd=1.0)


def test_a_collector_is_no_hub():
    rows = (
        [("", f"p{n}", 100) for n in range(12)]
        + [(f"p{n}", "H", 100) for n in range(12)]
        + [("H", "one", 1_100), ("H", "two", 10)]
    )
    with ex.from_frame(transfers(rows), chain="ethereum", asset="native", whole_ledger=True) as store:
        assert hubs_of(store, chain=None, threshold=CHUNKY, dust_usd=1.0) == []


def test_hubs_of_coins_too():
    people = [hashlib.sha256(f"p{n}".encode()).hexdigest()[:6] for n in range(12)]
    txs = {
        "mint": ([], [("H", 12_000)]),
        "pay": ([("mint", 0)], [(person, 1_000) for person in people]),
    }
    with coins(txs, {}) as store:
        (hub,) = hubs_of(store, chain="bitcoin", threshold=CHUNKY, dust_usd=1.0)
        assert (hub.address, hub.counterparties, hub.payers, hub.payees) == (coin_address("H"), 12, 0, 12)
