"""What a first look at a long history showed: how many others it deals with, and the replies that say so.

A look is taken instead of a fetch that would cost too much. It is kept with its figures, not with a verdict: whether it makes
an address a hub hangs on the threshold of each run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from exposure.store.catalogue import Connection
from exposure.store.fetches import Reply
from exposure.text import counted

DDL = """
create table if not exists looks (
    chain text not null,
    address text not null,
    asset text not null,
    source text not null,
    transactions integer,
    read integer not null,
    moved integer not null,
    counterparties integer not null,
    sent text not null,
    to_few text not null,
    replies text not null,
    primary key (chain, address, asset)
) without rowid;
"""

MIN_SEEN = 10
"""Counterparties that a look must have met before it is taken for a sample of the whole history."""


@dataclass(frozen=True, slots=True)
class Look:
    """Counterparties of an address in one asset, in the first pages of its history.

    Attributes
    ----------
    transactions
        Length of the whole history, as the source states it; None if it does not.
    read, moved
        Transactions on the pages that were read; those that moved the asset above the dust limit.
    counterparties
        Distinct ones in these.
    sent, to_few
        Value that it sent in them, and the part of it that its few largest receivers got.
    replies
        Where the pages came from: address without key, hash, time.
    """

    chain: str
    address: str
    asset: str
    source: str
    transactions: int | None
    read: int
    moved: int
    counterparties: int
    sent: int
    to_few: int
    replies: tuple[Reply, ...] = ()

    @property
    def estimate(self) -> int:
        """Counterparties of the whole history, at least.

        Where most transactions of the sample are with somebody else each, the rest of a stated number is taken to be like
        it; else only what was seen counts.
        """
        sampled = self.counterparties >= MIN_SEEN and 2 * self.counterparties >= self.moved and self.read > 0
        if self.transactions is None or not sampled:
            return self.counterparties
        return max(self.counterparties, self.counterparties * self.transactions // self.read)

    @property
    def seen(self) -> str:
        """What the estimate is made of; words that follow it."""
        if self.estimate == self.counterparties:
            return f" seen in the first {counted(self.read, 'transaction')} at {self.source}"
        return (
            f", if all are like the first {self.read:,} of {self.transactions:,} transactions at {self.source}, "
            f"which are with {self.counterparties:,}"
        )


def save(connection: Connection, looks: Iterable[Look]) -> None:
    """Keep looks; one at the same address and asset takes the place of an older one (inside a transaction)."""
    connection.executemany(
        "insert or replace into looks values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *(look.chain, look.address, look.asset, look.source, look.transactions),
                *(look.read, look.moved, look.counterparties, str(look.sent), str(look.to_few)),
                json.dumps([list(reply) for reply in look.replies]),
            )
            for look in looks
        ],
    )


def of_chain(connection: Connection, chain: str) -> dict[tuple[str, str], Look]:
    """All looks at addresses of a chain, by address and asset."""
    cursor = connection.execute(
        "select chain, address, asset, source, transactions, read, moved, counterparties, sent, to_few, replies from looks "
        "where chain = ? order by address, asset",
        (chain,),
    )
    found = {}
    for name, address, asset, source, length, read, moved, others, sent, to_few, replies in cursor:
        kept = tuple(Reply(*reply) for reply in json.loads(replies))
        look = Look(name, address, asset, source, length, read, moved, others, int(sent), int(to_few), kept)
        found[address, asset] = look
    return found
