"""Base58Check: Bitcoin's letters without 0, O, I and l, behind four bytes of checksum."""

from __future__ import annotations

from exposure.errors import InputError
from exposure.model.addresses.hashes import sha256d

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}


def encode(payload: bytes) -> str:
    """Payload (version byte and body) in Base58Check."""
    whole = payload + sha256d(payload)[:4]
    number = int.from_bytes(whole, "big")
    letters = []
    while number:
        number, digit = divmod(number, 58)
        letters.append(ALPHABET[digit])
    zeros = len(whole) - len(whole.lstrip(b"\x00"))
    return "1" * zeros + "".join(reversed(letters))


def _whole(number: int, ones: int) -> bytes:
    return b"\x00" * ones + number.to_bytes((number.bit_length() + 7) // 8, "big")


def decode(text: str) -> bytes:
    """Payload of a Base58Check text, its checksum tested and removed.

    Raises
    ------
    InputError
        For a letter outside the alphabet, fewer than five bytes, or a wrong checksum. The sentence starts with the
        reason; the caller says of which text.
    """
    number = 0
    for position, letter in enumerate(text, 1):
        value = _VALUES.get(letter)
        if value is None:
            hint = " (base58 has no 0, O, I and l)" if letter in "0OIl" else ""
            raise InputError(f"character {position} is not a base58 letter{hint}")
        number = number * 58 + value
    whole = _whole(number, len(text) - len(text.lstrip("1")))
    if len(whole) < 5:
        raise InputError("it is too short to carry a checksum")
    if sha256d(whole[:-4])[:4] != whole[-4:]:
        raise InputError("its checksum is wrong")
    return whole[:-4]


def nearest(text: str) -> str | None:
    """The text with a right checksum that differs from ``text`` in exactly one letter, if there is just one.

    Tries each letter at each place (or only at the one place that holds no base58 letter): about 2,000 checksums, some
    milliseconds. By chance a wrong text has such a neighbour once in two million.
    """
    wrong = [place for place, letter in enumerate(text) if letter not in _VALUES]
    if len(wrong) > 1 or len(text) > 60:
        return None
    found = []
    for place in wrong or range(len(text)):
        for letter in ALPHABET:
            if letter == text[place]:
                continue
            candidate = text[:place] + letter + text[place + 1 :]
            try:
                decode(candidate)
            except InputError:
                continue
            found.append(candidate)
    return found[0] if len(found) == 1 else None
