"""Replies of an Esplora server: pure, every field checked before it is believed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from exposure.sources.bitcoin.coins import MAX_COINS, Made, Spent, Tx, pushes
from exposure.sources.bitcoin.fields import Fields
from exposure.sources.bitcoin.serialized import Unlocked, txid_of
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
        made = tuple(self._made(item) for item in outputs)
        spent = () if coinbase else tuple(self._spent(item) for item in inputs)
        self._prove(txid, tx, inputs, made)
        self._balanced(txid, tx, spent, made)
        return Tx(
            txid,
            self.whole(status.get("block_height"), "block_height"),
            self.hash(status.get("block_hash"), "block_hash"),
            self.whole(status.get("block_time"), "block_time", 2**40),
            None,
            spent,
            made,
        )

    def _prove(self, txid: str, tx: dict[str, object], inputs: Sequence[dict[str, object]], made: Sequence[Made]) -> None:
        """That the transaction hashes to its id, where the server gives what is hashed."""
        if any(tx.get(name) is None for name in ("version", "locktime")) or any(one.get("sequence") is None for one in inputs):
            return
        version = tx["version"]
        if not isinstance(version, int) or not -(2**31) <= version < 2**32:
            raise unreadable(self.where, f"version of {txid}", version)
        read = [
            Unlocked(
                self.hash(one.get("txid"), "txid of an input"),
                self.whole(one.get("vout"), "vout", 2**32 - 1),
                self.octets(one.get("scriptsig") or "", "scriptsig"),
                self.whole(one["sequence"], "sequence", 2**32 - 1),
            )
            for one in inputs
        ]
        if txid_of(version, read, made, self.whole(tx["locktime"], "locktime", 2**32 - 1)) != txid:
            raise unreadable(self.where, f"transaction {txid}", "one of another hash: its inputs or outputs are not those")

    def _balanced(self, txid: str, tx: dict[str, object], spent: Sequence[Spent], made: Sequence[Made]) -> None:
        """That the inputs bring what the outputs and the fee take. The hash does not cover what an input brings."""
        if not spent or any(one.output is None for one in spent):
            return
        fee = sum(one.output.amount for one in spent if one.output) - sum(one.amount for one in made)
        if fee < 0 or (tx.get("fee") is not None and self.whole(tx["fee"], "fee", MAX_COINS) != fee):
            raise unreadable(self.where, f"fee of {txid}", f"{tx.get('fee')}, and its inputs less its outputs are {fee}")

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
