"""Histories from outside: what a source for one chain has to offer, and what it hands over.

How to write a source
---------------------
One folder a chain family (``sources/bitcoin``, ``sources/evm``, ``sources/tron``), and in it for each API two modules:
``..._calls`` makes requests through `exposure.net` and follows cursors, ``..._rows`` is pure and turns replies into rows.
An object that keeps `RemoteHistory` ties them together, and a line in `exposure.sources.registry` names it.

* Rows are tuples in the order of the table's columns in `exposure.model.schemas`, without the last one (``source``).
  Addresses are canonical, hashes lower case, amounts Python integers in base units. Nothing goes through a float.
* A source never repairs and never guesses: a field of the wrong type is a `SourceError` from `unreadable`.
* ``question.until`` is the finalized block: rows above it are not handed over (their flows may be counted, see `Page`).
* A page that returns exactly the cap is "maybe more". Only what the source states or a short page ends a list.
* When a cursor is gone or blocks changed between pages, raise `CursorGoneError`: the address is begun again, which costs
  calls and no correctness, since rows are stored once.
* Every request goes through `exposure.net.http.Client` (or `exposure.net.lines`), with ``about`` set to the address.

What the workflow does with it (`exposure.workflows.fetch`): asks `head` and `size`, walks `pages`, commits rows, coverage,
replies and cursor together every so many rows, so that a kill loses at most the pages since; checks balances against the
flows that are stored, and takes back completeness where they differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable

from exposure.errors import SourceError
from exposure.model.assets import Chain
from exposure.net.http import Reply
from exposure.text import shown

Row = tuple[object, ...]

TOKENS = "tokens"
"""Asset kind of a `Covered` that speaks of every token of an address at once; ``native`` of the chain's own coin."""

NATIVE = "native"


_TRANSACTION = re.compile(r"(0x)?[0-9a-f]{64}")

ANY_ADDRESS = "*"
"""Address of a question for everything that moved in some blocks; only a node can answer it."""


class CursorGoneError(SourceError):
    """The place up to which a list was read is no longer in it: begin the address again."""


class Block(NamedTuple):
    """A block by height and hash; unix seconds, 0 where the source does not say the time."""

    height: int
    hash: str
    time: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for: the movements of an address in the blocks ``since`` to ``until`` (both included).

    ``address`` may be the hash of a transaction instead, as its chain prints it (`is_transaction`): then all that moved in it
    is asked for, whoever moved it, if it stands in a block up to ``until``.
    """

    address: str
    until: Block
    since: int = 0


@dataclass(frozen=True, slots=True)
class Size:
    """How long a history is, from the first reply.

    ``transactions``: as the source states, or those of the first page where ``at_least``. ``calls``: how many it would take
    to fetch all of it; None if unknown. ``counterparties``: distinct ones on the first page, 0 if it was not looked at.
    """

    transactions: int
    at_least: bool = False
    calls: int | None = None
    counterparties: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply as it is recorded: address without key, SHA-256 of the body, unix seconds, rows that came of it."""

    url: str
    sha256: str
    time: int
    rows: int


@dataclass(frozen=True, slots=True)
class Covered:
    """What is whole after a page, or why it is not.

    ``kind``: `NATIVE`, `TOKENS`, or the id of one asset. Blocks ``first`` to ``last`` are whole if ``reason`` is empty.
    ``first`` 0: from the beginning. ``opening``: balance just before ``first`` in base units, where it is known.
    """

    kind: str
    first: int
    last: int
    reason: str = ""
    opening: int | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """What an address holds of an asset after a block, as the source says when asked for that (not summed from rows)."""

    asset: str
    amount: int
    block: int


