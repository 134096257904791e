"""Blocks of EVM chains as movements: what rollups, forks, validators and miners do to them."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from exposure.errors import SourceError
from exposure.model.assets import chain
from exposure.model.ledger import LAST_INDEX, Flag
from exposure.sources.evm.blocks import call_frames, native_movements, parity_frames, rewards
from exposure.sources.evm.etherscan_rows import transactions, withdrawals
from exposure.sources.evm.places import path_place
from exposure.sources.movements import Movement
from exposure.sources.reply import Record

A, B, C = ("0x" + letter * 40 for letter in "abc")
TX, HASH = "0x" + "1" * 64, "0x" + "2" * 64


def block(
    *, receipt: dict[str, object] | None = None, name: str = "ethereum", traces: object = None, **tx: object
) -> list[Movement]:
    """Movements of a block with one transaction, from A to B unless told otherwise; a value None takes a field away."""
    own = {"hash": TX, "from": A, "to": B, "value": "0x64", "transactionIndex": "0x3", "type": "0x2"} | tx
    paper = {"transactionHash": TX, "blockHash": HASH, "status": "0x1", "gasUsed": "0xa", "effectiveGasPrice": "0x3"}
    paper |= receipt or {}
    whole = {"number": "0x7", "hash": HASH, "timestamp": "0x9", "transactions": [own]}
    frames = {} if traces is None else call_frames([Record({"txHash": TX, "result": traces}, "a node")])
    told = None if traces is None else frames
    receipts = [Record({k: v for k, v in paper.items() if v is not None}, "a node")]
    return native_movements(Record(whole, "a node"), receipts, told, chain(name)).rows


def short(rows: list[Movement]) -> list[tuple[str, str | None, str | None, int]]:
    return [(row.ordinal, row.sender, row.receiver, row.amount) for row in rows]


def test_a_transaction_moves_its_value_and_then_its_fee() -> None:
    rows = block()
    assert short(rows) == [("value", A, B, 100), ("fee", A, None, 30)]
    assert [row.index for row in rows] == [0, LAST_INDEX]


@pytest.mark.parametrize(
    ("receipt", "fee"),
    [
        ({"l1Fee": "0x64"}, 130),
        ({"blobGasUsed": "0x2", "blobGasPrice": "0x5"}, 40),
        ({"effectiveGasPrice": None}, 90),
    ],
)
def test_fees_of_rollups_blobs_and_old_receipts(receipt: dict[str, object], fee: int) -> None:
    assert block(receipt=receipt, gasPrice="0x9")[-1].amount == fee


def test_value_that_arrives_on_a_rollup_is_minted_before_it_moves() -> None:
    rows = block(type="0x7e", mint="0x3e8", name="base", receipt={"effectiveGasPrice": "0x0"})
    assert short(rows) == [("mint", None, A, 1000), ("value", A, B, 100)]
    failed = block(type="0x7e", mint="0x3e8", name="base", receipt={"effectiveGasPrice": "0x0", "status": "0x0"})
    assert [(row.ordinal, row.status) for row in failed] == [("mint", "ok"), ("value", "failed")]
    assert short(block(type="0x64", name="arbitrum"))[0] == ("value", None, B, 100)


def test_before_byzantium_nobody_knows_whether_a_transaction_failed() -> None:
    value, fee = block(receipt={"status": None})
    assert (value.status, value.flags) == ("unknown", Flag.UNKNOWN_STATUS)
    assert (fee.status, fee.flags) == ("ok", 0)


def test_a_contract_that_is_made_receives_the_value() -> None:
    assert short(block(to=None, receipt={"contractAddress": C}))[0] == ("value", A, C, 100)
    with pytest.raises(SourceError, match="no contract"):
        block(to=None)
    assert block(to=None, receipt={"status": "0x0"})[0].status == "failed"


def test_calls_move_value_unless_they_or_a_call_around_them_failed() -> None:
    def frame(kind: str, value: int, *calls: object, error: str | None = None) -> dict[str, object]:
        made: dict[str, object] = {"type": kind, "from": B, "to": C, "value": hex(value), "calls": list(calls)}
        return made | ({"error": error} if error else {})

    outermost = frame(
        "CALL",
        100,
        frame("DELEGATECALL", 100, frame("CALL", 1)),
        frame("STATICCALL", 0),
        frame("CALLCODE", 5),
        frame("CALL", 7, frame("CALL", 8, frame("CALL", 9)), error="out of gas"),
        frame("CREATE2", 2),
        frame("SELFDESTRUCT", 3),
        frame("CALL", 0),
    )
    inside = [row for row in block(traces=outermost) if row.kind == "internal"]
    assert [(row.ordinal, row.amount) for row in inside] == [("trace:0_0", 1), ("trace:4", 2), ("trace:5", 3)]
    assert [row.index for row in inside] == sorted(row.index for row in inside)


def test_both_forms_of_traces_give_the_same_frames_also_where_one_leaves_a_call_out() -> None:
    def row(path: list[int], value: int, kind: str = "call") -> Record:
        action = {"from": B, "to": C, "value": hex(value), "callType": "call"}
        told = {"action": action, "type": kind, "traceAddress": path, "transactionHash": TX, "blockNumber": 7, "result": {}}
        return Record(told, "a node")

    frames, none = parity_frames([row([], 100), row([1], 5), row([1, 0], 6)])
    assert none == []
    calls = frames[TX].records("calls")
    assert [call.fields["type"] for call in calls] == ["STATICCALL", "CALL"]
    assert calls[1].records("calls")[0].fields["value"] == "0x6"
    with pytest.raises(SourceError, match="without the one around it"):
        parity_frames([row([], 100), row([1, 0], 6)])


def test_rewards_and_withdrawals_come_from_nowhere_at_the_end_of_the_block() -> None:
    action = {"author": C, "rewardType": "block", "value": hex(5 * 10**18)}
    (mined,) = rewards([Record({"type": "reward", "action": action, "blockNumber": 7}, "a node")], 9, chain("ethereum"))
    assert (mined.tx, mined.ordinal, mined.sender, mined.receiver, mined.tx_index) == (
        "reward:7",
        "block:0",
        None,
        C,
        LAST_INDEX,
    )
    told = {"index": "0x5", "address": C, "amount": "0x3b9aca00", "validatorIndex": "0x1"}
    whole = {"number": "0x7", "hash": HASH, "timestamp": "0x9", "transactions": [], "withdrawals": [told]}
    (of_node,) = native_movements(Record(whole, "a node"), [], {}, chain("ethereum")).rows
    listed = {
        "withdrawalIndex": "5",
        "validatorIndex": "1",
        "address": C,
        "amount": "1000000000",
        "blockNumber": "7",
        "timestamp": "9",
    }
    (of_list,) = withdrawals([Record(listed, "a list")], chain("ethereum")).rows
    assert of_node == of_list
    assert of_node.amount == 10**18


def test_receipts_of_another_block_are_refused() -> None:
    with pytest.raises(SourceError, match="do not belong together"):
        block(receipt={"blockHash": "0x" + "3" * 64})


def test_what_the_first_block_allots_stands_in_etherscans_list() -> None:
    row = {"hash": "GENESIS_" + C[2:], "from": "GENESIS", "to": C, "value": "7", "timeStamp": "1438269973", "blockNumber": "0"}
    (mint,) = transactions([Record(row, "a list")], chain("ethereum")).rows
    assert (mint.tx, mint.sender, mint.receiver, mint.amount, mint.block) == ("genesis:0", None, C, 7, 0)


PATHS = st.lists(st.integers(0, 400), min_size=1, max_size=12).map(tuple)


@given(PATHS, PATHS)
def test_places_of_calls_keep_the_order_of_execution(one: tuple[int, ...], other: tuple[int, ...]) -> None:
    """A call stands before the calls inside it and before later ones; what is too deep shares a place, never swaps."""
    assert 1 <= path_place(one) < LAST_INDEX
    if one < other:
        assert path_place(one) <= path_place(other)


def test_places_of_shallow_calls_differ() -> None:
    paths = (
        [(n,) for n in range(20)]
        + [(n, m) for n in range(20) for m in range(20)]
        + [(n, 0, m, 0) for n in range(4) for m in range(4)]
    )
    assert len({path_place(path) for path in paths}) == len(set(paths))
