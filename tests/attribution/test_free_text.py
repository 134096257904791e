"""Addresses in free text: every notation, each with its checksum, none invented."""

import pytest
from fictional_forms import SPLIT, mixed
from fictional_lists import bech, btc, eth, trx
from hypothesis import given
from hypothesis import strategies as st

from exposure.attribution.free_text import find_addresses
from exposure.model.tags import SubjectKind


def named(text: str) -> list[str]:
    return [found.subject.canonical for found in find_addresses(text)[0]]


WRITTEN = {
    "behind a ticker": (f"XBT {btc('a')}", btc("a")),
    "glued to a ticker": (f"ETH{mixed('a')}", eth("a")),
    "behind a colon": (f"USDT:{trx('a')};", trx("a")),
    "in brackets": (f"(wallet {bech('a')}).", bech("a")),
    "in a link": (f"https://example.org/#/address/{trx('a')}/transfers", trx("a")),
    "in quotes": (f"\u201c{btc('a')}\u201d", btc("a")),
    "over two lines": (SPLIT, trx("split")),
    "over two lines of Windows": (f"{mixed('a')[:20]}\r\n  {mixed('a')[20:]}", eth("a")),
    "over two lines with a hyphen": (f"{btc('a')[:12]}-\n{btc('a')[12:]}", btc("a")),
    "over a line break that became a space": (SPLIT.replace("\n", " "), trx("split")),
    "in groups of four": (" ".join(mixed("a")[place : place + 4] for place in range(0, 42, 4)), eth("a")),
    "0x apart": (f"0x {mixed('a')[2:]}", eth("a")),
    "lower case": (f"wallet {eth('a')}", eth("a")),
    "upper case": (f"wallet 0x{eth('a')[2:].upper()}", eth("a")),
    "0X": (f"wallet 0X{eth('a')[2:].upper()}", eth("a")),
    "lower case over two lines": (f"{eth('a')[:30]}\n{eth('a')[30:]}", eth("a")),
    "bech32 in capitals": (bech("a").upper(), bech("a")),
    "between Japanese letters": (f"暗号資産アドレス{trx('a')}を保有", trx("a")),
    "in full width": ("".join(chr(ord(c) + 0xFEE0) for c in trx("a")), trx("a")),
    "with an invisible character": (f"{btc('a')[:9]}\u200b{btc('a')[9:]}", btc("a")),
    "with Cyrillic letters": (trx("a").replace("T", "Т", 1), trx("a")),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_an_address_is_found_in_every_notation(case: str) -> None:
    text, address = WRITTEN[case]
    assert named(text) == [address]
    assert named(f"Also known as: Fiction. {text} Further text follows.") == [address]


NOT_WRITTEN = {
    "passport": "Passport no. 123456789 (Fiction), ID 3201234567890123456789012345",
    "IBAN": "IBAN TR33 0006 1005 1978 6457 8413 26 and DE89370400440532013000",
    "a transaction": f"0x{'ab12' * 16} and {'ab12' * 16}",
    "a hash of 40": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "41 hex digits": f"{eth('a')}0",
    "39 hex digits": eth("a")[:-1],
    "in a longer word": f"X{btc('a')}Y",
    "one digit wrong": btc("a")[:-1] + ("x" if btc("a")[-1] != "x" else "y"),
    "wrong case": btc("a").lower(),
    "wrong mix of cases": "0x" + "".join(c.swapcase() if c.isalpha() else c for c in mixed("a")[2:]),
    "upper case of base58": trx("a").upper(),
    "lower case over a space": f"{eth('a')[:30]} {eth('a')[30:]}",
    "lower case over three lines": f"{eth('a')[:20]}\n{eth('a')[20:30]}\n{eth('a')[30:]}",
    "half an address": trx("a")[:20],
    "two halves of two": f"{trx('a')[:20]}\n{trx('b')[20:]}",
}


@pytest.mark.parametrize("case", NOT_WRITTEN)
def test_nothing_is_invented(case: str) -> None:
    assert named(NOT_WRITTEN[case]) == []


def test_what_nearly_is_an_address_is_reported() -> None:
    for case, reason in (
        ("one digit wrong", "Base58Check checksum is wrong"),
        ("wrong mix of cases", "EIP-55"),
        ("39 hex digits", "39 hex digits"),
        ("41 hex digits", "41 hex digits"),
        ("upper case of base58", "of one case"),
    ):
        (near,) = find_addresses(NOT_WRITTEN[case])[1]
        assert reason in near.reason
    for case in ("passport", "IBAN", "a transaction", "a hash of 40"):
        assert not find_addresses(NOT_WRITTEN[case])[1]


def test_the_form_decides_the_chain_and_the_ticker_is_kept() -> None:
    text = f"USDT {btc('omni')}, XBT: {trx('a')}, BNB - {eth('a')}, {eth('b')}"
    found, _ = find_addresses(text)
    assert [(one.subject.family, one.ticker) for one in found] == [
        ("bitcoin", "USDT"),
        ("tron", "XBT"),
        ("evm", "BNB"),
        ("evm", ""),
    ], "a ticker belongs to the address behind it, not to the next one"


def test_an_address_of_a_chain_that_is_not_read_is_kept_if_its_checksum_can_be_tested() -> None:
    from exposure.model.addresses import base58, bech32

    litecoin = base58.encode(b"\x30" + bytes(range(20)))
    segwit = bech32.encode_program("ltc", 0, bytes(range(20)))
    found, _ = find_addresses(f"LTC {litecoin} or {segwit}")
    assert [(one.subject.kind, one.subject.family) for one in found] == [(SubjectKind.UNCHECKED, "litecoin")] * 2
    assert named(f"LTC {litecoin[:-1]}{'a' if litecoin[-1] != 'a' else 'b'}") == []


def test_what_was_put_right_is_said() -> None:
    assert [one.doubt for one in find_addresses(btc("a"))[0]] == [""]
    assert "pieces" in find_addresses(SPLIT)[0][0].doubt
    assert "no checksum" in find_addresses(f"{eth('a')[:30]}\n{eth('a')[30:]}")[0][0].doubt
    assert "another alphabet" in find_addresses(trx("a").replace("T", "Т", 1))[0][0].doubt


MAKERS = st.sampled_from([btc, bech, trx, eth, mixed])


@given(
    st.lists(
        st.tuples(st.text(alphabet=st.characters(exclude_characters="_"), max_size=12), MAKERS, st.integers(0, 999)), max_size=6
    )
)
def test_addresses_between_any_texts_are_all_found_and_no_others(parts: list[tuple[str, object, int]]) -> None:
    addresses = [maker(str(number)) for _, maker, number in parts]  # type: ignore[operator]  # one of the makers
    text = "".join(f"{between} , {address} , " for (between, _, _), address in zip(parts, addresses, strict=True))
    assert named(text) == [eth(str(n)) if maker is mixed else maker(str(n)) for _, maker, n in parts]  # type: ignore[operator]  # as above
