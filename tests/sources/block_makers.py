"""Hand-built Bitcoin blocks for the tests of raw block files."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from exposure.sources.bulk.block_parser import merkle_root, sha256d

MAINNET = b"\xf9\xbe\xb4\xd9"
TAPROOT = bytes.fromhex("5120a60869f0dbcf1dc659c9cecbaf8050135ea9e8cdc487053f1dc6880949dc684c")
P2WPKH = bytes.fromhex("0014751e76e8199196d454941c45d1b3a323f1433bd6")
P2PKH = bytes.fromhex("76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac")
NULL = bytes(32)


def size(number: int) -> bytes:
    return bytes([number]) if number < 0xFD else b"\xfd" + struct.pack("<H", number)


def transaction(
    inputs: Sequence[tuple[bytes, int, bytes]], outputs: Sequence[tuple[int, bytes]], witness: Sequence[Sequence[bytes]] = ()
) -> tuple[bytes, bytes]:
    """(wire form, id as digest). ``inputs``: (parent digest, n, script)."""
    body = size(len(inputs))
    for parent, n, script in inputs:
        body += parent + struct.pack("<I", n) + size(len(script)) + script + b"\xff" * 4
    body += size(len(outputs))
    for amount, script in outputs:
        body += struct.pack("<Q", amount) + size(len(script)) + script
    version, lock = struct.pack("<i", 2), struct.pack("<I", 0)
    digest = sha256d(version + body + lock)
    if not witness:
        return version + body + lock, digest
    stacks = b"".join(size(len(stack)) + b"".join(size(len(item)) + item for item in stack) for stack in witness)
    return version + b"\x00\x01" + body + stacks + lock, digest


def coinbase(
    height: int | None, tag: bytes = b"", outputs: Sequence[tuple[int, bytes]] = ((50, P2PKH),)
) -> tuple[bytes, bytes]:
    """A coinbase that states its height as BIP 34 wants it, or with ``None`` nothing."""
    stated = b""
    if height is not None:
        number = height.to_bytes(height.bit_length() // 8 + 1, "little")
        stated = bytes([len(number)]) + number
    return transaction([(NULL, 0xFFFFFFFF, stated + b"\x04" + tag.ljust(4, b"\x01"))], outputs, [[bytes(32)]])


def block(
    previous: bytes, transactions: Sequence[tuple[bytes, bytes]], *, version: int = 4, time: int = 1_700_000_000
) -> tuple[bytes, bytes]:
    """(wire form, hash as digest)."""
    root = merkle_root([digest for _, digest in transactions])
    header = struct.pack("<i", version) + previous + root + struct.pack("<III", time, 0x207FFFFF, 0)
    return header + size(len(transactions)) + b"".join(wire for wire, _ in transactions), sha256d(header)


def framed(*blocks: bytes, magic: bytes = MAINNET) -> bytes:
    """Blocks as a node's file holds them."""
    return b"".join(magic + struct.pack("<I", len(one)) + one for one in blocks)


def chain(
    first: int, count: int, *, tag: bytes = b"", previous: bytes = b"\x11" * 32, stated: bool = True
) -> list[tuple[bytes, bytes]]:
    """Blocks one on the other, each with a coinbase only."""
    made = []
    for height in range(first, first + count):
        mint = coinbase(height if stated else None, tag + struct.pack("<H", height % 65536))
        made.append(block(previous, [mint], version=4 if stated else 1))
        previous = made[-1][1]
    return made
