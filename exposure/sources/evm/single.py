"""One transaction of an EVM chain by its hash: the same rows as those that the histories of its parties bring. Pure."""

from __future__ import annotations

from exposure.errors import SourceError
from exposure.model.assets import Chain
from exposure.sources.evm.blocks import call_frames, native_movements, parity_frames
from exposure.sources.evm.logs import token_transfers
from exposure.sources.movements import Movements
from exposure.sources.reply import Record

PLAIN_GAS = 21_000
"""Gas of a transaction that runs no code at all: nothing can have moved inside it."""


def belongs(tx: Record, receipt: Record, block: Record, asked: str) -> None:
    """Make sure that a transaction, its receipt and its block are of one another.

    Raises
    ------
    SourceError
        If they are not: the server answers something else, or the block was replaced between two replies.
    """
    if tx.hash("hash") != asked:
        raise tx.wrong("hash", f"{asked}, which was asked for")
    if receipt.hash("transactionHash") != asked:
        raise receipt.wrong("transactionHash", f"{asked}, which was asked for")
    hashes = {tx.hash("blockHash"), receipt.hash("blockHash"), block.hash("hash")}
    heights = {tx.whole("blockNumber", 2**48), receipt.whole("blockNumber", 2**48), block.whole("number", 2**48)}
    if len(hashes) > 1 or len(heights) > 1:
        raise SourceError(
            f"{tx.where}: the transaction, its receipt and its block do not belong together; a reorganisation between two "
            "calls does that: try again"
        )
    for log in receipt.records("logs"):
        if log.hash("transactionHash") != asked or log.whole("blockNumber", 2**48) not in heights:
            raise log.wrong("transactionHash", f"{asked}, as the receipt that it stands in")


def runs_code(receipt: Record) -> bool:
    """Whether calls inside a transaction may have moved value."""
    return receipt.whole("gasUsed", 2**48) != PLAIN_GAS


def single_movements(tx: Record, receipt: Record, block: Record, frame: Record | None, chain: Chain) -> Movements:
    """What moved in a transaction: the coin, its fee, calls inside, tokens.

    Parameters
    ----------
    tx, receipt, block
        As a node prints them; they belong together.
    frame
        The outermost frame; None if it is not known.
    """
    alone = Record({**block.fields, "transactions": [tx.fields], "withdrawals": None}, block.where)
    found = native_movements(alone, [receipt], None if frame is None else {tx.hash("hash"): frame}, chain)
    height, time = block.whole("number", 2**48), block.whole("timestamp", 2**40)
    found.extend(token_transfers(receipt.records("logs"), chain, {height: time}))
    return found


def frame_of(method: str, result: object, tx: str, where: str) -> Record:
    """The outermost frame of ``debug_traceTransaction`` (``callTracer``) or of ``trace_transaction``.

    Raises
    ------
    SourceError
        If the reply has no frame of the transaction.
    """
    if method == "debug_traceTransaction":
        return call_frames([Record({"txHash": tx, "result": result}, where)])[tx]
    if not isinstance(result, list):
        raise SourceError(f"{where}: the reply has no list of traces")
    frames, _ = parity_frames([Record(item, where) for item in result])
    if tx not in frames:
        raise SourceError(f"{where}: the reply has no trace of {tx}")
    return frames[tx]
