"""Bitcoin's wire form of a block: bytes to transactions. Pure; every length is checked before it is believed."""

from __future__ import annotations

import hashlib
import struct
from typing import NamedTuple

HEADER_BYTES = 80
MAX_BLOCK = 4_000_000
"""Consensus limit of a block's size in bytes."""

_NULL = "0" * 64


class BlockError(ValueError):
    """Why some bytes are no valid block."""


class Input(NamedTuple):
    """One input: the output that it spends."""

    spent_tx: str
    spent_n: int
    script: bytes


class Output(NamedTuple):
    """One output: satoshis and script."""

    amount: int
    script: bytes


class Transaction(NamedTuple):
    """One transaction. ``txid`` is that of the form without witness, as explorers print it."""

    txid: str
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]

    @property
    def coinbase(self) -> bool:
        """Whether it makes new coins."""
        return len(self.inputs) == 1 and self.inputs[0].spent_tx == _NULL


class Header(NamedTuple):
    """What a block says of itself; hashes as explorers print them. ``time`` in unix seconds."""

    hash: str
    version: int
    previous: str
    merkle_root: bytes
    time: int


def sha256d(octets: bytes) -> bytes:
    """SHA-256 twice."""
    return hashlib.sha256(hashlib.sha256(octets).digest()).digest()


def printed(digest: bytes) -> str:
    """A hash as people print it: bytes reversed, in hex."""
    return digest[::-1].hex()


def read_header(octets: bytes) -> Header:
    """The first 80 bytes of a block.

    Raises
    ------
    BlockError
        If there are fewer.
    """
    if len(octets) < HEADER_BYTES:
        raise BlockError(f"a block header has {HEADER_BYTES} bytes, here are {len(octets)}")
    head = octets[:HEADER_BYTES]
    version, time = struct.unpack_from("<i", head)[0], struct.unpack_from("<I", head, 68)[0]
    return Header(printed(sha256d(head)), version, printed(head[4:36]), head[36:68], time)


def read_block(octets: bytes) -> tuple[Header, list[Transaction]]:
    """A whole block, its Merkle root checked.

    Raises
    ------
    BlockError
        If it is cut off, has bytes left over, or its transactions are not those that its header commits to.
    """
    header = read_header(octets)
    cursor = _Cursor(octets, HEADER_BYTES)
    count = cursor.size()
    if count == 0 or count > len(octets) // 60:  # no transaction is shorter
        raise BlockError(f"it claims {count} transactions in {len(octets)} bytes")
    digests: list[bytes] = []
    transactions = []
    for _ in range(count):
        digest, inputs, outputs = _transaction(cursor)
        digests.append(digest)
        transactions.append(Transaction(printed(digest), inputs, outputs))
    if cursor.place != len(octets):
        raise BlockError(f"{len(octets) - cursor.place} bytes are left over behind its last transaction")
    if merkle_root(digests) != header.merkle_root:
        raise BlockError("its Merkle root does not fit its transactions: it is damaged or forged")
    if not transactions[0].coinbase or any(transaction.coinbase for transaction in transactions[1:]):
        raise BlockError("its first transaction, and only that, must be a coinbase")
    return header, transactions


def read_transaction(octets: bytes) -> Transaction:
    """One transaction by itself, with or without witness.

    Raises
    ------
    BlockError
        If it is cut off or has bytes left over.
    """
    cursor = _Cursor(octets, 0)
    digest, inputs, outputs = _transaction(cursor)
    if cursor.place != len(octets):
        raise BlockError(f"{len(octets) - cursor.place} bytes are left over behind the transaction")
    return Transaction(printed(digest), inputs, outputs)


def merkle_root(digests: list[bytes]) -> bytes:
    """Merkle root of transaction ids.

    Raises
    ------
    BlockError
        If two neighbours are equal where nothing asks for it: so a block with transactions repeated at its end would
        pass for one without (CVE-2012-2459).
    """
    level = digests
    while len(level) > 1:
        pairs = [(level[i], level[i + 1] if i + 1 < len(level) else level[i]) for i in range(0, len(level), 2)]
        if any(left == right for left, right in pairs[: len(level) // 2]):
            raise BlockError("it repeats transactions")
        level = [sha256d(left + right) for left, right in pairs]
    return level[0]


class _Cursor:
    """Reads little-endian fields; never behind the end."""

    def __init__(self, octets: bytes, place: int) -> None:
        self.octets, self.place = octets, place

    def take(self, count: int) -> bytes:
        end = self.place + count
        if end > len(self.octets):
            raise BlockError(f"it is cut off: {end - len(self.octets)} bytes are missing at byte {self.place}")
        part = self.octets[self.place : end]
        self.place = end
        return part

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "little")

    def size(self) -> int:
        first = self.number(1)
        return first if first < 0xFD else self.number({0xFD: 2, 0xFE: 4, 0xFF: 8}[first])

    def block(self) -> bytes:
        return self.take(self.size())


def _transaction(cursor: _Cursor) -> tuple[bytes, tuple[Input, ...], tuple[Output, ...]]:
    start = cursor.place
    version = cursor.take(4)
    # A zero where the number of inputs stands, and a one behind it, mark the form with witness.
    witness = cursor.octets[cursor.place : cursor.place + 2] == b"\x00\x01"
    if witness:
        cursor.take(2)
    body = cursor.place
    inputs = tuple(_input(cursor) for _ in range(_count(cursor, 41)))
    outputs = tuple(_output(cursor) for _ in range(_count(cursor, 9)))
    if not inputs or not outputs:
        raise BlockError(f"the transaction at byte {start} has no inputs or no outputs")
    body_end = cursor.place
    if witness:
        for _ in inputs:
            for _ in range(_count(cursor, 1)):
                cursor.block()
    lock_time = cursor.take(4)
    octets = version + cursor.octets[body:body_end] + lock_time if witness else cursor.octets[start : cursor.place]
    return sha256d(octets), inputs, outputs


def _count(cursor: _Cursor, least: int) -> int:
    """A number of items, believed only if that many of the least size fit into what is left."""
    count = cursor.size()
    if count * least > len(cursor.octets) - cursor.place:
        raise BlockError(f"it is cut off: {count} items are announced at byte {cursor.place}")
    return count


def _input(cursor: _Cursor) -> Input:
    parent = printed(cursor.take(32))
    n = cursor.number(4)
    script = cursor.block()
    cursor.take(4)
    return Input(parent, n, script)


def _output(cursor: _Cursor) -> Output:
    return Output(cursor.number(8), cursor.block())


def coinbase_height(octets: bytes) -> int | None:
    """Height in the coinbase of a block of version 2 or later (BIP 34), from the block's first bytes; None if not there.

    Reads no more than the first script, so that a file can be surveyed without parsing every block.
    """
    try:
        cursor = _Cursor(octets, HEADER_BYTES)
        cursor.size()
        cursor.take(4)
        if cursor.octets[cursor.place : cursor.place + 2] == b"\x00\x01":
            cursor.take(2)
        if cursor.size() != 1 or cursor.take(36) != b"\x00" * 32 + b"\xff" * 4:
            return None
        script = cursor.block()
    except BlockError:
        return None
    if not script:
        return None
    first = script[0]
    if 0x51 <= first <= 0x60:  # OP_1 to OP_16
        return first - 0x50
    if 1 <= first <= 5 and len(script) > first:
        number = int.from_bytes(script[1 : 1 + first], "little", signed=True)
        return number if number >= 0 else None
    return None
