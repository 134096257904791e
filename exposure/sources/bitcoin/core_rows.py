"""Replies of a Bitcoin node's RPC: pure, every field checked before it is believed."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from exposure.sources.bitcoin.coins import MAX_COINS, Made, Spent, Tx, pushes
from exposure.sources.bitcoin.fields import Fields
from exposure.sources.remote import Block, unreadable


class Fault(NamedTuple):
    """An error that the node answered with."""

    code: int
    message: str


class Reader(Fields):
    """Reads the replies of one node."""

    def outcome(self, value: object) -> object | Fault:
        """The result in a reply, or the error in it. Old and new JSON-RPC are told apart by nothing else."""
        reply = self.table(value, "the reply")
        error = reply.get("error")
        if error is None:
            if "result" not in reply:
                raise unreadable(self.where, "the reply", value)
            return reply["result"]
        fault = self.table(error, "error")
        code = fault.get("code")
        return Fault(code if isinstance(code, int) else 0, str(fault.get("message"))[:500])

    def header(self, value: object) -> Block:
        """``getblockheader HASH``."""
        header = self.table(value, "the header")
        return Block(
            self.whole(header.get("height"), "height"),
            self.hash(header.get("hash"), "hash"),
            self.whole(header.get("time"), "time", 2**40),
        )

    def relevant(self, value: object) -> list[str]:
        """Hashes of the blocks that ``scanblocks`` found."""
        found = self.table(value, "the scan")
        if found.get("completed") is False:
            raise unreadable(self.where, "completed", found.get("completed"))
        hashes = found.get("relevant_blocks")
        if not isinstance(hashes, list):
            raise unreadable(self.where, "relevant_blocks", hashes)
        return [self.hash(one, "a relevant block") for one in hashes]

    def active(self, value: object) -> set[str]:
        """Hashes of the blocks in which ``getdescriptoractivity`` saw something move."""
        activity = self.table(value, "the activity").get("activity")
        if not isinstance(activity, list):
            raise unreadable(self.where, "activity", activity)
        return {self.hash(self.table(one, "an activity").get("blockhash"), "blockhash") for one in activity}

    def holding(self, value: object) -> tuple[int, int]:
        """(height, satoshis) of ``scantxoutset``."""
        found = self.table(value, "the scan of unspent coins")
        if found.get("success") is not True:
            raise unreadable(self.where, "success", found.get("success"))
        return self.whole(found.get("height"), "height"), self.satoshis(found.get("total_amount"), "total_amount")

    def unspent(self, value: object) -> tuple[str, int]:
        """(hash of the tip, confirmations) of ``gettxout``."""
        found = self.table(value, "the unspent output")
        return self.hash(found.get("bestblock"), "bestblock"), self.whole(found.get("confirmations"), "confirmations")

    def block(self, value: object, hash_: str) -> list[Tx]:
        """Every transaction of ``getblock HASH 3``, in order."""
        block = self.table(value, "the block")
        if self.hash(block.get("hash"), "hash") != hash_:
            raise unreadable(self.where, "hash of the block", block.get("hash"))
        height, time = self.whole(block.get("height"), "height"), self.whole(block.get("time"), "time", 2**40)
        txs = self.items(block.get("tx"), "tx")
        if block.get("nTx") is not None and block["nTx"] != len(txs):
            raise unreadable(self.where, "nTx", block["nTx"])
        return [self._tx(tx, Block(height, hash_, time), place) for place, tx in enumerate(txs)]

    def _tx(self, tx: dict[str, object], block: Block, place: int) -> Tx:
        inputs, outputs = self.items(tx.get("vin"), "vin"), self.items(tx.get("vout"), "vout")
        coinbase = len(inputs) == 1 and "coinbase" in inputs[0]
        if coinbase != (place == 0):
            raise unreadable(self.where, f"transaction {place} of block {block.height}", "a coinbase elsewhere than first")
        made = [self._made(item) for item in outputs]
        if [item.get("n") for item in outputs] != list(range(len(outputs))):
            raise unreadable(self.where, "n of the outputs", [item.get("n") for item in outputs][:5])
        spent = () if coinbase else tuple(self._spent(item) for item in inputs)
        return Tx(self.hash(tx.get("txid"), "txid"), block.height, block.hash, block.time, place, spent, tuple(made))

    def _spent(self, item: dict[str, object]) -> Spent:
        prevout = item.get("prevout")
        if prevout is None:
            # A pruned node has no undo data of old blocks: then nobody knows what the inputs brought.
            raise unreadable(self.where, "prevout of an input", "absent: the node is pruned there")
        script = self.table(item.get("scriptSig") or {"hex": ""}, "scriptSig")
        witness = item.get("txinwitness") or []
        items = [self.octets(one, "txinwitness") for one in witness] if isinstance(witness, list) else []
        return Spent(
            self.hash(item.get("txid"), "txid of an input"),
            self.whole(item.get("vout"), "vout"),
            self._made(self.table(prevout, "prevout")),
            (*pushes(self.octets(script.get("hex"), "scriptSig")), *items),
        )

    def _made(self, item: dict[str, object]) -> Made:
        script = self.table(item.get("scriptPubKey"), "scriptPubKey")
        return Made(self.satoshis(item.get("value"), "value"), self.octets(script.get("hex"), "scriptPubKey"))

    def satoshis(self, value: object, what: str) -> int:
        """An amount that the node prints in bitcoins, exactly."""
        if isinstance(value, int) and not isinstance(value, bool):
            value = Decimal(value)
        if not isinstance(value, Decimal) or not value.is_finite() or abs(value.adjusted()) > 16:
            raise unreadable(self.where, what, value)
        amount = value.scaleb(8)
        if amount != amount.to_integral_value() or not 0 <= amount <= MAX_COINS:
            raise unreadable(self.where, what, value)
        return int(amount)
