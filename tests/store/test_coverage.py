"""Completeness is declared, never inferred; what contradicts a declaration voids it."""

from __future__ import annotations

import pyarrow as pa
import store_ledgers as made

from exposure.model.ledger import Flag, Incomplete, Place
from exposure.store.coverage import CONTRADICTED, UNDECLARED, Coverage, gap
from exposure.store.histories import StoredAccountHistory, StoredUtxoHistory
from exposure.store.store import Store

A, ETH = "0xa", made.ETH


def row(first: int | None, last: int | None, **more: object) -> Coverage:
    return Coverage("ethereum", from_block=first, to_block=last)._replace(**more)


def test_without_a_declaration_nothing_is_complete() -> None:
    assert gap([], A, ETH, 100) == Incomplete(A, ETH, reason=UNDECLARED)


def test_a_declaration_from_the_beginning_holds_up_to_its_last_block() -> None:
    assert gap([row(None, 100)], A, ETH, 100) is None
    after = gap([row(None, 100)], A, ETH, 101)
    assert after is not None
    assert after.since == Place(101, 0, 0)


def test_stretches_that_touch_are_one() -> None:
    assert gap([row(None, 50), row(51, 100)], A, ETH, 100) is None
    assert gap([row(40, 100), row(None, 50)], A, ETH, 100) is None
    found = gap([row(None, 50), row(52, 100)], A, ETH, 100)
    assert found is not None
    assert found.since == Place(51, 0, 0)


def test_a_known_balance_stands_for_the_history_before_it() -> None:
    found = gap([row(50, 100, opening=7)], A, ETH, 100)
    assert found is not None
    assert (found.until, found.balance) == (Place(50, 0, 0), 7)


def test_without_a_known_balance_only_the_oldest_end_is_missing() -> None:
    found = gap([row(50, 100)], A, ETH, 100)
    assert found is not None
    assert found.oldest
    assert found.until is None


def test_a_gap_found_later_voids_and_a_new_declaration_mends() -> None:
    hole = row(None, None, complete=False, reason="balances differ")
    found = gap([row(None, 100), hole], A, ETH, 100)
    assert found is not None
    assert found.reason == "balances differ"
    assert gap([row(None, 100), hole, row(None, 100)], A, ETH, 100) is None
    assert gap([row(None, 100), row(30, 40, complete=False), row(20, 60)], A, ETH, 100) is None


def test_a_whole_ledger_is_whole_for_the_assets_in_it(store: Store) -> None:
    transfers = made.random_transfers(1, 60)
    with store.writer("a", complete=True) as writer:
        writer.append("transfers", made.transfer_rows([row for row in transfers if row.asset == ETH]))
        writer.commit()
    history = StoredAccountHistory(store, "ethereum")
    assert history.incomplete(str(transfers[0].sender), ETH) is None
    assert history.incomplete("0xneverseen", ETH) is None
    missing = history.incomplete(str(transfers[0].sender), made.TOKEN)
    assert missing is not None
    assert missing.reason == UNDECLARED


def test_unknown_status_voids_the_declaration_for_that_asset(store: Store) -> None:
    rows = made.transfer_rows(made.random_transfers(2, 60))
    doubtful = [
        "unknown" if asset == ETH and kind == "value" else status
        for asset, kind, status in zip(*(rows[name].to_pylist() for name in ("asset", "kind", "status")), strict=True)
    ]
    flags = [Flag.UNKNOWN_STATUS if status == "unknown" else 0 for status in doubtful]
    rows = rows.set_column(rows.schema.get_field_index("status"), "status", pa.array(doubtful))
    rows = rows.set_column(rows.schema.get_field_index("flags"), "flags", pa.array(flags, pa.int32()))
    with store.writer("a", complete=True) as writer:
        writer.append("transfers", rows)
        writer.commit()
    history = StoredAccountHistory(store, "ethereum")
    found = history.incomplete(A, ETH)
    assert found is not None
    assert "failed" in found.reason
    assert history.incomplete(A, made.TOKEN) is None


