"""One movement from two kinds of source is stored once, and what either knows of it is kept."""

from __future__ import annotations

import itertools
import random
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import store_ledgers as made

from exposure.model.ledger import LAST_INDEX, Flag
from exposure.store.histories import StoredAccountHistory, StoredUtxoHistory
from exposure.store.parts import part_path
from exposure.store.store import Store

ETH, TOKEN = made.ETH, made.TOKEN
A, B, C = (f"0x{number:040x}" for number in (1, 2, 3))
TX = [f"0x{number:064x}" for number in range(1, 10)]


def transfer(**changes: Any) -> dict[str, Any]:
    """A token payment of 5 from A to B by log index, and what is to be otherwise."""
    row = {
        "chain": "ethereum",
        "asset": TOKEN,
        "tx": TX[0],
        "block": 7,
        "tx_index": 3,
        "index": 4,
        "ordinal": "log:4",
        "time": 1_700_000_000,
        "sender": A,
        "receiver": B,
        "amount": 5,
        "kind": "token",
        "status": "ok",
        "memo": None,
        "flags": 0,
    }
    return row | changes


def commit(store: Store, source: str, *rows: dict[str, Any], table: str = "transfers") -> Any:
    """Store rows as one import."""
    exact = [
        {name: Decimal(value) if name == "amount" and value is not None else value for name, value in row.items()}
        for row in rows
    ]
    with store.writer(source) as writer:
        writer.append(table, pa.Table.from_pylist(exact, schema=made_schema(table)))
        return writer.commit()


def made_schema(table: str) -> pa.Schema:
    from exposure.model.schemas import TABLES, arrow_schema

    return pa.schema([field.with_nullable(True) for field in arrow_schema(TABLES[table]) if field.name != "source"])


def stored(store: Store, layout: str) -> list[tuple[Any, ...]]:
    """Rows of a layout as they lie in the parts, without source and hashes, sorted."""
    rows: list[tuple[Any, ...]] = []
    for part in store.parts(layout):
        columns = pq.read_table(part_path(store.path, part)).to_pydict()
        rows += zip(*(columns[name] for name in sorted(columns) if name != "source" and not name.endswith("_key")), strict=True)
    # A transaction stands once in each part of the copy by transaction.
    return sorted(set(rows) if layout == "transfers_by_tx" else rows, key=repr)


