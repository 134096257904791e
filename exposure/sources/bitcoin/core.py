"""A Bitcoin node of one's own, by its RPC: addresses through its index of block filters, or whole blocks.

A node has no index of addresses. With ``-blockfilterindex=1`` it says which blocks may concern a script (``scanblocks``), and
in which of them something moved (``getdescriptoractivity``); those are read whole, with the outputs that they spend.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

from exposure.errors import SourceError
from exposure.model.addresses import address_script
from exposure.model.assets import chain as chain_of
from exposure.net.calls import Host
from exposure.net.http import Again, Client, Reply, Request
from exposure.sources.bitcoin.coins import Tx, contradiction, key_script, net_flow, rows, touches
from exposure.sources.bitcoin.core_rows import Fault, Reader
from exposure.sources.bitcoin.esplora import CONFIRMATIONS
from exposure.sources.remote import (
    ANY_ADDRESS,
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
    unknown_transaction,
)

RANGE = 5_000
"""Blocks that one scan looks at: the node answers within seconds."""

BATCH = 100
_RECENT = 100  # blocks above the finalized one that are looked through for a balance
_WHOLE_BLOCKS = 10

_OUTPUTS_TRIED = 5

_WARMING_UP, _NO_SUCH_METHOD, _BUSY, _UNKNOWN_TX = -28, -32601, -8, -5


@dataclass(frozen=True, slots=True)
class _Place:
    """How far the blocks are looked through: for ``script`` (hex), up to before ``next``; then for ``waiting``."""

    next: int
    script: str = ""
    waiting: str = ""
    done: str = ""
    key: bool = False


class CoreHistory:
    """See `exposure.sources.remote.RemoteHistory`."""

    def __init__(self, chain: str, host: Host, client: Client) -> None:
        self.chain = chain
        self.name = f"core {host.name}"
        self._host = host
        self._client = client
        self._read = Reader(host.name)
        self._blocks: dict[int, Block] = {}
        self._checked = False
        self._activity = True

    def head(self, height: int | None = None) -> Block | None:
        """See `RemoteHistory.head`: the block with six confirmations."""
        if not self._checked:
            genesis = self._read.hash(self._call("getblockhash", [0])[0], "hash of the first block")
            if not genesis.startswith(chain_of(self.chain).caip2.removeprefix("bip122:")):
                self._client.fail(self._host, f"is a node of another chain than {self.chain}")
            self._checked = True
        if height is None:
            tip = self._read.whole(self._call("getblockcount", [])[0], "the height of the tip")
            height = max(tip - CONFIRMATIONS + 1, 0)
        if height not in self._blocks:
            found = self._try("getblockhash", [height])[0]
            if isinstance(found, Fault):
                return None
            hash_ = self._read.hash(found, f"hash of block {height:,}")
            header = self._read.header(self._call("getblockheader", [hash_])[0])
            if header.height != height or header.hash != hash_:
                self._client.fail(self._host, f"sent another header than that of block {height:,}: try again")
            self._blocks[height] = header
        return self._blocks[height]

    def size(self, address: str) -> Size:
        """See `RemoteHistory.size`: a node does not know before it has looked."""
        if is_transaction(address):
            return Size(1, calls=2)
        return Size(0, at_least=True)

    def pages(self, question: Question, cursor: str | None = None) -> Iterator[Page]:
        """See `RemoteHistory.pages`; oldest blocks first."""
        if question.address == ANY_ADDRESS:
            yield from self._whole_blocks(question, question.since if cursor is None else _place(cursor).next)
            return
        if is_transaction(question.address):
            yield self._single(question)
            return
        own = address_script(question.address)
        place: _Place | None = _Place(question.since, own.hex()) if cursor is None else _place(cursor)
        while place is not None:
            page, place = self._range(question, own, place)
            yield page

    def _range(self, question: Question, own: bytes, place: _Place) -> tuple[Page, _Place | None]:
        script = bytes.fromhex(place.script)
        last = min(place.next + RANGE - 1, question.until.height)
        txs, answers = self._scan(question.address, script, place.next, last) if place.next <= last else ([], [])
        if not place.key and script == own:
            direct = key_script(txs, script)
            place = place if direct is None else replace(place, key=True, waiting=direct.hex())
        page = Page(rows(txs, self.chain), answers, blocks=_blocks(txs))
        following = replace(place, next=last + 1)
        if last < question.until.height:
            whole = () if place.waiting or place.done else (Covered(NATIVE, question.since, last),)
            return replace(page, cursor=json.dumps(asdict(following)), covered=whole), following
        if place.waiting:
            following = _Place(question.since, place.waiting, done=place.script, key=True)
            return replace(page, cursor=json.dumps(asdict(following))), following
        scripts = [one for one in (place.script, place.done) if one]
        balance, told = self._balance(question, scripts)
        covered = (Covered(NATIVE, question.since, question.until.height),)
        return replace(page, answers=[*page.answers, *told], covered=covered, balances=balance), None

    def _scan(self, about: str, script: bytes, first: int, last: int) -> tuple[list[Tx], list[Answer]]:
        """Transactions of a script in a range of blocks."""
        descriptor = f"raw({script.hex()})"
        found, reply = self._call("scanblocks", ["start", [descriptor], first, last, "basic"], about)
        hashes = self._read.relevant(found)
        answers = [answer(reply, 0)]
        txs: list[Tx] = []
        for start in range(0, len(hashes), BATCH):
            batch = hashes[start : start + BATCH]
            for hash_ in self._with_activity(batch, descriptor, about, answers):
                block, told = self._block(hash_, about)
                if not first <= block[0].block <= last:
                    self._client.fail(self._host, f"found block {block[0].block:,} between {first:,} and {last:,}")
                mine = [tx for tx in block if touches(tx, frozenset({script}))]
                if (wrong := contradiction([*txs[-1:], *mine[:1]])) != "":
                    self._client.fail(self._host, f"contradicts itself: {wrong}; nothing of it is stored")
                answers.append(answer(told, sum(len(tx.made) + len(tx.spent) for tx in mine)))
                txs += mine
        return txs, answers

    def _with_activity(self, hashes: Sequence[str], descriptor: str, about: str, answers: list[Answer]) -> list[str]:
        """Those of the blocks in which something moved: filters also name some that only look like it."""
        if not self._activity:
            return list(hashes)
        found, reply = self._try("getdescriptoractivity", [list(hashes), [descriptor], False], about)
        if isinstance(found, Fault):
            if found.code != _NO_SUCH_METHOD:
                self._refused("getdescriptoractivity", found)
            self._activity = False  # a node before version 29
            return list(hashes)
        answers.append(answer(reply, 0))
        active = self._read.active(found)
        return [hash_ for hash_ in hashes if hash_ in active]

    def _balance(self, question: Question, scripts: Sequence[str]) -> tuple[tuple[Balance, ...], list[Answer]]:
        """What the scripts hold after the finalized block: by the node's own set of unspent coins, less what came later."""
        descriptors = [f"raw({script})" for script in scripts]
        found, reply = self._try("scantxoutset", ["start", descriptors], question.address)
        if isinstance(found, Fault):
            return (), []
        height, held = self._read.holding(found)
        until = question.until.height
        if not until <= height <= until + _RECENT:
            return (), []
        answers = [answer(reply, 0)]
        wanted = frozenset(bytes.fromhex(script) for script in scripts)
        for above in range(until + 1, height + 1):
            block, told = self._block(self._read.hash(self._call("getblockhash", [above])[0], "hash"), "")
            answers.append(answer(told, 0))
            held -= sum(net_flow(tx, wanted) for tx in block)
        return (Balance(f"{self.chain}/native", held, until),) if held >= 0 else (), answers

    def _single(self, question: Question) -> Page:
        """One transaction, out of its block, which carries what it spends."""
        hash_ = question.address
        block_hash, replies = self._block_with(hash_)
        txs, reply = self._block(block_hash, hash_)
        found = [tx for tx in txs if tx.txid == hash_]
        if not found:
            self._client.fail(self._host, f"names block {block_hash} for {hash_}, and it is not in there: try again")
        block = Block(found[0].block, block_hash, found[0].time)
        made = rows(found, self.chain)
        return transaction_page(question, chain_of(self.chain), made, [*replies, reply], block)

    def _block_with(self, txid: str) -> tuple[str, list[Reply]]:
        """Hash of the block of a transaction: by the index of transactions, else by an output that nobody has spent yet."""
        found, reply = self._try("getrawtransaction", [txid, 1], txid)
        if not isinstance(found, Fault):
            tx = self._read.table(found, "the transaction")
            if tx.get("blockhash") is None:
                raise unknown_transaction(self._host.name, txid, self.chain)
            return self._read.hash(tx["blockhash"], "blockhash"), [reply]
        if found.code != _UNKNOWN_TX:
            self._refused("getrawtransaction", found)
        replies = [reply]
        for n in range(_OUTPUTS_TRIED):
            unspent, reply = self._call("gettxout", [txid, n, False], txid)
            replies.append(reply)
            if unspent is not None:
                best, deep = self._read.unspent(unspent)
                tip = self._read.header(self._call("getblockheader", [best])[0]).height
                hash_ = self._call("getblockhash", [max(tip - deep + 1, 0)])[0]
                return self._read.hash(hash_, "hash of the block"), replies
        return self._client.fail(
            self._host,
            f"has no index of transactions, and all coins of {txid} are spent: start the node with -txindex=1, ask esplora, "
            "or fetch the blocks that it may stand in with --blocks",
        )

    def _whole_blocks(self, question: Question, first: int) -> Iterator[Page]:
        """Every transaction of a range of blocks."""
        until = question.until.height
        for start in range(first, until + 1, _WHOLE_BLOCKS):
            last = min(start + _WHOLE_BLOCKS - 1, until)
            txs: list[Tx] = []
            answers = []
            for height in range(start, last + 1):
                block, told = self._block(self._read.hash(self._call("getblockhash", [height])[0], "hash"), "")
                answers.append(answer(told, sum(len(tx.made) + len(tx.spent) for tx in block)))
                txs += block
            cursor = None if last == until else json.dumps(asdict(_Place(last + 1)))
            covered = (Covered(NATIVE, question.since, last),)
            yield Page(rows(txs, self.chain), answers, cursor, covered, blocks=_blocks(txs))

    def _block(self, hash_: str, about: str) -> tuple[list[Tx], Reply]:
        found, reply = self._call("getblock", [hash_, 3], about)
        return self._read.block(found, hash_), reply

    def _call(self, method: str, parameters: list[object], about: str = "") -> tuple[object, Reply]:
        found, reply = self._try(method, parameters, about)
        if isinstance(found, Fault):
            self._refused(method, found)
        return found, reply

    def _try(self, method: str, parameters: list[object], about: str = "") -> tuple[object, Reply]:
        payload = {"jsonrpc": "1.0", "id": 1, "method": method, "params": parameters}
        slow = method in ("scanblocks", "scantxoutset")
        reply = self._client.json(
            self._host, Request("", payload=payload, about=about, read_seconds=600.0 if slow else None), self._warm
        )
        if reply.status in (401, 403):
            self._client.fail(
                self._host,
                "does not accept the user and password: set EXPOSURE_BITCOIN_RPC_COOKIE, or EXPOSURE_BITCOIN_RPC_USER and "
                "EXPOSURE_BITCOIN_RPC_PASSWORD",
            )
        if reply.value is None:
            self._client.fail(self._host, f"answers {reply.status} to {method} ({reply.excerpt}): look at its address")
        return self._read.outcome(reply.value), reply

    def _warm(self, reply: Reply) -> Again | None:
        """A node that starts, or that another scan keeps busy, is asked again."""
        if isinstance(reply.value, dict) and isinstance(reply.value.get("error"), dict):
            code, message = reply.value["error"].get("code"), str(reply.value["error"].get("message"))
            if code == _WARMING_UP or (code == _BUSY and "already in progress" in message):
                return Again(f"is busy ({message[:80]})", 2.0)
        return None

    def _refused(self, method: str, fault: Fault) -> None:
        if method == "scanblocks" and "ndex" in fault.message:
            self._client.fail(
                self._host, "has no index of block filters: start the node with -blockfilterindex=1, or fetch --blocks A-B"
            )
        if method in ("getblock", "getdescriptoractivity") and "not found" in fault.message.lower():
            raise CursorGoneError(f"{self._host.name} has dropped a block that it named before: the address is begun again")
        self._client.fail(self._host, f"refuses {method}: {fault.message[:200]} ({fault.code})")


def _blocks(txs: Sequence[Tx]) -> list[Block]:
    return [Block(*one) for one in dict.fromkeys((tx.block, tx.block_hash, tx.time) for tx in txs)]


def _place(cursor: str) -> _Place:
    try:
        return _Place(**json.loads(cursor))
    except (ValueError, TypeError):
        raise SourceError("the place where the fetch stopped cannot be read: begin the address again with --restart") from None
