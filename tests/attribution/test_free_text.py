"""Addresses in free text: every notation, each with its checksum, none invented."""

from collections.abc import Callable

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


AROUND = (
    *("Digital Currency Address - XBT {a};", "Digital Currency Address - ETH {a}; alt. Digital Currency Address - ETH {b};"),
    *("BTC address: {a}", "BTC Address:{a}", "ETH wallet {a}", "(wallet:{a})", "[{a}]", "{{{a}}}", "<{a}>", '"{a}"', "'{a}'"),
    *("«{a}»", "‘{a}’", "「{a}」", "『{a}』", "（{a}）", "【{a}】", "{a}。", "{a}、{b}", "・{a}", "：{a}"),
    *(
        "ビットコインアドレス：{a}",
        "ビットコインアドレス{a}を使用",
        "暗号資産（{a}）",
        "暗号資産ウォレットアドレス：{a}；{b}；",
    ),
    *("USDT (TRC20): {a}", "USDT-TRC20 {a}", "TRC-20: {a}", "USDT_TRC20:{a}", "ERC20/{a}", "BEP20|{a}", "ＵＳＤＴ：{a}"),
    *("a) {a}; b) {b}", "(a) {a} (b) {b}", "（a）{a}（b）{b}", "1) {a} 2) {b}", "1. {a}\n2. {b}", "i. {a}, ii. {b}"),
    *("{a},{b}", "{a};{b}", "{a}/{b}", "{a}|{b}", "{a} and {b}", "{a}&{b}", "{a} {b}", "{a}\n{b}", "{a}\r\n{b}", "{a}\t{b}"),
    *("{a}; {b}", "{a}　{b}", "{a} {b}", "{a}\x0b{b}", "{a}\x85{b}", "{a}-{b}", "{a}<br>{b}", "{a}<BR/>{b}"),
    *("bitcoin:{a}?amount=1", "ethereum:{a}@1", "tron:{a}", "https://example.org/#/address/{a}", "example.org/a/{a}/?x=1"),
    *("Wallet={a}&x=1", "address%3A{a}%20", "e-mail: x@example.org, wallet {a}", "Passport 12345678901234567890, ID: {a}"),
    *("BTC-{a}", "BTC - {a}", "BTC – {a}", "BTC—{a}", "XBT_{a}", "BTC/{a}", "BTC\\{a}", "*{a}*", "_{a}_", "`{a}`", "~{a}"),
    *("#{a}", "@{a}", "+{a}", "={a}", "ETH{a}", "TRX{a}", "USDT{a}", "Tether{a}", "BITCOIN{a}", "wallet{a}", "Address{a}"),
    *("адрес {a}", "адрес:{a}.", "кошелёк USDT {a},", "عنوان {a}", "כתובת:{a}", "‏{a}‎", "‪{a}‬", "﻿{a}"),
    *("{a}​", "{a}…", "{a}...", "{a}!", "{a}?", "{a}:", "{a}-", "-{a}", "•{a}", "→{a}", "No.{a}", "&lt;{a}&gt;"),
    *("&quot;{a}&quot;", "&nbsp;{a}&nbsp;", "\\n{a}\\n{b}", "{a}&#10;{b}", "{a}\\", "<p>{a}</p><p>{b}</p>", "%0A{a}%0D%0A{b}"),
)
"""What official lists, and texts that were copied into them, have around an address."""


@pytest.mark.parametrize("make", [btc, bech, mixed, eth, trx])
def test_every_address_is_found_whatever_stands_around_it_and_none_is_invented(make: Callable[[str], str]) -> None:
    one, two = make("around"), make("around too")
    for text in AROUND:
        expected = [address.lower() if address.startswith("0x") else address for address in (one, two)]
        written = text.format(a=one, b=two)
        assert named(written) == expected[: 1 + ("{b}" in text)], text
        wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in written)
        if not any(mark in text for mark in ("<", "&", "%", "\\")):
            assert named(wide) == named(written), text
    assert len(AROUND) > 100


SPLIT_BY = ("\n", "\r\n", "\n      ", "-\n", "‐\n", "\x0b", "\x0c", "\x85", " ", " ", "<br>", "<br />", "&#10;", "\\n", "/\n")
SPLIT_INSIDE = (" ", "  ", "\t", " ", " ", " ", "　", "-", "‑", "- ", " / ")
UNSEEN = ("­", "​", "‍", "⁠", "﻿")


@pytest.mark.parametrize("make", [btc, bech, mixed, eth, trx])
def test_an_address_in_two_pieces_is_found_where_a_checksum_or_one_line_break_says_so(make: Callable[[str], str]) -> None:
    address = make("pieces")
    found = address.lower() if address.startswith("0x") else address
    for gap in (*SPLIT_BY, *SPLIT_INSIDE, *UNSEEN):
        for cut in (5, 20, len(address) - 6):
            text = f"Wallet: {address[:cut]}{gap}{address[cut:]}. More"
            if make is eth and gap in SPLIT_INSIDE:  # nothing proves that the pieces belong together: said, not guessed
                assert not named(text) and "no checksum" in find_addresses(text)[1][0].reason, repr(gap)
            else:
                assert named(text) == [found], repr(gap)


def test_letters_that_only_look_latin_are_read_and_reported() -> None:
    for latin, others in {
        "T": "ТΤ",
        "C": "СϹ",
        "G": "Ԍ",
        "h": "հһ",
        "n": "ո",
        "u": "ս",
        "U": "Ս",
        "o": "оοօ",
        "Y": "ҮΥ",
        "W": "Ԝ",
    }.items():
        address = next(found for n in range(400) if latin in (found := trx(f"alike {n}"))[0 if latin == "T" else 1 :])
        for other in others:
            (found,) = find_addresses(
                address.replace(latin, other, 1) if latin == "T" else address[0] + address[1:].replace(latin, other, 1)
            )[0]
            assert found.subject.canonical == address and "another alphabet" in found.doubt, other


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
    addresses = [maker(str(number)) for _, maker, number in parts]  # one of the makers
    text = "".join(f"{between} , {address} , " for (between, _, _), address in zip(parts, addresses, strict=True))
    assert named(text) == [eth(str(n)) if maker is mixed else maker(str(n)) for _, maker, n in parts]  # as above