@dataclass(frozen=True, slots=True)
class Page:
    """One step of a history.

    Attributes
    ----------
    rows
        By table (``transfers``, or ``outputs`` and ``inputs``): tuples as described above.
    answers
        The replies that it was made of.
    cursor
        A text from which `RemoteHistory.pages` goes on after this page; None: this was the last one.
    covered
        What is whole now, of everything up to and with this page; each page repeats and widens it.
    balances
        Balances that were queried, at or below ``question.until``; usually on the last page.
    blocks
        Blocks whose hash the replies state, for finding reorganisations later.
    tokens
        Symbol and decimals by asset id.
    """

    rows: Mapping[str, Sequence[Row]]
    answers: Sequence[Answer] = ()
    cursor: str | None = None
    covered: Sequence[Covered] = ()
    balances: Sequence[Balance] = ()
    blocks: Sequence[Block] = ()
    tokens: Mapping[str, tuple[str, int]] = field(default_factory=dict)


class RemoteHistory(Protocol):
    """A source of histories of one chain. ``name`` is its name in `exposure.sources.registry`, with the host's: it tells
    apart what came from where."""

    name: str
    chain: str

    def head(self, height: int | None = None) -> Block | None:
        """The newest finalized block; or the block at a height, None if the source has no block there."""
        ...

    def size(self, address: str) -> Size:
        """How long the history of an address is; one call."""
        ...

    def pages(self, question: Question, cursor: str | None = None) -> Iterator[Page]:
        """The history page by page, from the beginning or from a cursor of an earlier page of the same question.

        Raises
        ------
        SourceError
            `CursorGoneError` among them. What pages were handed over before stays valid.
        """
        ...


@runtime_checkable
class Listed(Protocol):
    """A source that can show the beginning of each of its lists, without reading one to its end before the next."""

    def lists(self, question: Question) -> Iterable[Iterator[Page]]:
        """The lists of an address that tell of its counterparties, each page by page; what its pages cover is not asked."""
        ...


def is_transaction(subject: str) -> bool:
    """Whether a question is about a transaction, by its hash in lower case (on EVM chains behind 0x), instead of an address."""
    return _TRANSACTION.fullmatch(subject) is not None


def transaction_of(text: str, chain: Chain) -> str | None:
    """The hash of a transaction as its chain prints it, of whatever form and case it was typed in; None if it is no hash."""
    hash_ = text.strip().lower()
    if not is_transaction(hash_):
        return None
    bare = hash_.removeprefix("0x")
    return f"0x{bare}" if chain.family == "evm" else bare


def transaction_page(
    question: Question,
    chain: Chain,
    rows: Mapping[str, Sequence[Row]],
    replies: Sequence[Reply],
    block: Block,
    *,
    voids: Mapping[str, str] | None = None,
    names: Mapping[str, tuple[str, int]] | None = None,
) -> Page:
    """The one page about a transaction.

    Nothing is covered by it: it says what moved in this transaction, and of no address that this is all. ``voids``: what of
    the transaction could not be had, by asset, which is said under its hash.

    Raises
    ------
    SourceError
        If the transaction stands in no final block yet.
    """
    if block.height > question.until.height:
        raise SourceError(f"{question.address} stands in no final block of {chain.name} yet: fetch it again later")
    covered = [
        Covered(NATIVE if asset == chain.native else asset, block.height, block.height, reason)
        for asset, reason in (voids or {}).items()
    ]
    answers = [answer(reply, 0) for reply in replies]
    if answers:
        answers[-1] = answer(replies[-1], sum(map(len, rows.values())))
    return Page(rows, answers, covered=covered, blocks=[block] if block.hash else [], tokens=names or {})


def unknown_transaction(where: str, tx: str, chain: str) -> SourceError:
    """The error for a transaction that a source does not know."""
    return SourceError(
        f"{where} knows no transaction {tx} of {chain} in a block: look at the hash and at --chain; if it is a fresh one, "
        "fetch it again later"
    )


def answer(reply: Reply, rows: int) -> Answer:
    """The record of a reply."""
    return Answer(reply.url, reply.sha256, reply.time, rows)


def unreadable(where: str, what: str, value: object) -> SourceError:
    """The error for a reply that is JSON, but not what it should be: who sent it, which field, and what it held."""
    return SourceError(
        f"{where} sent a reply that cannot be read: {what} is {shown(value, 60)}; nothing of it is stored. If it stays so, "
        "the host has changed its form: try another source"
    )
