"""Laws of own account ledgers: identity and order never come from addresses or from a file's order where it is known."""

from __future__ import annotations

import random
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bulk_files import NOON, TOKEN, ZERO, A, B, C, D, read, tx, write

from exposure.errors import InputError
from exposure.model.ledger import LAST_INDEX, Flag

MAPPED = ("when=time", "from=from", "to=to", "v=amount")


def place(row):
    return row["block"], row["tx_index"], row["index"]


def weak(tmp_path, *rows, name="x.csv"):
    return read([write(tmp_path / name, "when,from,to,v", *rows)], chain="ethereum", columns=MAPPED)


def test_without_hash_identity_is_what_the_row_says_and_its_repeat(tmp_path):
    rows = [f"{NOON},{A},{B},5", f"{NOON},{A},{B},6", f"{NOON},{A},{B},5", f"{NOON + 1},{A},{B},5"]
    found = weak(tmp_path, *rows).transfers
    keys = [(row["tx"], row["ordinal"]) for row in found]
    assert len(set(keys)) == 4
    assert keys[0][0] == keys[2][0] != keys[1][0]
    assert [row["ordinal"] for row in found] == ["repeat:1", "repeat:1", "repeat:2", "repeat:1"]
    assert all(row["flags"] & Flag.WEAK_IDENTITY and row["flags"] & Flag.TIME_ORDER for row in found)
    shuffled = weak(tmp_path, *reversed(rows), name="y.csv").transfers
    assert sorted(keys) == sorted((row["tx"], row["ordinal"]) for row in shuffled)


def test_without_hash_and_block_rows_of_a_second_keep_their_place_in_the_file(tmp_path):
    found = weak(tmp_path, f"{NOON},{D},{B},1", f"{NOON + 5},{A},{B},9", f"{NOON},{C},{B},2", f"{NOON},{A},{B},3").transfers
    assert [int(row["amount"]) for row in sorted(found, key=place)] == [1, 2, 3, 9]
    assert all(row["flags"] & Flag.WEAK_ORDER for row in found)
    assert all(row["block"] == row["time"] for row in found)


def test_renaming_addresses_changes_no_order(tmp_path):
    rows = [f"{tx(random.Random(seed).getrandbits(255))},7,{NOON},{A},{B},{seed}" for seed in range(20)]
    renamed = [row.replace(A, D).replace(B, C) for row in rows]
    orders = []
    for name, lines in (("x", rows), ("y", renamed)):
        found = read([write(tmp_path / f"{name}.csv", "tx,block,time,from,to,amount", *lines)], chain="ethereum").transfers
        orders.append([int(row["amount"]) for row in sorted(found, key=place)])
    assert orders[0] == orders[1]
    hashes = sorted(range(20), key=lambda seed: rows[seed].split(",")[0])
    assert orders[0] == hashes  # (block, hash, place in the file)


def test_rows_of_one_transaction_without_index_keep_their_place_in_the_file_and_are_flagged(tmp_path):
    high, low = tx(3 << 240), tx(2 << 240)
    ends = ((high, A, B, 5), (low, A, B, 1), (high, B, C, 4), (high, A, B, 5))
    rows = [f"{hash_},7,{NOON},{one},{two},{amount}" for hash_, one, two, amount in ends]
    found = read([write(tmp_path / "x.csv", "tx,block,time,from,to,amount", *rows)], chain="ethereum").transfers
    assert [int(row["amount"]) for row in sorted(found, key=place)] == [1, 5, 4, 5]
    assert len({(row["tx"], row["ordinal"]) for row in found}) == 4
    assert all(row["flags"] == Flag.WEAK_ORDER for row in found)


def test_rows_with_transaction_index_and_index_have_the_same_places_in_any_file_order(tmp_path):
    rows = [f"{tx(n)},{n % 3},{n % 2},{n // 6},{NOON},{A},{B},{n}" for n in range(30)]
    random.Random(1).shuffle(shuffled := list(rows))
    header = "tx,tx_index,index,block,time,from,to,amount"
    one, two = (
        sorted(repr(row) for row in read([write(tmp_path / f"{n}.csv", header, *lines)], chain="ethereum").transfers)
        for n, lines in enumerate((rows, shuffled))
    )
    assert one == two
    assert not any(row["flags"] for row in read([tmp_path / "0.csv"], chain="ethereum").transfers)


