"""Histories from Etherscan (API version 2): one key, one host, more than 60 chains by their id.

Lists are walked in rising order and begun again at the last block, as its guide says: a full page is cut in the middle of a
block, so the rows of its last block are left to the next page. Its balances are those of now: what moved above the last
block asked for is taken off them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from exposure.errors import InputError, SourceError
from exposure.model.assets import Chain
from exposure.net.calls import Host
from exposure.net.http import MAX_PAGES, Client, Reply
from exposure.sources.evm import etherscan_rows
from exposure.sources.evm.etherscan_calls import BALANCE, EtherscanCalls, RefusedError, SmallerError
from exposure.sources.evm.etherscan_single import single
from exposure.sources.evm.logs import DEPOSIT, TRANSFER, WITHDRAWAL, WRAPPED, padded, token_transfers
from exposure.sources.evm.node_calls import CONFIRMATIONS
from exposure.sources.movements import Movement, Movements
from exposure.sources.remote import NATIVE, TOKENS, Balance, Block, Page, Question, Size, is_transaction
from exposure.sources.reply import Record
from exposure.sources.walk import UNCHECKED, Walk

PAGE = 1_000
"""Rows in a reply: more than that a free key does not get."""

_WINDOW = 10_000  # page times page size may not go above it
MAX_ASKED = 50
"""Tokens whose balance is asked for, one call each: well-known ones, then those with the most transfers."""

_BEYOND = 5
"""Full pages of a list that are read above the last block asked for, so that the balance there can be told from that of now."""

_LISTS = ("txlist", "txlistinternal", "txsBeaconWithdrawal", "tokentx", "deposits", "withdrawals", "balances")
_EVENTS = {"deposits": DEPOSIT, "withdrawals": WITHDRAWAL}
_WITHDRAWING = {1, 17000, 11155111, 560048, 100, 10200}  # chains with validators whose stake comes back in blocks
_NEWEST = 2**31 - 1


class EtherscanHistory:
    """The histories that Etherscan has of a chain. ``page``: rows in a reply, as the key's plan allows."""

    def __init__(self, chain: Chain, client: Client, host: Host, *, page: int = PAGE) -> None:
        if chain.evm_id is None:
            raise InputError(f"Etherscan has EVM chains, and {chain.name} is none")
        self.name = f"etherscan:{host.name}"
        self.chain = chain.name
        self._chain = chain
        self._calls = EtherscanCalls(chain, client, host)
        self._host = host
        self._page = page
        self._first: dict[str, tuple[list[Record], Reply]] = {}

    def head(self, height: int | None = None) -> Block | None:
        """The newest finalized block, or the block at a height."""
        if height is not None:
            return self._calls.block(hex(height))
        try:
            found = self._calls.block("finalized")
        except RefusedError:  # the tag is not known everywhere
            found = None
        if found is not None and found.height:
            return found
        newest, _ = self._calls.proxy("eth_blockNumber", {})
        return self._calls.block(hex(max(0, newest.whole("result", 2**48) - CONFIRMATIONS)))

    def size(self, address: str) -> Size:
        """How long the list of transactions is, from its first page."""
        if is_transaction(address):
            return Size(1, calls=4)
        items, got = self._list("txlist", address, 0, _NEWEST, 1)
        self._first = {address: (items, got)}
        rows = etherscan_rows.transactions(items, self._chain).rows
        others = {end for row in rows for end in (row.sender, row.receiver)} - {None, address}
        full = len(items) >= self._page
        return Size(len(items), at_least=full, calls=None if full else len(_LISTS), counterparties=len(others))

    def pages(self, question: Question, cursor: str | None = None) -> Iterator[Page]:
        """Transactions, calls inside them, withdrawals, tokens, what wrapped coins leave out, then balances."""
        if is_transaction(question.address):
            yield single(self._calls, question)
            return
        walk = Walk.begin(question, self._chain, cursor, _LISTS[0], self._host.name)
        places: dict[str, int] = {}
        while walk.step != "balances":
            step = walk.step
            following = _LISTS[_LISTS.index(step) + 1]
            if self._applies(step, walk):
                yield from self._walk(walk, step, following, places)
            walk.step, walk.at = following, {}
        yield self._balances(walk)

    def lists(self, question: Question) -> Iterator[Iterator[Page]]:
        """Transactions, and tokens, each from the beginning; see `exposure.sources.remote.Listed`."""
        for step in ("txlist", "tokentx"):
            following = _LISTS[_LISTS.index(step) + 1]
            yield self._walk(Walk.begin(question, self._chain, None, step), step, following, {})

    def _applies(self, step: str, walk: Walk) -> bool:
        if step == "txsBeaconWithdrawal":
            return self._chain.evm_id in _WITHDRAWING
        if step in _EVENTS:  # only who has dealt with the wrapped coin can have made or destroyed some
            return f"{self.chain}/{WRAPPED.get(self.chain)}" in walk.tokens
        return True

    def _walk(self, walk: Walk, step: str, following: str, places: dict[str, int]) -> Iterator[Page]:
        """One list, from the block at which the cursor stands."""
        address, until = walk.question.address, walk.question.until.height
        start, end = int(walk.at.get("block", walk.question.since)), _NEWEST
        beyond = 0
        for _ in range(MAX_PAGES):
            try:
                items, got = self._list(step, address, start, end, 1)
            except SmallerError:
                if start > until:  # only what moved since, for the balance of now
                    walk.late_unknown = True
                    walk.step, walk.at = following, {}
                    return
                if start == end:
                    raise
                end = until if end > until else start + (end - start) // 2
                continue
            replies = [got]
            heights = _heights(items, start)
            last = heights[-1] if heights else start
            full = len(items) >= self._page
            found: Movements | None = None
            if full and heights[0] == last:  # a block that fills a page
                found, replies = self._block(walk, step, last, places)
                start = last + 1
            elif full:
                items = [item for item, height in zip(items, heights, strict=True) if height < last]
                start = last
            narrowed = not full and end < _NEWEST
            if narrowed:
                start = end + 1
            end = _NEWEST
            found = self._decoded(step, items, places) if found is None else found
            rows = walk.take(found)
            self._note_wrapped(walk, rows)
            beyond += full and start > until
            ended = not narrowed and (not full or beyond > _BEYOND)
            walk.late_unknown |= full and ended
            walk.step, walk.at = (following, {}) if ended else (step, {"block": start})
            yield walk.page(rows, replies, names=found.names)
            if ended:
                return
        raise SourceError(f"{self._host.name} goes on after {MAX_PAGES:,} pages of one list: narrow --since")

    def _block(self, walk: Walk, step: str, block: int, places: dict[str, int]) -> tuple[Movements, list[Reply]]:
        """All rows of one block: page by page as far as pages go, and past that of tokens by their events."""
        address = walk.question.address
        items, replies, whole = self._all(lambda page: self._list(step, address, block, block, page))
        found = self._decoded(step, items, places)
        if whole:
            return found, replies
        if step == "tokentx":
            logs: dict[tuple[str, int], Record] = {}
            whole = True
            for place in (1, 2):
                asked = partial(self._calls.logs, {0: TRANSFER, place: padded(address)}, None, (block, block), about=address)
                events, more, ended = self._all(partial(asked, size=self._page))
                whole &= ended
                replies += more
                for log in events:
                    if log.whole("blockNumber", 2**48) != block:
                        raise log.wrong("blockNumber", f"block {block}, which was asked for")
                    logs[log.hash("transactionHash"), log.whole("logIndex", 2**31 - 2)] = log
            found = token_transfers([logs[key] for key in sorted(logs, key=lambda key: key[1])], self._chain)
        if not whole:
            kind = TOKENS if step in ("tokentx", *_EVENTS) else self._chain.native
            walk.voids.setdefault(kind, f"block {block:,} has more rows of the address than the list gives")
        return found, replies

    def _all(self, ask: Callable[[int], tuple[list[Record], Reply]]) -> tuple[list[Record], list[Reply], bool]:
        """Rows of the pages from the first on, as far as pages go; whether the last one came."""
        found: list[Record] = []
        replies: list[Reply] = []
        before: list[Record] = []
        for page in range(1, _WINDOW // self._page + 1):
            items, got = ask(page)
            if page > 1 and items and [item.fields for item in items] == [item.fields for item in before]:
                raise SourceError(f"{self._host.name} sends the same page again and again: the list cannot be read")
            found += items
            replies.append(got)
            before = items
            if len(items) < self._page:
                return found, replies, True
        return found, replies, False

    def _decoded(self, step: str, items: list[Record], places: dict[str, int]) -> Movements:
        if step == "txlist":
            found = etherscan_rows.transactions(items, self._chain)
            places |= {row.tx: row.tx_index for row in found.rows}
            return found
        if step == "txlistinternal":
            return etherscan_rows.internal(items, self._chain, places)
        if step == "tokentx":
            return etherscan_rows.tokens(items, self._chain)
        if step in _EVENTS:
            return token_transfers(items, self._chain)
        return etherscan_rows.withdrawals(items, self._chain)

    def _note_wrapped(self, walk: Walk, rows: list[Movement]) -> None:
        contract = WRAPPED.get(self.chain)
        if contract is not None and any(contract in (row.sender, row.receiver) for row in rows):
            walk.tokens.setdefault(f"{self.chain}/{contract}", 0)

    def _balances(self, walk: Walk) -> Page:
        question, native = walk.question, self._chain.native
        tokens = walk.by_weight()
        balances, replies = [], []
        for asset in [native, *tokens[:MAX_ASKED]]:
            contract = asset.partition("/")[2]
            own: dict[str, str | int] = (
                {"action": BALANCE} if asset == native else {"action": "tokenbalance", "contractaddress": contract}
            )
            own |= {"module": "account", "address": question.address, "tag": "latest"}
            reply, got = self._calls.asked(own, BALANCE)
            replies.append(got)
            held = reply.whole("result") - walk.late.get(asset, 0)
            if walk.late_unknown:  # the list goes on above the last block asked for, so the balance there is not known
                walk.voids.setdefault(asset, UNCHECKED)
            elif held < 0:
                walk.voids.setdefault(asset, "its balance does not agree with what moved since")
            else:
                balances.append(Balance(asset, held, question.until.height))
        for kind in (NATIVE, TOKENS):
            walk.covers(kind, question.since, question.until.height)
        for asset in tokens[MAX_ASKED:]:
            walk.voids.setdefault(asset, UNCHECKED)
        return walk.page([], replies, balances=balances, blocks=[question.until], last=True)

    def _list(self, step: str, address: str, first: int, last: int, page: int) -> tuple[list[Record], Reply]:
        if step == "txlist" and first == 0 and last == _NEWEST and page == 1 and address in self._first:
            return self._first.pop(address)
        if step in _EVENTS:
            topics = {0: _EVENTS[step], 1: padded(address)}
            return self._calls.logs(topics, WRAPPED[self.chain], (first, last), page, size=self._page, about=address)
        return self._calls.listed(step, address, first, last, page, self._page)


def _heights(items: list[Record], start: int) -> list[int]:
    """Blocks of rows, which must rise from where was asked: else the server did not do what it was asked to."""
    heights = [item.whole("blockNumber", 2**48) for item in items]
    before = start
    for item, height in zip(items, heights, strict=True):
        if height < before:
            raise item.wrong("blockNumber", f"a block from {before} on, in rising order")
        before = height
    return heights
