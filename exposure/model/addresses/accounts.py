"""Addresses of account chains: EVM (hex with the optional EIP-55 case checksum) and TRON (base58, and hex behind 41).

Both carry the same 20 bytes, the tail of Keccak-256 of the public key; TRON puts the byte 0x41 before them.
"""

from __future__ import annotations

import re

from exposure.errors import InputError
from exposure.model.addresses import base58
from exposure.model.addresses.hashes import keccak256

TRON_VERSION = 0x41
_HEX40 = re.compile(r"[0-9a-fA-F]{40}")


def checksummed(address: str) -> str:
    """An EVM address (0x and 40 hex digits, any case) in the mixed case of EIP-55."""
    digits = address[2:].lower()
    nibbles = keccak256(digits.encode("ascii")).hex()
    return "0x" + "".join(
        digit.upper() if int(nibble, 16) >= 8 else digit for digit, nibble in zip(digits, nibbles, strict=False)
    )


def evm_address(body: bytes) -> str:
    """Canonical EVM address of 20 bytes: 0x and lower case."""
    if len(body) != 20:
        raise InputError(f"an EVM address has 20 bytes, not {len(body)}")
    return "0x" + body.hex()


def tron_address(body: bytes) -> str:
    """Canonical TRON address (base58) of 20 bytes."""
    if len(body) != 20:
        raise InputError(f"a TRON address has 20 bytes behind its prefix 41, not {len(body)}")
    return base58.encode(bytes([TRON_VERSION]) + body)


def read_evm(text: str) -> str:
    """Canonical form of an EVM address; upper or lower case alone is taken without a checksum, mixed case is tested.

    Raises
    ------
    InputError
        With the reason: length, a character that is no hex digit, or a wrong mix of cases.
    """
    digits = text[2:]
    if len(digits) != 40:
        what = "a transaction hash has 64" if len(digits) == 64 else "an address has 40"
        raise InputError(f"it has {len(digits)} hex digits behind 0x; {what}")
    if not _HEX40.fullmatch(digits):
        place = next(i for i, digit in enumerate(text, 1) if i > 2 and digit not in "0123456789abcdefABCDEF")
        raise InputError(f"character {place} is not a hex digit")
    lower = digits.lower()
    if digits not in (lower, digits.upper()):
        right = checksummed("0x" + lower)
        if right[2:] != digits:
            raise InputError(
                f"its mix of upper and lower case fails the EIP-55 checksum, so a character may be wrong; if all "
                f"digits are right, it is written {right}"
            )
    return "0x" + lower


def nearest(text: str) -> str | None:
    """The EVM address in mixed case that differs in one digit from a wrong one and is right; None unless exactly one is.

    Tries each digit at each place: 600 checksums, about an eighth of a second. By chance a text whose digits are all right and
    whose cases are mixed up has such a neighbour once in fifty.
    """
    digits = text[2:]
    if not _HEX40.fullmatch(digits) or digits in (digits.lower(), digits.upper()):
        return None
    found = []
    for place, typed in enumerate(digits):
        for digit in "0123456789abcdef":
            right = checksummed("0x" + digits[:place] + digit + digits[place + 1 :])[2:]
            if digit != typed.lower() and right[:place] == digits[:place] and right[place + 1 :] == digits[place + 1 :]:
                found.append("0x" + right)
    return found[0] if len(found) == 1 else None


def read_tron_hex(text: str) -> str:
    """Canonical form of a TRON address given as hex: 41 and 40 hex digits."""
    if len(text) != 42 or not text.startswith("41") or not _HEX40.fullmatch(text[2:]):
        raise InputError("a TRON address in hex is 41 and 40 hex digits")
    return tron_address(bytes.fromhex(text[2:]))


def read_tron(text: str) -> str:
    """Canonical form of a TRON address given in base58, its checksum tested.

    Raises
    ------
    InputError
        With the reason.
    """
    payload = base58.decode(text)
    if len(payload) != 21 or payload[0] != TRON_VERSION:
        raise InputError("its checksum is right, but what it carries is no TRON address")
    return text


def evm_of_tron(address: str) -> str:
    """The EVM form (0x, as the JSON-RPC of TRON nodes prints it) of a canonical TRON address."""
    return evm_address(base58.decode(read_tron(address))[1:])


def tron_of_evm(address: str) -> str:
    """The TRON form of an EVM address (0x and 40 hex digits)."""
    return tron_address(bytes.fromhex(read_evm(address)[2:]))
