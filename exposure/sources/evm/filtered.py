"""The chain's coin of an address by ``trace_filter``: which transactions concern it, and then each of them whole.

Some nodes (Erigon, Nethermind, Reth) index who takes part in which call. That finds transactions, and not all of a balance:
what validators take out of their stake and what miners earned is in no call. So what is found is held against the balances.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from exposure.errors import SourceError
from exposure.model.assets import Chain
from exposure.net.http import Reply
from exposure.sources.evm.node_calls import Window, block_of
from exposure.sources.evm.rpc import Asked, Rpc, RpcError
from exposure.sources.evm.single import belongs, frame_of, runs_code, single_movements
from exposure.sources.movements import Movements
from exposure.sources.remote import Block
from exposure.sources.reply import Record, records

TOGETHER = 10
"""Transactions that are asked for in one batch."""

_METHOD = "trace_filter"
_TRACE = "trace_transaction"
_EACH = ("eth_getTransactionByHash", "eth_getTransactionReceipt", _TRACE)


def has_filter(rpc: Rpc, address: str, block: int) -> bool:
    """Whether a node answers ``trace_filter``, by asking it about one block."""
    try:
        _touched(rpc, address, block, block)
    except RpcError:
        return False
    return True


def transactions(rpc: Rpc, window: Window, address: str, first: int, last: int) -> tuple[list[str], int, list[Reply]]:
    """Hashes of the transactions in which an address is an end of a call, from ``first`` on; see `Window.read`."""
    found, until, replies = window.read(partial(_touched, rpc, address), first, last)
    return list(dict.fromkeys(tx for _, tx in sorted(found))), until, replies


def _touched(rpc: Rpc, address: str, first: int, last: int) -> tuple[list[tuple[int, str]], list[Reply]]:
    """(block, transaction) of the calls from and to an address. Two questions: both ends in one would be asked for together."""
    found: list[tuple[int, str]] = []
    replies = []
    for end in ("fromAddress", "toAddress"):
        result, reply = rpc.ask(_METHOD, {"fromBlock": hex(first), "toBlock": hex(last), end: [address]}, about=address)
        replies.append(reply)
        for row in records(result, rpc.where(_METHOD)):
            block = row.whole("blockNumber", 2**48)
            if not first <= block <= last:
                raise row.wrong("blockNumber", f"a block from {first} to {last}, which were asked for")
            if row.has("transactionHash"):  # a reward of a block has none
                found.append((block, row.hash("transactionHash")))
    return found, replies


def whole(rpc: Rpc, chain: Chain, hashes: Sequence[str], about: str) -> tuple[Movements, list[Block], list[Reply]]:
    """Movements of the coin in some transactions.

    Raises
    ------
    SourceError
        If one is not there, cannot be traced, or does not belong to its block.
    """
    calls = [Asked(method, [tx]) for tx in hashes for method in _EACH]
    results, replies = rpc.batch(calls, about=about)
    for call, result in zip(calls, results, strict=True):
        if isinstance(result, RpcError):
            raise result
        if result is None:
            raise SourceError(f"{rpc.host.name} has nothing for {call.method} {call.parameters[0]}, which it named: try again")
    txs = [Record(one, rpc.where(_EACH[0])) for one in results[0::3]]
    receipts = [Record(one, rpc.where(_EACH[1])) for one in results[1::3]]
    numbers = list(dict.fromkeys(tx.whole("blockNumber", 2**48) for tx in txs))
    headers, more = rpc.batch([Asked("eth_getBlockByNumber", [hex(number), False]) for number in numbers])
    for header in headers:
        if isinstance(header, RpcError):
            raise header
    blocks = {n: Record(one, rpc.where("eth_getBlockByNumber")) for n, one in zip(numbers, headers, strict=True)}
    found = Movements()
    for hash_, tx, receipt, trace in zip(hashes, txs, receipts, results[2::3], strict=True):
        block = blocks[tx.whole("blockNumber", 2**48)]
        belongs(tx, receipt, block, hash_)
        frame = frame_of(_TRACE, trace, hash_, rpc.where(_TRACE)) if runs_code(receipt) else Record({"type": "CALL"}, "")
        moved = single_movements(tx, receipt, block, frame, chain)
        moved.rows = [row for row in moved.rows if row.asset == chain.native]
        moved.voids = {asset: reason for asset, reason in moved.voids.items() if asset == chain.native}
        found.extend(moved)
    return found, [block_of(block) for block in blocks.values()], [*replies, *more]
