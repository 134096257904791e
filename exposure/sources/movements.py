"""What a source of an account chain hands over: rows of the table `transfers`, and what it could not read.

Plain values, made by the decoders of every account chain, so that the same movement read from two sources is the same row.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from exposure.model.assets import asset_info
from exposure.model.ledger import LAST_INDEX, Flag, Kind, Status
from exposure.model.schemas import MAX_AMOUNT

MAX_SYMBOL = 32


class Movement(NamedTuple):
    """A row of `exposure.model.schemas.TRANSFERS`, its columns in their order, without ``source``."""

    chain: str
    asset: str
    tx: str
    block: int
    tx_index: int
    index: int  # type: ignore[assignment]  # the field hides tuple.index, which a row has no use for
    ordinal: str
    time: int
    sender: str | None
    receiver: str | None
    amount: int
    kind: str
    status: str
    memo: str | None = None
    flags: int = 0


@dataclass(slots=True)
class Movements:
    """Rows of one or more replies. ``voids``: why an asset's history is not whole; ``names``: symbol and decimals."""

    rows: list[Movement] = field(default_factory=list)
    voids: dict[str, str] = field(default_factory=dict)
    names: dict[str, tuple[str, int]] = field(default_factory=dict)

    def add(self, row: Movement) -> None:
        """Keep a row; one whose amount is too large to store is left out, and its asset is not whole."""
        if row.amount > MAX_AMOUNT:
            self.void(row.asset, f"a transfer of {asset_info(row.asset).symbol} has more than 38 digits and cannot be stored")
        else:
            self.rows.append(row)

    def void(self, asset: str, reason: str) -> None:
        """Say why the history of an asset is not whole; the first reason stays."""
        self.voids.setdefault(asset, reason)

    def name(self, asset: str, symbol: object, decimals: object) -> None:
        """What a token calls itself, as far as it is a short text and a small number; anything else is left out."""
        if isinstance(symbol, str) and symbol and type(decimals) is int and 0 <= decimals <= 77:
            self.names.setdefault(asset, (symbol[:MAX_SYMBOL], decimals))

    def extend(self, other: Movements) -> None:
        """Take over everything of another batch."""
        self.rows += other.rows
        for asset, reason in other.voids.items():
            self.void(asset, reason)
        for asset, name in other.names.items():
            self.names.setdefault(asset, name)


def token_kind(sender: str | None, receiver: str | None) -> Kind:
    """Mint, burn or token, by which end there is."""
    return Kind.MINT if sender is None else Kind.BURN if receiver is None else Kind.TOKEN


def fee_of(value: Movement, amount: int) -> Movement:
    """The fee of a transaction: paid by the sender of its outermost movement, last, also when it failed."""
    return value._replace(
        index=LAST_INDEX,
        ordinal="fee",
        receiver=None,
        amount=amount,
        kind=str(Kind.FEE),
        status=str(Status.OK),
        memo=None,
        flags=value.flags & ~Flag.UNKNOWN_STATUS,
    )


def hash_place(tx: str) -> int:
    """A transaction index for sources that give none: the first 31 bits of the hash, as for imported files."""
    return min(int(tx.removeprefix("0x")[:8], 16) >> 1, LAST_INDEX - 1)


def counted(rows: Iterable[Movement]) -> list[Movement]:
    """Rows of a source that does not number them: ``repeat:N:DIGEST`` for the n-th row of its ends and amount.

    Places within a transaction are the places in the reply, and the rows say so by ``WEAK_ORDER``.
    """
    nth: Counter[tuple[str, str, str]] = Counter()
    place: Counter[str] = Counter()
    result = []
    for row in rows:
        ends = f"{row.sender or ''}|{row.receiver or ''}|{row.amount}"
        digest = hashlib.md5(ends.encode(), usedforsecurity=False).hexdigest()[:12]
        nth[row.tx, row.asset, digest] += 1
        ordinal = f"repeat:{nth[row.tx, row.asset, digest]}:{digest}"
        result.append(row._replace(ordinal=ordinal, index=place[row.tx], flags=row.flags | Flag.WEAK_ORDER))
        place[row.tx] += 1
    return result
