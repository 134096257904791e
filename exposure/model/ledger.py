"""The ledger as the engines see it: transfers (account chains), transactions of coins (UTXO chains), and their order.

Amounts are exact integers of the asset's base unit. Order is total: ``(block, tx_index, index)``, never the time alone.
Both kinds of rows are plain values; nothing here reads a file or knows where rows come from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

LAST_INDEX = 2**31 - 1
"""Index of a fee within its transaction, and transaction index of block rewards: behind everything else."""


class Place(NamedTuple):
    """Position in a ledger. Compares in canonical order."""

    block: int
    tx_index: int
    index: int  # type: ignore[assignment]  # the field hides tuple.index, which a place has no use for


class Kind(StrEnum):
    """What a transfer is. Only ``FEE`` changes how it is drawn: last in its transaction, also when that failed."""

    VALUE = "value"
    INTERNAL = "internal"
    TOKEN = "token"
    FEE = "fee"
    REWARD = "reward"
    MINT = "mint"
    BURN = "burn"


class Status(StrEnum):
    """Outcome of a transaction. ``UNKNOWN`` counts as moved, is flagged, and makes coverage incomplete."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Flag:
    """Bits in the ``flags`` column of a stored row."""

    WEAK_IDENTITY = 1  # no transaction hash: identity is (asset, from, to, amount, time, n-th repeat)
    WEAK_ORDER = 2  # no index: ordered by (block or second, hash, place in the source's reply)
    UNKNOWN_STATUS = 4  # the source cannot tell whether the transaction failed
    FLOAT_AMOUNT = 8  # the source printed the amount as a float: digits may be lost
    TIME_ORDER = 16  # the source has no block numbers: ``block`` is the second


@dataclass(frozen=True, slots=True)
class Transfer:
    """One movement of one asset between two addresses (account chains).

    ``sender`` None is a mint, ``receiver`` None a burn or a fee. ``ref`` names the row in reports:
    ``tx:ordinal`` or a weak identity. A failed transfer moves nothing (its fee is a row of its own).
    """

    ref: str
    tx: str
    place: Place
    time: int
    sender: str | None
    receiver: str | None
    asset: str
    amount: int
    kind: Kind = Kind.VALUE
    failed: bool = False
    flags: int = 0


class Coin(NamedTuple):
    """Name of a transaction output."""

    tx: str
    n: int

    def __str__(self) -> str:
        return f"{self.tx}:{self.n}"


@dataclass(frozen=True, slots=True)
class Spend:
    """One input. ``amount`` and ``address`` are None where the parent is not known."""

    coin: Coin
    address: str | None
    amount: int | None


@dataclass(frozen=True, slots=True)
class Output:
    """One output. ``address`` is never None: scripts without an address carry a stable script id."""

    address: str
    amount: int


@dataclass(frozen=True, slots=True)
class UtxoTx:
    """One transaction of a UTXO chain; inputs and outputs in the order the transaction has them.

    ``inputs`` is empty for a coinbase. ``unknown_inputs`` says that (further) inputs exist whose parents were not
    fetched. ``joint``: recognised as made by several owners (CoinJoin, payjoin): there every output is a hop.
    """

    tx: str
    place: Place
    time: int
    inputs: tuple[Spend, ...]
    outputs: tuple[Output, ...]
    coinbase: bool = False
    unknown_inputs: bool = False
    pool: str = ""
    joint: bool = False

    @property
    def complete(self) -> bool:
        """Whether the value of every input is known."""
        return not self.unknown_inputs and all(spend.amount is not None for spend in self.inputs)


@dataclass(frozen=True, slots=True)
class Incomplete:
    """A pot whose history is not whole, as coverage declares it. It bears on the interval, never on the figure.

    ``since`` None: the place of the gap is unknown, so from the pot's beginning. ``oldest``: only movements before the
    first stored one are missing. ``until``/``balance``: just before that place the pot holds ``balance``, known, of
    unknown origin, and it is complete from there.
    """

    address: str
    asset: str
    since: Place | None = None
    oldest: bool = False
    until: Place | None = None
    balance: int | None = None
    reason: str = "history incomplete"


def in_spending_order(txs: Iterable[UtxoTx]) -> list[UtxoTx]:
    """Transactions in canonical order, and within a block no spender before what it spends.

    A chain orders its blocks so by itself; a source that gives no places within a block does not. Cost: a sort, and one
    pass; only blocks with a spender before its parent are looked at twice.
    """
    ordered = sorted(txs, key=lambda tx: (tx.place, tx.tx))
    result: list[UtxoTx] = []
    for _, together in groupby(ordered, key=lambda tx: tx.place.block):
        block = list(together)
        at = {tx.tx: place for place, tx in enumerate(block)}
        if any(at.get(spend.coin.tx, -1) > place for place, tx in enumerate(block) for spend in tx.inputs):
            block = _parents_first(block, at)
        result += block
    return result


def _parents_first(block: list[UtxoTx], at: dict[str, int]) -> list[UtxoTx]:
    done: dict[int, None] = {}
    for start in range(len(block)):
        waiting = [start]
        while waiting:
            place = waiting[-1]
            parents = [at[spend.coin.tx] for spend in block[place].inputs if spend.coin.tx in at]
            missing = [parent for parent in parents if parent not in done and parent not in waiting]
            if missing:
                waiting.append(missing[0])
            else:
                waiting.pop()
                done[place] = None
    return [block[place] for place in done]
