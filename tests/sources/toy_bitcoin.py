"""A small chain of real serialised transactions, as a node of the regression network would print it.

No signatures and no work: nothing here verifies them. Blocks are in the form of ``getblock HASH 3``.
"""

from __future__ import annotations

import hashlib
import itertools
import struct
from decimal import Decimal
from typing import Any

from exposure.model.addresses import address_script, p2pkh_address, script_address
from exposure.model.addresses.hashes import hash160
from exposure.sources.bulk.block_parser import merkle_root, printed, sha256d

COIN = 10**8
CHAIN = "bitcoin-regtest"
GENESIS_HEADER = bytes.fromhex(
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9f"
    "b8aa4b1e5e4adae5494dffff7f2002000000"
)
GENESIS_COINBASE = bytes.fromhex(
    "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d6573203033"
    "2f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff"
    "0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c"
    "384df7ba0b8d578a4c702b6bf11d5fac00000000"
)


def key(name: str) -> bytes:
    """A public key's form, of nobody."""
    return b"\x02" + hashlib.sha256(name.encode()).digest()


def p2pkh(name: str) -> str:
    """A P2PKH address of the regression network."""
    return p2pkh_address(hash160(key(name)), CHAIN)


def p2pk_script(name: str) -> bytes:
    """The script that pays the same key directly."""
    return b"\x21" + key(name) + b"\xac"


class Toy:
    """The chain: `mine` adds a block, `pay` makes a transaction for the next one."""

    def __init__(self) -> None:
        self.blocks: list[dict[str, Any]] = []
        self.txs: dict[str, dict[str, Any]] = {}
        self.waiting: list[dict[str, Any]] = []
        self._extra = itertools.count(1)
        coinbase = self._tx([(None, 0, GENESIS_COINBASE[42:119])], [], raw=GENESIS_COINBASE)
        self._block(GENESIS_HEADER, [coinbase], 1296688602)

    @property
    def tip(self) -> int:
        return len(self.blocks) - 1

    def pay(self, spends: list[tuple[str, int]], pays: list[tuple[str | bytes, int]], *, unlocking: bytes = b"\x51") -> str:
        """A transaction for the next block; (address or script, satoshis) of each output. Its id."""
        tx = self._tx([(tx, n, unlocking) for tx, n in spends], pays)
        self.waiting.append(tx)
        return str(tx["txid"])

    def mine(self, to: str | bytes, *, amount: int = 50 * COIN, fork: int = 0) -> str:
        """A block with what waits. The id of its coinbase."""
        height = len(self.blocks)
        script = struct.pack("<BIB", 4, height, 1) + struct.pack("<I", next(self._extra)) + bytes([fork])
        coinbase = self._tx([(None, 0, script)], [(to, amount)])
        txs, self.waiting = [coinbase, *self.waiting], []
        root = merkle_root([bytes.fromhex(str(tx["txid"]))[::-1] for tx in txs])
        time = 1296688602 + 600 * height
        header = struct.pack("<i", 1) + bytes.fromhex(self.blocks[-1]["hash"])[::-1] + root + struct.pack("<III", time, 0, 0)
        self._block(header, txs, time)
        return str(coinbase["txid"])

    def rewind(self, height: int) -> None:
        """Forget the blocks above a height."""
        for block in self.blocks[height + 1 :]:
            for tx in block["tx"]:
                del self.txs[tx["txid"]]
        del self.blocks[height + 1 :]

    def place(self, txid: str) -> tuple[dict[str, Any], int]:
        """(block, place in it) of a transaction."""
        return next((block, n) for block in self.blocks for n, tx in enumerate(block["tx"]) if tx["txid"] == txid)

    def _block(self, header: bytes, txs: list[dict[str, Any]], time: int) -> None:
        self.blocks.append(
            {
                "hash": printed(sha256d(header)),
                "height": len(self.blocks),
                "time": time,
                "tx": txs,
                "header": header.hex(),
                "nTx": len(txs),
            }
        )

    def _tx(
        self, spends: list[tuple[str | None, int, bytes]], pays: list[tuple[str | bytes, int]], raw: bytes | None = None
    ) -> dict[str, Any]:
        scripts = [(to if isinstance(to, bytes) else address_script(to), amount) for to, amount in pays]
        if raw is None:
            raw = struct.pack("<IB", 2, len(spends))
            for tx, n, unlocking in spends:
                raw += bytes.fromhex(tx or "00" * 32)[::-1] + struct.pack("<I", n if tx else 0xFFFFFFFF)
                raw += _sized(unlocking) + struct.pack("<I", 0xFFFFFFFD)
            raw += _size(len(scripts))
            for script, amount in scripts:
                raw += struct.pack("<Q", amount) + _sized(script)
            raw += struct.pack("<I", 0)
        else:
            scripts = [(raw[-71:-4], 50 * COIN)]
        made = {
            "txid": printed(sha256d(raw)),
            "hex": raw.hex(),
            "vin": [self._vin(*spend) for spend in spends],
            "vout": [{"n": n, **_made(script, amount)} for n, (script, amount) in enumerate(scripts)],
        }
        if raw[:4] == b"\x01\0\0\0":  # the first block's, which is everybody's
            made["version"] = 1
            made["vin"] = [{**spend, "sequence": 0xFFFFFFFF} for spend in made["vin"]]
        self.txs[str(made["txid"])] = made
        return made

    def _vin(self, tx: str | None, n: int, unlocking: bytes) -> dict[str, Any]:
        if tx is None:
            return {"coinbase": unlocking.hex(), "sequence": 0xFFFFFFFD}
        parent = self.txs[tx]
        prevout = {name: value for name, value in parent["vout"][n].items() if name != "n"}
        generated = "coinbase" in parent["vin"][0]
        return {
            "txid": tx,
            "vout": n,
            "scriptSig": {"asm": "", "hex": unlocking.hex()},
            "prevout": {"generated": generated, "height": 0, **prevout},
            "sequence": 0xFFFFFFFD,
        }


def _size(count: int) -> bytes:
    return bytes([count]) if count < 0xFD else b"\xfd" + struct.pack("<H", count)


def _sized(octets: bytes) -> bytes:
    return _size(len(octets)) + octets


_TYPES = {
    "p2pk": "pubkey",
    "p2pkh": "pubkeyhash",
    "p2sh": "scripthash",
    "p2wpkh": "witness_v0_keyhash",
    "p2wsh": "witness_v0_scripthash",
    "p2tr": "witness_v1_taproot",
    "op_return": "nulldata",
}


def _made(script: bytes, amount: int) -> dict[str, Any]:
    address, kind = script_address(script, CHAIN)
    shown = {} if address.startswith("script:") or kind == "p2pk" else {"address": address}
    printed_amount = Decimal(amount).scaleb(-8).quantize(Decimal("0.00000001"))
    return {
        "value": printed_amount,
        "scriptPubKey": {"asm": "", "desc": "", "hex": script.hex(), **shown, "type": _TYPES.get(kind, kind)},
    }
