"""What is wrong or odd in lists, without asking anybody: each finding is a fact about what a list says."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from exposure.attribution.free_text import find_addresses
from exposure.attribution.lists.listing import NO_ADDRESS
from exposure.attribution.subjects import read_subject
from exposure.errors import InputError
from exposure.model.addresses import base58, bech32, evm_of_tron, family_of, network_of
from exposure.model.tags import ListKind, Problem, SubjectKind, Tag
from exposure.units import day


class Severity(StrEnum):
    """How much a finding matters: an error is wrong in itself, a warning needs a look, a note is worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


SEVERITIES = tuple(Severity)


class Kind(StrEnum):
    """What a finding is about."""

    CHECKSUM = "checksum"
    CASE = "case"
    TRUNCATED = "truncated"
    CHAIN = "chain"
    NO_ADDRESS = "no_address"
    TEST_ROW = "test_row"
    DATE = "date"
    SHARED = "shared"
    NAMESAKE = "namesake"
    TWIN = "twin"
    DUPLICATE = "duplicate"
    ONE_REGIME = "one_regime"
    REPAIRED = "repaired"


MEANING = {
    Kind.CHECKSUM: "its checksum is wrong, or it is no address of any form that is known",
    Kind.CASE: "its upper and lower case were destroyed, or fail the checksum that they carry",
    Kind.TRUNCATED: "it is too short or too long by a few characters, as after a line break",
    Kind.CHAIN: "the chain that its ticker names cannot have an address of this form",
    Kind.NO_ADDRESS: "a party that is listed for a wallet, without an address that can be read",
    Kind.TEST_ROW: "it looks like a test: a name, an address nobody owns, a test network, or an example of a standard",
    Kind.DATE: "a date is missing, contradicts another, lies in the future, or before there were such lists",
    Kind.SHARED: "one list names it for several parties",
    Kind.NAMESAKE: "several parties among the holdings have its name, so that none was taken for it",
    Kind.TWIN: "another listed address is the same key in another form (EVM and TRON; two forms of Bitcoin)",
    Kind.DUPLICATE: "one list names it for one party several times",
    Kind.ONE_REGIME: "one regime lists it, and others whose lists were imported do not",
    Kind.REPAIRED: "it was put together from pieces, or letters of another alphabet were read as Latin ones",
}