def everything(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    return {
        layout: stored(store, layout)
        for layout in ("transfers", "transfers_by_end", "transfers_by_tx", "outputs", "outputs_by_tx", "outputs_by_address")
    } | {layout: stored(store, layout) for layout in ("inputs", "inputs_by_tx", "inputs_by_coin")}


UNSURE = int(Flag.WEAK_ORDER | Flag.UNKNOWN_STATUS)
COUNTED = {"ordinal": "repeat:1", "tx_index": 12345, "index": 0, "status": "unknown", "flags": UNSURE}
NAMELESS = COUNTED | {"tx": "weak:abc", "flags": UNSURE | int(Flag.WEAK_IDENTITY)}


@pytest.mark.parametrize("poorer", [COUNTED, NAMELESS, {"ordinal": "index:9", "index": 9}, {"status": "unknown", "flags": 4}])
def test_whichever_source_comes_first_the_better_row_is_kept_in_every_copy(tmp_path, poorer):
    best = transfer()
    found = []
    for order in itertools.permutations([best, transfer(**poorer)]):
        with Store.create(tmp_path / f"store-{len(found)}") as store:
            for number, row in enumerate(order):
                commit(store, f"source-{number}", row)
            found.append(everything(store))
            assert len(StoredAccountHistory(store, "ethereum").movements(A, TOKEN)) == 1
    with Store.create(tmp_path / "alone") as store:
        commit(store, "alone", best)
        assert found == [everything(store)] * 2


def test_a_failed_transaction_that_was_unknown_moves_nothing_any_more(store: Store) -> None:
    commit(store, "a", transfer(status="unknown", flags=4))
    assert StoredAccountHistory(store, "ethereum").movements(A, TOKEN)
    result = commit(store, "b", transfer(status="failed"))
    assert (result.stored["transfers"], result.duplicate["transfers"]) == (0, 1)
    assert not StoredAccountHistory(store, "ethereum").movements(A, TOKEN)


def test_a_second_payment_of_the_same_amount_stays_a_second_payment(store: Store) -> None:
    commit(store, "counted", *(transfer(**COUNTED | {"ordinal": f"repeat:{n}"}) for n in (1, 2, 3)))
    result = commit(store, "logged", transfer(), transfer(ordinal="log:6", index=6))
    assert result.duplicate["transfers"] == 2
    ordinals = sorted(row.ref.partition(":")[2] for row in StoredAccountHistory(store, "ethereum").movements(A, TOKEN))
    assert [one.split(":")[0] for one in ordinals] == ["log", "log", "repeat"]
    commit(store, "counted again", *(transfer(**COUNTED | {"ordinal": f"repeat:{n}"}) for n in (1, 2, 3)))
    assert len(StoredAccountHistory(store, "ethereum").movements(A, TOKEN)) == 3


def test_movements_that_differ_in_anything_are_not_joined(store: Store) -> None:
    others = [{"amount": 6}, {"sender": C}, {"receiver": C}, {"tx": TX[1]}, {"asset": ETH, "kind": "value"}]
    commit(store, "logged", transfer())
    result = commit(
        store, "counted", *(transfer(**COUNTED | {"ordinal": f"repeat:{n}"} | other) for n, other in enumerate(others))
    )
    assert result.stored["transfers"] == len(others)
    # The same kind of name twice is two movements, whatever else they share.
    assert commit(store, "logged too", transfer(ordinal="log:5", index=5)).stored["transfers"] == 1


def test_a_fee_is_never_a_payment(store: Store) -> None:
    commit(store, "a", transfer(asset=ETH, kind="fee", receiver=None, ordinal="fee", index=LAST_INDEX))
    result = commit(store, "b", transfer(**COUNTED | {"asset": ETH, "kind": "burn", "receiver": None}))
    assert result.stored["transfers"] == 1


def test_coins_take_place_and_values_from_whoever_knows_them(tmp_path):
    base = {"chain": "bitcoin", "tx": "ab" * 32, "n": 0, "block": 5, "time": 1_700_000_000}
    spend = base | {"spent_tx": "cd" * 32, "spent_n": 1}
    placed = spend | {"tx_index": 3, "address": None, "amount": None, "flags": 0}
    valued = spend | {"tx_index": 999, "address": "1A", "amount": 70, "flags": int(Flag.WEAK_ORDER)}
    best = spend | {"tx_index": 3, "address": "1A", "amount": 70, "flags": 0}
    found = []
    for rows in ([placed, valued], [valued, placed], [best]):
        with Store.create(tmp_path / f"store-{len(found)}") as store:
            for number, row in enumerate(rows):
                commit(store, f"source-{number}", row, table="inputs")
            found.append(everything(store))
            tx = StoredUtxoHistory(store, "bitcoin").transaction("ab" * 32)
            assert tx is not None
            assert (tx.place.tx_index, tx.inputs[0].amount, tx.inputs[0].address) == (3, 70, "1A")
    assert found[0] == found[1] == found[2]


def test_nothing_better_makes_no_new_version(store: Store) -> None:
    commit(store, "a", transfer())
    version = store.version
    commit(store, "b", transfer(**COUNTED))
    commit(store, "c", transfer(status="unknown", flags=UNSURE))
    assert store.version == version


@pytest.mark.parametrize("seed", range(1))
def test_views_of_one_ledger_in_any_order_give_its_rows(tmp_path, seed):
    """Each source sees some of the movements, and knows something less of them; together they know all."""
    draw = random.Random(seed)
    rows = [
        transfer(tx=TX[n // 6], ordinal=f"log:{n}", index=n, amount=draw.randint(1, 2), sender=draw.choice((A, B)), receiver=C)
        for n in range(40)
    ]

    def counted() -> list[dict[str, Any]]:
        seen: dict[tuple[Any, ...], int] = {}
        view = []
        for row in rows:
            key = (row["tx"], row["sender"], row["amount"])
            seen[key] = seen.get(key, 0) + 1
            view.append(row | COUNTED | {"ordinal": f"repeat:{seen[key]}"})
        return view

    unsure = [row | {"status": "unknown", "flags": 4} for row in rows]
    views = [counted(), unsure, rows]
    found = []
    for order in itertools.permutations(range(3)):
        with Store.create(tmp_path / "".join(map(str, order))) as store:
            for number in order:
                commit(store, f"source-{number}", *draw.sample(views[number], 40))
            found.append(everything(store))
    with Store.create(tmp_path / "alone") as store:
        commit(store, "alone", *rows)
        assert found == [everything(store)] * 6
