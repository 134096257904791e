"""Laws of ethereum-etl's tables: what one of them lacks comes from another, or is said to be unknown."""

from __future__ import annotations

import itertools

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bulk_files import NOON, TOKEN, ZERO, A, B, C, D, E, read, tx, write

from exposure.errors import InputError
from exposure.model.ledger import LAST_INDEX, Flag
from exposure.sources.bulk.ethereum_etl import contract_address

TX = "hash,nonce,block_hash,block_number,transaction_index,from_address,to_address,value,gas,gas_price,input,block_timestamp"
RECEIPT = (
    "transaction_hash,transaction_index,block_number,cumulative_gas_used,gas_used,contract_address,status,effective_gas_price"
)
BLOCK = "number,hash,parent_hash,miner,timestamp"
TOKENS = "token_address,from_address,to_address,value,transaction_hash,log_index,block_number"
TRACE = (
    "block_number,transaction_hash,transaction_index,from_address,to_address,value,"
    "trace_type,call_type,reward_type,trace_address,error,status"
)


def transactions(folder, *, times=True):
    at = NOON if times else ""
    rows = [
        f"{tx(1)},0,0xb,10,0,{A},{B},1000,21000,5,0x,{at}",
        f"{tx(2)},1,0xb,10,1,{A},,7,90000,5,0x60,{at}",
        f"{tx(3)},1,0xb,11,0,{B},{C},9,21000,5,0x,{NOON + 12 if times else ''}",
    ]
    return write(folder / "transactions.csv", TX, *rows)


def receipts(folder):
    rows = [f"{tx(1)},0,10,1,21000,,1,4", f"{tx(2)},1,10,1,30000,{E},1,", f"{tx(3)},0,11,1,21000,,0,4"]
    return write(folder / "receipts.csv", RECEIPT, *rows)


def blocks(folder):
    return write(
        folder / "blocks.csv", BLOCK, f"10,0xb,0xa,{D},{NOON}", f"11,0xc,0xb,{D},{NOON + 12}", f"12,0xd,0xc,{D},{NOON + 20}"
    )


def tokens(folder, *more):
    rows = [f"{TOKEN},{ZERO},{A},500,{tx(1)},3,10", f"{TOKEN},{A},{B},200,{tx(3)},0,11", f"{TOKEN},{A},{ZERO},1,{tx(3)},1,11"]
    return write(folder / "token_transfers.csv", TOKENS, *rows, *more)


def traces(folder, *more):
    rows = [
        f"10,{tx(1)},0,{A},{B},1000,call,call,,,,1",
        f"10,{tx(1)},0,{B},{C},600,call,call,,0,,1",
        f'10,{tx(1)},0,{C},{D},100,call,delegatecall,,"0,0",,1',
        f'10,{tx(1)},0,{C},{D},101,call,staticcall,,"0,1",,1',
        f'10,{tx(1)},0,{C},{D},102,call,callcode,,"0,2",,1',
        f"10,{tx(1)},0,{B},{D},50,call,call,,10,,1",
        f"10,{tx(1)},0,{B},{D},51,call,call,,2,Reverted,",
        f'10,{tx(1)},0,{D},{E},52,call,call,,"2,0",,',
        f"10,{tx(1)},0,{B},{A},40,suicide,,,3,,1",
        f"10,{tx(1)},0,{B},{E},0,call,call,,4,,1",
        f"11,{tx(3)},0,{B},{C},9,call,call,,,Reverted,0",
        f"11,{tx(3)},0,{C},{D},9,call,call,,0,,0",
        f"10,,,,{D},3000,reward,,block,,,1",
        f"10,,,,{E},50,reward,,uncle,,,1",
        f"10,,,,{E},50,reward,,uncle,,,1",
    ]
    return write(folder / "traces.csv", TRACE, *rows, *more)


def short(rows):
    return [(row["ordinal"], row["sender"], row["receiver"], int(row["amount"]), row["kind"], row["status"]) for row in rows]


