"""From the text of a list to the subject of a tag: the form of an address decides, never the ticker it stands under."""

from __future__ import annotations

import re
from typing import NamedTuple

from exposure.errors import InputError
from exposure.model.addresses import family_of, parse
from exposure.model.assets import CHAINS, Asset, chain
from exposure.model.labels import Category
from exposure.model.tags import SubjectKind
from exposure.text import shown

_EVM = re.compile(r"0[xX][0-9a-fA-F]{40}")
_HASH = re.compile(r"(0x)?[0-9a-f]{64}")
_SERVICE = re.compile(r"([a-zA-Z_]+)/([A-Za-z]{2})")
_COIN = re.compile(r"([0-9a-f]{64}):([0-9]{1,9})")


class Subject(NamedTuple):
    """What a text names. ``family`` is the chain family (``bitcoin``, ``evm``, ``tron``), or the looks of an unchecked one.

    ``problem`` is a sentence where the text could not be taken as it stands, else empty.
    """

    kind: SubjectKind
    canonical: str
    family: str
    problem: str = ""


def read_subject(text: str) -> Subject:
    """What a list's address text names; never fails.

    An address of a chain that is read is an ``address`` in canonical form. One of another chain is ``unchecked``, without a
    problem. A wrong checksum makes it ``unchecked`` with the problem stated; an EVM address in wrong mixed case is kept as
    an address, since its digits are whole: lists are known to destroy case.
    """
    text = text.strip()
    try:
        address = parse(text, suggest=False)
    except InputError as error:
        if _EVM.fullmatch(text):
            return Subject(SubjectKind.ADDRESS, text.lower(), "evm", str(error))
        foreign = family_of(text)
        return Subject(SubjectKind.UNCHECKED, text, foreign or "", "" if foreign else str(error))
    return Subject(SubjectKind.ADDRESS, address.canonical, address.family)


def with_memo(subject: Subject, memo: str) -> Subject:
    """An (address, memo) pair as one subject, ``ADDRESS#MEMO``: on some chains only both together name a customer.

    Raises
    ------
    InputError
        If there is a memo, but the address is of a chain that is read: none of them has destination tags.
    """
    if not memo:
        return subject
    if subject.kind is not SubjectKind.UNCHECKED or subject.problem:
        raise InputError(f"a memo does not belong to {shown(subject.canonical, 80)}: its chain has no destination tags")
    return subject._replace(canonical=f"{subject.canonical}#{memo}")


def read_any_subject(text: str, kind: str = "") -> Subject:
    """`read_subject`, and also coins (``TX:N``), transactions (64 hex digits), assets (``CHAIN/CONTRACT``) and services.

    A service is a category and a country (``exchange/RU``): every address that a tag places there.

    Parameters
    ----------
    text
        The subject as somebody wrote it.
    kind
        ``address``, ``coin``, ``tx``, ``asset``, ``service`` or ``joint`` if it is stated; else the form decides.

    Raises
    ------
    InputError
        If the text is not of the stated kind.
    """
    text = text.strip()
    lower = text.lower()
    coin = _COIN.fullmatch(lower)
    if coin and kind in ("", "coin"):
        return Subject(SubjectKind.COIN, f"{coin[1]}:{int(coin[2])}", "bitcoin")
    if _HASH.fullmatch(lower) and kind in ("", "tx"):
        return Subject(SubjectKind.TX, lower, "evm" if lower.startswith("0x") else "")
    if _HASH.fullmatch(lower) and kind == "joint" and not lower.startswith("0x"):
        return Subject(SubjectKind.JOINT, lower, "bitcoin")
    if "/" in text and kind in ("", "asset") and (kind or text.partition("/")[0].lower() in CHAINS):
        asset = Asset.parse(text)
        contract = asset.contract
        if contract is not None:
            contract = parse(contract, suggest=False).canonical
        return Subject(SubjectKind.ASSET, Asset(asset.chain, contract).id, chain(asset.chain).family)
    service = _SERVICE.fullmatch(text)
    if service and kind in ("", "service") and service[1].lower() in list(Category):
        return Subject(SubjectKind.SERVICE, f"{service[1].lower()}/{service[2].upper()}", "")
    if kind in ("coin", "tx", "asset", "service", "joint"):
        forms = {"coin": "TRANSACTION:N", "tx": "a transaction hash of 64 hex digits", "asset": "CHAIN/CONTRACT"}
        forms |= {
            "service": "CATEGORY/COUNTRY, such as exchange/RU",
            "joint": "the hash of a Bitcoin transaction, 64 hex digits",
        }
        raise InputError(f"{shown(text)} is no {kind}: write {forms[kind]}")
    return read_subject(text)
