"""Histories of TRC-20 tokens from the JSON-RPC of a java-tron node: the logs of an EVM node, with other addresses.

The node has no index of addresses, and its TRX transactions are not in logs: native value is said to be missing. Heights
in the store are seconds, as for TronGrid; the node is asked by block numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

from exposure.errors import SourceError
from exposure.model.addresses import evm_of_tron, tron_of_evm
from exposure.model.assets import Chain
from exposure.model.ledger import Flag
from exposure.net.calls import Host
from exposure.net.http import Client, Reply
from exposure.sources.evm.contracts import balance_call, name_calls, short_text, whole_number
from exposure.sources.evm.logs import token_transfers
from exposure.sources.evm.node_calls import Window, block_of, block_times, header
from exposure.sources.evm.rpc import Rpc, RpcError
from exposure.sources.movements import Movements
from exposure.sources.remote import (
    ANY_ADDRESS,
    TOKENS,
    Balance,
    Block,
    Page,
    Question,
    Size,
    is_transaction,
    transaction_page,
    unknown_transaction,
)
from exposure.sources.reply import Record
from exposure.sources.walk import UNCHECKED, Walk

_SOLID = 20
"""Blocks below the newest one that count as solid where the node does not know the tag ``finalized``."""

NO_NATIVE = "a node's logs hold tokens only: ask TronGrid for TRX"


class TronNodeHistory:
    """The token histories that a java-tron node has."""

    def __init__(self, chain: Chain, client: Client, host: Host) -> None:
        self.name = f"tron-node:{host.name}"
        self.chain = chain.name
        self._chain = chain
        self._rpc = Rpc(client, host)
        self._numbers: dict[int, int] = {}

    def head(self, height: int | None = None) -> Block | None:
        """The second of the newest solid block; a solid second does not change, so an asked one is given back."""
        if height is not None:
            return Block(height, "", height)
        block = self._solid()
        return Block(block.time, "", block.time)

    def size(self, address: str) -> Size:
        """Unknown to a node."""
        if is_transaction(address):
            return Size(1, calls=4)
        return Size(0, at_least=True)

    def pages(self, question: Question, cursor: str | None = None) -> Iterator[Page]:
        """Tokens, window by window, then balances."""
        if is_transaction(question.address):
            yield self._single(question)
            return
        walk = Walk.begin(question, self._chain, cursor, "tokens", self._rpc.host.name)
        native = self._chain.native
        walk.voids.setdefault(native, NO_NATIVE)
        address = evm_of_tron(question.address)
        last = self._block_at(question.until.height)
        first = self._block_at(question.since - 1) + 1 if question.since else 0
        window = Window()
        start = int(walk.at.get("next", first))
        while walk.step == "tokens" and start <= last:
            logs, until, replies = window.logs(self._rpc, address, start, last)
            found, more = self._decoded(logs)
            rows = walk.take(found)
            start = until + 1
            walk.step, walk.at = ("tokens", {"next": start}) if start <= last else ("balances", {})
            yield walk.page(rows, [*replies, *more])
        yield self._balances(walk, address)

    def _decoded(self, logs: list[Record]) -> tuple[Movements, list[Reply]]:
        times, replies = block_times(self._rpc, logs)
        found = token_transfers(logs, self._chain, times, tron_of_evm)
        found.rows = [row._replace(block=row.time, flags=row.flags | Flag.TIME_ORDER) for row in found.rows]
        return found, replies

    def _single(self, question: Question) -> Page:
        """The tokens of a transaction, from the events of its block: those of its receipt may be numbered in another way."""
        hash_ = question.address
        method = "eth_getTransactionReceipt"
        result, got = self._rpc.ask(method, f"0x{hash_}", about=hash_)
        receipt = Record(result or {}, self._rpc.where(method))
        if not receipt.has("blockNumber"):
            raise unknown_transaction(self._rpc.host.name, hash_, self.chain)
        if receipt.hash("transactionHash").removeprefix("0x") != hash_:
            raise receipt.wrong("transactionHash", f"{hash_}, which was asked for")
        number = receipt.whole("blockNumber", 2**48)
        logs, _, replies = Window().logs(self._rpc, ANY_ADDRESS, number, number)
        found, more = self._decoded([log for log in logs if log.hash("transactionHash").removeprefix("0x") == hash_])
        found.void(self._chain.native, NO_NATIVE)
        block = self._at(number)
        if any(row.time != block.time for row in found.rows) or block.height != number:
            raise receipt.wrong("blockNumber", "the block of its events")
        rows = {"transfers": [tuple(row) for row in found.rows]}
        second = Block(block.time, "", block.time)
        return transaction_page(question, self._chain, rows, [got, *replies, *more], second, voids=found.voids)

    def _balances(self, walk: Walk, address: str) -> Page:
        """The node answers for its newest block only, so a balance proves something if nothing moved since."""
        question = walk.question
        walk.covers(TOKENS, question.since, question.until.height)
        calls = []
        tokens = sorted(walk.tokens, key=lambda asset: (-walk.tokens[asset], asset))
        for asset in tokens:
            contract = evm_of_tron(asset.partition("/")[2])
            calls += [balance_call(contract, address, "latest"), *name_calls(contract, "latest")]
        results, replies = self._rpc.batch(calls, about=question.address)
        balances = []
        found = Movements()
        for n, asset in enumerate(tokens):
            told, symbol, decimals = results[3 * n : 3 * n + 3]
            amount = whole_number(told)
            if amount is None:
                walk.voids.setdefault(asset, UNCHECKED)
            else:
                balances.append(Balance(asset, amount, question.until.height))
            found.name(asset, short_text(symbol), whole_number(decimals))
        return walk.page([], replies, names=found.names, balances=balances, last=True)

    def _solid(self) -> Block:
        try:
            found = header(self._rpc, "finalized")
        except RpcError:
            found = None
        if found is None:
            newest = header(self._rpc, "latest")
            found = self._at(max(0, newest.height - _SOLID)) if newest is not None else None
        if found is None:
            raise SourceError(f"{self._rpc.host.name} has no blocks: is it a node, and in step with its chain?")
        return found

    def _at(self, number: int) -> Block:
        result, _ = self._rpc.ask("eth_getBlockByNumber", hex(number), False)
        record = Record(result, self._rpc.where("eth_getBlockByNumber"))
        block = block_of(record)
        if block.height != number:
            raise record.wrong("number", f"block {number}, which was asked for")
        return block

    def _block_at(self, second: int) -> int:
        """The number of the last block at or before a second: by halving, kept for the questions of one run."""
        if second not in self._numbers:
            solid = self._solid()
            low, high = 0, solid.height
            if self._at(high) != solid:
                raise SourceError(f"{self._rpc.host.name} says two things of its newest solid block, {high:,}: try again")
            if solid.time <= second:
                low = high
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if self._at(middle).time <= second else (low, middle)
            self._numbers[second] = low
        return self._numbers[second]
