"""Histories from TronGrid (version 1): two lists that have nothing in common, TRX and TRC-20, each by a fingerprint.

Only confirmed (solidified) transactions are asked for, in rising time. Heights are seconds: see `grid_rows`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import quote

from exposure.errors import SourceError
from exposure.model.addresses import parse
from exposure.model.assets import Chain
from exposure.net.calls import Host
from exposure.net.http import MAX_PAGES, Again, Client, Reply, Request
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
from exposure.sources.reply import Record
from exposure.sources.tron import grid_rows, single_rows
from exposure.sources.walk import UNCHECKED, Walk

PAGE = 200
PAUSE = 30.0
"""Seconds to wait after 403, 429 or 503: the host closes for so long to whom it finds too fast."""

REFUSALS = frozenset({403, 429, 503})
_LAG = 120  # seconds in which a block becomes solid, generously, where the host does not tell the newest solid block
_MAX_EVENTS = 25
"""Transactions of a page whose events are asked for, to find out which token moved, and what moved first."""

_ASCENDING: dict[str, str | int] = {"limit": PAGE, "only_confirmed": "true", "order_by": "block_timestamp,asc"}
_LISTS = ("transactions", "transactions/trc20", "balances")
_SOLID_BLOCK = "walletsolidity/getnowblock"
_BY_HASH = ("walletsolidity/gettransactionbyid", "walletsolidity/gettransactioninfobyid")


class TronGridHistory:
    """The histories that TronGrid has."""

    def __init__(self, chain: Chain, client: Client, host: Host) -> None:
        self.name = f"trongrid:{host.name}"
        self.chain = chain.name
        self._chain = chain
        self._client = client
        self._first: dict[tuple[str, str], tuple[list[Record], Record, Reply]] = {}
        # Its refusals need a longer pause than those of other hosts, and 403 is one of them.
        self._host = replace(host, retried=host.retried - REFUSALS)

    def head(self, height: int | None = None) -> Block | None:
        """The second of the newest solid block. A solid second does not change, so an asked one is given back."""
        if height is not None:
            return Block(height, "", height)
        got = self._client.json(self._host, Request(_SOLID_BLOCK), _patience)
        if got.status >= 400:
            second = got.time - _LAG
            return Block(second, "", second)
        block = Record(got.value, f"{self._host.name}, getnowblock")
        inner = block.record("block_header").record("raw_data")
        second = inner.whole("timestamp", 2**43) // 1000
        return Block(second, "", second)

    def size(self, address: str) -> Size:
        """How many transfers the first pages of both lists have; two calls, as neither says anything of the other."""
        if is_transaction(address):
            return Size(1, calls=2)
        seen, more, others = 0, False, set[object]()
        self._first = {}  # not asked for again when the history is read
        for step in _LISTS[:2]:
            items, meta, _ = self._first[address, step] = self._list(address, step, _ASCENDING)
            others |= {end for item in items for end in (item.fields.get("from"), item.fields.get("to"))}
            seen, more = seen + len(items), more or meta.has("fingerprint")
        return Size(seen, at_least=more, calls=None if more else 4, counterparties=len(others - {address, None}))

    def pages(self, question: Question, cursor: str | None = None) -> Iterator[Page]:
        """TRX, then tokens, then balances."""
        if is_transaction(question.address):
            yield self._single(question)
            return
        walk = Walk.begin(question, self._chain, cursor, _LISTS[0], self._host.name)
        while walk.step != "balances":
            yield from self._walk(walk)
        yield self._balances(walk)

    def lists(self, question: Question) -> Iterator[Iterator[Page]]:
        """TRX, and tokens, each from the beginning; see `exposure.sources.remote.Listed`."""
        for step in _LISTS[:2]:
            yield self._walk(Walk.begin(question, self._chain, None, step))

    def _walk(self, walk: Walk) -> Iterator[Page]:
        step, question = walk.step, walk.question
        following = _LISTS[_LISTS.index(step) + 1]
        before = str(walk.at.get("fingerprint", ""))
        lowest = int(walk.at.get("time", 0))
        for _ in range(MAX_PAGES):
            # All filters stay as they are from page to page, or the fingerprint means nothing.
            asked = dict(_ASCENDING)
            asked |= {"min_timestamp": question.since * 1000} if question.since else {}
            known = self._first.pop((question.address, step), None) if asked == _ASCENDING and not before else None
            asked |= {"fingerprint": before} if before else {}
            items, meta, got = known or self._list(question.address, step, asked)
            lowest = _rising(items, lowest)
            found, replies = self._decoded(step, items)
            rows = walk.take(found)
            fingerprint = meta.text("fingerprint", 2000) if meta.has("fingerprint") else ""
            if fingerprint and fingerprint == before:
                raise SourceError(f"{self._host.name} sends the same page again and again: the list cannot be read")
            if fingerprint and not items:
                raise CursorGoneError(f"{self._host.name} sent an empty page in the middle of a list: it is begun again")
            ended = not fingerprint or lowest // 1000 > question.until.height
            walk.late_unknown |= bool(fingerprint) and ended
            walk.step, walk.at = (following, {}) if ended else (step, {"fingerprint": fingerprint, "time": lowest})
            before = fingerprint
            yield walk.page(rows, [got, *replies], names=found.names)
            if ended:
                return
        raise SourceError(f"{self._host.name} goes on after {MAX_PAGES:,} pages of one list: narrow --since")

    def _decoded(self, step: str, items: Sequence[Record]) -> tuple[Movements, list[Reply]]:
        if step == _LISTS[0]:
            return grid_rows.native(items, self._chain), []
        told, replies = self._events(grid_rows.with_events(items))
        found, unnamed = grid_rows.tokens(items, self._chain, told)
        if unnamed:
            found.void(TOKENS, "transfers of tokens that the list does not name are not stored")
        return found, replies

    def _events(self, txs: Sequence[str]) -> tuple[dict[grid_rows.Event, list[tuple[int, str]]], list[Reply]]:
        """What the events of transactions say that the list does not: which token, and in which order."""
        found: dict[grid_rows.Event, list[tuple[int, str]]] = {}
        replies = []
        for tx in txs[:_MAX_EVENTS]:
            asked: dict[str, str | int] = {"only_confirmed": "true", "limit": PAGE}
            got = self._client.json(self._host, Request(f"v1/transactions/{tx}/events", asked), _patience)
            if got.status < 400:
                replies.append(got)
                told = grid_rows.events(self._read(got, "events")[0])
                found |= {event: places for event, places in told.items() if event[0] == tx}
        return found, replies

    def _balances(self, walk: Walk) -> Page:
        """What the address holds now, less what moved since the last second asked for."""
        question, native = walk.question, self._chain.native
        for kind in (NATIVE, TOKENS):
            walk.covers(kind, question.since, question.until.height)
        got = self._client.json(self._host, Request(f"v1/accounts/{question.address}", about=question.address), _patience)
        held: dict[str, int] | None = None
        if got.status < 400:
            accounts, _ = self._read(got, "accounts")
            held = {native: 0}
            for account in accounts:
                held[native] = account.whole("balance", 2**63) if account.has("balance") else 0
                for entry in account.records("trc20") if account.has("trc20") else []:
                    for contract in entry.fields:
                        held[f"{self.chain}/{parse(contract, suggest=False).canonical}"] = entry.whole(contract)
        walk.unlisted(held or {})
        balances = []
        for asset in (native, *walk.tokens):
            amount = (held or {}).get(asset, 0) - walk.late.get(asset, 0)
            if held is None or walk.late_unknown:
                walk.voids.setdefault(asset, UNCHECKED)
            elif amount < 0:
                walk.voids.setdefault(asset, "its balance does not agree with what moved since")
            else:
                balances.append(Balance(asset, amount, question.until.height))
        return walk.page([], [got], balances=balances, last=True)

    def _single(self, question: Question) -> Page:
        """A transaction and what came of it, as the solid part of the chain has them."""
        hash_ = question.address
        parts, replies = [], []
        for call in _BY_HASH:
            got = self._client.json(self._host, Request(call, payload={"value": hash_}, about=hash_), _patience)
            if got.status >= 400:
                self._client.fail(self._host, f"answered {call} with {got.status} ({got.excerpt}): try again later")
            part = Record(got.value, f"{self._host.name}, {call.rpartition('/')[2]}")
            if part.has("Error"):
                self._client.fail(self._host, f"refused {call}: {got.excerpt}; try again later")
            if not part.fields:
                raise unknown_transaction(self._host.name, hash_, self.chain)
            parts.append(part)
            replies.append(got)
        body, outcome = parts
        if body.hash("txID") != hash_:
            raise body.wrong("txID", f"{hash_}, which was asked for")
        found = single_rows.single(body, outcome, self._chain)
        if not found.rows:
            raise body.wrong("raw_data", "a transaction that can be read")
        second = found.rows[0].block
        rows = {"transfers": [tuple(row) for row in found.rows]}
        return transaction_page(
            question, self._chain, rows, replies, Block(second, "", second), voids=found.voids, names=found.names
        )

    def _list(self, address: str, step: str, asked: dict[str, str | int]) -> tuple[list[Record], Record, Reply]:
        path = f"v1/accounts/{quote(address, safe='')}/{step}"
        got = self._client.json(self._host, Request(path, asked, about=address), _patience)
        if got.status in (400, 404) and "fingerprint" in asked:
            raise CursorGoneError(f"{self._host.name} does not know the place to go on from any more: it is begun again")
        if got.status >= 400:
            self._client.fail(self._host, f"answered {step} with {got.status} ({got.excerpt}): look at its address and key")
        items, meta = self._read(got, step)
        if len(items) > PAGE:
            raise SourceError(f"{self._host.name} sent {len(items)} rows where {PAGE} were asked for: the list cannot be read")
        return items, meta, got

    def _read(self, got: Reply, what: str) -> tuple[list[Record], Record]:
        reply = Record(got.value, f"{self._host.name}, {what}")
        if reply.fields.get("success") is not True:
            self._client.fail(self._host, f"refused {what}: {got.excerpt}; try again later, or set EXPOSURE_TRONGRID_KEY")
        meta = reply.record("meta") if reply.has("meta") else Record({}, reply.where)
        return reply.records("data"), meta


def _rising(items: Sequence[Record], lowest: int) -> int:
    for item in items:
        time = item.whole("block_timestamp", 2**43)
        if time < lowest:
            raise item.wrong("block_timestamp", f"a time from {lowest} on, in rising order")
        lowest = time
    return lowest


def _patience(reply: Reply) -> Again | None:
    """Refusals that come with another status than those that every host uses."""
    if reply.status not in REFUSALS:
        return None
    told = reply.headers.get("retry-after", "")
    wait = float(told) if told.isdecimal() and len(told) < 6 else 0.0
    return Again(f"answered {reply.status} ({reply.excerpt})", max(PAUSE, wait))
