"""Histories in memory answer as the ports say."""

from __future__ import annotations

import pytest

from exposure.errors import InputError
from exposure.model.ledger import Coin, Incomplete, Kind, Output, Place, Spend, Transfer, UtxoTx
from exposure.model.ports import AccountHistory, UtxoHistory
from exposure.tracing.memory import MemoryAccountHistory, MemoryUtxoHistory

ASSET = "ethereum/native"


def row(number: int, sender: str, receiver: str | None, *, kind: Kind = Kind.VALUE, failed: bool = False) -> Transfer:
    return Transfer(f"t{number}", f"t{number}", Place(number, 0, 0), number, sender, receiver, ASSET, 5, kind, failed)


def test_movements_are_in_canonical_order_whatever_the_order_of_rows() -> None:
    rows = [row(3, "A", "B"), row(1, "B", "A"), row(2, "A", "A")]
    history: AccountHistory = MemoryAccountHistory(rows)
    assert [one.ref for one in history.movements("A", ASSET)] == ["t1", "t2", "t3"]
    assert list(history.assets("A")) == [ASSET]
    assert not history.movements("A", "ethereum/other")


def test_failed_transfers_are_in_their_transaction_but_in_no_history() -> None:
    history = MemoryAccountHistory([row(1, "A", "B", failed=True), row(2, "A", None, kind=Kind.FEE)])
    assert [one.ref for one in history.movements("A", ASSET)] == ["t2"]
    assert len(history.transaction("t1")) == 1


def test_a_history_ends_at_its_as_of_time() -> None:
    history = MemoryAccountHistory([row(1, "A", "B"), row(2, "A", "B")], as_of=1)
    assert [one.ref for one in history.movements("B", ASSET)] == ["t1"]


def test_completeness_is_what_the_caller_declares() -> None:
    gap = Incomplete("A", ASSET, reason="pages were cut off")
    assert MemoryAccountHistory([], incomplete=[gap]).incomplete("A", ASSET) == gap
    assert MemoryAccountHistory([]).incomplete("A", ASSET) is None
    assert MemoryAccountHistory([], whole=False).incomplete("A", ASSET) is not None
    assert MemoryUtxoHistory([], whole=False).incomplete("A") is not None


def test_rows_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match="both named 't1'"):
        MemoryAccountHistory([row(1, "A", "B"), row(1, "A", "B")])


def made(tx: str, block: int, spends: tuple[Spend, ...], *outputs: tuple[str, int]) -> UtxoTx:
    return UtxoTx(tx, Place(block, 0, 0), block, spends, tuple(Output(*one) for one in outputs), not spends)


def test_inputs_are_known_by_the_outputs_they_spend() -> None:
    txs = [made("b", 2, (Spend(Coin("a", 0), None, None),), ("B", 5)), made("a", 1, (), ("A", 5))]
    history: UtxoHistory = MemoryUtxoHistory(txs)
    tx = history.transaction("b")
    assert tx is not None
    assert tx.inputs == (Spend(Coin("a", 0), "A", 5),)
    assert history.spender(Coin("a", 0)) == "b"
    assert history.spender(Coin("b", 0)) is None
    assert list(history.coins("B")) == [Coin("b", 0)]


def test_a_coin_spent_twice_is_refused() -> None:
    spend = (Spend(Coin("a", 0), None, None),)
    with pytest.raises(InputError, match="spent by b and by c"):
        MemoryUtxoHistory([made("a", 1, (), ("A", 5)), made("b", 2, spend, ("B", 5)), made("c", 3, spend, ("C", 5))])
