"""The look of addresses of chains that are not read: enough to keep a listed one as unchecked, and to say what it is."""

from __future__ import annotations

import re

from exposure.errors import InputError
from exposure.model.addresses import bech32
from exposure.model.addresses.base58 import ALPHABET

_B58 = r"[1-9A-HJ-NP-Za-km-z]"
_LETTERS = r"[qpzry9x8gf2tvdw0s3jn54khce6mua7l]"

# First match counts. Forms only: no checksum of these chains is tested.
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("monero", rf"[48]{_B58}{{94}}|4{_B58}{{105}}"),
        ("litecoin", rf"[LM]{_B58}{{25,33}}|ltc1{_LETTERS}{{6,80}}|LTC1[0-9A-Z]{{6,80}}"),
        ("zcash", rf"t[13]{_B58}{{33}}|zc{_B58}{{93}}|zs1{_LETTERS}{{75}}|u1{_LETTERS}{{50,180}}"),
        ("dash", rf"[X7]{_B58}{{33}}"),
        ("dogecoin", rf"[D9]{_B58}{{33}}"),  # Verge has the same version byte and looks the same
        ("bitcoin-gold", rf"[GA]{_B58}{{33}}"),
        ("bitcoin-cash", rf"(bitcoincash:|bchtest:)?[qp]{_LETTERS}{{41}}"),
        ("ripple", rf"r{_B58}{{24,34}}|X{_B58}{{46}}"),
        ("stellar", r"[GM][A-Z2-7]{55}|M[A-Z2-7]{68}"),
        ("algorand", r"[A-Z2-7]{58}"),
        ("cardano", rf"(addr|stake)1{_LETTERS}{{30,120}}|(DdzFF|Ae2){_B58}{{50,110}}"),
        ("cosmos", rf"(cosmos|osmo|terra|thor|kava|inj|juno|sei|celestia)1{_LETTERS}{{38,58}}"),
        ("bnb-beacon-chain", rf"bnb1{_LETTERS}{{38}}"),
        ("avalanche-x", rf"[XP]-avax1{_LETTERS}{{38}}"),
        ("ton", r"[EUk0]Q[A-Za-z0-9_\-+/]{46}|(-1|0):[0-9a-fA-F]{64}"),
        ("tezos", rf"(tz[1-4]|KT1){_B58}{{33}}"),
        ("filecoin", r"f[0-4][a-z2-7]{4,86}"),
        ("sui-or-aptos", r"0x[0-9a-fA-F]{64}"),
        ("hedera", r"0\.0\.[0-9]{1,12}"),
        ("starknet", r"0x0[0-9a-fA-F]{62,63}"),
        ("polkadot", rf"1{_B58}{{45,47}}"),
    )
)


def _is_solana(text: str) -> bool:
    """Whether it is base58 of exactly 32 bytes."""
    if not 32 <= len(text) <= 44:
        return False
    number = 0
    for letter in text:
        value = ALPHABET.find(letter)
        if value < 0:
            return False
        number = number * 58 + value
    ones = len(text) - len(text.lstrip("1"))
    return ones + (number.bit_length() + 7) // 8 == 32


def family_of(text: str) -> str | None:
    """Name of the chain whose addresses look like ``text``, for chains that are not read; else None.

    The form alone decides, so the answer is a description, not a check. None also for addresses that `parse` reads,
    whatever their checksum says.
    """
    text = text.strip()
    if not 4 <= len(text) <= 200 or not text.isascii():
        return None
    if _is_witness_address(text):
        return None
    for name, pattern in _FORMS:
        if pattern.fullmatch(text):
            return name
    return "solana" if _is_solana(text) else None


def _is_witness_address(text: str) -> bool:
    try:
        return bech32.decode_words(text).hrp in ("bc", "tb", "bcrt")
    except InputError:
        return False
