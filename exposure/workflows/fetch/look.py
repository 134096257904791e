"""A first look at a history that would take too many calls: with how many others does the address deal?"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from exposure.model.ledger import Kind
from exposure.model.schemas import TABLES
from exposure.sources.remote import Block, Listed, Page, Question, RemoteHistory, Row, Size
from exposure.store import looks
from exposure.store.fetches import Reply
from exposure.store.looks import Look
from exposure.store.prices import Prices
from exposure.store.store import Store
from exposure.tracing.hubs import FEW

MAX_PAGES = 12
"""Pages of one list that a look reads; the first will do where the source states the length of the history."""

Dust = Callable[[str], int]
"""Base units of an asset that do not make a counterparty."""


def dust_in(store: Store, dust_usd: float) -> Dust:
    """What some dollars are in base units of an asset, by the newest price there is; 0 without one."""
    prices, now = Prices(store), int(time.time())

    def dust(asset: str) -> int:
        price = prices.price_at(asset, "usd", now)
        if price is None or not price.value:
            return 0
        return int(dust_usd / price.value * 10 ** store.asset_info(asset).decimals)

    return dust


def look_at(source: RemoteHistory, address: str, size: Size, until: Block, *, threshold: int, dust: Dust) -> list[Look]:
    """Read the beginning of each list of an address, until it has more counterparties than the threshold, or clearly will not.

    A list of stated length is read for one page. One of unknown length is read on as long as most of its transactions are
    with somebody else each.

    Parameters
    ----------
    source
        Where the history is; one that cannot show its lists one by one is not asked.
    size
        What it said of the history's length.
    threshold
        Counterparties that a hub has more than.

    Returns
    -------
    list of Look
        One for each asset that moved.

    Raises
    ------
    SourceError
        If the source fails.
    """
    if not isinstance(source, Listed):
        return []
    tally = _Tally(address, dust)
    length = None if size.at_least else size.transactions
    for pages in source.lists(Question(address, until)):
        for number, page in enumerate(pages, 1):
            before = tally.most
            read = tally.take(page)
            if length is not None or number == MAX_PAGES or tally.most > threshold or 2 * (tally.most - before) < read:
                break
        if tally.most > threshold:
            break
    return tally.looks(source, length)


def record(store: Store, found: Iterable[Look]) -> None:
    """Keep looks in a new version of the store, since they decide what is a hub in it."""
    kept = list(found)
    with store.writer("look") as writer:
        writer.together(lambda connection, version: looks.save(connection, kept))
        writer.commit()


@dataclass(slots=True)
class _Tally:
    """Counterparties by asset, over the pages taken so far."""

    address: str
    dust: Dust
    txs: set[str] = field(default_factory=set)
    moved: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    others: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    paid: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    replies: list[Reply] = field(default_factory=list)

    @property
    def most(self) -> int:
        """Counterparties in the asset that has most."""
        return max((len(others) for others in self.others.values()), default=0)

    def take(self, page: Page) -> int:
        """Count a page; the number of transactions that are new on it."""
        before = len(self.txs)
        self.replies += [Reply(one.url, one.sha256, one.time, one.rows) for one in page.answers]
        for asset, tx, other, amount, sent in self._moves(page.rows):
            self.moved[asset].add(tx)
            self.others[asset].add(other)
            if sent:
                self.paid[asset][other] += amount
        self.txs |= {_value(table, row, "tx") for table, rows in page.rows.items() for row in rows}
        return len(self.txs) - before

    def _moves(self, rows: Mapping[str, Iterable[Row]]) -> Iterator[tuple[str, str, str, int, bool]]:
        """(asset, transaction, counterparty, amount, whether the address sent it), above dust."""
        for row in rows.get("transfers", ()):
            sender, receiver, asset, amount = (_value("transfers", row, name) for name in _TRANSFER)
            if _value("transfers", row, "kind") == Kind.FEE.value or _value("transfers", row, "status") == "failed":
                continue
            sent = sender == self.address
            other = receiver if sent else sender
            if other is not None and other != self.address and amount > self.dust(asset):
                yield asset, _value("transfers", row, "tx"), other, amount, sent
        payers: dict[str, set[str]] = defaultdict(set)
        for row in rows.get("inputs", ()):
            payers[_value("inputs", row, "tx")].add(_value("inputs", row, "address"))
        for row in rows.get("outputs", ()):
            chain, tx, receiver, amount = (_value("outputs", row, name) for name in ("chain", "tx", "address", "amount"))
            asset, senders = f"{chain}/native", payers.get(tx, set()) - {None}
            if amount <= self.dust(asset):
                continue
            if receiver == self.address:
                yield from ((asset, tx, sender, amount, False) for sender in senders - {self.address})
            elif self.address in senders:
                yield asset, tx, receiver, amount, True

    def looks(self, source: RemoteHistory, length: int | None) -> list[Look]:
        """What was seen, by asset."""
        found = []
        for asset, others in sorted(self.others.items()):
            paid = sorted(self.paid[asset].values(), reverse=True)
            counts = (length, len(self.txs), len(self.moved[asset]), len(others), sum(paid), sum(paid[:FEW]))
            found.append(Look(source.chain, self.address, asset, source.name, *counts, tuple(self.replies)))
        return found


_TRANSFER = ("sender", "receiver", "asset", "amount")


def _value(table: str, row: Row, name: str) -> Any:
    return row[TABLES[table].names.index(name)]