def test_receipts_decide_status_fee_and_the_contract_that_was_made(tmp_path):
    result = read([transactions(tmp_path), receipts(tmp_path)])
    assert sorted(short(result.transfers)) == sorted(
        [
            ("value", A, B, 1000, "value", "ok"),
            ("value", A, E, 7, "value", "ok"),
            ("value", B, C, 9, "value", "failed"),
            ("fee", A, None, 84_000, "fee", "ok"),
            ("fee", A, None, 150_000, "fee", "ok"),  # no effective price: the transaction's own
            ("fee", B, None, 84_000, "fee", "ok"),
        ]
    )
    assert all(row["index"] == LAST_INDEX for row in result.transfers if row["kind"] == "fee")
    assert not any(row["flags"] for row in result.transfers)
    assert result.findings.voids == {
        ("ethereum", "ethereum/native"): ["no traces were given, so value moved inside transactions is not known"]
    }


def test_without_receipts_status_is_unknown_value_counts_and_completeness_is_void(tmp_path):
    result = read([transactions(tmp_path)])
    assert {(row["status"], row["flags"], row["kind"]) for row in result.transfers} == {
        ("unknown", Flag.UNKNOWN_STATUS, "value")
    }
    assert result.transfers[1]["receiver"] == contract_address(A, 1)
    reasons = result.findings.voids["ethereum", "ethereum/native"]
    assert any("status" in reason for reason in reasons)
    assert any("fees" in reason for reason in reasons)


def test_the_address_of_a_new_contract_follows_from_sender_and_nonce():
    sender = "0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0"
    made = ["0xcd234a471b72ba2f1ccf0a70fcaba648a5eecd8d", "0x343c43a37d37dff08ae8c4a11544c718abb4fcf8"]
    assert [contract_address(sender, nonce) for nonce in (0, 1)] == made
    assert len({contract_address(sender, nonce) for nonce in (127, 128, 255, 256, 2**63)}) == 5


def test_receipts_columns_of_bigquery_count_as_receipts(tmp_path):
    head = f"{TX},receipt_status,receipt_gas_used,receipt_effective_gas_price,receipt_contract_address"
    row = f"{tx(1)},0,0xb,10,0,{A},,1000,21000,5,0x,2017-03-06 04:38:27 UTC,1,100,3,{E}"
    found = read([write(tmp_path / "x.csv", head, row)]).transfers
    assert short(found) == [("value", A, E, 1000, "value", "ok"), ("fee", A, None, 300, "fee", "ok")]
    assert found[0]["time"] == 1_488_775_107


def test_blocks_give_the_times_that_transactions_lack(tmp_path):
    with_times = read([transactions(tmp_path), receipts(tmp_path)]).transfers
    without = read([transactions(tmp_path, times=False), receipts(tmp_path), blocks(tmp_path)]).transfers
    assert without == with_times
    result = read([transactions(tmp_path, times=False)])
    assert not result.transfers
    assert "give the blocks file" in result.rejects[0].reason


def test_token_transfers_take_their_place_from_transactions_or_receipts(tmp_path):
    for other in (transactions, receipts):
        found = read([tokens(tmp_path), other(tmp_path), blocks(tmp_path)]).transfers
        found = [row for row in found if row["asset"] != "ethereum/native"]
        assert short(found) == [
            ("log:3", None, A, 500, "mint", "ok"),
            ("log:0", A, B, 200, "token", "ok"),
            ("log:1", A, None, 1, "burn", "ok"),
        ]
        assert [(row["block"], row["tx_index"], row["index"], row["time"], row["flags"]) for row in found] == [
            (10, 0, 3, NOON, 0),
            (11, 0, 0, NOON + 12, 0),
            (11, 0, 1, NOON + 12, 0),
        ]


def test_token_transfers_alone_have_no_time(tmp_path):
    result = read([tokens(tmp_path)])
    assert not result.transfers
    assert {one.reason for one in result.rejects} == {
        "the time of its block is not known: give the blocks file in the same command"
    }
    flagged = read([tokens(tmp_path), blocks(tmp_path)]).transfers
    assert [row["flags"] for row in flagged] == [Flag.WEAK_ORDER] * 3


