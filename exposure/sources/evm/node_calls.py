"""What is asked of a node: ranges of logs that shrink until it answers, and whole blocks with receipts and traces."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from exposure.errors import SourceError
from exposure.model.assets import Chain
from exposure.net.http import Reply
from exposure.sources.evm.blocks import call_frames, native_movements, parity_frames, rewards
from exposure.sources.evm.logs import DEPOSIT, TRANSFER, WITHDRAWAL, padded
from exposure.sources.evm.rpc import Asked, Rpc, RpcError, suggested_range
from exposure.sources.movements import Movements
from exposure.sources.remote import ANY_ADDRESS, Block, CursorGoneError
from exposure.sources.reply import Record, records

FIRST_WINDOW = 10_000
_WIDEST = 5_000_000
_MOST_LOGS = 2_000  # a window that brings more is not widened

_PATIENCE = 8  # windows of a size that was just found, before a wider one is tried again

_KEPT = 200_000
_MOST_KEPT_BLOCKS = 500

CONFIRMATIONS = 64
"""Blocks below the newest one that count as final where a node does not know the tag ``finalized``."""

NO_TRACES = "the node has no traces, so value moved inside transactions is not known"


def block_of(record: Record) -> Block:
    """A block's height, hash and time."""
    return Block(record.whole("number", 2**48), record.hash("hash"), record.whole("timestamp", 2**40))


def header(rpc: Rpc, name: str) -> Block | None:
    """A block by its number in hex or its tag, without its transactions; None if the node has none."""
    result, _ = rpc.ask("eth_getBlockByNumber", name, False)
    return None if result is None else block_of(Record(result, rpc.where("eth_getBlockByNumber")))


def finalized(rpc: Rpc) -> Block | None:
    """The newest block that will not be replaced; by confirmations where the node does not know of finality."""
    try:
        found = header(rpc, "finalized")
    except RpcError:
        found = None
    if found is not None and found.height:
        return found
    newest = header(rpc, "latest")
    if newest is None:
        return None
    return header(rpc, hex(max(0, newest.height - CONFIRMATIONS)))


Found = TypeVar("Found")


@dataclass(slots=True)
class Window:
    """How many blocks a node bears in one question for logs or traces; learns from its errors."""

    blocks: int = FIRST_WINDOW
    patience: int = 0

    def read(
        self, ask: Callable[[int, int], tuple[list[Found], list[Reply]]], first: int, last: int
    ) -> tuple[list[Found], int, list[Reply]]:
        """What a node finds from ``first`` on: the finds, the last block that they cover, the replies.

        Raises
        ------
        SourceError
            If the node refuses even a single block.
        """
        until = min(last, first + self.blocks - 1)
        while True:
            try:
                found, replies = ask(first, until)
            except RpcError as error:
                if not error.smaller or until == first:
                    raise
                until = suggested_range(error.message, first, until) or first + (until - first + 1) // 2 - 1
                self.blocks, self.patience = max(1, until - first + 1), _PATIENCE
                continue
            if self.patience:
                self.patience -= 1
            elif len(found) < _MOST_LOGS and until - first + 1 == self.blocks:
                self.blocks = min(_WIDEST, 2 * self.blocks)
            return found, until, replies

    def logs(self, rpc: Rpc, address: str, first: int, last: int) -> tuple[list[Record], int, list[Reply]]:
        """Logs in and out of an address from ``first`` on; see `read`."""
        return self.read(partial(_logs, rpc, address), first, last)


def _logs(rpc: Rpc, address: str, first: int, last: int) -> tuple[list[Record], list[Reply]]:
    """Events that name an address at either end, or all of them, each once."""
    method = "eth_getLogs"
    found: dict[tuple[str, int], Record] = {}
    replies = []
    # Two questions: a topic is asked for by its place. Wrapped coins name their owner in the first place.
    events: list[object] = [[TRANSFER, DEPOSIT, WITHDRAWAL]]
    anybody = address == ANY_ADDRESS
    for topics in [events] if anybody else ([*events, padded(address)], [TRANSFER, None, padded(address)]):
        asked = {"fromBlock": hex(first), "toBlock": hex(last), "topics": topics}
        result, reply = rpc.ask(method, asked, about="" if anybody else address)
        replies.append(reply)
        for log in records(result, rpc.where(method)):
            if not first <= log.whole("blockNumber", 2**48) <= last:
                raise log.wrong("blockNumber", f"a block from {first} to {last}, which were asked for")
            _fits(log, topics)
            found[log.hash("blockHash"), log.whole("logIndex", 2**31 - 2)] = log
    ordered = sorted(found.values(), key=lambda log: (log.whole("blockNumber"), log.whole("logIndex")))
    return ordered, replies