_GRAVITY = {
    Kind.CHECKSUM: Severity.ERROR,
    Kind.CASE: Severity.ERROR,
    Kind.TRUNCATED: Severity.ERROR,
    Kind.CHAIN: Severity.WARNING,
    Kind.NO_ADDRESS: Severity.WARNING,
    Kind.TEST_ROW: Severity.WARNING,
    Kind.DATE: Severity.WARNING,
    Kind.SHARED: Severity.WARNING,
    Kind.NAMESAKE: Severity.WARNING,
    Kind.TWIN: Severity.NOTE,
    Kind.DUPLICATE: Severity.NOTE,
    Kind.ONE_REGIME: Severity.NOTE,
    Kind.REPAIRED: Severity.NOTE,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or odd: of which list, about what (as it stands there), and why."""

    kind: Kind
    list_name: str
    subject: str
    entity: str
    reason: str

    @property
    def severity(self) -> Severity:
        """How much it matters."""
        return _GRAVITY[self.kind]


@dataclass(frozen=True, slots=True)
class Linted:
    """One list as it stands: the tags of its newest edition (or the user's own), and what its parser could not take.

    ``repeats`` counts statements that repeat another word for word; they are kept once.
    """

    name: str
    kind: ListKind
    tags: Sequence[Tag]
    problems: Sequence[Problem] = ()
    repeats: int = 0


def lint(lists: Sequence[Linted], *, now: int) -> list[Finding]:
    """Everything that is wrong or odd, gravest first, then by list, kind and subject.

    Parameters
    ----------
    lists
        Every list that counts.
    now
        Unix seconds: what lies after it is the future.
    """
    found: list[Finding] = []
    for one in lists:
        for tag in one.tags:
            found += _of_tag(one, tag, now)
        found += _of_problems(one)
        found += _of_subjects(one)
        if one.repeats:
            found.append(Finding(Kind.DUPLICATE, one.name, "", "", f"{one.repeats:,} rows repeat another word for word"))
    found += _twins(lists)
    found += _one_regime(lists)
    order = {severity: place for place, severity in enumerate(SEVERITIES)}
    kinds = {kind: place for place, kind in enumerate(Kind)}
    unique = dict.fromkeys(found)
    return sorted(unique, key=lambda one: (order[one.severity], one.list_name, kinds[one.kind], one.subject, one.reason))


# -- one tag

_FAMILIES = {
    **dict.fromkeys(("XBT", "BTC"), ("bitcoin",)),
    **dict.fromkeys(("BCH", "BSV"), ("bitcoin", "bitcoin-cash")),
    **dict.fromkeys(("ETH", "ETC", "BSC", "ARB", "MATIC", "POLYGON", "BASE", "OP", "AVAX"), ("evm",)),
    **dict.fromkeys(("TRX", "TRON"), ("tron",)),
    "BNB": ("evm", "bnb-beacon-chain"),
    "USDT": ("bitcoin", "evm", "tron", "solana", "ton"),
    "USDC": ("evm", "tron", "solana", "stellar", "algorand"),
    "XMR": ("monero",),
    "LTC": ("litecoin", "bitcoin"),  # its old script addresses begin with 3
    "ZEC": ("zcash",),
    "DASH": ("dash",),
    "DOGE": ("dogecoin",),
    "XVG": ("dogecoin",),  # the same version byte
    "BTG": ("bitcoin-gold", "bitcoin"),
    "XRP": ("ripple",),
    "SOL": ("solana",),
}
_TEST_NAME = re.compile(r"\b(test|dummy|lorem|ipsum|foo|bar|asdf|qwerty|todo|tbd|xxx+|example|sample)\b", re.IGNORECASE)
_NOBODYS = {
    "0x" + "0" * 40: "the zero address",
    "0x000000000000000000000000000000000000dead": "the burn address 0x...dead",
    "1111111111111111111114oLvT2": "the address of the key hash zero",
    "1BitcoinEaterAddressDontSendf59kuE": "a burn address",
    "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb": "TRON's zero address",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa": "the address of Bitcoin's first block",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4": "the example of BIP-173",
    "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed": "an example of EIP-55",
}
_LONGEST = 20 * 365 * 86_400
_FIRST_LIST = 631_152_000  # 1990: no regime's list that is read here is older


def _of_tag(one: Linted, tag: Tag, now: int) -> Iterator[Finding]:
    def finding(kind: Kind, reason: str) -> Finding:
        return Finding(kind, one.name, tag.original or tag.subject, tag.entity, reason)

    if tag.kind in (SubjectKind.ADDRESS, SubjectKind.UNCHECKED):
        text = (tag.original or tag.subject).strip()
        whole = "".join(text.split())
        problem = read_subject(whole).problem
        if problem and not _is_repaired(tag, text):
            yield finding(*_diagnosis(whole, problem))
        else:
            yield from (finding(Kind.CHAIN, reason) for reason in _chain(tag))
    if tag.subject in _NOBODYS:
        yield finding(Kind.TEST_ROW, f"it is {_NOBODYS[tag.subject]}")
    elif tag.kind is SubjectKind.ADDRESS and tag.family == "bitcoin" and network_of(tag.subject) not in (None, "mainnet"):
        yield finding(Kind.TEST_ROW, "it is an address of a test network")
    if _TEST_NAME.fullmatch(tag.entity.strip()) or re.match(r"(?i)test\b", tag.entity):
        yield finding(Kind.TEST_ROW, "the name of the party is that of a test")
    if one.kind is ListKind.OFFICIAL and tag.regime and tag.listed_on is None and tag.address_listed_on is None:
        yield finding(Kind.DATE, "the list states no date of designation")
    for name, time in (("listed", tag.listed_on), ("delisted", tag.delisted_on), ("address listed", tag.address_listed_on)):
        # An order may state its own end beforehand (Israel's hold for two years); nothing else lies in the future.
        latest = now + _LONGEST if name == "delisted" else now
        if time is not None and (time > latest or time < _FIRST_LIST):
            yield finding(Kind.DATE, f"{name} on {day(time)}, which {'is to come' if time > now else 'is too long ago'}")
    if tag.listed_on is not None and tag.address_listed_on is not None and tag.address_listed_on < tag.listed_on:
        yield finding(
            Kind.DATE, f"the address was listed on {day(tag.address_listed_on)}, its party only on {day(tag.listed_on)}"
        )


def _is_repaired(tag: Tag, text: str) -> bool:
    """Whether a text is the address after all, once its pieces or foreign letters are read as they were meant."""
    return tag.kind is SubjectKind.ADDRESS and any(found.subject.canonical == tag.subject for found in find_addresses(text)[0])


def _diagnosis(text: str, problem: str) -> tuple[Kind, str]:
    """What happened to a text that is no address: its case, its end, or its checksum."""
    digits = text[2:]
    if text[:2] in ("0x", "0X"):
        if len(digits) == 40 and re.fullmatch(r"[0-9a-fA-F]+", digits):
            return Kind.CASE, "its mix of upper and lower case fails the EIP-55 checksum"
        if re.fullmatch(r"[0-9a-fA-F]*", digits) and 20 <= len(digits) < 64:
            return Kind.TRUNCATED, f"it has {len(digits)} hex digits behind 0x instead of 40"
        return Kind.CHECKSUM, problem
    letters = [letter for letter in text if letter.isalpha()]
    like_base58 = text[:1] in ("1", "3", "T", "t") and text.isalnum() and text.isascii() and 20 <= len(text) <= 40
    if like_base58 and len(letters) >= 6 and len({letter.isupper() for letter in letters}) == 1:
        return Kind.CASE, "its letters are of one case: base58 needs both, and a lost case cannot be put right"
    if like_base58 and not 33 <= len(text) <= 34:
        return Kind.TRUNCATED, f"it has {len(text)} characters instead of 33 or 34"
    if text[:3].lower() == "bc1" and len(text) not in (42, 62):
        return Kind.TRUNCATED, f"it has {len(text)} characters instead of 42 or 62"
    return Kind.CHECKSUM, problem


def _chain(tag: Tag) -> Iterator[str]:
    ticker = tag.ticker.upper()
    allowed = _FAMILIES.get(ticker)
    family = tag.family
    if allowed is None or not family or family in allowed:
        if ticker == "USDT" and family == "bitcoin":
            yield "USDT on a Bitcoin address: the token of the Omni layer, not one of an account chain"
        return
    other = family_of(tag.subject) or family
    if other not in allowed:
        yield f"it is filed under {ticker}, but its form is that of {family}"


# -- what a parser could not take


def _of_problems(one: Linted) -> Iterator[Finding]:
    for problem in one.problems:
        reason = problem.reason
        if reason == NO_ADDRESS:
            yield Finding(Kind.NO_ADDRESS, one.name, problem.where, problem.text, reason)
        elif "pieces" in reason or "two lines" in reason or "another alphabet" in reason:
            yield Finding(Kind.REPAIRED, one.name, problem.text, problem.where, reason)
        elif "designation date" in reason or "entry dates" in reason:
            yield Finding(Kind.DATE, one.name, problem.where, problem.text, reason)
        elif problem.dropped and problem.text:
            kind, why = _diagnosis(problem.text, reason)
            if kind is not Kind.CHECKSUM or "checksum" in reason:
                yield Finding(kind, one.name, problem.text, problem.where, why)


# -- one list


def _of_subjects(one: Linted) -> Iterator[Finding]:
    by_subject: dict[str, list[Tag]] = defaultdict(list)
    by_party: dict[str, list[Tag]] = defaultdict(list)
    for tag in one.tags:
        by_subject[tag.subject].append(tag)
        if one.kind is ListKind.OFFICIAL:
            by_party[tag.reference or tag.entity].append(tag)
    for subject, tags in by_subject.items():
        parties = sorted({tag.reference or tag.entity for tag in tags})
        names = ", ".join(sorted({tag.entity for tag in tags}))
        if len(parties) > 1 and one.kind is not ListKind.TAGPACK:
            yield Finding(Kind.SHARED, one.name, subject, names, f"named for {len(parties)} parties")
        tickers = sorted({tag.ticker for tag in tags if tag.ticker})
        if len(tags) > len(parties) and len({(tag.ticker, tag.original) for tag in tags}) > 1:
            how = f"under {', '.join(tickers)}" if len(tickers) > 1 else "written in several ways"
            yield Finding(Kind.DUPLICATE, one.name, subject, names, f"named {len(tags)} times, {how}")
    for tags in by_party.values():
        if all(tag.kind is SubjectKind.UNCHECKED for tag in tags):
            reason = f"none of its {len(tags)} addresses is of a chain that is read"
            yield Finding(Kind.NO_ADDRESS, one.name, tags[0].original, tags[0].entity, reason)


# -- over all lists


def _twins(lists: Sequence[Linted]) -> Iterator[Finding]:
    known: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for one in lists:
        for tag in one.tags:
            if tag.kind is SubjectKind.ADDRESS and (key := _key(tag.subject, tag.family)):
                known[key].add((tag.subject, one.name, tag.entity))
    for those in known.values():
        subjects = sorted({subject for subject, _, _ in those})
        if len(subjects) > 1:
            for subject, name, entity in sorted(those):
                others = ", ".join(other for other in subjects if other != subject)
                yield Finding(Kind.TWIN, name, subject, entity, f"the same key as {others}")


def _key(subject: str, family: str) -> str:
    """What two forms of one key have in common; empty where a form has no twin."""
    if family == "evm":
        return subject
    if family == "tron":
        return evm_of_tron(subject)
    try:
        if subject.startswith("1"):
            return f"hash:{base58.decode(subject)[1:].hex()}"
        if subject.startswith("bc1q") and len(subject) == 42:
            return f"hash:{bytes(bech32.decode_program(subject)[2]).hex()}"
    except InputError:  # a text that only looks alike
        return ""
    return ""


def _one_regime(lists: Sequence[Linted]) -> Iterator[Finding]:
    regimes: dict[str, set[str]] = defaultdict(set)
    first: dict[str, tuple[str, str]] = {}
    for one in lists:
        if one.kind is ListKind.OFFICIAL:
            for tag in one.tags:
                if tag.regime and tag.kind is SubjectKind.ADDRESS and tag.delisted_on is None:
                    regimes[tag.subject].add(tag.regime)
                    first.setdefault(tag.subject, (one.name, tag.entity))
    every = set().union(*regimes.values()) if regimes else set()
    if len(every) < 2:
        return
    for subject, those in regimes.items():
        if len(those) == 1:
            name, entity = first[subject]
            others = ", ".join(sorted(every - those))
            yield Finding(Kind.ONE_REGIME, name, subject, entity, f"listed by {next(iter(those))}, not by {others}")


def at_or_above(found: Iterable[Finding], least: Severity) -> int:
    """Number of findings of a severity or a graver one."""
    return sum(SEVERITIES.index(one.severity) <= SEVERITIES.index(least) for one in found)