def test_an_index_alone_is_a_place_in_the_block_if_no_two_transactions_share_one(tmp_path):
    rows = [f"{tx(9)},0,7,{NOON},{A},{B},1", f"{tx(9)},1,7,{NOON},{A},{B},2", f"{tx(1)},2,7,{NOON},{A},{B},3"]
    found = read([write(tmp_path / "x.csv", "tx,index,block,time,from,to,amount", *rows)], chain="ethereum").transfers
    assert [int(row["amount"]) for row in sorted(found, key=place)] == [1, 2, 3]
    assert [row["tx_index"] for row in found] == [0, 0, 2]
    assert not any(row["flags"] for row in found)


def test_an_index_alone_is_a_place_in_the_transaction_if_two_share_one(tmp_path):
    rows = [f"{tx(1)},0,7,{NOON},{A},{B},1", f"{tx(1)},1,7,{NOON},{A},{B},2", f"{tx(9 << 240)},0,7,{NOON},{A},{B},3"]
    found = read([write(tmp_path / "x.csv", "tx,index,block,time,from,to,amount", *reversed(rows))], chain="ethereum").transfers
    assert [int(row["amount"]) for row in sorted(found, key=place)] == [1, 2, 3]
    assert all(row["flags"] & Flag.WEAK_ORDER for row in found)


def test_a_transaction_index_on_several_rows_is_no_order_among_them(tmp_path):
    rows = [f"{tx(1)},4,7,{NOON},{A},{B},1", f"{tx(1)},4,7,{NOON},{B},{C},2", f"{tx(2)},5,7,{NOON},{B},{C},3"]
    found = read([write(tmp_path / "x.csv", "tx,tx_index,block,time,from,to,amount", *rows)], chain="ethereum").transfers
    assert [place(row)[1:] for row in found] == [(4, 0), (4, 1), (5, 0)]
    assert [row["flags"] for row in found] == [Flag.WEAK_ORDER, Flag.WEAK_ORDER, 0]


def test_a_fee_is_a_row_of_its_own_at_the_end_of_its_transaction(tmp_path):
    header = "tx,index,block,time,from,to,amount,fee,status"
    rows = [
        f"{tx(1)},0,7,{NOON},{A},{B},5,21,ok",
        f"{tx(1)},1,7,{NOON},{A},{C},6,21,ok",
        f"{tx(2)},2,7,{NOON},{B},{C},5,30,failed",
    ]
    found = read([write(tmp_path / "x.csv", header, *rows)], chain="ethereum").transfers
    fees = [row for row in found if row["kind"] == "fee"]
    assert [(row["tx"], row["sender"], int(row["amount"]), row["status"]) for row in fees] == [
        (tx(1), A, 21, "ok"),
        (tx(2), B, 30, "ok"),
    ]
    assert all(row["receiver"] is None and row["index"] == LAST_INDEX and row["ordinal"] == "fee" for row in fees)
    assert [row["status"] for row in found if row["kind"] != "fee"] == ["ok", "ok", "failed"]


def test_the_fee_of_a_token_transfer_is_paid_in_the_chains_coin(tmp_path):
    rows = f"{tx(1)},0,0,7,{NOON},{A},{B},5,0.000021,{TOKEN}"
    path = write(tmp_path / "x.csv", "tx,tx_index,index,block,time,from,to,amount,f,asset", rows)
    found = read([path], chain="ethereum", columns=["f=fee:ether"]).transfers
    assert [(row["asset"], row["kind"], int(row["amount"])) for row in found] == [
        (f"ethereum/{TOKEN}", "token", 5),
        ("ethereum/native", "fee", 21 * 10**12),
    ]


def test_fees_of_rows_without_hash_are_paid_each(tmp_path):
    path = write(
        tmp_path / "x.csv", "time,from,to,amount,fee", f"{NOON},{A},{B},5,1", f"{NOON},{A},{B},5,1", f"{NOON},{A},{B},5,0"
    )
    fees = [row for row in read([path], chain="ethereum").transfers if row["kind"] == "fee"]
    assert len({(row["tx"], row["ordinal"]) for row in fees}) == 2


