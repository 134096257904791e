"""Replies of an Electrum server: pure; transactions and their places are checked against the hashes that name them."""

from __future__ import annotations

from typing import NamedTuple

from exposure.sources.bitcoin.coins import MAX_COINS, Made, Spent, Tx, pushes
from exposure.sources.bitcoin.fields import Fields
from exposure.sources.bulk.block_parser import BlockError, Header, Transaction, read_header, read_transaction, sha256d
from exposure.sources.remote import Block, unreadable

MAX_HISTORY = 1_000_000


class Entry(NamedTuple):
    """One transaction of a history."""

    height: int
    txid: str


class Reader(Fields):
    """Reads the replies of one server."""

    def history(self, value: object) -> list[Entry]:
        """The confirmed part of ``get_history``, oldest first."""
        if not isinstance(value, list) or len(value) > MAX_HISTORY:
            raise unreadable(self.where, "the history", value)
        found = []
        for item in value:
            entry = self.table(item, "an entry of the history")
            height = entry.get("height")
            if height in (0, -1):  # not confirmed
                continue
            found.append(Entry(self.whole(height, "height"), self.hash(entry.get("tx_hash"), "tx_hash")))
        if len({entry.txid for entry in found}) != len(found):
            raise unreadable(self.where, "the history", "a transaction twice")
        return sorted(found, key=lambda entry: entry.height)  # keeps the order within a block

    def balance(self, value: object) -> int:
        """Confirmed satoshis of ``get_balance``."""
        return self.whole(self.table(value, "the balance").get("confirmed"), "confirmed", MAX_COINS)

    def header(self, value: object) -> Header:
        """``blockchain.block.header``: 80 bytes."""
        octets = self.octets(value, "a block header")
        try:
            return read_header(octets)
        except BlockError as error:
            raise unreadable(self.where, "a block header", error) from None

    def tip(self, value: object) -> int:
        """Height of ``blockchain.headers.subscribe``."""
        return self.whole(self.table(value, "the tip").get("height"), "height")

    def transaction(self, value: object, txid: str) -> Transaction:
        """A raw transaction, if it is the one that was asked for."""
        try:
            found = read_transaction(self.octets(value, f"transaction {txid}"))
        except BlockError as error:
            raise unreadable(self.where, f"transaction {txid}", error) from None
        if found.txid != txid:
            raise unreadable(self.where, f"transaction {txid}", f"another one, {found.txid}")
        if any(made.amount > MAX_COINS for made in found.outputs):
            raise unreadable(self.where, f"transaction {txid}", "more coins than there can be")
        return found

    def place(self, value: object, txid: str, header: Header) -> int:
        """Place in its block by ``get_merkle``, if the path leads to the header's Merkle root."""
        found = self.table(value, "the Merkle path")
        path, place = found.get("merkle"), self.whole(found.get("pos"), "pos", 10**6)
        if not isinstance(path, list) or len(path) > 32:
            raise unreadable(self.where, "merkle", path)
        digest, at = bytes.fromhex(txid)[::-1], place
        for step in path:
            other = bytes.fromhex(self.hash(step, "merkle"))[::-1]
            digest = sha256d(other + digest if at & 1 else digest + other)
            at >>= 1
        if digest != header.merkle_root or at:
            raise unreadable(self.where, f"the Merkle path of {txid}", "one that does not lead to its block")
        return place


def assembled(raw: Transaction, parents: dict[str, Transaction], block: Block, place: int) -> Tx:
    """A transaction with the outputs that it spends, from the transactions that made them."""
    spent = []
    for item in () if raw.coinbase else raw.inputs:
        parent = parents[item.spent_tx]
        made = parent.outputs[item.spent_n] if item.spent_n < len(parent.outputs) else None
        if made is None:
            raise unreadable("the server", f"input of {raw.txid}", f"output {item.spent_n} of a transaction that has fewer")
        spent.append(Spent(item.spent_tx, item.spent_n, Made(made.amount, made.script), pushes(item.script)))
    outputs = tuple(Made(made.amount, made.script) for made in raw.outputs)
    return Tx(raw.txid, block.height, block.hash, block.time, place, tuple(spent), outputs)
