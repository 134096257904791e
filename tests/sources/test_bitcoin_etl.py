"""Laws of bitcoin-etl's transactions, as JSON lines and as Parquet."""

from __future__ import annotations

import json
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bulk_files import NOON, btx, read

from exposure.model.ledger import LAST_INDEX, Flag

GENESIS = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
KEY = (
    "4104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61de"
    "b649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac"
)
TAPROOT = "5120a60869f0dbcf1dc659c9cecbaf8050135ea9e8cdc487053f1dc6880949dc684c"


def output(index, value, script=KEY, **more):
    return {"index": index, "script_hex": script, "value": value, "type": "pubkey", "addresses": [], **more}


def coinbase(number, block, **more):
    return {
        "hash": btx(number),
        "block_number": block,
        "block_timestamp": NOON,
        "inputs": [],
        "outputs": [output(0, 5_000_000_000)],
        **more,
    }


def spend(number, block, parent, *outputs, **more):
    coin = {
        "index": 0,
        "spent_transaction_hash": btx(parent),
        "spent_output_index": 0,
        "addresses": [GENESIS],
        "value": 5_000_000_000,
    }
    return {
        "hash": btx(number),
        "block_number": block,
        "block_timestamp": NOON,
        "inputs": [coin],
        "outputs": list(outputs),
        **more,
    }


def lines(path, *records):
    path.write_text("\n".join(record if isinstance(record, str) else json.dumps(record) for record in records))
    return path


def test_scripts_decide_addresses_and_coinbases_are_last_in_their_block(tmp_path):
    records = [
        coinbase(1, 5),
        spend(2, 5, 1, output(1, 20, TAPROOT), output(0, 30, addresses=["nonstandard00"]), is_coinbase=False),
    ]
    result = read([lines(tmp_path / "x.json", *records)])
    made = [
        (row["n"], row["address"], row["script"], int(row["amount"]), row["tx_index"], row["coinbase"])
        for row in result.rows["outputs"]
    ]
    assert made == [
        (0, GENESIS, "p2pk", 5_000_000_000, LAST_INDEX, True),
        (0, GENESIS, "p2pk", 30, 1, False),
        (1, "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr", "p2tr", 20, 1, False),
    ]
    (coin,) = result.rows["inputs"]
    assert (coin["spent_tx"], coin["spent_n"], coin["address"], int(coin["amount"])) == (btx(1), 0, GENESIS, 5_000_000_000)
    assert all(row["flags"] == Flag.WEAK_ORDER for row in result.rows["outputs"])


def test_an_index_of_the_transaction_is_its_place(tmp_path):
    result = read([lines(tmp_path / "x.json", spend(2, 5, 1, output(0, 30), index=7))])
    assert [(row["tx_index"], row["flags"]) for row in result.rows["outputs"] + result.rows["inputs"]] == [(7, 0), (7, 0)]


def test_a_coin_without_script_and_address_keeps_an_id_of_its_own(tmp_path):
    bare = [output(n, 5, "", type="nonstandard", addresses=["a", "b"]) for n in (0, 1)]
    made = read([lines(tmp_path / "x.json", spend(2, 5, 1, *bare))]).rows["outputs"]
    assert made[0]["address"] != made[1]["address"]
    assert all(row["address"].startswith("script:") and row["script"] == "nonstandard" for row in made)


def test_a_single_address_stands_in_for_a_script_that_is_not_there(tmp_path):
    made = read([lines(tmp_path / "x.json", spend(2, 5, 1, output(0, 5, None, addresses=[GENESIS])))]).rows["outputs"]
    assert made[0]["address"] == GENESIS


def test_extra_fields_and_numbers_as_text_are_tolerated(tmp_path):
    record = coinbase(1, "5", fee=0, input_value=None, block_timestamp="2020-09-13 12:26:40 UTC", virtual_size=9)
    (made,) = read([lines(tmp_path / "x.json", record)]).rows["outputs"]
    assert (made["block"], made["time"]) == (5, NOON)


def test_parquet_with_values_in_whole_bitcoins_is_the_same_and_flagged(tmp_path):
    record = spend(2, 5, 1, output(0, 30_000_000), output(1, 7), index=3)
    whole = read([lines(tmp_path / "x.json", record)]).rows
    for entry in (*record["inputs"], *record["outputs"]):
        entry["value"] = entry["value"] / 1e8
        entry["address"] = (entry.pop("addresses") or [None])[0]
    record |= {"block_timestamp": NOON * 1_000_000, "date": "2020-09-13", "last_modified": 0}
    table = pa.Table.from_pylist([record])
    at = table.schema.get_field_index("block_timestamp")
    table = table.set_column(at, "block_timestamp", table.column("block_timestamp").cast(pa.timestamp("us")))
    pq.write_table(table, tmp_path / "x.parquet")
    rows = read([tmp_path / "x.parquet"]).rows
    assert all(row.pop("flags") == Flag.FLOAT_AMOUNT for table in rows.values() for row in table)
    assert all(row.pop("flags") == 0 for table in whole.values() for row in table)
    assert rows == whole


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"hash": "xyz"}, "no transaction hash"),
        ({"hash": None}, "no transaction hash"),
        ({"block_number": -1}, "no whole number"),
        ({"block_number": True}, "no whole number"),
        ({"block_timestamp": None}, "block_timestamp is missing"),
        ({"outputs": []}, "has no outputs"),
        ({"outputs": "x"}, "no list of objects"),
        ({"outputs": [output(0, None)]}, "no value"),
        ({"outputs": [output(0, -5)]}, "negative"),
        ({"outputs": [output(0, 0.5)]}, "fraction of a base unit"),
        ({"outputs": [output(0, 10**40)]}, "does not fit"),
        ({"outputs": [output(0, 5, "zz")]}, "no hex"),
        ({"outputs": [output(0, 5), output(0, 6)]}, "index twice"),
        ({"inputs": [{"index": 0}]}, "spent_transaction_hash"),
        ({"inputs": [{"spent_transaction_hash": btx(1), "spent_output_index": -1}]}, "spent_output_index"),
    ],
)
def test_a_bad_record_is_rejected_whole(tmp_path, change, reason):
    good = coinbase(1, 5)
    result = read([lines(tmp_path / "x.json", good, {**spend(2, 5, 1, output(0, 5)), **change})])
    assert len(result.rows["outputs"]) == 1
    assert "inputs" not in result.rows
    assert [one.line for one in result.rejects] == [2]
    assert reason in result.rejects[0].reason


def test_hostile_json_is_rejected_at_once(tmp_path):
    hostile = ['{"hash": ' + "9" * 1_000_000 + "}", "[" * 100_000, "{" * 10, '{"a": NaN}', "[]", '{"hash": "\\ud800"}', "null"]
    started = time.monotonic()
    result = read([lines(tmp_path / "x.json", coinbase(1, 5), *hostile)])
    assert time.monotonic() - started < 2
    assert len(result.rejects) == len(hostile)
    assert len(result.rows["outputs"]) == 1
