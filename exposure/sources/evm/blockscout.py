"""Histories from Blockscout (REST, version 2): its multichain host with a key, or an instance.

Lists come newest first, fifty to a page, and each page says what to ask for the next: all of it is sent back unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from exposure.errors import InputError, SourceError
from exposure.model.assets import Chain
from exposure.model.ledger import Flag, Status
from exposure.net.calls import Host
from exposure.net.http import MAX_PAGES, Client, Reply, Request
from exposure.sources.evm import blockscout_rows
from exposure.sources.evm.logs import WRAPPED
from exposure.sources.evm.node_calls import CONFIRMATIONS
from exposure.sources.movements import Movements
from exposure.sources.remote import (
    NATIVE,
    TOKENS,
    Balance,
    Block,
    CursorGoneError,
    Page,
    Question,
    Size,
    is_transaction,
    transaction_page,
    unknown_transaction,
)
from exposure.sources.reply import Record, records
from exposure.sources.walk import UNCHECKED, Walk

_PAGE = 50
_LISTS = ("transactions", "internal-transactions", "withdrawals", "token-transfers", "balances")


class BlockscoutHistory:
    """The histories that a Blockscout has of a chain. ``path``: where its API begins, behind the host's base."""

    def __init__(self, chain: Chain, client: Client, host: Host, *, path: str = "api/v2") -> None:
        if chain.evm_id is None:
            raise InputError(f"Blockscout has EVM chains, and {chain.name} is none")
        self.name = f"blockscout:{host.name}"
        self.chain = chain.name
        self._chain = chain
        self._client = client
        self._host = host
        self._path = path.strip("/")

    def head(self, height: int | None = None) -> Block | None:
        """The newest block below which enough others lie, or the block at a height."""
        if height is None:
            newest, _ = self._asked("blocks", {"type": "block"})
            items = newest.records("items") if newest is not None else []
            if not items:
                return None
            height = max(0, items[0].whole("height", 2**48) - CONFIRMATIONS)
        block, _ = self._asked(f"blocks/{height}", missing=True)
        if block is None:
            return None
        if block.whole("height", 2**48) != height:
            raise block.wrong("height", f"block {height}, which was asked for")
        return Block(height, block.hash("hash"), block.moment("timestamp"))

    def size(self, address: str) -> Size:
        """How many transactions and transfers the address has, as its counters say."""
        if is_transaction(address):
            return Size(1, calls=3)
        counters, _ = self._asked(f"addresses/{address}/counters", missing=True, about=address)
        if counters is None:  # an address that Blockscout has never seen
            return Size(0, calls=len(_LISTS))
        if not counters.has("transactions_count"):
            raise counters.wrong("transactions_count", "a whole number")
        counts = [counters.whole(name, 2**62) for name in ("transactions_count", "token_transfers_count") if counters.has(name)]
        return Size(sum(counts), at_least=len(counts) < 2, calls=sum(1 + count // _PAGE for count in counts) + 4)

    def pages(self, question: Question, cursor: str | None = None) -> Iterator[Page]:
        """Transactions, calls inside them, withdrawals, tokens, then balances."""
        if is_transaction(question.address):
            yield self._single(question)
            return
        walk = Walk.begin(question, self._chain, cursor, _LISTS[0], self._host.name)
        places: dict[str, int] = {}
        times: dict[int, int] = {}
        while walk.step != "balances":
            yield from self._walk(walk, places, times)
        yield self._balances(walk)

    def lists(self, question: Question) -> Iterator[Iterator[Page]]:
        """Transactions, and tokens, each newest first; see `exposure.sources.remote.Listed`."""
        for step in ("transactions", "token-transfers"):
            yield self._walk(Walk.begin(question, self._chain, None, step), {}, {})

    def _walk(self, walk: Walk, places: dict[str, int], times: dict[int, int]) -> Iterator[Page]:
        """One list, newest first, from where the cursor stands."""
        step, question = walk.step, walk.question
        following = _LISTS[_LISTS.index(step) + 1]
        asked: dict[str, str | int] = json.loads(str(walk.at.get("next", "{}")))
        lowest = int(walk.at.get("lowest", 2**62))
        for _ in range(MAX_PAGES):
            more = {"type": "ERC-20"} if step == "token-transfers" else {}
            reply, got = self._asked(
                f"addresses/{question.address}/{step}", {**more, **asked}, missing=True, about=question.address
            )
            found = Movements() if reply is None else self._decoded(step, reply, question.address, places, times)
            if reply is None and step != "withdrawals":  # most likely nothing ever happened there; nothing proves it
                found.void(
                    TOKENS if step == "token-transfers" else self._chain.native, "the explorer does not know the address"
                )
            heights = [] if reply is None else _heights(reply, lowest)
            lowest = heights[-1] if heights else lowest
            following_page = None if reply is None else blockscout_rows.next_page(reply)
            if following_page is not None and following_page == asked:
                raise SourceError(f"{self._host.name} sends the same page again and again: the list cannot be read")
            if following_page is not None and not heights:
                raise CursorGoneError(f"{self._host.name} sent an empty page in the middle of a list: it is begun again")
            rows = walk.take(found)
            ended = following_page is None or lowest < question.since
            asked = following_page or {}
            walk.step, walk.at = (following, {}) if ended else (step, {"next": json.dumps(asked), "lowest": lowest})
            yield walk.page(rows, [got], names=found.names)
            if ended:
                return
        raise SourceError(f"{self._host.name} goes on after {MAX_PAGES:,} pages of one list: narrow --since")

    def _single(self, question: Question) -> Page:
        """A transaction with the calls inside it and its tokens, each list to its end."""
        hash_ = question.address
        item, got = self._asked(f"transactions/{hash_}", missing=True, about=hash_)
        if item is None:
            raise unknown_transaction(self._host.name, hash_, self.chain)
        if item.hash("hash") != hash_:
            raise item.wrong("hash", f"{hash_}, which was asked for")
        found = blockscout_rows.transactions(Record({"items": [item.fields]}, item.where), self._chain)
        if not found.rows:  # it waits for a block
            raise unknown_transaction(self._host.name, hash_, self.chain)
        value, replies = found.rows[0], [got]
        places = {hash_: value.tx_index} if not value.flags & Flag.WEAK_ORDER else {}
        for kind in ("internal-transactions", "token-transfers"):
            for reply, got in self._whole(f"transactions/{hash_}/{kind}", hash_):
                replies.append(got)
                found.extend(self._decoded(kind, reply, hash_, places, {value.block: value.time}))
        wrapped = WRAPPED.get(self.chain, "")
        moved = [row for row in found.rows if row.amount and row.status != Status.FAILED]
        if any(wrapped in (row.sender, row.receiver) and row.asset == self._chain.native for row in moved) and not any(
            row.asset == f"{self.chain}/{wrapped}" for row in moved
        ):
            found.void(f"{self.chain}/{wrapped}", "the instance does not list how a wrapped coin is made and destroyed")
        for row in found.rows:
            if (row.tx, row.block) != (hash_, value.block):
                raise item.wrong("hash", f"the transaction of all its rows, and one is of {row.tx} in block {row.block}")
        rows = {"transfers": [tuple(row) for row in found.rows]}
        block = Block(value.block, "", value.time)
        return transaction_page(question, self._chain, rows, replies, block, voids=found.voids, names=found.names)

    def _whole(self, path: str, about: str) -> Iterator[tuple[Record, Reply]]:
        """Every page of a list."""
        asked: dict[str, str | int] = {}
        for _ in range(MAX_PAGES):
            reply, got = self._asked(path, asked, about=about)
            assert reply is not None
            yield reply, got
            following = blockscout_rows.next_page(reply)
            if following is None:
                return
            if following == asked:
                break
            asked = following
        raise SourceError(f"{self._host.name} sends the same page again and again, or no last one: the list cannot be read")

    def _decoded(self, step: str, reply: Record, address: str, places: dict[str, int], times: dict[int, int]) -> Movements:
        if step == "transactions":
            found = blockscout_rows.transactions(reply, self._chain)
            places |= {row.tx: row.tx_index for row in found.rows if not row.flags}
            times |= {row.block: row.time for row in found.rows}
            return found
        if step == "internal-transactions":
            return blockscout_rows.internal(reply, self._chain, places)
        if step == "withdrawals":
            return blockscout_rows.withdrawals(reply, self._chain, address)
        return blockscout_rows.tokens(reply, self._chain, times)

    def _balances(self, walk: Walk) -> Page:
        question, native = walk.question, self._chain.native
        about, path = question.address, f"addresses/{question.address}"
        own, got = self._asked(path, missing=True, about=about)
        replies = [got]
        held = {native: own.whole("coin_balance") if own is not None and own.has("coin_balance") else 0}
        listed, got = self._got(f"{path}/token-balances", None, about)
        replies.append(got)
        if got.status < 400:
            for item in records(listed, f"{self._host.name}, token-balances"):
                token = item.record("token")
                name = "address_hash" if token.has("address_hash") else "address"
                if token.fields.get("type") == "ERC-20" and item.has("value"):
                    held[f"{self.chain}/{token.evm(name)}"] = item.whole("value")
        walk.unlisted(held)
        for kind in (NATIVE, TOKENS):
            walk.covers(kind, question.since, question.until.height)
        balances = []
        for asset in (native, *walk.tokens):
            amount = held.get(asset, 0) - walk.late.get(asset, 0)
            if got.status >= 400 and asset != native:
                walk.voids.setdefault(asset, UNCHECKED)
            elif amount < 0:
                walk.voids.setdefault(asset, "its balance does not agree with what moved since")
            else:
                balances.append(Balance(asset, amount, question.until.height))
        return walk.page([], replies, balances=balances, blocks=[question.until], last=True)

    def _asked(
        self, path: str, parameters: dict[str, str | int] | None = None, *, missing: bool = False, about: str = ""
    ) -> tuple[Record | None, Reply]:
        """An object; None where the host answers 404, and that may be."""
        value, got = self._got(path, parameters, about)
        if got.status == 404 and missing:
            return None, got
        self._well(path, got)
        return Record(value, self._where(path)), got

    def _got(self, path: str, parameters: dict[str, str | int] | None, about: str) -> tuple[object, Reply]:
        got = self._client.json(self._host, Request(f"{self._path}/{path}", parameters, about=about))
        return got.value, got

    def _well(self, path: str, got: Reply) -> None:
        if got.status == 403:
            self._client.fail(self._host, "answers 403: it serves no such network or key; use its multichain host, with a key")
        if got.status in (401, 402):
            self._client.fail(self._host, f"answers {got.status}: set the environment variable EXPOSURE_BLOCKSCOUT_KEY")
        if got.status == 422 and "items_count" in got.url:
            raise CursorGoneError(f"{self._host.name} does not know the place to go on from any more: it is begun again")
        if got.status >= 400:
            self._client.fail(self._host, f"answered {path} with {got.status} ({got.excerpt}): look at the address of the host")

    def _where(self, path: str) -> str:
        return f"{self._host.name}, {path.rpartition('/')[2]}"


def _heights(reply: Record, lowest: int) -> list[int]:
    """Blocks of items, which must fall from the last page on; items that wait for a block have none."""
    heights = []
    for item in reply.records("items"):
        name = "block_number" if item.has("block_number") else "block"
        if not item.has(name):
            continue
        height = item.whole(name, 2**48)
        if height > lowest:
            raise item.wrong(name, f"a block up to {lowest}, newest first")
        lowest = height
        heights.append(height)
    return heights
