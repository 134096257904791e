"""Addresses in free text: each with its checksum, or not at all.

Most official lists have no field for an address; it stands somewhere in a remark, in any notation, broken over two lines,
behind a ticker that names another chain, now and then with a letter of another alphabet that looks alike. A text counts as an
address only if its checksum is right (Base58Check, bech32, bech32m, EIP-55 where cases are mixed) or it has the whole form of
an EVM address in one case. What looks like an address and fails is reported, never guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from exposure.attribution.subjects import Subject
from exposure.errors import InputError
from exposure.model.addresses import base58, bech32, family_of, parse
from exposure.model.addresses.base58 import ALPHABET
from exposure.model.tags import SubjectKind

MAX_TEXT = 4 << 20
"""Longest text looked at, in characters; the longest remark in an official list has some thousands."""

MAX_PIECES = 12
"""Most pieces that one address may be broken into: groups of four characters are the worst that lists print."""

CONTEXT = 60
"""Characters kept on either side of an address, so that a reader sees where it stood."""

# Letters of other alphabets that look like Latin ones, as they stand in real lists. A checksum has the last word.
_CYRILLIC = "АВЕЗІЈКМНОРСТУХЅаеіјорсухѕԁԛԝһԌҮԜ"
_GREEK = "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοϳ"
_ARMENIAN = "հոսՍօ"
_SMALL = "ᴄᴑᴠᴡᴢ"
_FOREIGN = _CYRILLIC + _GREEK + _ARMENIAN + _SMALL
_ALIKE = str.maketrans(_FOREIGN, "ABE3IJKMHOPCTYXSaeijopcyxsdqwhGYWABEZHIKMNOPTYXojhnuUocovwz")
_BEFORE = str.maketrans({"\u03f9": "С"})  # normal form would make a sigma of this one
_UNSEEN = dict.fromkeys((0x00AD, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF))

# Marks of HTML, of URLs and of program texts that stand in lists as they are: what they mean is a gap, or a new line.
_MARK = re.compile(r"(?i:</?(?:br|p|li|td|tr|div|span|b|i|u)\s*/?>|&#(?:1[03]|x0?[ad]);|%(?:0[ad]|[2-7][0-9a-f]))|\\[nrt]")
_NEW_LINE = re.compile(r"</?(?:br|p|li|td|tr|div)|&#|\\|%0", re.IGNORECASE)
_TOKEN = re.compile(rf"[0-9A-Za-z{_FOREIGN}]+")
_GAP = re.compile(r"\s*/\s+|-?\s+|[-\u2010]\s*")
_BREAK = re.compile(r"[\n\r\v\f\x85\u2028\u2029]")
_EVM = re.compile(r"0[xX][0-9a-fA-F]{40}")
_STARTS = re.compile(r"[13TmnLMXDt2]|(?:bc|tb|ltc)1|BC1|LTC1|TB1|0[xX]")
_BASE58 = re.compile(rf"[{ALPHABET}]{{25,36}}")
_SEGWIT = re.compile(r"(?:bc|tb|bcrt|ltc)1[0-9a-z]{11,87}|(?:BC|TB|BCRT|LTC)1[0-9A-Z]{11,87}")
_LONGEST = 90

TICKERS = frozenset(
    ("XBT", "BTC", "ETH", "ETC", "USDT", "USDC", "TRX", "TRON", "BNB", "BSC", "XRP", "LTC", "DASH", "ZEC", "XMR", "BCH", "BSV")
    + ("BTG", "XVG", "ARB", "SOL", "ADA", "DOGE", "DAI", "BUSD", "POLYGON", "MATIC", "OMNI", "ERC20", "TRC20", "BEP20", "A7A5")
)
_TICKER = re.compile(rf"(?<![0-9A-Za-z])({'|'.join(sorted(TICKERS, key=len, reverse=True))})(?![a-z])", re.IGNORECASE)
_GLUED = re.compile(rf"(?:{'|'.join(sorted(TICKERS, key=len, reverse=True))})(?=[13TbB0LMXDt])", re.IGNORECASE)
_REACH = 48  # how far before an address its ticker may stand


@dataclass(frozen=True, slots=True)
class Found:
    """An address in a text.

    ``original`` is the text as it stands, line breaks and all; ``ticker`` the one that stands before it, if any; ``context``
    what is around it; ``doubt`` a sentence where it could not be taken as it stands, else empty.
    """

    subject: Subject
    original: str
    ticker: str
    context: str
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class NearMiss:
    """What looks like an address and is none, with the reason."""

    text: str
    reason: str


def find_addresses(text: str) -> tuple[list[Found], list[NearMiss]]:
    """All addresses in a text, in the order in which they stand there, and what nearly is one.

    Parameters
    ----------
    text
        Free text of any language. Characters past `MAX_TEXT` are not looked at.

    Returns
    -------
    found, near
        One `Found` for each place; an address of a chain that is not read is found if its checksum can be tested
        (Litecoin, Dash, Dogecoin, Zcash), as an unchecked subject.
    """
    plain = unicodedata.normalize("NFKC", text[:MAX_TEXT].translate(_BEFORE)).translate(_UNSEEN)
    plain = _MARK.sub(_as_gap, plain)
    tokens = list(_TOKEN.finditer(plain))
    found: list[Found] = []
    near: list[NearMiss] = []
    place, free_from = 0, 0
    while place < len(tokens):
        hit = _whole(tokens[place]) or _broken(plain, tokens, place)
        if hit is None:
            reason = _nearly(tokens[place].group())
            if reason:
                near.append(NearMiss(tokens[place].group(), reason))
                free_from = tokens[place].end()
            elif pieces := _unproven(plain, tokens, place):
                near.append(NearMiss(pieces, "is broken into pieces, and has no checksum that proves them one address"))
            place += 1
            continue
        subject, start, end, used, doubt = hit
        found.append(Found(subject, plain[start:end], _ticker(plain[free_from:start]), _around(plain, start, end), doubt))
        free_from = end
        place += used
    return found, near


def _as_gap(mark: re.Match[str]) -> str:
    return ("\n" if _NEW_LINE.match(mark.group()) else " ").ljust(len(mark.group()))


_Hit = tuple[Subject, int, int, int, str]  # subject, first and last place in the text, tokens used, doubt


def _whole(token: re.Match[str]) -> _Hit | None:
    """A token that is an address, alone or behind a ticker that is written together with it."""
    for text, start in _readings(token.group()):
        subject = read_checked(text)
        if subject is not None:
            return subject, token.start() + start, token.end(), 1, ""
        latin = text.translate(_ALIKE)
        if latin != text and (subject := read_checked(latin)) is not None and not _EVM.fullmatch(latin):
            doubt = "has letters of another alphabet that look like Latin ones; with Latin ones its checksum is right"
            return subject, token.start() + start, token.end(), 1, doubt
    return None


def _readings(text: str) -> Iterator[tuple[str, int]]:
    if len(text) < 14 or len(text) > _LONGEST + 12:
        return
    yield text, 0
    glued = _GLUED.match(text)
    if glued:
        yield text[glued.end() :], glued.end()
    yield from ((text[end:], end) for end in _ends_of_words(text))


def _ends_of_words(text: str) -> Iterator[int]:
    """Where a word of letters may end and an address begin that is written together with it: its checksum tells."""
    for end in range(3, min(len(text) - 25, 17)):
        if not text[:end].isalpha():
            return
        if _STARTS.match(text, end):
            yield end


def _broken(text: str, tokens: list[re.Match[str]], place: int) -> _Hit | None:
    """An address whose pieces stand apart: over a line break, or in groups."""
    first = tokens[place]
    if not _STARTS.match(first.group()) or len(first.group()) > _LONGEST:
        return None
    joined, lines = first.group(), False
    lengths = _lengths(joined)
    for used in range(2, MAX_PIECES + 1):
        if place + used > len(tokens):
            return None
        last = tokens[place + used - 1]
        gap = text[tokens[place + used - 2].end() : last.start()]
        joined += last.group()
        if len(joined) > 64 or not _GAP.fullmatch(gap) or not last.group().isascii():
            return None
        lines = lines or _BREAK.search(gap) is not None
        if len(joined) not in lengths:
            continue
        subject = read_checked(joined)
        if subject is None:
            continue
        if _EVM.fullmatch(joined) and _one_case(joined):
            # No checksum tells whether the pieces belong together: only a line break, and only one, is taken for a slip.
            if not lines or used > 2:
                continue
            return (
                subject,
                first.start(),
                last.end(),
                used,
                "is broken over two lines, and has no checksum that proves it whole",
            )
        return subject, first.start(), last.end(), used, "is broken into pieces; together its checksum is right"
    return None


def _unproven(text: str, tokens: list[re.Match[str]], place: int) -> str:
    """The pieces of what would be an EVM address in one case, if they belonged together; empty if they would not."""
    first = tokens[place]
    if first.group()[:2] not in ("0x", "0X"):
        return ""
    joined = first.group()
    for used in range(1, min(MAX_PIECES, len(tokens) - place)):
        last = tokens[place + used]
        joined += last.group()
        if len(joined) > 42 or not _GAP.fullmatch(text[tokens[place + used - 1].end() : last.start()]):
            return ""
        if _EVM.fullmatch(joined) and _one_case(joined):
            return text[first.start() : last.end()]
    return ""


def _lengths(first: str) -> Collection[int]:
    """Lengths of whole addresses that begin as a piece does: only those are worth a checksum."""
    lower = first.lower()
    for start, lengths in (("0x", (42,)), ("bc1", (42, 62)), ("tb1", (42, 62)), ("ltc1", (43, 63))):
        if lower.startswith(start) and not (start == "tb1" and first[0] == "T"):
            return lengths
    return (34,) if first[0] == "T" else range(26, 36)


def _one_case(address: str) -> bool:
    digits = address[2:]
    return digits in (digits.lower(), digits.upper())


def read_checked(text: str) -> Subject | None:
    """The subject of a text that is an address with a right checksum (or an EVM address in one case), else None."""
    if _EVM.fullmatch(text):
        try:
            return Subject(SubjectKind.ADDRESS, parse(text, suggest=False).canonical, "evm")
        except InputError:
            return None
    if _SEGWIT.fullmatch(text):
        if text[:3].lower() == "ltc":
            return _foreign_bech32(text)
    elif not _BASE58.fullmatch(text):
        return None
    try:
        address = parse(text, suggest=False)
    except InputError:
        return _foreign_base58(text)
    return Subject(SubjectKind.ADDRESS, address.canonical, address.family)


def _foreign_bech32(text: str) -> Subject | None:
    try:
        bech32.decode_words(text)
    except InputError:
        return None
    return Subject(SubjectKind.UNCHECKED, text, "litecoin")


def _foreign_base58(text: str) -> Subject | None:
    """An address of a chain that is not read, whose Base58Check checksum is right all the same."""
    family = family_of(text)
    if family is None:
        return None
    try:
        payload = base58.decode(text)
    except InputError:
        return None
    return Subject(SubjectKind.UNCHECKED, text, family) if len(payload) in (21, 22) else None


def _nearly(token: str) -> str:
    """Why a token that looks like an address is none; empty if it looks like nothing of the kind."""
    size = len(token)
    if not 26 <= size <= 64 or not token.isalnum():
        return ""
    if token[:2] in ("0x", "0X"):
        digits = token[2:]
        if re.fullmatch(r"[0-9a-fA-F]+", digits):
            if len(digits) == 40:
                return "its mix of upper and lower case fails the EIP-55 checksum"
            return f"has {len(digits)} hex digits behind 0x instead of 40" if 36 <= len(digits) <= 44 else ""
        return ""
    if token[:3].lower() == "bc1":
        return "its bech32 checksum is wrong" if size >= 38 and any(letter.isdigit() for letter in token[3:]) else ""
    latin = token.translate(_ALIKE)
    if latin[0] not in "13T" or not 26 <= size <= 36 or (latin[0] == "T" and size < 30):
        return ""
    letters = [letter for letter in latin if letter.isalpha()]
    if len(letters) < 6 or not any(letter.isdigit() for letter in latin[1:]) or not latin.isascii():
        return ""
    if re.fullmatch(r"[0-9a-f]+|[0-9A-F]+", token):
        return ""  # a hash
    if all(letter.isupper() for letter in letters) or all(letter.islower() for letter in letters):
        return "its letters are of one case: base58 needs both, and a wrong case cannot be put right" if size >= 33 else ""
    return "its Base58Check checksum is wrong"


def _ticker(before: str) -> str:
    """The last ticker that stands shortly before an address, with no other address between."""
    last = ""
    for match in _TICKER.finditer(before[-_REACH:]):
        last = match.group(1)
    return last.upper()


def _around(text: str, start: int, end: int) -> str:
    return " ".join(text[max(start - CONTEXT, 0) : end + CONTEXT].split())
