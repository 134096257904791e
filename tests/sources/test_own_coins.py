"""Laws of own UTXO ledgers in two files."""

from __future__ import annotations

import pytest
from bulk_files import NOON, A, btx, read, write

from exposure.errors import InputError
from exposure.model.ledger import LAST_INDEX, Flag

GENESIS = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
WITNESS = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
OUTPUTS = "tx,n,block,tx_index,time,address,amount"


def outputs(tmp_path, *more, name="o.csv"):
    rows = [
        f"{btx(1)},0,1,0,{NOON},{GENESIS},50",
        f"{btx(2)},1,2,1,{NOON + 9},{WITNESS},30",
        f"{btx(2)},0,2,1,{NOON + 9},{GENESIS},19",
    ]
    return write(tmp_path / name, OUTPUTS, *rows, *more)


def inputs(tmp_path, *more):
    return write(tmp_path / "i.csv", "tx,n,spent_tx,spent_n", f"{btx(2)},0,{btx(1)},0", *more)


def test_inputs_stand_where_their_transaction_stands_and_coinbases_last(tmp_path):
    for order in (1, -1):
        result = read([outputs(tmp_path), inputs(tmp_path)][::order], chain="bitcoin")
        made = [
            (row["tx"], row["n"], row["block"], row["tx_index"], int(row["amount"]), row["coinbase"])
            for row in result.rows["outputs"]
        ]
        assert made == [(btx(1), 0, 1, LAST_INDEX, 50, True), (btx(2), 1, 2, 1, 30, False), (btx(2), 0, 2, 1, 19, False)]
        assert [row["script"] for row in result.rows["outputs"]] == ["p2pkh", "p2wpkh", "p2pkh"]
        (spent,) = result.rows["inputs"]
        assert (spent["block"], spent["tx_index"], spent["time"]) == (2, 1, NOON + 9)
        assert (spent["spent_tx"], spent["spent_n"], spent["amount"], spent["flags"]) == (btx(1), 0, None, 0)


def test_inputs_of_a_transaction_that_has_no_place_are_rejected(tmp_path):
    result = read([outputs(tmp_path), inputs(tmp_path, f"{btx(8)},0,{btx(2)},0")], chain="bitcoin")
    assert [(one.table, one.line) for one in result.rejects] == [("inputs", 3)]
    assert "no output in the files" in result.rejects[0].reason


def test_without_transaction_index_the_hash_orders_and_the_row_is_flagged(tmp_path):
    path = write(tmp_path / "o.csv", OUTPUTS.replace("tx_index,", ""), f"{btx(1 << 250)},0,1,{NOON},{GENESIS},50")
    spend = write(tmp_path / "i.csv", "tx,n,spent_tx,spent_n", f"{btx(1 << 250)},0,{btx(1)},0")
    result = read([path, spend], chain="bitcoin")
    assert result.rows["outputs"][0]["flags"] == Flag.WEAK_ORDER == result.rows["inputs"][0]["flags"]
    assert result.rows["outputs"][0]["tx_index"] == result.rows["inputs"][0]["tx_index"] > 0


def test_outputs_alone_declare_nothing(tmp_path):
    result = read([outputs(tmp_path)], chain="bitcoin")
    assert not any(row["coinbase"] for row in result.rows["outputs"])
    assert ("bitcoin", "*") in result.findings.voids
    assert any("no file of inputs" in sentence for sentence in result.findings.warnings)


def test_bad_rows_are_rejected(tmp_path):
    rows = [
        f"{btx(5)},0,1,0,{NOON},{GENESIS[:-1]}b,50",
        f"{btx(5)},0,1,0,{NOON},{A},50",
        f"{btx(5)},0,1,0,{NOON},mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn,50",
        f"{btx(5)},x,1,0,{NOON},{GENESIS},50",
        f"{btx(5)},99999999999,1,0,{NOON},{GENESIS},50",
        f"{btx(5)},0,,0,{NOON},{GENESIS},50",
        f"{btx(5)},0,1,0,{NOON},,50",
        f"{btx(5)},0,1,0,{NOON},{GENESIS},0.5",
    ]
    result = read([outputs(tmp_path, *rows), inputs(tmp_path)], chain="bitcoin")
    assert len(result.rows["outputs"]) == 3
    expected = (
        "checksum",
        "another family",
        "testnet, not of bitcoin",
        "no whole number",
        "above",
        "block is empty",
        "address is empty",
        "fraction",
    )
    assert [one.line for one in result.rejects] == list(range(5, 13))
    for reject, reason in zip(result.rejects, expected, strict=True):
        assert reason in reject.reason


def test_coin_files_of_an_account_chain_or_without_outputs_are_refused(tmp_path):
    with pytest.raises(InputError, match="belong to a UTXO chain, and ethereum is none"):
        read([outputs(tmp_path)], chain="ethereum")
    with pytest.raises(InputError, match="give the file of outputs"):
        read([inputs(tmp_path)], chain="bitcoin")
    with pytest.raises(InputError, match="missing: address, amount"):
        read([write(tmp_path / "x.csv", "tx,n,block,time", "1,2,3,4"), inputs(tmp_path)], chain="bitcoin", form="own")