def _fits(log: Record, asked: Sequence[object]) -> None:
    """Make sure that a log has the topics that were asked for: with others it would count as some other event."""
    topics = log.values("topics")
    for n, wanted in enumerate(asked):
        choice = wanted if isinstance(wanted, list) else [wanted]
        if wanted is not None and (n >= len(topics) or str(topics[n]).lower() not in choice):
            raise log.wrong("topics", "the topics that were asked for")


def block_times(rpc: Rpc, logs: Sequence[Record]) -> tuple[dict[int, int], list[Reply]]:
    """Times of the blocks of logs, asked for where the logs do not tell; the hashes must be those of the logs."""
    times: dict[int, int] = {}
    hashes: dict[int, str] = {}
    numbers: dict[str, int] = {}
    for log in logs:
        number = log.whole("blockNumber", 2**48)
        if hashes.setdefault(number, log.hash("blockHash")) != log.hash("blockHash"):
            raise CursorGoneError(f"{rpc.host.name}: block {number:,} changed between two replies: it is begun again")
        if numbers.setdefault(log.hash("blockHash"), number) != number:
            raise log.wrong("blockNumber", f"{numbers[log.hash('blockHash')]}, as in other logs of the same block")
        if log.has("blockTimestamp"):
            times[number] = log.whole("blockTimestamp", 2**40)
    missing = sorted(hashes.keys() - times.keys())
    replies: list[Reply] = []
    for start in range(0, len(missing), 50):
        part = missing[start : start + 50]
        results, more = rpc.batch([Asked("eth_getBlockByNumber", [hex(number), False]) for number in part])
        replies += more
        for number, result in zip(part, results, strict=True):
            if isinstance(result, RpcError):
                raise result
            block = block_of(Record(result, rpc.where("eth_getBlockByNumber")))
            if block.hash != hashes[number]:
                raise CursorGoneError(f"{rpc.host.name}: block {number:,} changed between two replies: it is begun again")
            times[number] = block.time
    return times, replies


