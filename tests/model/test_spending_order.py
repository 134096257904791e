"""Within a block a spender never stands before what it spends, whatever the source's order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exposure.model.ledger import Coin, Output, Place, Spend, UtxoTx, in_spending_order


def tx(name, place, *parents, block=1):
    inputs = tuple(Spend(Coin(parent, 0), "a", 5) for parent in parents)
    return UtxoTx(name, Place(block, place, 0), 0, inputs, (Output("a", 5),), coinbase=not parents)


def test_a_chain_in_reverse_is_turned_round():
    rows = [tx("c", 0, "b"), tx("b", 1, "a"), tx("a", 2)]
    assert [row.tx for row in in_spending_order(rows)] == ["a", "b", "c"]


def test_order_that_holds_is_left_alone():
    rows = [tx("z", 0), tx("y", 1, "z"), tx("x", 2), tx("w", 0, "x", block=2)]
    assert in_spending_order(reversed(rows)) == rows


@given(st.permutations(range(8)))
def test_every_parent_comes_first(places):
    rows = [tx(f"t{n}", places[n], *([f"t{n - 1}"] if n % 4 else [])) for n in range(8)]
    seen = set()
    for row in in_spending_order(rows):
        assert all(spend.coin.tx in seen for spend in row.inputs)
        seen.add(row.tx)
    assert len(seen) == 8


def test_a_ring_of_spends_ends():
    rows = [tx("a", 0, "b"), tx("b", 1, "a")]
    assert len(in_spending_order(rows)) == 2
