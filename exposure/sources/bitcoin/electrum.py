"""Electrum servers: the list of an address's transactions, each of them raw, and proof of its place in the chain.

Everything that such a server says of a transaction is checked: its bytes hash to its id, and a Merkle path leads from it to
the header of its block. What it can do is leave something out: for that it is asked for the balance.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TypeVar

from exposure.errors import SourceError
from exposure.model.addresses import address_script
from exposure.model.assets import chain as chain_of
from exposure.net.http import Reply
from exposure.net.lines import Call, Lines
from exposure.sources.bitcoin.coins import Tx, key_script, net_flow, rows
from exposure.sources.bitcoin.electrum_rows import Entry, Reader, assembled
from exposure.sources.bitcoin.esplora import CONFIRMATIONS
from exposure.sources.bulk.block_parser import Header, Transaction
from exposure.sources.remote import (
    NATIVE,
    Answer,
    Balance,
    Block,
    Covered,
    CursorGoneError,
    Page,
    Question,
    Size,
    answer,
    is_transaction,
    transaction_page,
)
from exposure.text import shown

PAGE = 10
"""Transactions handed over at once: each takes about three calls, and those of a page go out together."""

PROTOCOL = "1.4"
K = TypeVar("K")
V = TypeVar("V")

_SCRIPTS_TRIED = 5
_TOGETHER = 50  # calls on their way at once
_KEPT = 5_000  # parents and headers remembered


@dataclass(frozen=True, slots=True)
class _Place:
    """How far a history is read: of ``script`` (hex), up to and with ``last`` at ``height``; then ``waiting``."""

    script: str
    waiting: str = ""
    last: str = ""
    height: int = -1
    balance: int = 0
    key: bool = False


class ElectrumHistory:
    """See `exposure.sources.remote.RemoteHistory`."""

    def __init__(self, chain: str, lines: Lines) -> None:
        self.chain = chain
        self.name = f"electrum {lines.host.name}"
        self._lines = lines
        self._lines.hello = ("server.version", ["chain-exposure", PROTOCOL])
        self._read = Reader(lines.host.name)
        self._headers: dict[int, Header] = {}
        self._txs: dict[str, Transaction] = {}
        self._checked = False

    def head(self, height: int | None = None) -> Block | None:
        """See `RemoteHistory.head`: the block with six confirmations."""
        if not self._checked:
            if not self._header(0).hash.startswith(chain_of(self.chain).caip2.removeprefix("bip122:")):
                self._lines.fail(f"serves another chain than {self.chain}: name another host, or another --chain")
            self._checked = True
        if height is None:
            tip = self._read.tip(self._call("blockchain.headers.subscribe", [])[0])
            self._headers = {0: self._headers[0]}  # others may be of blocks that are gone
            height = max(tip - CONFIRMATIONS + 1, 0)
        if height not in self._headers and self._error("blockchain.block.header", [height]):
            return None
        header = self._header(height)
        return Block(height, header.hash, header.time)

    def size(self, address: str) -> Size:
        """See `RemoteHistory.size`."""
        if is_transaction(address):
            return Size(1, calls=5)
        entries, _ = self._history(address_script(address), address)
        return Size(len(entries), calls=3 + 3 * len(entries))

    def pages(self, question: Question, cursor: str | None = None) -> Iterator[Page]:
        """See `RemoteHistory.pages`; oldest first."""
        if is_transaction(question.address):
            yield self._single(question)
            return
        own = address_script(question.address)
        place: _Place | None = _Place(own.hex()) if cursor is None else _place(cursor)
        entries: list[Entry] | None = None
        answers: list[Answer] = []
        while place is not None:
            if entries is None:
                entries, reply = self._history(bytes.fromhex(place.script), question.address)
                answers = [answer(reply, 0)]
            page, following = self._page(question, own, place, entries, answers)
            answers = []
            if following is None or following.script != place.script:
                entries = None
            yield page
            place = following

    def _page(
        self, question: Question, own: bytes, place: _Place, entries: list[Entry], answers: list[Answer]
    ) -> tuple[Page, _Place | None]:
        about, until = question.address, question.until.height
        wanted = [entry for entry in entries if question.since <= entry.height <= until]
        start = 0
        if place.last:
            known = [n for n, entry in enumerate(wanted) if (entry.height, entry.txid) == (place.height, place.last)]
            if not known:
                raise CursorGoneError(f"{self._lines.host.name} lists {place.last} no more: the address is begun again")
            start = known[0] + 1
        batch = wanted[start : start + PAGE]
        txs = self._transactions(batch, about, answers)
        script = bytes.fromhex(place.script)
        if not place.key and script == own:
            direct = key_script(txs, script)
            if direct is not None:
                place = replace(place, key=True, waiting=direct.hex() if self._history(direct, about)[0] else "")
        blocks = [Block(*one) for one in dict.fromkeys((tx.block, tx.block_hash, tx.time) for tx in txs)]
        page = Page(rows(txs, self.chain), answers, blocks=blocks)
        left = wanted[start + PAGE :]
        if left:
            following = replace(place, last=batch[-1].txid, height=batch[-1].height)
            # The next transaction may stand in the same block as the last one.
            whole = () if place.waiting or script != own else (Covered(NATIVE, question.since, left[0].height - 1),)
            return replace(page, cursor=json.dumps(asdict(following)), covered=whole), following
        held = place.balance + self._balance(script, entries, until, about, answers)
        if place.waiting:
            following = _Place(place.waiting, balance=held, key=True)
            return replace(page, cursor=json.dumps(asdict(following))), following
        balance = (Balance(f"{self.chain}/native", held, until),) if held >= 0 else ()
        return replace(page, covered=(Covered(NATIVE, question.since, until),), balances=balance), None

    def _single(self, question: Question) -> Page:
        """One transaction. No call tells its block, so that is looked up in the history of what it pays to or spends from."""
        hash_ = question.address
        self._know([hash_], hash_)
        raw, answers = self._txs[hash_], list[Answer]()
        entry = self._entry(hash_, [made.script for made in raw.outputs[:_SCRIPTS_TRIED]])
        if entry is None and not raw.coinbase:
            spent = raw.inputs[:_SCRIPTS_TRIED]
            self._know(dict.fromkeys(one.spent_tx for one in spent), hash_)
            coins = [(self._txs[one.spent_tx].outputs, one.spent_n) for one in spent]
            entry = self._entry(hash_, [made[n].script for made, n in coins if n < len(made)])
        if entry is None:
            self._lines.fail(
                f"does not say in which block {hash_} stands: it is not confirmed, or only busy addresses have to do with it; "
                "fetch it again later, or from esplora"
            )
        (tx,) = self._transactions([entry], hash_, answers)
        block = Block(tx.block, tx.block_hash, tx.time)
        page = transaction_page(question, chain_of(self.chain), rows([tx], self.chain), [], block)
        return replace(page, answers=answers)

    def _entry(self, txid: str, scripts: Sequence[bytes]) -> Entry | None:
        """The transaction in the history of one of some scripts; a server may refuse those of busy ones."""
        for script in dict.fromkeys(scripts):
            reply = self._lines.ask("blockchain.scripthash.get_history", [_scripthash(script)], txid)
            value = self._read.table(reply.value, "the reply")
            if value.get("error") is not None:
                continue
            for entry in self._read.history(value.get("result")):
                if entry.txid == txid:
                    return entry
        return None

    def _balance(self, script: bytes, entries: list[Entry], until: int, about: str, answers: list[Answer]) -> int:
        """Satoshis of a script after the finalized block: what the server says now, less what came later."""
        found, reply = self._call("blockchain.scripthash.get_balance", [_scripthash(script)], about)
        answers.append(answer(reply, 0))
        if self._history(script, about)[0] != entries:
            raise CursorGoneError(f"{self._lines.host.name} has another history now than when it was begun: begun again")
        later = self._transactions([entry for entry in entries if entry.height > until], about, answers)
        return self._read.balance(found) - sum(net_flow(tx, frozenset({script})) for tx in later)

    def _transactions(self, entries: Sequence[Entry], about: str, answers: list[Answer]) -> list[Tx]:
        """Transactions of a history, with what they spend, checked against the headers of their blocks."""
        self._know_headers(dict.fromkeys(entry.height for entry in entries), about)
        self._know(dict.fromkeys(entry.txid for entry in entries), about)
        raws = [self._txs[entry.txid] for entry in entries]
        kept = dict(self._txs)  # the parents may push the transactions themselves out of what is remembered
        self._know(dict.fromkeys(one.spent_tx for raw in raws if not raw.coinbase for one in raw.inputs), about)
        kept |= self._txs
        paths = self._calls([("blockchain.transaction.get_merkle", [entry.txid, entry.height]) for entry in entries], about)
        found = []
        for entry, raw, (path, reply) in zip(entries, raws, paths, strict=True):
            header = self._headers[entry.height]
            place = self._read.place(path, entry.txid, header)
            tx = assembled(raw, kept, Block(entry.height, header.hash, header.time), place)
            answers.append(answer(reply, len(tx.made) + len(tx.spent)))
            found.append(tx)
        return found

    def _know(self, txids: Iterable[str], about: str) -> None:
        """Have raw transactions at hand."""
        missing = [txid for txid in txids if txid not in self._txs]
        for txid, (raw, _) in zip(
            missing, self._calls([("blockchain.transaction.get", [txid]) for txid in missing], about), strict=True
        ):
            _keep(self._txs, txid, self._read.transaction(raw, txid))

    def _know_headers(self, heights: Iterable[int], about: str) -> None:
        """Have headers at hand."""
        missing = [height for height in heights if height not in self._headers]
        found = self._calls([("blockchain.block.header", [height]) for height in missing], about)
        for height, (header, _) in zip(missing, found, strict=True):
            _keep(self._headers, height, self._read.header(header))

    def _header(self, height: int) -> Header:
        self._know_headers([height], "")
        return self._headers[height]

    def _history(self, script: bytes, about: str) -> tuple[list[Entry], Reply]:
        found, reply = self._call("blockchain.scripthash.get_history", [_scripthash(script)], about)
        return self._read.history(found), reply

    def _error(self, method: str, parameters: list[object]) -> bool:
        return self._read.table(self._lines.ask(method, parameters).value, "the reply").get("error") is not None

    def _call(self, method: str, parameters: list[object], about: str = "") -> tuple[object, Reply]:
        return self._calls([(method, parameters)], about)[0]

    def _calls(self, questions: Sequence[Call], about: str) -> list[tuple[object, Reply]]:
        """Results of calls, in order; an error among them is one of the source."""
        found = []
        for start in range(0, len(questions), _TOGETHER):
            batch = questions[start : start + _TOGETHER]
            for (method, _), reply in zip(batch, self._lines.ask_many(batch, about), strict=True):
                value = self._read.table(reply.value, "the reply")
                error = value.get("error")
                if error is not None:
                    message = str(error.get("message") if isinstance(error, dict) else error)[:200]
                    hint = "; it does not serve busy addresses: try esplora, or your own node" if "too large" in message else ""
                    self._lines.fail(f"refuses {method}: {shown(message)}{hint}")
                found.append((value.get("result"), reply))
        return found


def _scripthash(script: bytes) -> str:
    """What Electrum files a script under: its SHA-256, bytes reversed."""
    return hashlib.sha256(script).digest()[::-1].hex()


def _keep(kept: dict[K, V], name: K, value: V) -> None:
    """Remember a value; the oldest goes when there are many, but not block 0, which tells the chain."""
    kept[name] = value
    if len(kept) > _KEPT:
        oldest = next(key for key in kept if key != 0)
        del kept[oldest]


def _place(cursor: str) -> _Place:
    try:
        return _Place(**json.loads(cursor))
    except (ValueError, TypeError):
        raise SourceError("the place where the fetch stopped cannot be read: begin the address again with --restart") from None
