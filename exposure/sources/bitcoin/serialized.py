"""Bytes of a transaction from its fields, so that a server's word for it can be held against the hash that names it. Pure."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

from exposure.sources.bitcoin.coins import Made
from exposure.sources.bulk.block_parser import sha256d


class Unlocked(NamedTuple):
    """An input as it stands in a transaction: the coin, its script, its sequence number."""

    tx: str
    n: int
    script: bytes
    sequence: int


def txid_of(version: int, inputs: Sequence[Unlocked], outputs: Sequence[Made], locktime: int) -> str:
    """The hash of a transaction, witnesses left away as always."""
    raw = [struct.pack("<I", version & 0xFFFFFFFF), _size(len(inputs))]
    for one in inputs:
        raw += [bytes.fromhex(one.tx)[::-1], struct.pack("<I", one.n), _size(len(one.script)), one.script]
        raw.append(struct.pack("<I", one.sequence))
    raw.append(_size(len(outputs)))
    for made in outputs:
        raw += [struct.pack("<Q", made.amount), _size(len(made.script)), made.script]
    raw.append(struct.pack("<I", locktime))
    return sha256d(b"".join(raw))[::-1].hex()


def _size(count: int) -> bytes:
    if count < 0xFD:
        return bytes([count])
    return b"\xfd" + struct.pack("<H", count) if count <= 0xFFFF else b"\xfe" + struct.pack("<I", count)
