"""One transaction from a node: itself, its receipt, its block, and its trace where code ran."""

from __future__ import annotations

from exposure.errors import SourceError
from exposure.model.assets import Chain
from exposure.net.http import Reply
from exposure.sources.evm.contracts import name_calls, short_text, whole_number
from exposure.sources.evm.node_calls import NO_TRACES, block_of
from exposure.sources.evm.rpc import Asked, Rpc, RpcError
from exposure.sources.evm.single import belongs, frame_of, runs_code, single_movements
from exposure.sources.movements import Movements
from exposure.sources.remote import Page, Question, transaction_page, unknown_transaction
from exposure.sources.reply import Record

MAX_NAMED = 20
"""Tokens of a transaction whose symbol and decimals are asked for."""

_TRACES: tuple[tuple[str, tuple[object, ...]], ...] = (
    ("debug_traceTransaction", ({"tracer": "callTracer"},)),
    ("trace_transaction", ()),
)


def single(rpc: Rpc, chain: Chain, question: Question) -> Page:
    """Everything that moved in a transaction: three calls and one for names; what a node without traces cannot say is said.

    Raises
    ------
    SourceError
        If there is no such transaction in a final block, or the replies do not belong together.
    """
    hash_ = question.address
    asked = [Asked("eth_getTransactionByHash", [hash_]), Asked("eth_getTransactionReceipt", [hash_])]
    results, replies = rpc.batch(asked, about=hash_)
    parts = []
    for call, result in zip(asked, results, strict=True):
        if isinstance(result, RpcError):
            raise result
        part = Record(result or {}, rpc.where(call.method))
        if not part.has("blockNumber"):
            raise unknown_transaction(rpc.host.name, hash_, chain.name)
        parts.append(part)
    tx, receipt = parts
    number = hex(tx.whole("blockNumber", 2**48))
    result, reply = rpc.ask("eth_getBlockByNumber", number, False, about=hash_)
    block = Record(result, rpc.where("eth_getBlockByNumber"))
    belongs(tx, receipt, block, hash_)
    replies.append(reply)
    frame = Record({"type": "CALL"}, "")
    void = ""
    if runs_code(receipt) and block.whole("number"):
        traced, void = _frame(rpc, hash_, replies)
        frame = traced or frame
    found = single_movements(tx, receipt, block, frame, chain)
    if void:
        found.void(chain.native, void)
    _name(rpc, found, chain, number, replies)
    rows = {"transfers": [tuple(row) for row in found.rows]}
    return transaction_page(question, chain, rows, replies, block_of(block), voids=found.voids, names=found.names)


def _frame(rpc: Rpc, hash_: str, replies: list[Reply]) -> tuple[Record | None, str]:
    """The outermost frame; None and the reason where the node cannot trace."""
    for method, more in _TRACES:
        try:
            result, reply = rpc.ask(method, hash_, *more, about=hash_)
        except RpcError:  # not every node traces, nor every old block
            continue
        replies.append(reply)
        try:
            return frame_of(method, result, hash_, rpc.where(method)), ""
        except SourceError:
            if result not in (None, []):
                raise
    return None, NO_TRACES


def _name(rpc: Rpc, found: Movements, chain: Chain, number: str, replies: list[Reply]) -> None:
    tokens = list(dict.fromkeys(row.asset for row in found.rows if row.asset != chain.native))[:MAX_NAMED]
    calls = [call for asset in tokens for call in name_calls(asset.partition("/")[2], number)]
    results, more = rpc.batch(calls)
    replies += more
    for n, asset in enumerate(tokens):
        found.name(asset, short_text(results[2 * n]), whole_number(results[2 * n + 1]))
