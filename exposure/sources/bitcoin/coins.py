"""From a transaction of any Bitcoin source to rows: pure, and in one place, so that three sources say the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from exposure.model.addresses import script_address
from exposure.model.addresses.hashes import hash160
from exposure.model.ledger import LAST_INDEX, Flag
from exposure.sources.bulk.stored import hash_place
from exposure.sources.remote import Row

MAX_COINS = 21_000_000 * 10**8
_FIRST_BLOCK_TIME = 1_231_006_505
_AHEAD = 4 * 3600  # two hours ahead, and two behind the median of those before

MAX_ITEMS = 200_000
"""Most inputs or outputs of a transaction; a block of four million weight units holds fewer."""


class Made(NamedTuple):
    """An output: satoshis and the script that it pays."""

    amount: int
    script: bytes


class Spent(NamedTuple):
    """An input: the coin that it spends, and that coin's output where the source states it.

    ``unlocking``: its script and witness items, in which the key of its owner may show.
    """

    tx: str
    n: int
    output: Made | None
    unlocking: tuple[bytes, ...] = ()


class Tx(NamedTuple):
    """A confirmed transaction. ``place``: in its block, None where the source does not say. No ``spent``: a coinbase."""

    txid: str
    block: int
    block_hash: str
    time: int
    place: int | None
    spent: tuple[Spent, ...]
    made: tuple[Made, ...]

    @property
    def coinbase(self) -> bool:
        """Whether it makes new coins."""
        return not self.spent


def rows(txs: Sequence[Tx], chain: str) -> dict[str, list[Row]]:
    """Rows of ``outputs`` and ``inputs``. Without a place in the block, a transaction stands by its hash (flagged)."""
    outputs: list[Row] = []
    inputs: list[Row] = []
    for tx in txs:
        place, flags = (hash_place(tx.txid), int(Flag.WEAK_ORDER)) if tx.place is None else (tx.place, 0)
        if tx.coinbase:
            place, flags = LAST_INDEX, 0
        for n, made in enumerate(tx.made):
            address, kind = script_address(made.script, chain)
            outputs.append((chain, tx.txid, n, tx.block, place, tx.time, address, made.amount, kind, tx.coinbase, flags))
        for n, spent in enumerate(tx.spent):
            known = None if spent.output is None else script_address(spent.output.script, chain)[0]
            amount = None if spent.output is None else spent.output.amount
            inputs.append((chain, tx.txid, n, tx.block, place, tx.time, spent.tx, spent.n, known, amount, flags))
    return {"outputs": outputs, "inputs": inputs}


def net_flow(tx: Tx, scripts: frozenset[bytes]) -> int:
    """What a transaction brings to scripts less what it takes from them; inputs of unknown output count nothing."""
    received = sum(made.amount for made in tx.made if made.script in scripts)
    return received - sum(spent.output.amount for spent in tx.spent if spent.output and spent.output.script in scripts)


def touches(tx: Tx, scripts: frozenset[bytes]) -> bool:
    """Whether a transaction pays or spends one of the scripts."""
    return any(made.script in scripts for made in tx.made) or any(
        spent.output is not None and spent.output.script in scripts for spent in tx.spent
    )


def contradiction(txs: Sequence[Tx]) -> str:
    """What transactions say of their blocks that cannot all be so; empty if it can.

    Times of blocks need not rise, but a block may be ahead of its time by two hours only.
    """
    blocks: dict[str, Tx] = {}
    for tx in txs:
        known = blocks.setdefault(tx.block_hash, tx)
        if (known.block, known.time) != (tx.block, tx.time):
            return f"block {tx.block_hash} has two heights or times"
        if tx.time < _FIRST_BLOCK_TIME:
            return f"block {tx.block:,} has the time {tx.time}, before Bitcoin's first"
    latest = 0
    for tx in sorted(blocks.values(), key=lambda tx: tx.block):
        if tx.time < latest - _AHEAD:
            return f"block {tx.block:,} has the time {tx.time}, and an earlier block has {latest}"
        latest = max(latest, tx.time)
    return ""


def counterparties(txs: Sequence[Tx], scripts: frozenset[bytes]) -> int:
    """Distinct scripts that stand on the other side."""
    others = {made.script for tx in txs for made in tx.made}
    others |= {spent.output.script for tx in txs for spent in tx.spent if spent.output is not None}
    return len(others - scripts)


def key_script(txs: Sequence[Tx], script: bytes) -> bytes | None:
    """The script that pays the key behind a P2PKH script directly (P2PK), if the key shows in one of the transactions.

    The store files both under one address, and no explorer does: who looks up the address misses the coins of its key.
    """
    if len(script) != 25 or not script.startswith(b"\x76\xa9\x14"):
        return None
    for tx in txs:
        for spent in tx.spent:
            if spent.output is not None and spent.output.script == script:
                for key in spent.unlocking:
                    if len(key) in (33, 65) and hash160(key) == script[3:23]:
                        return bytes([len(key)]) + key + b"\xac"
    return None


def pushes(script: bytes) -> tuple[bytes, ...]:
    """Data that a script of an input pushes, as far as it consists of plain pushes."""
    found, place = [], 0
    while place < len(script):
        size, place = script[place], place + 1
        if size > 75:
            if size != 76 or place >= len(script):
                break
            size, place = script[place], place + 1
        found.append(script[place : place + size])
        place += size
    return tuple(found)
