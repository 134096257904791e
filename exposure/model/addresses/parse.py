"""From what somebody typed or listed to one canonical address, or a sentence that says why not."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from exposure.errors import InputError
from exposure.model.addresses import accounts, base58, bech32
from exposure.model.addresses.foreign import family_of
from exposure.model.addresses.scripts import MAINNET, TESTNET
from exposure.text import shown

MAX_LENGTH = 200
"""Longest text looked at, in characters."""

Family = Literal["bitcoin", "evm", "tron"]


class Address(NamedTuple):
    """An address that was read.

    ``canonical`` is the form under which it is stored: EVM in lower case, TRON in base58, bech32 in lower case.
    ``form``: p2pkh, p2sh, p2wpkh, p2wsh, p2tr, segwit-v<N>, script, evm or tron.
    """

    canonical: str
    family: Family
    form: str


_SCRIPT = re.compile(r"script:[0-9a-f]{40}")
_HRPS = ("bc1", "tb1", "bcrt1")
_HEX = re.compile(r"[0-9a-fA-F]+")
_KINDS = {MAINNET.p2pkh: "p2pkh", MAINNET.p2sh: "p2sh", TESTNET.p2pkh: "p2pkh", TESTNET.p2sh: "p2sh"}
_READ = "Bitcoin (1..., 3..., bc1...), EVM chains (0x and 40 hex digits), TRON (T..., or 41 and 40 hex digits)"


def _segwit(text: str) -> Address:
    hrp, version, program = bech32.decode_program(text)
    if hrp + "1" not in _HRPS:
        raise InputError(f"its prefix is {hrp}, not bc, tb or bcrt")
    if version == 0:
        form = "p2wpkh" if len(program) == 20 else "p2wsh"
    else:
        form = "p2tr" if version == 1 and len(program) == 32 else f"segwit-v{version}"
    return Address(text.lower(), "bitcoin", form)


def _base58(text: str) -> Address:
    payload = base58.decode(text)
    if len(payload) != 21:
        raise InputError(f"its checksum is right, but it carries {len(payload)} bytes instead of 21")
    form = _KINDS.get(payload[0])
    if form is None:
        raise InputError(f"its checksum is right, but its version byte 0x{payload[0]:02x} is not one of Bitcoin's")
    return Address(text, "bitcoin", form)


def _neighbour(text: str, nearest: str | None) -> str:
    if nearest is None:
        return ""
    # bech32 is given back in lower case, whatever case was typed; base58 letters differ by their case
    typed = text.lower() if nearest.startswith(_HRPS) else text
    place = next(i for i, (one, two) in enumerate(zip(typed, nearest, strict=True)) if one != two)
    return (
        f". It would be right as {nearest} (character {place + 1}: {nearest[place]}, not {typed[place]}); "
        "compare with where you have it from"
    )


def _refusal(text: str, what: str, reason: str, nearest: str | None = None) -> InputError:
    return InputError(f"{shown(text)} is not a valid {what} address: {reason}{_neighbour(text, nearest)}")


def parse(text: str, *, suggest: bool = True) -> Address:
    """Read an address of a chain that is read: Bitcoin (main, test and regression network), EVM, TRON.

    Parameters
    ----------
    text
        The address; whitespace around it is ignored.
    suggest
        Whether a wrong checksum is followed by a search for the one character that would make it right (a few
        milliseconds per wrong address, an eighth of a second for EVM: switch it off for long lists).

    Raises
    ------
    InputError
        With the reason: an unknown form, a chain that is not read, a character outside the alphabet, a wrong checksum
        (and the address that differs in one character and is right, where there is exactly one).
    """
    if len(text) > MAX_LENGTH + 100 or len(text.strip()) > MAX_LENGTH:
        raise InputError(f"{shown(text[:60], 40)} is not an address: it has {len(text)} characters")
    text = text.strip()
    if not text:
        raise InputError(f"an empty text is not an address; give one of {_READ}")
    for place, letter in enumerate(text, 1):
        if not "!" <= letter <= "~":
            raise InputError(
                f"{shown(text)} is not an address: character {place} is {shown(letter)} (U+{ord(letter):04X}), "
                "and addresses are plain ASCII without spaces"
            )
    return _read(text, suggest)


def _read(text: str, suggest: bool) -> Address:
    """`parse` for a text that is plain ASCII of a bounded length."""
    lower = text.lower()
    if lower.startswith("0x"):
        if len(text) == 44 and lower.startswith("0x41"):
            return _tron_hex(text, text[2:])
        try:
            return Address(accounts.read_evm(text), "evm", "evm")
        except InputError as error:
            raise _refusal(text, "EVM", str(error), accounts.nearest(text) if suggest else None) from None
    # One TRON address in 1,700 starts with TB1 or Tb1; mixed case tells it from a test network's bech32.
    if lower.startswith(_HRPS) and not (text[0] == "T" and len(text) == 34 and text != text.upper()):
        try:
            return _segwit(text)
        except InputError as error:
            raise _refusal(text, "Bitcoin", str(error), bech32.nearest(text) if suggest else None) from None
    if _SCRIPT.fullmatch(text):
        return Address(text, "bitcoin", "script")
    if len(text) == 42 and text.startswith("41") and _HEX.fullmatch(text):
        return _tron_hex(text, text)
    if text[0] == "T" and 33 <= len(text) <= 35:
        try:
            return Address(accounts.read_tron(text), "tron", "tron")
        except InputError as error:
            raise _refusal(text, "TRON", str(error), _nearest_base58(text, suggest)) from None
    if text[0] in "13mn2" and 25 <= len(text) <= 36 and not _HEX.fullmatch(text):
        try:
            return _base58(text)
        except InputError as error:
            raise _refusal(text, "Bitcoin", str(error), _nearest_base58(text, suggest)) from None
    raise InputError(_unknown(text))


def _tron_hex(text: str, digits: str) -> Address:
    try:
        return Address(accounts.read_tron_hex(digits), "tron", "tron")
    except InputError as error:
        raise _refusal(text, "TRON", str(error)) from None


def _nearest_base58(text: str, suggest: bool) -> str | None:
    nearest = base58.nearest(text) if suggest else None
    if nearest is None:
        return None
    payload = base58.decode(nearest)
    return nearest if len(payload) == 21 and (payload[0] in _KINDS or payload[0] == accounts.TRON_VERSION) else None


def _unknown(text: str) -> str:
    """Why a text of no known form is refused."""
    if _HEX.fullmatch(text) and len(text) == 64:
        return f"{text} is a transaction or block hash, not an address"
    if _HEX.fullmatch(text) and len(text) == 40:
        return f"{text} is 40 hex digits: an EVM address starts with 0x, as in 0x{text}"
    family = family_of(text)
    if family is not None:
        return f"{shown(text)} looks like an address of {family}, a chain that is not read; read are {_READ}"
    return f"{shown(text)} is not an address of a form that is read: {_READ}"


def network_of(canonical: str) -> str | None:
    """Bitcoin network of a canonical address: mainnet, testnet (base58 shares it with regtest) or regtest; else None."""
    if canonical.startswith(("1", "3", "bc1")):
        return "mainnet"
    if canonical.startswith("bcrt1"):
        return "regtest"
    return "testnet" if canonical.startswith(("m", "n", "2", "tb1")) else None
