"""Replies of an Esplora server: pure, every field checked before it is believed."""

from __future__ import annotations

from typing import NamedTuple

from exposure.sources.bitcoin.coins import MAX_COINS, Made, Spent, Tx, pushes
from exposure.sources.bitcoin.fields import Fields
from exposure.sources.remote import Block, unreadable


class Stats(NamedTuple):
    """What the server says of an address as confirmed: transactions, coins and satoshis received and spent."""

    transactions: int
    received: int
    spent: int

    @property
    def balance(self) -> int:
        """Satoshis that it holds."""
        return self.received - self.spent


class Reader(Fields):
    """Reads the replies of one server."""

    def stats(self, value: object) -> Stats:
        """The confirmed part of ``/address/:a`` or ``/scripthash/:h``."""
        stats = self.table(self.table(value, "the address").get("chain_stats"), "chain_stats")
        found = Stats(
            self.whole(stats.get("tx_count"), "tx_count"),
            self.whole(stats.get("funded_txo_sum"), "funded_txo_sum", 2**63),
            self.whole(stats.get("spent_txo_sum"), "spent_txo_sum", 2**63),
        )
        if found.balance < 0 or (found.received and not found.transactions):
            raise unreadable(self.where, "chain_stats", stats)
        return found

    def block(self, value: object) -> Block:
        """``/block/:hash``."""
        block = self.table(value, "the block")
        return Block(
            self.whole(block.get("height"), "height"),
            self.hash(block.get("id"), "id of the block"),
            self.whole(block.get("timestamp"), "timestamp", 2**40),
        )

    def height(self, value: object) -> int:
        """``/blocks/tip/height``."""
        return self.whole(value, "the height of the tip")

    def transactions(self, value: object, most: int) -> list[Tx]:
        """A page of confirmed transactions, newest first; unconfirmed ones among them are passed over."""
        if not isinstance(value, list) or len(value) > most:
            raise unreadable(self.where, f"a page of at most {most} transactions", value)
        found = [self.transaction(item) for item in value]
        return [tx for tx in found if tx is not None]

    def transaction(self, value: object) -> Tx | None:
        """One transaction; None if it is not confirmed."""
        tx = self.table(value, "a transaction")
        txid = self.hash(tx.get("txid"), "txid")
        status = self.table(tx.get("status"), f"status of {txid}")
        if status.get("confirmed") is not True:
            return None
        inputs, outputs = self.items(tx.get("vin"), "vin"), self.items(tx.get("vout"), "vout")
        coinbase = len(inputs) == 1 and inputs[0].get("is_coinbase") is True
        return Tx(
            txid,
            self.whole(status.get("block_height"), "block_height"),
            self.hash(status.get("block_hash"), "block_hash"),
            self.whole(status.get("block_time"), "block_time", 2**40),
            None,
            () if coinbase else tuple(self._spent(item) for item in inputs),
            tuple(self._made(item) for item in outputs),
        )

    def _spent(self, item: dict[str, object]) -> Spent:
        witness = item.get("witness") or []
        scripts = [item.get("scriptsig") or "", *(witness if isinstance(witness, list) else [])]
        unlocking = [self.octets(script, "a script of an input") for script in scripts]
        prevout = item.get("prevout")
        return Spent(
            self.hash(item.get("txid"), "txid of an input"),
            self.whole(item.get("vout"), "vout"),
            None if prevout is None else self._made(self.table(prevout, "prevout")),
            (*pushes(unlocking[0]), *unlocking[1:]),
        )

    def _made(self, item: dict[str, object]) -> Made:
        # The address that the server prints is not asked: P2PK and bare multisig have none, and the script decides.
        return Made(self.whole(item.get("value"), "value", MAX_COINS), self.octets(item.get("scriptpubkey"), "scriptpubkey"))