@dataclass(slots=True)
class BlockReader:
    """Whole blocks, several in one batch; remembers which traces and receipts the node has.

    The last ``_KEPT`` rows are remembered too: who fetches several addresses reads the same blocks for each.
    """

    rpc: Rpc
    chain: Chain
    traces: str | None = "debug_traceBlockByNumber"
    receipts: bool = True
    at_once: int = 1
    _seen: dict[int, str] = field(default_factory=dict)
    _kept: dict[int, tuple[Movements, Block]] = field(default_factory=dict)
    _rows: int = 0

    def read(self, first: int, last: int) -> tuple[Movements, list[Block], list[Reply]]:
        """Movements of the chain's coin in the blocks from ``first`` to ``last``, at most ``at_once`` of them.

        Raises
        ------
        SourceError
            `CursorGoneError` if the blocks do not follow each other.
        """
        found = Movements()
        blocks: list[Block] = []
        while first <= last and first in self._kept and len(blocks) < _MOST_KEPT_BLOCKS:
            movements, block = self._kept[first]
            found.extend(movements)
            blocks.append(block)
            first += 1
        if blocks:
            return found, blocks, []
        numbers = list(range(first, min(last, first + self.at_once - 1) + 1))
        calls = [call for number in numbers for call in self._calls(number)]
        results, replies = self.rpc.batch(calls)
        each = len(calls) // len(numbers)
        for n, number in enumerate(numbers):
            own = results[n * each : (n + 1) * each]
            again = self._without(own)
            if again:
                return self.read(first, last)
            movements, block, more = self._block(number, own)
            found.extend(movements)
            blocks.append(block)
            replies += more
            self._keep(movements, block)
        size = sum(len(reply.body) for reply in replies)
        if size < 2 * 2**20:  # a block of a busy chain has megabytes of traces; a quiet one is small
            self.at_once = min(32, 2 * self.at_once)
        elif size > 8 * 2**20:
            self.at_once = max(1, self.at_once // 2)
        return found, blocks, replies

    def _keep(self, movements: Movements, block: Block) -> None:
        if self._rows > _KEPT:
            self.forget()
        self._kept[block.height] = movements, block
        self._rows += len(movements.rows) + 1

    def forget(self) -> None:
        """Forget every block: they may have been replaced."""
        self._seen.clear()
        self._kept.clear()
        self._rows = 0

    def _calls(self, number: int) -> list[Asked]:
        name = hex(number)
        calls = [Asked("eth_getBlockByNumber", [name, True])]
        if self.receipts:
            calls.append(Asked("eth_getBlockReceipts", [name]))
        if self.traces == "debug_traceBlockByNumber" and number:
            calls.append(Asked(self.traces, [name, {"tracer": "callTracer"}]))
        elif self.traces and number:
            calls.append(Asked(self.traces, [name]))
        elif self.traces:
            calls.append(Asked("eth_chainId", []))  # the first block of all has no traces; the batch keeps its form
        return calls

    def _without(self, results: Sequence[object]) -> bool:
        """Give up what the node does not have; whether there was such a thing, so that the blocks are asked for again."""
        missing = [error for error in results[1:] if isinstance(error, RpcError)]
        if not missing:
            return False
        if self.receipts and isinstance(results[1], RpcError):
            if not results[1].unknown:
                raise results[1]
            self.receipts = False
        elif self.traces == "debug_traceBlockByNumber":
            self.traces = "trace_block"
        else:
            self.traces = None
        return True

    def _block(self, number: int, results: Sequence[object]) -> tuple[Movements, Block, list[Reply]]:
        rpc = self.rpc
        if isinstance(results[0], RpcError):
            raise results[0]
        if results[0] is None:
            raise CursorGoneError(f"{rpc.host.name} has no block {number:,} any more: it is begun again")
        record = Record(results[0], rpc.where("eth_getBlockByNumber"))
        block = block_of(record)
        parent = record.hash("parentHash")
        if block.height != number:
            raise record.wrong("number", f"block {number}, which was asked for")
        if self._seen.get(number - 1, parent) != parent:
            self.forget()
            raise CursorGoneError(f"{rpc.host.name}: block {number:,} does not follow the one before: it is begun again")
        self._seen = {number: block.hash}
        replies: list[Reply] = []
        if self.receipts:
            receipts = list(records(results[1], rpc.where("eth_getBlockReceipts")))
        else:
            receipts, replies = self._single_receipts(record)
        frames, extra = self._frames(results[-1] if self.traces and number else None, number)
        movements = native_movements(record, receipts, frames, self.chain)
        for row in rewards(extra, block.time, self.chain):
            movements.add(row)
        if frames is None and number and record.values("transactions"):
            movements.void(self.chain.native, NO_TRACES)
        if record.has("difficulty") and record.whole("difficulty") and not extra and number:
            movements.void(self.chain.native, "the blocks were mined, and their rewards are not listed")
        return movements, block, replies

    def _frames(self, result: object, number: int) -> tuple[Mapping[str, Record] | None, list[Record]]:
        if self.traces is None or not number:
            return (None if self.traces is None else {}), []
        rows = list(records(result, self.rpc.where(self.traces)))
        if self.traces == "debug_traceBlockByNumber":
            return call_frames(rows), []
        return parity_frames(rows)

    def _single_receipts(self, block: Record) -> tuple[list[Record], list[Reply]]:
        hashes = [tx.hash("hash") for tx in block.records("transactions")]
        results, replies = self.rpc.batch([Asked("eth_getTransactionReceipt", [tx]) for tx in hashes])
        receipts = []
        for result in results:
            if isinstance(result, RpcError):
                raise result
            receipts.append(Record(result, self.rpc.where("eth_getTransactionReceipt")))
        return receipts, replies


def same_chain(rpc: Rpc, chain: Chain) -> None:
    """Make sure that a node serves a chain.

    Raises
    ------
    SourceError
        If it serves another one.
    """
    result, _ = rpc.ask("eth_chainId")
    served = Record({"chain": result}, rpc.where("eth_chainId")).whole("chain", 2**63)
    if served != chain.evm_id:
        raise SourceError(
            f"{rpc.host.name} serves the chain with id {served}, and {chain.name} has id {chain.evm_id}: "
            f"name its node, or ask for --chain evm-{served}"
        )