def test_unknown_status_stored_before_voids_a_later_declaration_that_does_not_settle_it(store: Store) -> None:
    rows = made.transfer_rows(made.random_transfers(2, 60))
    doubtful = [
        "unknown" if kind == "value" else status
        for kind, status in zip(*(rows[name].to_pylist() for name in ("kind", "status")), strict=True)
    ]
    with store.writer("a") as writer:
        writer.append(
            "transfers", rows.set_column(rows.schema.get_field_index("status"), "status", pa.array(doubtful)).slice(0, 20)
        )
        writer.commit()
    with store.writer("b", complete=True) as writer:
        writer.append("transfers", rows.slice(20))
        writer.commit()
    found = StoredAccountHistory(store, "ethereum").incomplete(A, ETH)
    assert found is not None
    assert "failed" in found.reason
    # A source that knows the status of those rows mends it.
    with store.writer("c", complete=True) as writer:
        writer.append("transfers", rows)
        writer.commit()
    assert StoredAccountHistory(store, "ethereum").incomplete(A, ETH) is None


def test_rejected_rows_void_the_declaration_and_say_so(store: Store) -> None:
    with store.writer("a", complete=True) as writer:
        writer.append("transfers", made.transfer_rows(made.random_transfers(3, 30)))
        writer.void("ethereum", "2 rows were rejected", ETH)
        writer.commit()
    history = StoredAccountHistory(store, "ethereum")
    found = history.incomplete(A, ETH)
    assert found is not None
    assert found.reason == "2 rows were rejected"
    assert history.incomplete(A, made.TOKEN) is None


def test_rows_that_appear_inside_a_whole_ledger_contradict_it(store: Store) -> None:
    transfers = made.random_transfers(4, 60)
    with store.writer("a", complete=True) as writer:
        writer.append("transfers", made.transfer_rows(transfers[20:]))
        writer.commit()
    assert StoredAccountHistory(store, "ethereum").incomplete(A, ETH) is None
    with store.writer("b") as writer:
        writer.append("transfers", made.transfer_rows(transfers[20:]))
        writer.commit()
    assert StoredAccountHistory(store, "ethereum").incomplete(A, ETH) is None
    before = StoredAccountHistory(store, "ethereum")
    with store.writer("c") as writer:
        writer.append("transfers", made.transfer_rows(transfers[:20]))
        writer.commit()
    found = StoredAccountHistory(store, "ethereum").incomplete(A, ETH)
    assert found is not None
    assert found.reason == CONTRADICTED
    assert before.incomplete(A, ETH) is None


def test_coins_of_a_whole_ledger_are_complete(store: Store) -> None:
    txs = made.random_coins(5, 20)
    with store.writer("a") as writer:
        writer.append("outputs", made.output_rows(txs))
        writer.append("inputs", made.input_rows(txs))
        writer.commit()
    assert StoredUtxoHistory(store, "bitcoin").incomplete("1Address1") == UNDECLARED
    assert all(tx.complete for tx in map(StoredUtxoHistory(store, "bitcoin").transaction, (tx.tx for tx in txs)) if tx)
    with store.writer("b", complete=True) as writer:
        writer.append("outputs", made.output_rows(txs))
        writer.append("inputs", made.input_rows(txs))
        assert writer.commit().version == 2
    assert StoredUtxoHistory(store, "bitcoin").incomplete("1Address1") is None


def test_openings_of_38_digits_are_exact(store: Store) -> None:
    with store.writer("a") as writer:
        writer.append("transfers", made.transfer_rows(made.random_transfers(6, 10)))
        writer.declare([Coverage("ethereum", A, ETH, 1, None, opening=10**38 - 1)])
        writer.commit()
    found = StoredAccountHistory(store, "ethereum").incomplete(A, ETH)
    assert found is not None
    assert found.balance == 10**38 - 1
