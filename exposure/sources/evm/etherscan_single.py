"""One transaction from Etherscan: from the node behind it, and calls inside from its own list."""

from __future__ import annotations

from exposure.errors import SourceError
from exposure.net.http import Reply
from exposure.sources.evm import etherscan_rows
from exposure.sources.evm.etherscan_calls import EtherscanCalls
from exposure.sources.evm.node_calls import block_of
from exposure.sources.evm.single import belongs, runs_code, single_movements
from exposure.sources.movements import Movements
from exposure.sources.remote import Page, Question, transaction_page, unknown_transaction
from exposure.sources.reply import Record

_MOST = 10_000  # calls inside a transaction that the list gives
_BY_HASH = ("eth_getTransactionByHash", "eth_getTransactionReceipt")


def single(calls: EtherscanCalls, question: Question) -> Page:
    """Everything that moved in a transaction: four calls at the most.

    Raises
    ------
    SourceError
        If there is no such transaction in a final block, or the replies do not belong together.
    """
    hash_ = question.address
    parts: list[Record] = []
    replies: list[Reply] = []
    for action in _BY_HASH:
        part, got = calls.found(action, {"txhash": hash_}, hash_)
        if part is None or not part.has("blockNumber"):
            raise unknown_transaction(calls.host.name, hash_, calls.chain.name)
        parts.append(part)
        replies.append(got)
    tx, receipt = parts
    asked: dict[str, str | int] = {"tag": hex(tx.whole("blockNumber", 2**48)), "boolean": "false"}
    block, got = calls.found("eth_getBlockByNumber", asked, hash_)
    replies.append(got)
    if block is None:
        raise SourceError(f"{calls.host.name} has no block {asked['tag']}, in which it says that {hash_} stands: try again")
    belongs(tx, receipt, block, hash_)
    found = single_movements(tx, receipt, block, None, calls.chain)
    if runs_code(receipt):
        inside, got = _inside(calls, hash_, tx)
        found.extend(inside)
        replies.append(got)
    rows = {"transfers": [tuple(row) for row in found.rows]}
    return transaction_page(question, calls.chain, rows, replies, block_of(block), voids=found.voids)


def _inside(calls: EtherscanCalls, hash_: str, tx: Record) -> tuple[Movements, Reply]:
    """Calls inside; the list of one transaction leaves its hash out of the rows."""
    asked: dict[str, str | int] = {"module": "account", "action": "txlistinternal", "txhash": hash_}
    reply, got = calls.asked(asked, "txlistinternal", about=hash_)
    items = reply.records("result")
    for item in items:
        if item.has("hash") and item.hash("hash") != hash_:
            raise item.wrong("hash", f"{hash_}, which was asked for")
        if item.whole("blockNumber", 2**48) != tx.whole("blockNumber", 2**48):
            raise item.wrong("blockNumber", "the block of the transaction")
    whole = [Record({**item.fields, "hash": hash_}, item.where) for item in items]
    found = etherscan_rows.internal(whole, calls.chain, {hash_: tx.whole("transactionIndex", 2**31 - 2)})
    if len(items) >= _MOST:
        found.void(calls.chain.native, "the transaction has more calls inside than the list gives")
    return found, got
