"""What the store promises, whatever comes in: nothing twice, nothing lost, nothing that depends on the order of rows."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pyarrow as pa
import pytest
import store_ledgers as made

from exposure.errors import InputError
from exposure.model.ledger import Coin, Flag, Output, Place, Spend, UtxoTx
from exposure.store import compaction, dedup, layouts, ledgers
from exposure.store.histories import StoredAccountHistory, StoredUtxoHistory, as_of_block, find_tx, holds
from exposure.store.store import Store
from exposure.store.writer import Committed
from exposure.tracing.memory import MemoryAccountHistory, MemoryUtxoHistory


def write(store: Store, source: str, *, complete: bool = False, **tables: pa.Table) -> Committed:
    with store.writer(source, complete=complete) as writer:
        for table, rows in tables.items():
            writer.append(table, rows)
        return writer.commit()


def utxo_tables(seed: int, blocks: int) -> dict[str, pa.Table]:
    txs = made.random_coins(seed, blocks)
    return {"outputs": made.shuffled(made.output_rows(txs)), "inputs": made.shuffled(made.input_rows(txs))}


def test_importing_twice_changes_nothing(store: Store) -> None:
    rows = made.transfer_rows(made.random_transfers(1, 300))
    first = write(store, "a", transfers=rows, **utxo_tables(1, 40), prices=made.price_rows([("bitcoin/native", 0, "usd", 1.5)]))
    before = list(ledgers.transfers(store, "ethereum")), list(ledgers.utxo_txs(store, "bitcoin"))
    files = {path.name for path in (store.path / "parts").iterdir()}
    second = write(
        store,
        "b",
        transfers=made.shuffled(rows),
        **utxo_tables(1, 40),
        prices=made.price_rows([("bitcoin/native", 0, "usd", 1.5)]),
    )
    assert set(second.stored.values()) == {0}
    assert second.duplicate == first.stored
    assert second.version == first.version
    assert not second.conflicts
    assert {path.name for path in (store.path / "parts").iterdir()} == files
    assert (list(ledgers.transfers(store, "ethereum")), list(ledgers.utxo_txs(store, "bitcoin"))) == before


def test_importing_twice_changes_nothing_after_the_query_engine_changed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = made.transfer_rows(made.random_transfers(1, 100))
    with monkeypatch.context() as patched:
        patched.setattr(dedup, "hash_name", lambda engine: "that of an older engine")
        patched.setitem(layouts.BY_NAME["transfers"].columns, layouts.ROW_KEY, "12345::ubigint")
        write(store, "a", transfers=rows.slice(0, 100), **utxo_tables(1, 20))
    again = write(store, "b", transfers=rows, **utxo_tables(1, 20))
    assert again.duplicate["transfers"] == 100
    assert again.stored == {"transfers": rows.num_rows - 100, "outputs": 0, "inputs": 0}
    for number in range(compaction.MAX_RUNS + 1):
        write(store, f"c{number}", transfers=made.transfer_rows(made.random_transfers(100 + number, 2)))
    assert set(write(store, "d", transfers=rows).stored.values()) == {0}


def test_a_row_repeated_inside_one_import_is_stored_once(store: Store) -> None:
    rows = made.transfer_rows(made.random_transfers(2, 50))
    result = write(store, "a", transfers=pa.concat_tables([rows, rows, rows.slice(0, 10)]))
    assert result.stored == {"transfers": rows.num_rows}
    assert result.duplicate == {"transfers": rows.num_rows + 10}
    assert store.counts()["transfers"] == rows.num_rows


@pytest.mark.parametrize("imports", [1, 3, 11])
def test_account_histories_are_those_of_the_ledger_however_it_was_split(store: Store, imports: int) -> None:
    transfers = made.random_transfers(3, 400)
    rows = made.shuffled(made.transfer_rows(transfers), imports)
    size = -(-rows.num_rows // imports)
    for number in range(imports):
        write(store, f"import {number}", transfers=rows.slice(number * size, size))
    truth = MemoryAccountHistory(transfers)
    stored = StoredAccountHistory(store, "ethereum")
    assert tuple(ledgers.transfers(store, "ethereum")) == tuple(sorted(transfers, key=lambda row: (row.place, row.tx, row.ref)))
    addresses = {address for row in transfers for address in (row.sender, row.receiver) if address}
    for address in addresses:
        assert list(stored.assets(address)) == list(truth.assets(address))
        for asset in truth.assets(address):
            assert list(stored.movements(address, asset)) == list(truth.movements(address, asset))
    for tx in {row.tx for row in transfers}:
        assert list(stored.transaction(tx)) == list(truth.transaction(tx))
    assert stored.transaction("0xabsent") == []
    assert stored.movements("0xabsent", made.ETH) == ()


@pytest.mark.parametrize("imports", [1, 10])
@pytest.mark.parametrize("stated", [True, False])
def test_coin_histories_are_those_of_the_ledger_however_it_was_split(store: Store, imports: int, stated: bool) -> None:
    txs = made.random_coins(4, 150)
    outputs = made.shuffled(made.output_rows(txs), imports)
    inputs = made.shuffled(made.input_rows(txs, stated=lambda spend: stated), imports)
    for number in range(imports):
        write(
            store,
            f"import {number}",
            outputs=outputs.filter(every(outputs, imports, number)),
            inputs=inputs.filter(every(inputs, imports, number)),
        )
    truth = MemoryUtxoHistory(txs)
    stored = StoredUtxoHistory(store, "bitcoin")
    assert list(ledgers.utxo_txs(store, "bitcoin")) == sorted(txs, key=lambda tx: (tx.place, tx.tx))
    for tx in txs:
        assert stored.transaction(tx.tx) == tx
        for n in range(len(tx.outputs)):
            assert stored.spender(Coin(tx.tx, n)) == truth.spender(Coin(tx.tx, n))
    for address in {output.address for tx in txs for output in tx.outputs}:
        assert list(stored.coins(address)) == list(truth.coins(address))
    assert stored.transaction("absent") is None
    assert stored.spender(Coin("absent", 0)) is None
    assert stored.coins("absent") == []


def every(table: pa.Table, step: int, start: int) -> pa.Array:
    return pa.array([row % step == start for row in range(table.num_rows)])


def test_the_order_of_rows_in_a_file_decides_no_conflict(tmp_path: Path) -> None:
    rows = made.transfer_rows(made.random_transfers(5, 40))
    other = rows.set_column(
        rows.schema.get_field_index("amount"),
        rows.schema.field("amount"),
        rows["amount"].take(pa.array(range(rows.num_rows - 1, -1, -1))),
    )
    both = pa.concat_tables([rows, other])
    ledger = []
    for seed in range(3):
        with Store.create(tmp_path / str(seed)) as store:
            result = write(store, "a", transfers=made.shuffled(both, seed))
            assert result.rejected["transfers"] > 0
            assert result.stored["transfers"] + result.duplicate["transfers"] + result.rejected["transfers"] == both.num_rows
            ledger.append(list(ledgers.transfers(store, "ethereum")))
    assert ledger[0] == ledger[1] == ledger[2]


def test_the_stored_row_stays_when_another_contradicts_it(store: Store) -> None:
    transfers = made.random_transfers(6, 5)
    write(store, "a", transfers=made.transfer_rows(transfers))
    before = list(ledgers.transfers(store, "ethereum"))
    rows = made.transfer_rows(transfers)
    swapped = rows.set_column(
        rows.schema.get_field_index("receiver"),
        "receiver",
        pa.array(["0xthief" if kind != "fee" else None for kind in rows["kind"].to_pylist()]),
    )
    result = write(store, "b", transfers=swapped)
    assert result.stored == {"transfers": 0}
    fees = sum(kind == "fee" for kind in rows["kind"].to_pylist())
    assert result.rejected == {"transfers": rows.num_rows - fees}
    assert {reason for _, _, reason in result.conflicts} == {"conflicts with a stored row of the same key"}
    assert list(ledgers.transfers(store, "ethereum")) == before


def test_a_coin_is_spent_once(store: Store) -> None:
    txs = made.random_coins(7, 30)
    write(store, "a", outputs=made.output_rows(txs), inputs=made.input_rows(txs))
    spender = next(tx for tx in txs if tx.inputs)
    rows = made.input_rows([spender]).slice(0, 1)
    thief = rows.set_column(rows.schema.get_field_index("tx"), "tx", pa.array(["f" * 64]))
    result = write(store, "b", inputs=thief)
    assert result.rejected == {"inputs": 1}
    assert "coin" in result.conflicts[0][2]
    assert StoredUtxoHistory(store, "bitcoin").spender(spender.inputs[0].coin) == spender.tx


def test_a_transaction_that_spends_a_spent_coin_never_happened(store: Store) -> None:
    txs = made.random_coins(7, 30)
    write(store, "a", outputs=made.output_rows(txs), inputs=made.input_rows(txs))
    honest = next(tx for tx in txs if tx.inputs)
    unspent = next(Coin(tx.tx, n) for tx in reversed(txs) for n in range(len(tx.outputs)))
    thief = UtxoTx("f" * 64, honest.place, honest.time, (Spend(unspent, None, None), honest.inputs[0]), honest.outputs)
    result = write(store, "b", outputs=made.output_rows([thief]), inputs=made.input_rows([thief]))
    assert result.stored == {"outputs": 0, "inputs": 0}
    assert result.rejected == {"outputs": len(thief.outputs), "inputs": 2}
    assert find_tx(store, thief.tx) == []
    assert StoredUtxoHistory(store, "bitcoin").spender(unspent) is None


def test_missing_inputs_are_said_to_be_missing(store: Store) -> None:
    txs = made.random_coins(8, 60)
    several = next(
        tx
        for tx in txs
        if len(tx.inputs) > 1
        and sum(spend.amount or 0 for spend in tx.inputs[:-1]) < sum(output.amount for output in tx.outputs)
    )
    none = next(tx for tx in txs if tx.inputs and tx != several)
    rows = made.input_rows([tx for tx in txs if tx != none])
    last = [
        tx == several.tx and n == len(several.inputs) - 1
        for tx, n in zip(rows["tx"].to_pylist(), rows["n"].to_pylist(), strict=True)
    ]
    write(store, "a", outputs=made.output_rows(txs), inputs=rows.filter(pa.array([not gone for gone in last])))
    history = StoredUtxoHistory(store, "bitcoin")
    for tx in txs:
        found = history.transaction(tx.tx)
        assert found is not None
        assert found.unknown_inputs == (tx in (several, none))
    streamed = {tx.tx: tx.unknown_inputs for tx in ledgers.utxo_txs(store, "bitcoin")}
    assert {tx for tx, unknown in streamed.items() if unknown} == {several.tx, none.tx}


def test_outputs_keep_their_positions_where_one_is_missing(store: Store) -> None:
    tx = UtxoTx("a" * 64, Place(1, 1, 0), 5, (), (Output("1A", 1), Output("1B", 2), Output("1C", 3)))
    write(store, "a", outputs=made.output_rows([tx]).take(pa.array([2, 0])))
    found = StoredUtxoHistory(store, "bitcoin").transaction(tx.tx)
    assert found is not None
    assert [output.amount for output in found.outputs] == [1, 0, 3]


def test_amounts_of_38_digits_are_kept_to_the_last(store: Store) -> None:
    transfers = made.random_transfers(8, 3)
    huge = [row for row in transfers if row.asset == made.ETH]
    exact = [10**38 - 1, 2**64, 2**64 - 1, 2**63, 2**127 // 3, 0][: len(huge)]
    changed = [dataclasses.replace(row, amount=amount) for row, amount in zip(huge, exact, strict=False)]
    write(store, "a", transfers=made.transfer_rows(changed))
    assert sorted(row.amount for row in ledgers.transfers(store, "ethereum")) == sorted(row.amount for row in changed)


def test_rows_with_and_without_blocks_do_not_mix(store: Store) -> None:
    rows = made.transfer_rows(made.random_transfers(9, 5))
    place = rows.schema.get_field_index("flags")
    timed = rows.set_column(place, "flags", pa.array([Flag.TIME_ORDER] * rows.num_rows, pa.int32()))
    write(store, "a", transfers=rows)
    with pytest.raises(InputError, match="common order"):
        write(store, "b", transfers=timed)
    assert store.version == 1
    write(store, "c", transfers=timed.set_column(0, "chain", pa.array(["tron"] * rows.num_rows)))
    assert store.time_ordered("tron")
    assert not store.time_ordered("ethereum")


def test_a_history_sees_nothing_after_its_block(store: Store) -> None:
    transfers = made.random_transfers(10, 200)
    txs = made.random_coins(10, 60)
    write(store, "a", transfers=made.transfer_rows(transfers), outputs=made.output_rows(txs), inputs=made.input_rows(txs))
    bound = as_of_block(store, "ethereum", time=1_600_000_000 + 12 * 30 + 5)
    assert bound == 30
    stored, truth = (
        StoredAccountHistory(store, "ethereum", bound),
        MemoryAccountHistory(transfers, as_of=1_600_000_000 + 12 * 30),
    )
    for address in {row.receiver for row in transfers if row.receiver}:
        assert list(stored.movements(address, made.ETH)) == list(truth.movements(address, made.ETH))
    assert list(ledgers.transfers(store, "ethereum", bound)) == list(truth.transfers)
    late = next(row for row in transfers if row.place.block == 31)
    assert list(stored.transaction(late.tx)) == []
    coins, seen = StoredUtxoHistory(store, "bitcoin", 20), MemoryUtxoHistory([tx for tx in txs if tx.place.block <= 20])
    assert list(ledgers.utxo_txs(store, "bitcoin", 20)) == sorted(seen.txs, key=lambda tx: (tx.place, tx.tx))
    for tx in txs:
        assert (coins.transaction(tx.tx) is None) == (tx.place.block > 20)
        assert coins.spender(Coin(tx.tx, 0)) == seen.spender(Coin(tx.tx, 0))


def test_the_store_says_where_a_name_occurs(store: Store) -> None:
    transfers, txs = made.random_transfers(11, 20), made.random_coins(11, 10)
    write(
        store,
        "a",
        transfers=pa.concat_tables([made.transfer_rows(transfers), made.transfer_rows(transfers, "polygon")]),
        outputs=made.output_rows(txs),
    )
    assert store.chains() == ["bitcoin", "ethereum", "polygon"]
    assert find_tx(store, transfers[0].tx) == ["ethereum", "polygon"]
    assert find_tx(store, txs[0].tx) == ["bitcoin"]
    assert find_tx(store, "0xnothing") == []
    assert holds(store, txs[0].outputs[0].address) == {"bitcoin": ["bitcoin/native"]}
    assert set(holds(store, str(transfers[0].sender))) == {"ethereum", "polygon"}
    assert holds(store, "nobody") == {}


def test_a_name_that_is_no_text_is_nowhere(store: Store) -> None:
    write(
        store,
        "a",
        transfers=made.transfer_rows(made.random_transfers(1, 10)),
        outputs=made.output_rows(made.random_coins(1, 5)),
    )
    name = "1\udc80bad"
    assert find_tx(store, name) == []
    assert holds(store, name) == {}
    assert StoredAccountHistory(store, "ethereum").movements(name, made.ETH) == ()
    assert StoredUtxoHistory(store, "bitcoin").coins(name) == []


def test_a_store_may_be_named_by_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Store.create("here/store") as store:
        txs = made.random_coins(3, 10)
        write(store, "a", outputs=made.output_rows(txs), inputs=made.input_rows(txs))
        monkeypatch.chdir("/")
        assert len(list(ledgers.utxo_txs(store, "bitcoin"))) == len(txs)
        assert StoredUtxoHistory(store, "bitcoin").transaction(txs[0].tx) == txs[0]
        assert write(store, "b", outputs=made.output_rows(txs)).stored == {"outputs": 0}


@pytest.mark.parametrize("hostile", ["'; drop table x; --", '" or 1=1', "%", "\x00", "🦊" * 50, "*", "$files", "a" * 1000])
def test_hostile_names_are_only_names(store: Store, hostile: str) -> None:
    transfers = made.random_transfers(12, 10)
    rows = made.transfer_rows(transfers)
    names = pa.array([hostile if kind != "fee" else None for kind in rows["kind"].to_pylist()], pa.string())
    write(store, hostile[:100], transfers=rows.set_column(rows.schema.get_field_index("receiver"), "receiver", names))
    history = StoredAccountHistory(store, "ethereum")
    truth = [row for row in transfers if row.kind != "fee" and row.asset == made.ETH and not row.failed]
    assert [row.receiver for row in history.movements(hostile, made.ETH)] == [hostile] * len(truth)
    assert find_tx(store, hostile) == []
    assert history.transaction(hostile) == []
