"""Bech32 (BIP-173) and bech32m (BIP-350), and the witness programs in them."""

from __future__ import annotations

from typing import NamedTuple

from exposure.errors import InputError

ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
# What the five bits shifted out of the register put back in, for each of their 32 values.
_FEEDBACK = tuple(
    _GENERATOR[0] * (top & 1)
    ^ _GENERATOR[1] * (top >> 1 & 1)
    ^ _GENERATOR[2] * (top >> 2 & 1)
    ^ _GENERATOR[3] * (top >> 3 & 1)
    ^ _GENERATOR[4] * (top >> 4 & 1)
    for top in range(32)
)
BECH32 = 1
BECH32M = 0x2BC830A3
MAX_LENGTH = 90


class Words(NamedTuple):
    """A decoded string: prefix, five-bit words without the checksum, and which constant the checksum has."""

    hrp: str
    words: tuple[int, ...]
    constant: int


def _step(register: int, word: int) -> int:
    return (register & 0x1FFFFFF) << 5 ^ word ^ _FEEDBACK[register >> 25]


def _start(hrp: str) -> int:
    """State of the checksum after the prefix."""
    register = 1
    for letter in hrp:
        register = _step(register, ord(letter) >> 5)
    register = _step(register, 0)
    for letter in hrp:
        register = _step(register, ord(letter) & 31)
    return register


_STARTS = {hrp: _start(hrp) for hrp in ("bc", "tb", "bcrt")}


def _checksum(hrp: str, words: tuple[int, ...] | list[int]) -> int:
    register = _STARTS[hrp] if hrp in _STARTS else _start(hrp)
    for word in words:
        register = (register & 0x1FFFFFF) << 5 ^ word ^ _FEEDBACK[register >> 25]
    return register


def encode_words(hrp: str, words: tuple[int, ...], constant: int) -> str:
    """Prefix and five-bit words in bech32 (``BECH32``) or bech32m (``BECH32M``)."""
    check = _checksum(hrp, (*words, 0, 0, 0, 0, 0, 0)) ^ constant
    tail = tuple(check >> 5 * (5 - i) & 31 for i in range(6))
    return hrp + "1" + "".join(ALPHABET[word] for word in words + tail)


def _split(text: str) -> tuple[str, str]:
    """Prefix and data letters, in lower case; the checks of form that need no checksum."""
    if len(text) > MAX_LENGTH:
        raise InputError(f"it has {len(text)} characters, more than the {MAX_LENGTH} of bech32")
    if any(not 33 <= ord(letter) <= 126 for letter in text):
        raise InputError("it has a character outside printable ASCII")
    if text.lower() != text and text.upper() != text:
        raise InputError("it mixes upper and lower case, which bech32 forbids")
    hrp, _, data = text.lower().rpartition("1")
    if not hrp or len(data) < 6:
        raise InputError("it lacks a prefix, the separator 1, or its checksum")
    return hrp, data


def decode_words(text: str) -> Words:
    """Decode and check a bech32 or bech32m string of any prefix, at most 90 characters.

    Raises
    ------
    InputError
        With the reason: form, a letter outside the alphabet, or a wrong checksum.
    """
    hrp, data = _split(text)
    words = []
    for position, letter in enumerate(data, len(hrp) + 2):
        value = _VALUES.get(letter)
        if value is None:
            raise InputError(f"character {position} is not a bech32 letter")
        words.append(value)
    constant = _checksum(hrp, words)
    if constant not in (BECH32, BECH32M):
        raise InputError("its checksum is wrong")
    return Words(hrp, tuple(words[:-6]), constant)


def to_words(octets: bytes) -> tuple[int, ...]:
    """Regroup bytes into five-bit words, the last one filled with zeros."""
    count = -(-8 * len(octets) // 5)
    number = int.from_bytes(octets, "big") << (5 * count - 8 * len(octets))
    return tuple(number >> 5 * (count - 1 - i) & 31 for i in range(count))


def to_bytes(words: tuple[int, ...]) -> bytes:
    """Regroup five-bit words into bytes; the bits left over must be fewer than five and zero."""
    spare = 5 * len(words) % 8
    number = 0
    for word in words:
        number = number << 5 | word
    if spare >= 5 or number & (1 << spare) - 1:
        raise InputError("its padding is wrong")
    return (number >> spare).to_bytes(5 * len(words) // 8, "big")


def encode_program(hrp: str, version: int, program: bytes) -> str:
    """Address of a witness program: bech32 for version 0, bech32m for 1 to 16."""
    return encode_words(hrp, (version, *to_words(program)), BECH32 if version == 0 else BECH32M)


def decode_program(text: str) -> tuple[str, int, bytes]:
    """(prefix, witness version, program) of a segwit address.

    Raises
    ------
    InputError
        With the reason: everything of `decode_words`, a version above 16, a program of a wrong length, or the checksum
        of the other version.
    """
    hrp, words, constant = decode_words(text)
    if not words:
        raise InputError("it carries no witness program")
    version = words[0]
    if version > 16:
        raise InputError(f"its witness version is {version}, above 16")
    if version == 0 and constant != BECH32:
        raise InputError("it has the checksum of bech32m, but witness version 0 takes bech32")
    if version > 0 and constant != BECH32M:
        raise InputError(f"it has the checksum of bech32, but witness version {version} takes bech32m")
    program = to_bytes(words[1:])
    if not 2 <= len(program) <= 40 or (version == 0 and len(program) not in (20, 32)):
        raise InputError(f"its witness program has {len(program)} bytes, which version {version} does not allow")
    return hrp, version, program


def nearest(text: str) -> str | None:
    """The address that differs from ``text`` in exactly one data letter and is right, or None.

    The checksum is linear: an error of value e at a place changes it by the same amount whatever the other letters are.
    So the place is found by walking each of the 31 errors backward from the end, without trying strings.
    """
    try:
        hrp, data = _split(text)
    except InputError:
        return None
    wrong = [place for place, letter in enumerate(data) if letter not in _VALUES]
    if len(wrong) > 1:
        return None
    words = [_VALUES.get(letter, 0) for letter in data]
    constant = BECH32 if words[0] == 0 and wrong != [0] else BECH32M
    found = []
    for expected in (constant, BECH32 + BECH32M - constant):
        difference = _checksum(hrp, words) ^ expected
        for error in range(1, 32):
            effect = error
            for place in range(len(words) - 1, -1, -1):
                if effect == difference and (not wrong or wrong == [place]):
                    right = [*words[:place], words[place] ^ error, *words[place + 1 :]]
                    found.append(hrp + "1" + "".join(ALPHABET[word] for word in right))
                effect = _step(effect, 0)
        if wrong and difference == 0:
            found.append(hrp + "1" + "".join(ALPHABET[word] for word in words))
    right_ones = [candidate for candidate in found if _decodes(candidate)]
    return right_ones[0] if len(right_ones) == 1 else None


def _decodes(text: str) -> bool:
    try:
        decode_program(text)
    except InputError:
        return False
    return True