def test_mints_and_burns_have_one_end(tmp_path):
    rows = [f"{NOON},{ZERO},{A},5,{TOKEN}", f"{NOON},{A},{ZERO},5,{TOKEN}", f"{NOON},,{A},5,native", f"{NOON},{A},{ZERO},5,ETH"]
    found = read([write(tmp_path / "x.csv", "time,from,to,amount,asset", *rows)], chain="ethereum").transfers
    assert [(row["sender"], row["receiver"], row["kind"]) for row in found] == [
        (None, A, "mint"),
        (A, None, "burn"),
        (None, A, "mint"),
        (A, ZERO, "value"),
    ]


def test_addresses_and_hashes_take_their_canonical_form(tmp_path):
    bare = tx(10).removeprefix("0x").upper()
    checksummed = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    rows = [rf"{bare},{NOON},\x{A[2:]},{B[2:]},5", rf"0X{bare},{NOON},{checksummed},{A.upper().replace('X', 'x')},5"]
    path = write(tmp_path / "x.csv", "h,time,s,r,amount", *rows)
    columns = ["h=tx:hexbytes", "s=from:hexbytes", "r=to:hexbytes"]
    found = read([path], chain="ethereum", columns=columns).transfers
    assert [(row["tx"], row["sender"], row["receiver"]) for row in found] == [
        (f"0x{bare.lower()}", A, B),
        (f"0x{bare.lower()}", checksummed.lower(), A),
    ]


