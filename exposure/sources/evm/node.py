"""Histories from any JSON-RPC node: tokens by the topics of their logs, the chain's coin by its calls or by whole blocks.

Logs can be asked for by address. Who takes part in a call is indexed by some nodes only (``trace_filter``); with others the
coin's history is read block by block where that is possible within ``max_blocks``, and is said to be missing where not.
"""

from __future__ import annotations

from collections.abc import Iterator

from exposure.errors import SourceError
from exposure.model.assets import Chain
from exposure.net.calls import Host
from exposure.net.http import Client
from exposure.sources.evm.blocks import allocation
from exposure.sources.evm.contracts import balance_call, name_calls, short_text, whole_number
from exposure.sources.evm.filtered import TOGETHER, has_filter, transactions, whole
from exposure.sources.evm.logs import token_transfers
from exposure.sources.evm.node_calls import BlockReader, Window, block_of, block_times, finalized, same_chain
from exposure.sources.evm.node_single import single
from exposure.sources.evm.rpc import Asked, Rpc, RpcError
from exposure.sources.movements import Movement, Movements
from exposure.sources.remote import (
    ANY_ADDRESS,
    NATIVE,
    TOKENS,
    Balance,
    Block,
    CursorGoneError,
    Page,
    Question,
    Size,
    is_transaction,
)
from exposure.sources.reply import Record
from exposure.sources.walk import UNCHECKED, Walk

MAX_BLOCKS = 5_000
"""Blocks that are read one by one for the chain's coin; at up to 32 in a call, and one a call on busy chains."""

MAX_ASKED = 60
"""Tokens whose balance, symbol and decimals are asked for: see `Walk.by_weight`."""

_FEW_BLOCKS = 64
_NOT_BY_CALLS = (
    "the calls that the node finds for it do not sum to its balance: what validators take out and what miners earned is in "
    "no call; ask an explorer"
)
_NO_INDEX = (
    "this node has no index of addresses (trace_filter), and its {count:,} blocks would have to be read one by one: "
    "narrow --since, or ask an explorer for native value"
)


