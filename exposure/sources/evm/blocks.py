"""Native value of whole blocks: transactions, their fees by receipts, value inside by traces, withdrawals, rewards. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exposure.errors import SourceError
from exposure.model.assets import Chain
from exposure.model.ledger import LAST_INDEX, Flag, Kind, Status
from exposure.sources.evm.places import path_place
from exposure.sources.movements import Movement, Movements, fee_of
from exposure.sources.reply import Record

GWEI = 10**9

_OP_DEPOSIT = 0x7E  # OP stack: value that arrives from the layer below is minted by the transaction itself
_ARBITRUM_DEPOSIT = 0x64
_ARBITRUM_OTHER = range(0x65, 0x6B)  # retryables and internal transactions: escrow and refunds that no list shows

_MAX_CALLS = 100_000  # calls beside each other in one transaction; gas allows fewer

_MOVING = {"CALL", "CREATE", "CREATE2", "SELFDESTRUCT", "SUICIDE"}
"""Frames that move value. DELEGATECALL and STATICCALL carry none; CALLCODE pays its own address."""


def native_movements(block: Record, receipts: Sequence[Record], traces: Mapping[str, Record] | None, chain: Chain) -> Movements:
    """Movements of the chain's coin in a block.

    Parameters
    ----------
    block
        As ``eth_getBlockByNumber`` prints it with whole transactions.
    receipts
        Of ``eth_getBlockReceipts``: one for each transaction.
    traces
        The outermost frame of each transaction (``callTracer``); None where the node has no traces.

    Raises
    ------
    SourceError
        If the replies do not belong together, or lack a field.
    """
    found = Movements()
    by_tx = {receipt.hash("transactionHash"): receipt for receipt in receipts}
    number, time = block.whole("number", 2**48), block.whole("timestamp", 2**40)
    for tx in block.records("transactions"):
        receipt = by_tx.get(tx.hash("hash"))
        if receipt is None or receipt.text("blockHash", 70) != block.text("hash", 70):
            raise SourceError(
                f"{block.where}: block {number:,} and its receipts do not belong together; a reorganisation between two "
                "calls does that: try again"
            )
        value = _value(tx, receipt, number, time, chain, found)
        failed = value.status == Status.FAILED
        if traces is not None and not failed:
            frame = traces.get(value.tx)
            if frame is None:
                raise SourceError(f"{block.where}: block {number:,} has no trace of transaction {value.tx}")
            for row in _inside(frame, value):
                found.add(row)
        fee = _fee(receipt, tx)
        if fee:
            found.add(fee_of(value, fee))
    for row in _withdrawals(block, number, time, chain):
        found.add(row)
    return found


def _value(tx: Record, receipt: Record, number: int, time: int, chain: Chain, found: Movements) -> Movement:
    """The outermost movement, kept even if it moves nothing: it shows that the transaction exists."""
    kind = tx.whole("type", 255) if tx.has("type") else 0
    sender: str | None = tx.evm("from")
    receiver = tx.maybe_evm("to") or receipt.maybe_evm("contractAddress")
    if kind == _ARBITRUM_DEPOSIT and chain.evm_id == 42161:
        sender = None
    elif kind in _ARBITRUM_OTHER and chain.evm_id == 42161:
        found.void(chain.native, "retryable tickets of the rollup move value that its transactions do not show")
    # Before Byzantium receipts say nothing; what used all of its gas most likely failed, but that is no knowledge.
    status = Status.UNKNOWN if not receipt.has("status") else Status.OK if receipt.whole("status", 1) else Status.FAILED
    if receiver is None and status == Status.OK:
        raise tx.wrong("to", "an address, and its receipt names no contract that was made")
    receiver = receiver or sender
    value = Movement(
        chain.name,
        chain.native,
        tx.hash("hash"),
        number,
        tx.whole("transactionIndex", 2**31 - 2),
        0,
        "value",
        time,
        sender,
        receiver,
        tx.whole("value"),
        str(Kind.VALUE if sender else Kind.MINT),
        str(status),
        flags=Flag.UNKNOWN_STATUS if status == Status.UNKNOWN else 0,
    )
    if kind == _OP_DEPOSIT and tx.has("mint") and tx.whole("mint"):
        minted = value._replace(
            ordinal="mint", sender=None, receiver=sender, amount=tx.whole("mint"), kind=str(Kind.MINT), status=str(Status.OK)
        )
        found.add(minted)
    found.add(value)
    return value


def _fee(receipt: Record, tx: Record) -> int:
    """Gas and blob gas at the prices paid, and on rollups the fee for the layer below."""
    price = receipt.whole("effectiveGasPrice", 10**20) if receipt.has("effectiveGasPrice") else tx.whole("gasPrice", 10**20)
    fee = receipt.whole("gasUsed", 2**48) * price
    if receipt.has("blobGasUsed") and receipt.has("blobGasPrice"):
        fee += receipt.whole("blobGasUsed", 2**48) * receipt.whole("blobGasPrice", 10**20)
    if receipt.has("l1Fee"):
        fee += receipt.whole("l1Fee", 10**24)
    return fee


def _inside(frame: Record, value: Movement) -> list[Movement]:
    """Value moved by calls within a transaction, in the order of execution; a frame that failed voids all below it."""
    rows: list[Movement] = []
    waiting: list[tuple[Record, tuple[int, ...]]] = [(frame, ())]
    while waiting:
        at, path = waiting.pop()
        if at.has("error"):
            continue
        if path and at.text("type", 30).upper() in _MOVING and at.has("value") and at.whole("value"):
            sender, receiver = at.evm("from"), at.maybe_evm("to")
            if receiver is not None:
                rows.append(
                    value._replace(
                        index=path_place(path),
                        ordinal="trace:" + "_".join(map(str, path)),
                        sender=sender,
                        receiver=receiver,
                        amount=at.whole("value"),
                        kind=str(Kind.INTERNAL),
                        status=str(Status.OK),
                    )
                )
        calls = at.records("calls") if at.has("calls") else []
        waiting += [(call, (*path, n)) for n, call in reversed(list(enumerate(calls)))]
    return rows


def _withdrawals(block: Record, number: int, time: int, chain: Chain) -> list[Movement]:
    if not block.has("withdrawals"):
        return []
    return [
        withdrawal(
            chain, number, time, record.whole("index", 2**62), record.evm("address"), record.whole("amount", 2**80) * GWEI
        )
        for record in block.records("withdrawals")
    ]


def withdrawal(chain: Chain, block: int, time: int, number: int, address: str, amount: int) -> Movement:
    """What a validator takes out of its stake: it appears at the end of a block, from no address."""
    return Movement(
        chain.name,
        chain.native,
        f"withdrawal:{number}",
        block,
        LAST_INDEX,
        min(number, LAST_INDEX - 1),
        f"withdrawal:{number}",
        time,
        None,
        address,
        amount,
        str(Kind.REWARD),
        str(Status.OK),
    )


def allocation(chain: Chain, address: str, amount: int, time: int) -> Movement:
    """What an address held in the very first block: it came from nowhere, by no transaction."""
    return Movement(
        chain.name,
        chain.native,
        "genesis:0",
        0,
        0,
        0,
        f"allocation:{address}",
        time,
        None,
        address,
        amount,
        str(Kind.MINT),
        str(Status.OK),
    )


def call_frames(reply: Sequence[Record]) -> dict[str, Record]:
    """Outermost frames by transaction, of ``debug_traceBlockByNumber`` with ``callTracer``."""
    return {item.hash("txHash"): item.record("result") for item in reply}


def parity_frames(reply: Sequence[Record]) -> tuple[dict[str, Record], list[Record]]:
    """The same frames of ``trace_block``, and its rewards."""
    frames: dict[str, dict[tuple[int, ...], dict[str, object]]] = {}
    rewards: list[Record] = []
    where = reply[0].where if reply else ""
    for row in reply:
        if row.text("type", 30) == "reward":
            rewards.append(row)
            continue
        path = tuple(step for step in row.values("traceAddress") if isinstance(step, int) and 0 <= step < _MAX_CALLS)
        frames.setdefault(row.hash("transactionHash"), {})[path] = _frame(row)
    whole = {}
    for tx, by_path in frames.items():
        for path in sorted(by_path, key=len, reverse=True):
            if path:
                parent = by_path.get(path[:-1])
                if parent is None:
                    raise SourceError(f"{where}: the traces of {tx} have a call without the one around it")
                calls = parent.setdefault("calls", [])
                assert isinstance(calls, list)
                calls.append((path[-1], by_path[path]))
        for frame in by_path.values():
            calls = frame.get("calls")
            if isinstance(calls, list):  # a place that the node leaves out (a precompile) is an empty frame
                given = dict(calls)
                frame["calls"] = [given.get(n, {"type": "STATICCALL"}) for n in range(max(given) + 1)]
        if () in by_path:
            whole[tx] = Record(by_path[()], where)
    return whole, rewards


def _frame(row: Record) -> dict[str, object]:
    action, kind = row.record("action"), row.text("type", 30)
    frame: dict[str, object] = {"error": row.fields.get("error")}
    if kind == "suicide":
        names = {"from": "address", "to": "refundAddress", "value": "balance"}
        return frame | {"type": "SELFDESTRUCT"} | {name: action.fields.get(field) for name, field in names.items()}
    frame |= {"from": action.fields.get("from"), "to": action.fields.get("to"), "value": action.fields.get("value")}
    if kind == "create":
        made = row.maybe_record("result")
        return frame | {"type": "CREATE", "to": made.fields.get("address") if made else None}
    return frame | {"type": str(action.fields.get("callType") or "call").upper()}


def rewards(rows: Sequence[Record], time: int, chain: Chain) -> list[Movement]:
    """Block and uncle rewards of the years of mining, as ``trace_block`` lists them."""
    found = []
    for nth, row in enumerate(rows):
        action = row.record("action")
        block = row.whole("blockNumber", 2**48)
        kind = action.text("rewardType", 30)
        found.append(
            Movement(
                chain.name,
                chain.native,
                f"reward:{block}",
                block,
                LAST_INDEX,
                nth,
                f"{kind if kind in ('block', 'uncle', 'external') else 'row'}:{nth}",
                time,
                None,
                action.evm("author"),
                action.whole("value"),
                str(Kind.REWARD),
                str(Status.OK),
            )
        )
    return found
