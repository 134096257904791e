"""Fictional keys: addresses and transaction hashes made by hashing labels. Nobody holds a key to any of them."""

from __future__ import annotations

from hashlib import sha256

from exposure.model.addresses import base58, bech32


class Keys:
    """Addresses and hashes of one economy. Equal seeds and labels give equal keys."""

    def __init__(self, seed: int) -> None:
        self._prefix = f"synthetic/{seed}/"
        self._serial = 0

    def _digest(self, label: str) -> bytes:
        return sha256((self._prefix + label).encode()).digest()

    def bitcoin(self, label: str) -> str:
        """A valid address: mostly segwit, some of the older forms."""
        digest = self._digest("bitcoin/" + label)
        kind = digest[31]
        if kind < 150:
            return bech32.encode_program("bc", 0, digest[:20])
        if kind < 205:
            return base58.encode(b"\x00" + digest[:20])
        if kind < 235:
            return base58.encode(b"\x05" + digest[:20])
        return bech32.encode_program("bc", 1, digest)

    def ethereum(self, label: str) -> str:
        """A valid address in canonical form."""
        return "0x" + self._digest("ethereum/" + label)[:20].hex()

    def lookalike(self, address: str, label: str) -> str:
        """An account address with the first and last four digits of another one, as address poisoners grind them."""
        middle = self._digest("lookalike/" + label).hex()
        return address[:6] + middle[:32] + address[-4:]

    def hash(self) -> str:
        """The next transaction hash, 64 hexadecimal digits."""
        self._serial += 1
        return self._digest(f"tx/{self._serial}").hex()