class NodeHistory:
    """The histories that a JSON-RPC node has. ``max_blocks``: how many blocks may be read for the chain's coin."""

    def __init__(self, chain: Chain, client: Client, host: Host, *, max_blocks: int = MAX_BLOCKS) -> None:
        self.name = f"node:{host.name}"
        self.chain = chain.name
        self._chain = chain
        self._rpc = Rpc(client, host)
        self._max_blocks = max_blocks
        self._reader = BlockReader(self._rpc, chain)
        self._checked = False
        self._filters: bool | None = None

    def head(self, height: int | None = None) -> Block | None:
        """The newest finalized block, or the block at a height."""
        self._check()
        if height is None:
            return finalized(self._rpc)
        result, _ = self._rpc.ask("eth_getBlockByNumber", hex(height), False)
        return None if result is None else block_of(Record(result, self._rpc.where("eth_getBlockByNumber")))

    def size(self, address: str) -> Size:
        """At least as many transactions as the address has sent; a node does not know more."""
        self._check()
        if is_transaction(address):
            return Size(1, calls=5)
        result, _ = self._rpc.ask("eth_getTransactionCount", address, "latest", about=address)
        sent = Record({"nonce": result}, self._rpc.where("eth_getTransactionCount")).whole("nonce", 2**62)
        return Size(sent, at_least=True)

    def pages(self, question: Question, cursor: str | None = None) -> Iterator[Page]:
        """Tokens, then the chain's coin, then balances; for any address everything in the blocks, and no balances."""
        self._check()
        if is_transaction(question.address):
            yield single(self._rpc, self._chain, question)
            return
        walk = Walk.begin(question, self._chain, cursor, "tokens", self._rpc.host.name)
        if walk.step == "tokens":
            yield from self._tokens(walk)
        if walk.step == "native" and self._by_filter(walk):
            walk.step, walk.at = "filter", {}
        if walk.step == "filter":
            yield from self._filtered(walk)
        if walk.step == "native":
            yield from self._coin(walk)
        if question.address == ANY_ADDRESS:
            self._same(question.until)
            yield walk.page([], blocks=[question.until], last=True)
        else:
            yield self._balances(walk)

    def _check(self) -> None:
        if not self._checked:
            same_chain(self._rpc, self._chain)
            self._checked = True

    def _tokens(self, walk: Walk) -> Iterator[Page]:
        question = walk.question
        first, last = question.since, question.until.height
        window = Window()
        start = int(walk.at.get("next", first))
        while start <= last:
            logs, until, replies = window.logs(self._rpc, question.address, start, last)
            times, more = block_times(self._rpc, logs)
            found = token_transfers(logs, self._chain, times)
            rows = walk.take(found)
            walk.covers(TOKENS, first, until)
            start = until + 1
            walk.step, walk.at = ("tokens", {"next": start}) if start <= last else ("native", {})
            blocks = {log.whole("blockNumber"): log.hash("blockHash") for log in logs}
            told = [Block(number, name, times[number]) for number, name in sorted(blocks.items())]
            yield walk.page(rows, [*replies, *more], blocks=told)
        walk.step, walk.at = "native", {}

    def _coin(self, walk: Walk) -> Iterator[Page]:
        question = walk.question
        first, last = question.since, question.until.height
        anybody = question.address == ANY_ADDRESS
        if last - first + 1 > self._max_blocks and not anybody:
            walk.voids.setdefault(self._chain.native, _NO_INDEX.format(count=last - first + 1))
            walk.step = "balances"
            return
        start = int(walk.at.get("next", first))
        while start <= last:
            found, blocks, replies = self._reader.read(start, last)
            if start == 0 and anybody:
                found.void(self._chain.native, "what the first block allots to addresses is not listed")
            elif start == 0:
                found.extend(self._allocated(question.address, blocks[0]))
            rows = walk.take(found)
            start = blocks[-1].height + 1
            walk.covers(NATIVE, first, start - 1)
            walk.step, walk.at = ("native", {"next": start}) if start <= last else ("balances", {})
            touched = {row.block for row in rows}
            yield walk.page(rows, replies, blocks=[block for block in blocks if block.height in touched])

    def _by_filter(self, walk: Walk) -> bool:
        """Whether transactions are found by the node's index of calls, if it has one; few blocks are read whole instead."""
        question = walk.question
        if question.address == ANY_ADDRESS or walk.at or question.until.height - question.since < _FEW_BLOCKS:
            return False
        if self._filters is None:
            self._filters = has_filter(self._rpc, question.address, question.until.height)
        return self._filters

    def _filtered(self, walk: Walk) -> Iterator[Page]:
        """The coin by the index of calls, window by window; then what was found is held against the balances."""
        question = walk.question
        first, last = question.since, question.until.height
        start, flow = int(walk.at.get("next", first)), int(walk.at.get("flow", 0))
        window = Window()
        while start <= last:
            found = self._allocated(question.address, self._first_block()) if start == 0 else Movements()
            hashes, until, replies = transactions(self._rpc, window, question.address, max(start, 1), last)
            blocks: list[Block] = []
            for n in range(0, len(hashes), TOGETHER):
                moved, told, more = whole(self._rpc, self._chain, hashes[n : n + TOGETHER], question.address)
                found.extend(moved)
                blocks += told
                replies += more
            rows = walk.take(found)
            flow += sum(row.amount * _sign(row, question.address) for row in rows if row.status != "failed")
            start = until + 1
            walk.covers(NATIVE, first, until)
            walk.at = {"next": start, "flow": flow}
            if start > last:
                self._settle(walk, flow)
            yield walk.page(rows, replies, blocks=blocks)
        if walk.step == "filter":
            self._settle(walk, flow)

    def _settle(self, walk: Walk, flow: int) -> None:
        """Go on to the balances if the calls explain them; else to whole blocks, if those are not too many."""
        question, native = walk.question, self._chain.native
        held = [self._held(question.address, question.until.height)]
        held.append(self._held(question.address, question.since - 1) if question.since else 0)
        after, before = held
        if after is not None and before is not None and after - before == flow:
            walk.step, walk.at = "balances", {}
        elif question.until.height - question.since < self._max_blocks:
            walk.step, walk.at = "native", {"next": question.since}
            walk.done.pop(NATIVE, None)
        else:
            walk.voids.setdefault(native, _NOT_BY_CALLS if after is not None and before is not None else UNCHECKED)
            walk.step, walk.at = "balances", {}

    def _held(self, address: str, block: int) -> int | None:
        try:
            result, _ = self._rpc.ask("eth_getBalance", address, hex(block), about=address)
        except RpcError:  # a node without old states
            return None
        return Record({"balance": result}, self._rpc.where("eth_getBalance")).whole("balance")

    def _first_block(self) -> Block:
        first = self.head(0)
        if first is None:
            raise SourceError(f"{self._rpc.host.name} has no first block: is it a node, and in step with its chain?")
        return first

    def _allocated(self, address: str, block: Block) -> Movements:
        found = Movements()
        try:
            result, _ = self._rpc.ask("eth_getBalance", address, "0x0", about=address)
        except RpcError:  # a node without old states; the balance now will tell if something is missing
            return found
        amount = Record({"balance": result}, self._rpc.where("eth_getBalance")).whole("balance")
        if amount:
            found.add(allocation(self._chain, address, amount, block.time))
        return found

    def _balances(self, walk: Walk) -> Page:
        question = walk.question
        self._same(question.until)
        block = hex(question.until.height)
        native = self._chain.native
        tokens = walk.by_weight()
        asked, unasked = tokens[:MAX_ASKED], tokens[MAX_ASKED:]
        for asset in unasked:
            walk.voids.setdefault(asset, UNCHECKED)
        calls = [Asked("eth_getBalance", [question.address, block])]
        for asset in asked:
            contract = asset.partition("/")[2]
            calls += [balance_call(contract, question.address, block), *name_calls(contract, block)]
        results, replies = self._rpc.batch(calls, about=question.address)
        balances = []
        names: dict[str, tuple[str, int]] = {}
        if isinstance(results[0], RpcError):
            walk.voids.setdefault(native, f"its balance could not be had ({results[0].code})")
        else:
            held = Record({"balance": results[0]}, self._rpc.where("eth_getBalance")).whole("balance")
            balances.append(Balance(native, held, question.until.height))
        if question.since:
            self._open(walk, asked)
        for n, asset in enumerate(asked):
            told, symbol, decimals = results[1 + 3 * n : 4 + 3 * n]
            amount = whole_number(told)
            if amount is None:
                walk.voids.setdefault(asset, UNCHECKED)
            else:
                balances.append(Balance(asset, amount, question.until.height))
            found = Movements()
            found.name(asset, short_text(symbol), whole_number(decimals))
            names |= found.names
        self._same(question.until)
        return walk.page([], replies, names=names, balances=balances, blocks=[question.until], last=True)

    def _open(self, walk: Walk, tokens: list[str]) -> None:
        """Ask what the address held just before the first block; a node without old states does not know."""
        address, block = walk.question.address, hex(walk.question.since - 1)
        calls = [Asked("eth_getBalance", [address, block])]
        calls += [balance_call(asset.partition("/")[2], address, block) for asset in tokens]
        results, _ = self._rpc.batch(calls, about=address)
        for asset, result in zip([self._chain.native, *tokens], results, strict=True):
            read = isinstance(result, str) and len(result) <= 66 and asset == self._chain.native
            held = Record({"held": result}, "").whole("held") if read else whole_number(result)
            if held is not None:
                walk.openings[asset] = held

    def _same(self, until: Block) -> None:
        """Make sure that the last block asked for is still there."""
        now = self.head(until.height)
        if now is None or (until.hash and now.hash != until.hash):
            self._reader.forget()
            raise CursorGoneError(f"{self._rpc.host.name}: block {until.height:,} was replaced: the address is begun again")


def _sign(row: Movement, address: str) -> int:
    return (row.receiver == address) - (row.sender == address)
