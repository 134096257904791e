"""Histories with parts withheld, as a store holds them: what is left of the rows, and coverage that says what is missing.

Whatever is withheld, the deposits asked about and their transactions stay. A UTXO ledger loses whole transactions, which
shows by itself: whoever spends their coins has inputs of unknown value. On an account ledger coverage says it, pot by pot.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.economies import CHAINS, Deposit, Economy, label
from exposure.store.coverage import Coverage
from exposure.store.parts import part_path
from exposure.store.store import Store

ACCOUNTS, COINS = "ethereum", "bitcoin"
Pot = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Ledger:
    """All rows of both chains of a whole store, without what the store adds to them."""

    transfers: pa.Table
    outputs: pa.Table
    inputs: pa.Table


class Left(NamedTuple):
    """What is left of a ledger: which rows, and what coverage is declared."""

    transfers: Any
    txs: set[str]
    coverage: list[Coverage]


Withhold = Callable[[Ledger, set[str], random.Random], Left]


def rows_of(store: Store) -> Ledger:
    """The rows of a store."""

    def table(name: str) -> pa.Table:
        found = pa.concat_tables([pq.read_table(part_path(store.path, part)) for part in store.parts(name)])
        return found.drop_columns([column for column in ("row_key", "coin_key", "source") if column in found.column_names])

    return Ledger(table("transfers"), table("outputs"), table("inputs"))


def store_of(left: Left, ledger: Ledger, economy: Economy, into: Path) -> Store:
    """A store of what is left, with the lists of the economy."""
    store = Store.create(into)
    with store.writer("withheld") as writer:
        writer.append("transfers", ledger.transfers.filter(pa.array(left.transfers, pa.bool_())))
        kept = pa.array(sorted(left.txs), pa.string())
        writer.append("outputs", ledger.outputs.filter(pc.is_in(ledger.outputs["tx"], kept)))
        writer.append("inputs", ledger.inputs.filter(pc.is_in(ledger.inputs["tx"], kept)))
        writer.declare(left.coverage)
        writer.commit()
    label(economy, store)
    return store


def rows(share: float) -> Withhold:
    """Withhold each row (each transaction, on the UTXO chain) with this probability.

    Every pot that lacks a row is incomplete: from the block of the first missing one on, or, for half of them, anywhere.
    """

    def withhold(ledger: Ledger, kept: set[str], draw: random.Random) -> Left:
        stored = [tx in kept or draw.random() >= share for tx in ledger.transfers["tx"].to_pylist()]
        missing: dict[Pot, int] = {}
        for row, there in zip(_ends(ledger), stored, strict=True):
            if not there:
                for pot in row.pots:
                    missing.setdefault(pot, row.block)
        txs = {tx for tx in _unique(ledger.outputs, "tx") if tx in kept or draw.random() >= share}
        return Left(stored, txs, [*_whole(ledger), *_from_first(missing, draw)])

    return withhold


def histories(share: float) -> Withhold:
    """Withhold the histories of addresses with this probability: a row stays if either of its ends has been fetched."""

    def withhold(ledger: Ledger, kept: set[str], draw: random.Random) -> Left:
        ends = _ends(ledger)
        pots = list(dict.fromkeys(pot for row in ends for pot in row.pots))
        unfetched = {pot for pot in pots if draw.random() < share}
        stored = [row.tx in kept or not row.pots or any(pot not in unfetched for pot in row.pots) for row in ends]
        gaps = [Coverage(ACCOUNTS, *pot, None, None, False, "not fetched") for pot in sorted(unfetched)]
        known = {address for address in _unique(ledger.outputs, "address") if draw.random() >= share}
        txs = kept | {tx for tx, addresses in _addresses(ledger) if addresses & known}
        return Left(stored, txs, [*_whole(ledger), *gaps])

    return withhold


def newest(share: float) -> Withhold:
    """Withhold the newest rows, by this share of the blocks."""

    def withhold(ledger: Ledger, kept: set[str], draw: random.Random) -> Left:
        block = _block_at(ledger.transfers, 1 - share)
        stored = [row.tx in kept or row.block <= block for row in _ends(ledger)]
        covered = [Coverage(ACCOUNTS, "*", asset, None, block) for asset in _unique(ledger.transfers, "asset")]
        return Left(stored, _coins(ledger, kept, 1 - share, older=True), covered)

    return withhold


def oldest(share: float, *, balances: bool) -> Withhold:
    """Withhold the oldest rows, by this share of the blocks; ``balances``: what each pot held then is known."""

    def withhold(ledger: Ledger, kept: set[str], draw: random.Random) -> Left:
        block = _block_at(ledger.transfers, share)
        ends = _ends(ledger)
        # The rows of the deposits asked about are stored, wherever they lie; coverage does not speak of them.
        stored = [row.tx in kept or row.block > block for row in ends]
        if not balances:
            covered = [Coverage(ACCOUNTS, "*", asset, block + 1, None) for asset in _unique(ledger.transfers, "asset")]
            return Left(stored, _coins(ledger, kept, share, older=False), covered)
        held: dict[Pot, int] = defaultdict(int)
        for row in ends:
            for pot in row.pots:
                held[pot] += row.moved(pot) if row.block <= block else 0
        covered = [Coverage(ACCOUNTS, *pot, block + 1, None, opening=balance) for pot, balance in sorted(held.items())]
        return Left(stored, _coins(ledger, kept, share, older=False), covered)

    return withhold


SCENARIOS: dict[str, Withhold] = {
    "10 % of the rows": rows(0.1),
    "50 % of the rows": rows(0.5),
    "10 % of the histories": histories(0.1),
    "50 % of the histories": histories(0.5),
    "the newest half": newest(0.5),
    "the oldest half": oldest(0.5, balances=False),
    "the oldest half, balances known": oldest(0.5, balances=True),
}


class _Row(NamedTuple):
    """A transfer by its ends; ``pots``: those whose balance it changes."""

    tx: str
    block: int
    sender: str | None
    receiver: str | None
    asset: str
    amount: int
    failed: bool

    @property
    def pots(self) -> list[Pot]:
        if self.failed or self.sender == self.receiver:
            return []
        return [(end, self.asset) for end in (self.sender, self.receiver) if end is not None]

    def moved(self, pot: Pot) -> int:
        return self.amount if pot[0] == self.receiver else -self.amount


def _ends(ledger: Ledger) -> list[_Row]:
    columns = [
        ledger.transfers[name].to_pylist() for name in ("tx", "block", "sender", "receiver", "asset", "amount", "status")
    ]
    return [
        _Row(tx, block, sender, receiver, asset, int(amount), status == "failed")
        for tx, block, sender, receiver, asset, amount, status in zip(*columns, strict=True)
    ]


def _unique(table: pa.Table, column: str) -> list[str]:
    return sorted(pc.unique(table[column]).to_pylist())


def _whole(ledger: Ledger) -> list[Coverage]:
    return [Coverage(ACCOUNTS, "*", asset) for asset in _unique(ledger.transfers, "asset")]


def _from_first(missing: dict[Pot, int], draw: random.Random) -> Iterator[Coverage]:
    for pot, block in sorted(missing.items()):
        yield Coverage(ACCOUNTS, *pot, block if draw.random() < 0.5 else None, None, False, "rows are missing")


def _addresses(ledger: Ledger) -> Iterable[tuple[str, set[str]]]:
    """Each transaction of the UTXO chain with the addresses in whose history it stands."""
    coins = dict(
        zip(
            zip(ledger.outputs["tx"].to_pylist(), ledger.outputs["n"].to_pylist(), strict=True),
            ledger.outputs["address"].to_pylist(),
            strict=True,
        )
    )
    found: dict[str, set[str]] = defaultdict(set)
    for (tx, _), address in coins.items():
        found[tx].add(address)
    spent = (ledger.inputs[name].to_pylist() for name in ("tx", "spent_tx", "spent_n"))
    for tx, parent, n in zip(*spent, strict=True):
        found[tx].add(coins[parent, n])
    return sorted(found.items())


def _coins(ledger: Ledger, kept: set[str], share: float, *, older: bool) -> set[str]:
    """Transactions of the UTXO chain on one side of a block, and those that stay."""
    block = _block_at(ledger.outputs, share)
    sides = zip(ledger.outputs["tx"].to_pylist(), ledger.outputs["block"].to_pylist(), strict=True)
    return {tx for tx, at in sides if tx in kept or (at <= block) == older}


def _block_at(table: pa.Table, share: float) -> int:
    """The block that lies at a share of all blocks."""
    found = pc.min_max(table["block"]).as_py()
    return int(found["min"] + (found["max"] - found["min"]) * share)


def kept_of(deposits: Iterable[Deposit]) -> set[str]:
    """Transactions that stay whatever is withheld."""
    return {deposit.tx for deposit in deposits}


__all__ = ["CHAINS", "SCENARIOS", "Ledger", "Left", "kept_of", "rows_of", "store_of"]