def test_rows_that_cannot_be_are_rejected_with_line_and_reason(tmp_path):
    good = f"{tx(1)},{NOON},{A},{B},5,ok"
    bad = {
        good.replace(A, A + "0"): "0x has|hex digits behind 0x",
        good.replace(A, "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"): "EIP-55 checksum",
        good.replace(A, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"): "of another family .bitcoin. than ethereum",
        good.replace(f"{A},{B}", ","): "from and to are both empty",
        good.replace(str(NOON), ""): "time is empty",
        good.replace(str(NOON), f"{NOON}000"): "milliseconds",
        good.replace(",5,", ",,"): "amount is empty",
        good.replace(",5,", ",-5,"): "is negative",
        good.replace(",5,", f",1{'0' * 38},"): "does not fit",
        good.replace(",5,", f",{'9' * 200_000},"): "200000 characters",
        good.replace("ok", "maybe"): "maybe is none of ok, failed",
        good.replace(tx(1), "with space"): "no transaction hash",
    }
    result = read([write(tmp_path / "x.csv", "tx,time,from,to,amount,status", good, *bad)], chain="ethereum")
    assert len(result.transfers) == 1
    assert [one.line for one in result.rejects] == list(range(3, 3 + len(bad)))
    for reject, reason in zip(result.rejects, bad.values(), strict=True):
        assert re.search(reason, reject.reason), (reject.reason, reason)
        assert len(reject.text) <= 500
        assert len(reject.reason) <= 300


def test_rows_plus_rejects_are_all_rows(tmp_path):
    rows = [f"{tx(n)},{NOON},{A},{B},{n if n % 3 else 'x'}" for n in range(100)]
    result = read([write(tmp_path / "x.csv", "tx,time,from,to,amount", *rows)], chain="ethereum")
    assert len(result.transfers) + len(result.rejects) == 100 == result.findings.records


def test_an_empty_status_is_unknown_and_says_so(tmp_path):
    rows = [f"{tx(1)},{NOON},{A},{B},5,", f"{tx(2)},{NOON},{A},{B},5,1", f"{tx(3)},{NOON},{A},{B},5,0"]
    result = read([write(tmp_path / "x.csv", "tx,time,from,to,amount,status", *rows)], chain="ethereum")
    assert [row["status"] for row in result.transfers] == ["unknown", "ok", "failed"]
    assert result.transfers[0]["flags"] & Flag.UNKNOWN_STATUS
    assert list(result.findings.voids) == [("ethereum", "ethereum/native")]


def test_amounts_from_floats_are_exact_and_flagged(tmp_path):
    rows = [f"{NOON},{A},{B},1e-05", f"{NOON},{A},{B},1.5", f"{NOON},{A},{B},0.1234567890123456"]
    found = read([write(tmp_path / "x.csv", "time,from,to,v", *rows)], chain="ethereum", columns=["v=amount:ether"]).transfers
    assert [int(row["amount"]) for row in found] == [10**13, 15 * 10**17, 123456789012345600]
    assert [bool(row["flags"] & Flag.FLOAT_AMOUNT) for row in found] == [True, False, True]


def test_a_column_of_doubles_is_flagged_throughout(tmp_path):
    pq.write_table(pa.table({"time": [NOON] * 2, "from": [A] * 2, "to": [B] * 2, "v": [0.1, 2.0]}), tmp_path / "x.parquet")
    found = read([tmp_path / "x.parquet"], chain="ethereum", columns=["v=amount:ether"]).transfers
    assert [int(row["amount"]) for row in found] == [10**17, 2 * 10**18]
    assert all(row["flags"] & Flag.FLOAT_AMOUNT for row in found)


@pytest.mark.parametrize(
    ("header", "options", "message"),
    [
        ("time,from,to,amount", {}, "add --chain"),
        ("time,from,to,amount", {"chain": "atlantis"}, "unknown chain"),
        ("from,to,amount", {"chain": "ethereum"}, "no column for time: map one with --map COLUMN=time"),
        ("time,from,to,amount", {"chain": "ethereum", "asset": "tron/native"}, "is of tron, the file of ethereum"),
        ("time,from,to,amount", {"chain": "ethereum", "asset": "0x12"}, "not a valid EVM address"),
    ],
)
def test_what_the_command_leaves_open_is_asked_for(tmp_path, header, options, message):
    path = write(tmp_path / "x.csv", header, ",".join("1" for _ in header.split(",")))
    with pytest.raises(InputError, match=message):
        read([path], **options)


def test_the_chain_follows_from_the_asset(tmp_path):
    path = write(tmp_path / "x.csv", "time,from,to,amount", f"{NOON},{A},{B},5")
    assert read([path], asset=f"polygon/{TOKEN}").transfers[0]["asset"] == f"polygon/{TOKEN}"


def test_tron_ledgers_take_base58_and_hex(tmp_path):
    base58, hexadecimal = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "41a614f803b6fd780986a42c78ec9c7f77e6ded13c"
    path = write(tmp_path / "x.csv", "time,from,to,amount,asset", f"{NOON},{base58},{hexadecimal},5,{base58}")
    row = read([path], chain="tron").transfers[0]
    assert (row["sender"], row["receiver"], row["asset"]) == (base58, base58, f"tron/{base58}")


@pytest.mark.parametrize("header", ["tx,block", "block", "", "tx,index", "tx,tx_index,block"])
def test_the_size_of_chunks_changes_nothing(tmp_path, monkeypatch, header):
    random_ = random.Random(7)
    names = [name for name in header.split(",") if name]
    lines = []
    for number in range(60):
        block = number // 12
        cells = {"tx": tx((number // 3) * 7**80 % 2**256), "block": block, "index": number, "tx_index": number // 3 % 4}
        ends = random_.sample((A, B, C, D), 2)
        lines.append(",".join(map(str, (*(cells[name] for name in names), NOON + block, *ends, random_.randrange(3), 5))))
    path = write(tmp_path / "x.csv", ",".join([*names, "time,from,to,amount,fee"]), *lines)
    whole = read([path], chain="ethereum").transfers
    monkeypatch.setattr("exposure.sources.bulk.tables.CHUNK_ROWS", 7)
    monkeypatch.setattr("exposure.sources.bulk.staging._BATCH_ROWS", 5)
    assert sorted(map(repr, read([path], chain="ethereum").transfers)) == sorted(map(repr, whole))
    keys = [(row["asset"], row["tx"], row["ordinal"]) for row in whole]
    assert len(set(keys)) == len(keys)


def test_decimals_that_contradict_a_known_token_are_said(tmp_path):
    usdt = "0xdac17f958d2ee523a2206206994597c13d831ec7"
    path = write(tmp_path / "x.csv", "time,from,to,v,asset", f"{NOON},{A},{B},1.5,{usdt}")
    assert not read([path], chain="ethereum", columns=["v=amount:decimals=6"]).findings.warnings
    (said,) = read([path], chain="ethereum", columns=["v=amount:ether"]).findings.warnings
    assert "USDT" in said
    assert "it has 6" in said


def test_bitcoin_style_prefixes_decide_nothing_for_other_networks(tmp_path):
    from exposure.model import addresses

    test = addresses.witness_address(0, bytes(20), "testnet")
    path = write(tmp_path / "o.csv", "tx,n,block,tx_index,time,address,amount", f"{'1' * 64},0,1,0,{NOON},{test},5")
    assert read([path], chain="bitcoin-testnet").rows["outputs"][0]["address"] == test
    assert read([path], chain="bitcoin").rejects
