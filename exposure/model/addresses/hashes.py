"""The hashes behind addresses: Keccak-256, RIPEMD-160 and the combinations that Bitcoin uses.

`hashlib` has SHA-256 everywhere, RIPEMD-160 only where OpenSSL still offers it, and Keccak-256 nowhere: its ``sha3_256``
pads differently.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable

_MASK64 = (1 << 64) - 1
_MASK32 = (1 << 32) - 1
_RATE = 136  # bytes absorbed per permutation: (1600 - 2 * 256) / 8


def _round_constants() -> tuple[int, ...]:
    """The constants of the step iota, from their definition: bits of the register x^8 + x^6 + x^5 + x^4 + 1."""
    constants = []
    register = 1
    for _ in range(24):
        constant = 0
        for j in range(7):
            if register & 1:
                constant |= 1 << ((1 << j) - 1)
            register <<= 1
            if register & 0x100:
                register ^= 0x171
        constants.append(constant)
    return tuple(constants)


def _lane_walk() -> tuple[tuple[int, int, int], ...]:
    """For the steps rho and pi together: (target lane, source lane, left rotation), lane = x + 5 y."""
    walk = [(0, 0, 0)]
    x, y = 1, 0
    for t in range(24):
        x_new, y_new = y, (2 * x + 3 * y) % 5
        walk.append((x_new + 5 * y_new, x + 5 * y, ((t + 1) * (t + 2) // 2) % 64))
        x, y = x_new, y_new
    return tuple(sorted(walk))


_ROUNDS = _round_constants()
_WALK = tuple((source, source % 5, left, 64 - left) for _, source, left in _lane_walk())


def _permute(lanes: list[int]) -> list[int]:
    """Keccak-f[1600] on 25 lanes of 64 bits."""
    for constant in _ROUNDS:
        c0 = lanes[0] ^ lanes[5] ^ lanes[10] ^ lanes[15] ^ lanes[20]
        c1 = lanes[1] ^ lanes[6] ^ lanes[11] ^ lanes[16] ^ lanes[21]
        c2 = lanes[2] ^ lanes[7] ^ lanes[12] ^ lanes[17] ^ lanes[22]
        c3 = lanes[3] ^ lanes[8] ^ lanes[13] ^ lanes[18] ^ lanes[23]
        c4 = lanes[4] ^ lanes[9] ^ lanes[14] ^ lanes[19] ^ lanes[24]
        d = (
            c4 ^ ((c1 << 1 | c1 >> 63) & _MASK64),
            c0 ^ ((c2 << 1 | c2 >> 63) & _MASK64),
            c1 ^ ((c3 << 1 | c3 >> 63) & _MASK64),
            c2 ^ ((c4 << 1 | c4 >> 63) & _MASK64),
            c3 ^ ((c0 << 1 | c0 >> 63) & _MASK64),
        )
        b = []
        for source, column, left, right in _WALK:
            lane = lanes[source] ^ d[column]
            b.append((lane << left | lane >> right) & _MASK64)
        lanes = []
        for y in (0, 5, 10, 15, 20):
            b0, b1, b2, b3, b4 = b[y : y + 5]
            lanes += [b0 ^ (~b1 & b2), b1 ^ (~b2 & b3), b2 ^ (~b3 & b4), b3 ^ (~b4 & b0), b4 ^ (~b0 & b1)]
        lanes[0] ^= constant
    return lanes


@functools.cache
def _native_keccak() -> Callable[[bytes], bytes] | None:
    """Keccak-256 of a compiled library, where one is installed: fifty times as fast, the same by test."""
    try:
        from Crypto.Hash import keccak
    except ImportError:
        return None
    return lambda message: keccak.new(data=message, digest_bits=256).digest()


def keccak256(message: bytes) -> bytes:
    """Keccak-256 with the original padding (0x01), as Ethereum uses it."""
    native = _native_keccak()
    return keccak256_plain(message) if native is None else native(message)


def keccak256_plain(message: bytes) -> bytes:
    """Keccak-256 in plain Python, about 0.5 ms per 136 bytes: what `keccak256` falls back to."""
    padded = bytearray(message)
    padded += b"\x00" * (_RATE - len(padded) % _RATE)
    padded[len(message)] ^= 0x01
    padded[-1] ^= 0x80
    lanes = [0] * 25
    for start in range(0, len(padded), _RATE):
        for i in range(_RATE // 8):
            lanes[i] ^= int.from_bytes(padded[start + 8 * i : start + 8 * i + 8], "little")
        lanes = _permute(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])


_LEFT_WORDS = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    (7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8),
    (3, 10, 14, 4, 9, 15, 8, 1, 2, 7, 0, 6, 13, 11, 5, 12),
    (1, 9, 11, 10, 0, 8, 12, 4, 13, 3, 7, 15, 14, 5, 6, 2),
    (4, 0, 5, 9, 7, 12, 2, 10, 14, 1, 3, 8, 11, 6, 15, 13),
)
_RIGHT_WORDS = (
    (5, 14, 7, 0, 9, 2, 11, 4, 13, 6, 15, 8, 1, 10, 3, 12),
    (6, 11, 3, 7, 0, 13, 5, 10, 14, 15, 8, 12, 4, 9, 1, 2),
    (15, 5, 1, 3, 7, 14, 6, 9, 11, 8, 12, 2, 10, 0, 4, 13),
    (8, 6, 4, 1, 3, 11, 15, 0, 5, 12, 2, 13, 9, 7, 10, 14),
    (12, 15, 10, 4, 1, 5, 8, 7, 6, 2, 13, 14, 0, 3, 9, 11),
)
_LEFT_TURNS = (
    (11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8),
    (7, 6, 8, 13, 11, 9, 7, 15, 7, 12, 15, 9, 11, 7, 13, 12),
    (11, 13, 6, 7, 14, 9, 13, 15, 14, 8, 13, 6, 5, 12, 7, 5),
    (11, 12, 14, 15, 14, 15, 9, 8, 9, 14, 5, 6, 8, 6, 5, 12),
    (9, 15, 5, 11, 6, 8, 13, 12, 5, 12, 13, 14, 11, 8, 5, 6),
)
_RIGHT_TURNS = (
    (8, 9, 9, 11, 13, 15, 15, 5, 7, 7, 8, 11, 14, 14, 12, 6),
    (9, 13, 15, 7, 12, 8, 9, 11, 7, 7, 12, 7, 6, 15, 13, 11),
    (9, 7, 15, 11, 8, 6, 6, 14, 12, 13, 5, 14, 13, 13, 7, 5),
    (15, 5, 8, 11, 14, 14, 6, 14, 6, 9, 12, 9, 12, 5, 15, 8),
    (8, 5, 12, 9, 12, 5, 14, 6, 8, 13, 6, 5, 15, 13, 11, 11),
)
_LEFT_ADD = (0x00000000, 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xA953FD4E)
_RIGHT_ADD = (0x50A28BE6, 0x5C4DD124, 0x6D703EF3, 0x7A6D76E9, 0x00000000)


def _mix(kind: int, x: int, y: int, z: int) -> int:
    if kind == 0:
        return x ^ y ^ z
    if kind == 1:
        return (x & y) | (~x & z)
    if kind == 2:
        return (x | ~y) ^ z
    if kind == 3:
        return (x & z) | (y & ~z)
    return x ^ (y | ~z)


def _line(state: tuple[int, ...], words: list[int], left: bool) -> list[int]:
    """One of the two parallel lines of RIPEMD-160: 80 steps over one block."""
    a, b, c, d, e = state
    order, turns, adds = (_LEFT_WORDS, _LEFT_TURNS, _LEFT_ADD) if left else (_RIGHT_WORDS, _RIGHT_TURNS, _RIGHT_ADD)
    for part in range(5):
        kind = part if left else 4 - part
        for word, turn in zip(order[part], turns[part], strict=True):
            total = (a + _mix(kind, b, c, d) + words[word] + adds[part]) & _MASK32
            moved = ((total << turn | total >> (32 - turn)) + e) & _MASK32
            a, b, c, d, e = e, moved, b, (c << 10 | c >> 22) & _MASK32, d
    return [a, b, c, d, e]


def ripemd160_plain(message: bytes) -> bytes:
    """RIPEMD-160 in plain Python, for builds of OpenSSL that left it out."""
    padded = message + b"\x80" + b"\x00" * ((55 - len(message)) % 64) + (8 * len(message)).to_bytes(8, "little")
    state: tuple[int, ...] = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0)
    for start in range(0, len(padded), 64):
        words = [int.from_bytes(padded[start + 4 * i : start + 4 * i + 4], "little") for i in range(16)]
        one, two = _line(state, words, True), _line(state, words, False)
        state = tuple((state[(i + 1) % 5] + one[(i + 2) % 5] + two[(i + 3) % 5]) & _MASK32 for i in range(5))
    return b"".join(word.to_bytes(4, "little") for word in state)


def _has_ripemd160() -> bool:
    try:
        hashlib.new("ripemd160", b"", usedforsecurity=False)
    except ValueError:  # named by hashlib, refused by the OpenSSL below it
        return False
    return True


_NATIVE_RIPEMD160 = _has_ripemd160()


def ripemd160(message: bytes) -> bytes:
    """RIPEMD-160, by OpenSSL where it has it."""
    if _NATIVE_RIPEMD160:
        return hashlib.new("ripemd160", message, usedforsecurity=False).digest()
    return ripemd160_plain(message)


def sha256d(message: bytes) -> bytes:
    """SHA-256 twice."""
    return hashlib.sha256(hashlib.sha256(message).digest()).digest()


def hash160(message: bytes) -> bytes:
    """RIPEMD-160 of SHA-256: 20 bytes, what Bitcoin addresses of keys and scripts carry."""
    return ripemd160(hashlib.sha256(message).digest())
