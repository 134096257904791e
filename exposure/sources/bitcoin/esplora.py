"""Esplora REST (blockstream.info, mempool.space, one's own): histories newest first, 25 transactions a page.

A page's transactions carry the outputs that they spend, so that one pass tells everything of an address. The server says
first how many transactions there are: a list that ends with another number is not whole. P2PK coins lie under no address
there: as soon as the key of an address shows in one of its inputs, they are looked up by the hash of their script.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

from exposure.errors import SourceError
from exposure.model.addresses import address_script
from exposure.model.assets import chain as chain_of
from exposure.net.calls import Host
from exposure.net.http import MAX_PAGES, Client, Reply, Request
from exposure.sources.bitcoin.coins import Tx, contradiction, key_script, net_flow, rows, touches
from exposure.sources.bitcoin.esplora_rows import Reader, Stats
from exposure.sources.remote import (
    NATIVE,
    Balance,
    Block,
    Covered,
    CursorGoneError,
    Page,
    Question,
    Size,
    answer,
    is_transaction,
)

PAGE = 25
CONFIRMATIONS = 6
"""A block with so many blocks on it, itself included, is taken as final."""


@dataclass(frozen=True, slots=True)
class _Place:
    """How far a history is read. ``script`` is what is being read (hex), ``waiting`` what comes after it.

    ``seen`` of ``stated`` transactions of the script are read, the last of them ``last`` in ``block``; ``later`` is their
    flow above the finalized block; ``balance`` sums what the scripts before it hold. ``key``: whether the key was looked up.
    """

    script: str
    waiting: str = ""
    stated: int = -1
    held: int = 0
    seen: int = 0
    last: str = ""
    block: int = 2**31
    later: int = 0
    balance: int = 0
    key: bool = False
    pages: int = 0


class EsploraHistory:
    """See `exposure.sources.remote.RemoteHistory`."""

    def __init__(self, chain: str, host: Host, client: Client) -> None:
        self.chain = chain
        self.name = f"esplora {host.name}"
        self._host = host
        self._client = client
        self._read = Reader(host.name)
        self._tip: int | None = None
        self._blocks: dict[int, Block] = {}

    def head(self, height: int | None = None) -> Block | None:
        """See `RemoteHistory.head`: the block with six confirmations."""
        if self._tip is None:
            self._check_chain()
        if height is None:
            self._tip = self._read.height(self._ok(self._json("blocks/tip/height")).value)
            height = max(self._tip - CONFIRMATIONS + 1, 0)
        if height in self._blocks:
            return self._blocks[height]
        hash_ = self._hash_at(height)
        if hash_ is None:
            return None
        block = self._read.block(self._ok(self._json(f"block/{hash_}")).value)
        if (block.height, block.hash) != (height, hash_):
            self._client.fail(self._host, f"gives block {block.height:,} for block {height:,}: try another source")
        self._blocks[height] = block
        return block

    def size(self, address: str) -> Size:
        """See `RemoteHistory.size`."""
        if is_transaction(address):
            return Size(1, calls=1)
        stats, _ = self._stats(_subject(address_script(address), address), address)
        return Size(stats.transactions, calls=1 + stats.transactions // PAGE + (1 if stats.transactions % PAGE else 0))

    def pages(self, question: Question, cursor: str | None = None) -> Iterator[Page]:
        """See `RemoteHistory.pages`; the question may name a transaction, too."""
        if is_transaction(question.address):
            yield self._single(question)
            return
        script = address_script(question.address)
        place: _Place | None = _Place(script.hex()) if cursor is None else _place(cursor)
        while place is not None:
            page, place = self._page(question, script, place)
            yield page

    def lists(self, question: Question) -> Iterator[Iterator[Page]]:
        """The one list, newest first; see `exposure.sources.remote.Listed`."""
        yield self.pages(question)

    def _single(self, question: Question) -> Page:
        """One transaction: its inputs carry what they spend, so it is whole by itself."""
        reply = self._ok(self._json(f"tx/{question.address}", question.address))
        tx = self._read.transaction(reply.value)
        if tx is None or tx.block > question.until.height:
            self._client.fail(self._host, f"has {question.address} in no final block yet: fetch it again later")
        if tx.txid != question.address:
            self._client.fail(self._host, f"gives transaction {tx.txid} for {question.address}: try another source")
        made = rows([tx], self.chain)
        block = Block(tx.block, tx.block_hash, tx.time)
        return Page(made, [answer(reply, sum(map(len, made.values())))], blocks=[block])

    def _page(self, question: Question, own: bytes, place: _Place) -> tuple[Page, _Place | None]:
        """The next page, and the place after it; None at the end."""
        address = question.address
        script = bytes.fromhex(place.script)
        subject = _subject(script, address if script == own else None)
        answers, waiting = [], place.waiting
        if place.stated < 0:
            stats, stated = self._stats(subject, address)
            answers.append(answer(stated, 0))
            place = replace(place, stated=stats.transactions, held=stats.balance)
        listed, reply = self._list(subject, place, address)
        if place.pages == 0 and self._tip is not None and any(tx.block > self._tip for tx in listed):
            # A block came since the number of transactions was asked for: ask again, so that both speak of one moment.
            self._blocks.clear()
            self.head()
            raise CursorGoneError(f"{self._host.name} has a new block since it was asked first: the address is begun again")
        self._check(listed, script, place)
        ended = len(listed) < PAGE or listed[-1].block < question.since
        wanted = [tx for tx in listed if question.since <= tx.block <= question.until.height]
        made = rows(wanted, self.chain)
        answers.append(answer(reply, sum(map(len, made.values()))))
        if not place.key and script == own:
            direct = key_script(listed, script)
            if direct is not None:
                stats, told = self._stats(_subject(direct, None), address)
                answers.append(answer(told, 0))
                place, waiting = replace(place, key=True), direct.hex() if stats.transactions else ""
        flow = sum(net_flow(tx, frozenset({script})) for tx in listed if tx.block > question.until.height)
        place = replace(
            place,
            waiting=waiting,
            seen=place.seen + len(listed),
            last=listed[-1].txid if listed else place.last,
            block=listed[-1].block if listed else place.block,
            later=place.later + flow,
            pages=place.pages + 1,
        )
        blocks = [(tx.block, tx.block_hash) for tx in wanted]
        page = Page(made, tuple(answers), None, (), (), tuple(Block(*block) for block in dict.fromkeys(blocks)))
        if not ended:
            # Another script waits to be read: until then nothing is whole.
            covered = () if waiting else (_covered(question, max(question.since, place.block + 1)),)
            return replace(page, cursor=json.dumps(asdict(place)), covered=covered), place
        whole = listed[-1].block < question.since if listed and len(listed) == PAGE else False
        reason = "" if whole or place.seen == place.stated else self._miscounted(subject, place, address)
        balance = place.balance + place.held - place.later
        if waiting and not reason:
            following = _Place(waiting, balance=balance, key=True)
            return replace(page, cursor=json.dumps(asdict(following))), following
        balances = () if reason or balance < 0 else (Balance(f"{self.chain}/native", balance, question.until.height),)
        return replace(page, covered=(_covered(question, question.since, reason),), balances=balances), None

    def _miscounted(self, subject: str, place: _Place, address: str) -> str:
        """Why a list that ended is not whole; it may also have grown or changed while it was read."""
        stats, _ = self._stats(subject, address)
        if stats.transactions != place.stated:
            raise CursorGoneError(
                f"{self._host.name} has another history now than when it was begun: the address is begun again"
            )
        if place.seen < place.stated and place.last and place.pages > 1:
            raise CursorGoneError(f"{self._host.name} ended a list early: the address is begun again")
        return f"{self._host.name} states {place.stated:,} transactions and lists {place.seen:,}"

    def _list(self, subject: str, place: _Place, address: str) -> tuple[list[Tx], Reply]:
        if place.pages >= MAX_PAGES:
            self._client.fail(self._host, f"goes on after {MAX_PAGES:,} pages of one list, which is refused: narrow --since")
        reply = self._json(f"{subject}/txs/chain" + (f"/{place.last}" if place.last else ""), address)
        if reply.status in (400, 404) and place.last:
            raise CursorGoneError(f"{self._host.name} knows the last transaction no more ({reply.excerpt}): begun again")
        return self._read.transactions(self._ok(reply).value, PAGE), reply

    def _check(self, listed: list[Tx], script: bytes, place: _Place) -> None:
        """A page that repeats or goes back up is no continuation; what is no part of the history is no answer."""
        before = place.block
        for tx in listed:
            if tx.block > before or tx.txid == place.last:
                raise CursorGoneError(f"{self._host.name} repeats a page instead of going on: the address is begun again")
            if not touches(tx, frozenset({script})):
                self._client.fail(
                    self._host,
                    f"lists {tx.txid}, which neither pays nor spends the address: nothing of it is stored; try another source",
                )
            before = tx.block
        if (wrong := contradiction(listed)) != "":
            self._client.fail(self._host, f"contradicts itself: {wrong}; nothing of it is stored; try another source")
        if len({tx.txid for tx in listed}) != len(listed):
            self._client.fail(self._host, "lists a transaction twice on one page: try another source")

    def _stats(self, subject: str, address: str) -> tuple[Stats, Reply]:
        reply = self._ok(self._json(subject, address))
        return self._read.stats(reply.value), reply

    def _hash_at(self, height: int) -> str | None:
        reply = self._client.text(self._host, Request(f"block-height/{height}"))
        if reply.status == 404:
            return None
        return self._read.hash(self._ok(reply).text.strip().strip('"'), f"hash of block {height:,}")

    def _check_chain(self) -> None:
        """That the server speaks of the same chain as we do, by the hash of its first block."""
        genesis = self._hash_at(0) or ""
        if not genesis.startswith(chain_of(self.chain).caip2.removeprefix("bip122:")):
            self._client.fail(self._host, f"serves another chain than {self.chain}: name another host, or another --chain")

    def _json(self, path: str, about: str = "") -> Reply:
        return self._client.json(self._host, Request(path, about=about))

    def _ok(self, reply: Reply) -> Reply:
        """The reply, if it is none of an error: those are plain text here."""
        if reply.status != 200:
            self._client.fail(self._host, f"refuses: {reply.status} {reply.excerpt}; narrow --since, or try another source")
        return reply


def _covered(question: Question, first: int, reason: str = "") -> Covered:
    return Covered(NATIVE, first, question.until.height, reason)


def _subject(script: bytes, address: str | None) -> str:
    """Path of an address, or of a script by its hash."""
    return f"address/{address}" if address else f"scripthash/{hashlib.sha256(script).hexdigest()}"


def _place(cursor: str) -> _Place:
    try:
        return _Place(**json.loads(cursor))
    except (ValueError, TypeError):
        raise SourceError("the place where the fetch stopped cannot be read: begin the address again with --restart") from None