def test_a_token_amount_of_more_than_38_digits_is_rejected_not_cut(tmp_path):
    result = read([tokens(tmp_path, f"{TOKEN},{A},{B},{2**256 - 1},{tx(3)},2,11"), blocks(tmp_path)])
    assert len(result.transfers) == 3
    assert [(one.line, one.file.endswith("token_transfers.csv")) for one in result.rejects] == [(5, True)]
    assert "does not fit" in result.rejects[0].reason


def test_traces_move_what_calls_creations_and_self_destructions_move(tmp_path):
    result = read([transactions(tmp_path), receipts(tmp_path), blocks(tmp_path), traces(tmp_path)])
    inner = [row for row in result.transfers if row["kind"] not in ("value", "fee")]
    assert sorted(short(inner)) == sorted(
        [
            ("trace:0", B, C, 600, "internal", "ok"),
            ("trace:3", B, A, 40, "internal", "ok"),
            ("trace:10", B, D, 50, "internal", "ok"),
            ("block:0", None, D, 3000, "reward", "ok"),
            ("uncle:0", None, E, 50, "reward", "ok"),
            ("uncle:1", None, E, 50, "reward", "ok"),
        ]
    )
    order = sorted((row for row in inner if row["kind"] == "internal"), key=lambda row: row["index"])
    assert [row["ordinal"] for row in order] == ["trace:0", "trace:3", "trace:10"]
    assert all(row["index"] > 0 for row in order)
    assert all(row["tx_index"] == LAST_INDEX for row in inner if row["kind"] == "reward")
    assert not result.rejects
    assert result.findings.voids == {}


def test_the_outermost_trace_is_stored_once(tmp_path):
    both = read([transactions(tmp_path), traces(tmp_path)]).transfers
    alone = read([traces(tmp_path), blocks(tmp_path)]).transfers
    values = [
        (row["tx"], row["ordinal"], row["sender"], row["receiver"], row["amount"], row["tx_index"])
        for row in both
        if row["kind"] == "value"
    ]
    assert len(values) == len(set(values)) == 3
    outer = [
        (row["tx"], row["ordinal"], row["sender"], row["receiver"], row["amount"], row["tx_index"])
        for row in alone
        if row["kind"] == "value"
    ]
    assert sorted(outer) == sorted(value for value in values if value[0] != tx(2))


def test_the_outermost_trace_tells_the_status_where_no_receipt_does(tmp_path):
    found = read([transactions(tmp_path), traces(tmp_path)]).transfers
    assert {row["tx"]: row["status"] for row in found if row["kind"] == "value"} == {
        tx(1): "ok",
        tx(2): "unknown",
        tx(3): "failed",
    }


@pytest.mark.parametrize("failing", ["", "0", "0,1"])
def test_a_failed_trace_voids_all_below_it_and_nothing_beside(tmp_path, failing):
    paths = ["", "0", "0,0", "0,1", "0,1,0", "0,10", "1", "01"[1:]]
    rows = [
        f'10,{tx(1)},0,{A},{B},{n + 1},call,call,,"{path}",{"Out of gas" if path == failing else ""},'
        for n, path in enumerate(dict.fromkeys(paths))
    ]
    found = read([write(tmp_path / "traces.csv", TRACE, *rows), blocks(tmp_path)]).transfers
    moved = {row["ordinal"] for row in found if row["status"] == "ok"}
    below = {path for path in paths if path == failing or path.startswith(f"{failing},") or failing == ""}
    expected = {f"trace:{path.replace(',', '_')}" if path else "value" for path in paths if path not in below}
    assert moved == expected


def test_the_order_of_files_and_rows_changes_nothing(tmp_path):
    files = [transactions(tmp_path), receipts(tmp_path), blocks(tmp_path), tokens(tmp_path), traces(tmp_path)]
    expected = sorted(map(repr, read(files).transfers))
    for shuffled in itertools.islice(itertools.permutations(files), 40, 120, 70):
        assert sorted(map(repr, read(shuffled).transfers)) == expected
    for path in files:
        head, *rows = path.read_text().splitlines()
        write(path, head, *reversed(rows))
    assert sorted(map(repr, read(files).transfers)) == expected


def test_parquet_of_public_buckets_is_the_same_and_its_doubles_are_flagged(tmp_path):
    times = pa.array([NOON * 1_000_000] * 2, pa.timestamp("us"))
    common = {
        "block_number": pa.array([10, 10], pa.int64()),
        "block_timestamp": times,
        "date": ["2020-09-13"] * 2,
        "last_modified": times,
    }
    ends = {"from_address": [A, B], "to_address": [B, C]}
    table = pa.table(
        {
            "hash": [tx(1), tx(2)],
            "nonce": pa.array([0, 0], pa.int64()),
            "transaction_index": pa.array([0, 1], pa.int64()),
            **ends,
            "value": [1.5e18, 3.0],
            "gas_price": pa.array([2, 2], pa.int64()),
            "receipt_status": pa.array([1, 0], pa.int64()),
            "receipt_gas_used": pa.array([21_000, 21_000], pa.int64()),
            **common,
        }
    )
    pq.write_table(table, tmp_path / "x.parquet")
    found = read([tmp_path / "x.parquet"]).transfers
    assert short(found) == [
        ("value", A, B, 15 * 10**17, "value", "ok"),
        ("value", B, C, 3, "value", "failed"),
        ("fee", A, None, 42_000, "fee", "ok"),
        ("fee", B, None, 42_000, "fee", "ok"),
    ]
    assert all(row["flags"] & Flag.FLOAT_AMOUNT for row in found if row["kind"] == "value")


def test_bad_rows_are_rejected_with_their_file_and_line(tmp_path):
    good = f"{tx(1)},0,0xb,10,0,{A},{B},1000,21000,5,0x,{NOON}"
    bad = {
        good.replace(tx(1), ""): "hash is empty",
        good.replace(A, ""): "from_address is empty",
        good.replace(",10,0,", ",x,0,"): "block_number: x is no whole number",
        good.replace(",10,0,", ",10,,"): "transaction_index is empty",
        good.replace(",1000,", ",-1,"): "negative",
        good.replace(",1000,", ",1e-3,"): "fraction of a base unit",
        good.replace(",1000,", ",0x10,"): "hexadecimal",
        good.replace(f"0,0xb,10,0,{A},{B}", f",0xb,10,0,{A},"): "neither nonce nor receipt",
    }
    result = read([write(tmp_path / "x.csv", TX, good, *bad)])
    assert len(result.transfers) == 1
    assert [one.line for one in result.rejects] == list(range(3, 3 + len(bad)))
    for reject, reason in zip(result.rejects, bad.values(), strict=True):
        assert reason in reject.reason


def test_tables_that_move_nothing_and_foreign_tables_are_refused(tmp_path):
    with pytest.raises(InputError, match="alone move no value"):
        read([receipts(tmp_path), blocks(tmp_path)])
    with pytest.raises(InputError, match="is none of ethereum-etl's tables"):
        read([write(tmp_path / "x.csv", "a,b", "1,2")], form="ethereum-etl")
    with pytest.raises(InputError, match="bitcoin is none"):
        read([transactions(tmp_path)], chain="bitcoin")


def test_genesis_allocations_are_minted(tmp_path):
    row = f"0,,,,{D},77,genesis,,,,,1"
    found = read([write(tmp_path / "traces.csv", TRACE, row), write(tmp_path / "b.csv", BLOCK, f"0,0xb,0xa,{D},0")]).transfers
    assert [(one["tx"], one["kind"], one["sender"], one["receiver"]) for one in found] == [("genesis:0", "mint", None, D)]
