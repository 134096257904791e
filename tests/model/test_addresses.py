"""Addresses: the published vectors, and the laws of the checksums."""

import csv
import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.errors import InputError
from exposure.model import addresses
from exposure.model.addresses import base58, bech32, hashes

HASH20 = st.binary(min_size=20, max_size=20)

BECH32_VALID = [
    "A12UEL5L",
    "a12uel5l",
    "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
    "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
    "11qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqc8247j",
    "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
    "?1ezyfcl",
]
BECH32M_VALID = [
    "A1LQFN3A",
    "a1lqfn3a",
    "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
    "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
    "11llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllludsr8",
    "split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
    "?1v759aa",
]
BECH32_INVALID = [
    "\x201nwldj5",
    "\x7f1axkwrx",
    "an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1569pvx",
    "pzry9x0s0muk",
    "1pzry9x0s0muk",
    "x1b4n0q5v",
    "li1dgmt3",
    "A1G7SGD8",
    "10a06t8",
    "1qzzfhee",
]
BECH32M_INVALID = [
    "\x201xj0phk",
    "qyrz8wqd2c9m",
    "1qyrz8wqd2c9m",
    "y1b0jsk6g",
    "lt1igcx5c0",
    "in1muywd",
    "mm1crxm3i",
    "16plkw9",
    "1p2gdwpf",
]

SEGWIT_VALID = [  # address, its script
    ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "0014751e76e8199196d454941c45d1b3a323f1433bd6"),
    (
        "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
        "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
    ),
    (
        "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
        "5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6",
    ),
    ("BC1SW50QGDZ25J", "6002751e"),
    ("bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "5210751e76e8199196d454941c45d1b3a323"),
    (
        "tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy",
        "0020000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433",
    ),
    (
        "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c",
        "5120000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433",
    ),
    (
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
    ),
]
SEGWIT_INVALID = [
    "tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
    "tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf",
    "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
    "tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47",
    "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
    "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
    "bc1pw5dgrnzv",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav",
    "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
    "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf",
    "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j",
    "bc1gmk9yu",
]
EIP55 = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]
BASE58 = [  # address, version and body, form
    ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "0062e907b15cbf27d5425399ebf6f0fb50ebb88f18", "p2pkh"),
    ("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "0077bff20c60e522dfaa3350c39b030a5d004e839a", "p2pkh"),
    ("3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "05b472a266d0bd89c13706a4132ccfb16f7c3b9fcb", "p2sh"),
    ("1111111111111111111114oLvT2", "00" + "00" * 20, "p2pkh"),
    ("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "6f243f1394f44554f4ce3fd68649c19adc483ce924", "p2pkh"),
    ("2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc", "c44e9f39ca4688ff102128ea4ccda34105324305b0", "p2sh"),
]


@pytest.mark.parametrize(
    ("text", "constant"), [(t, bech32.BECH32) for t in BECH32_VALID] + [(t, bech32.BECH32M) for t in BECH32M_VALID]
)
def test_bech32_vectors_decode_and_encode_back(text, constant):
    words = bech32.decode_words(text)
    assert words.constant == constant
    assert bech32.encode_words(words.hrp, words.words, constant) == text.lower()


@pytest.mark.parametrize("text", BECH32_INVALID + BECH32M_INVALID)
def test_bad_bech32_vectors_are_refused_with_a_reason(text):
    with pytest.raises(InputError, match=r"\w+ \w+"):
        bech32.decode_words(text)


@pytest.mark.parametrize(("text", "script"), SEGWIT_VALID)
def test_segwit_vectors_read_and_follow_from_their_scripts(text, script):
    read = addresses.parse(text)
    assert read.canonical == text.lower()
    assert read.family == "bitcoin"
    network = addresses.network_of(read.canonical)
    assert addresses.script_address(bytes.fromhex(script), network)[0] == text.lower()


@pytest.mark.parametrize("text", SEGWIT_INVALID)
def test_bad_segwit_vectors_are_refused_with_a_reason(text):
    with pytest.raises(InputError, match=text):
        addresses.parse(text)


def test_the_wrong_variant_of_the_checksum_is_named():
    with pytest.raises(InputError, match="witness version 1 takes bech32m"):
        addresses.parse("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd")


@pytest.mark.parametrize("text", EIP55)
def test_eip55_vectors(text):
    assert addresses.parse(text) == addresses.Address(text.lower(), "evm", "evm")
    assert addresses.checksummed(text.lower()) == text
    assert addresses.parse("0x" + text[2:].lower()).canonical == text.lower()
    assert addresses.parse("0X" + text[2:].upper()).canonical == text.lower()


def test_a_wrong_mix_of_cases_says_which_would_be_right():
    right = EIP55[4]
    with pytest.raises(InputError, match=right):
        addresses.parse(right[:5] + right[5].swapcase() + right[6:])


@pytest.mark.parametrize(("text", "payload", "form"), BASE58)
def test_base58check_vectors(text, payload, form):
    assert base58.decode(text).hex() == payload
    assert base58.encode(bytes.fromhex(payload)) == text
    assert addresses.parse(text) == addresses.Address(text, "bitcoin", form)


def test_tron_in_each_of_its_forms_is_one_address():
    usdt = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
    digits = "41a614f803b6fd780986a42c78ec9c7f77e6ded13c"
    for text in (usdt, digits, digits.upper(), "0x" + digits, f"\n  {usdt}\t"):
        assert addresses.parse(text) == addresses.Address(usdt, "tron", "tron")
    assert addresses.evm_of_tron(usdt) == "0x" + digits[2:]
    assert addresses.tron_of_evm("0x" + digits[2:]) == usdt


def test_a_tron_address_that_begins_like_a_test_networks_is_told_apart():
    right = "TB1XkeWaRdNMtfsKxtBfXjs4LtMTEuYpf8"
    assert addresses.parse(right).family == "tron"
    with pytest.raises(InputError, match=f"TRON.*right as {right} \\(character 34: 8, not 9\\)"):
        addresses.parse(right[:-1] + "9")


def test_keccak_and_ripemd_vectors():
    assert hashes.keccak256_plain(b"").hex() == hashes.keccak256(b"").hex()
    assert hashes.keccak256_plain(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert hashes.keccak256(b"Transfer(address,address,uint256)").hex().startswith("ddf252ad1be2c89b69c2b068fc378daa")
    assert hashes.keccak256(b"a" * 136) != hashes.keccak256(b"a" * 135)
    assert hashes.ripemd160_plain(b"").hex() == "9c1185a5c5e9fc54612808977ee8f548b2258d31"
    assert hashes.ripemd160_plain(b"message digest").hex() == "5d0689ef49d2fae572b881b123a85ffa21595f36"
    assert hashes.ripemd160_plain(b"1234567890" * 8).hex() == "9b752e45573d4b39f4dbd3323cab82bf63326bfb"


@given(st.binary(max_size=300))
def test_both_ripemd160_agree(message):
    if hashes._NATIVE_RIPEMD160:
        assert hashes.ripemd160_plain(message) == hashlib.new("ripemd160", message).digest()


@given(st.binary(min_size=1, max_size=40))
def test_base58check_round_trip(payload):
    assert base58.decode(base58.encode(payload)) == payload


@given(st.binary(max_size=400))
def test_both_keccaks_agree(message):
    assert hashes.keccak256(message) == hashes.keccak256_plain(message)


@given(st.integers(0, 16), st.binary(min_size=2, max_size=40), st.sampled_from(["mainnet", "testnet", "regtest"]))
def test_witness_round_trip(version, program, network):
    if version == 0:
        program = (program * 16)[:32]
    text = addresses.witness_address(version, program, network)
    assert bech32.decode_program(text)[1:] == (version, program)
    assert addresses.parse(text.upper()).canonical == text
    assert addresses.network_of(text) == network


@given(HASH20)
def test_account_addresses_round_trip(body):
    evm, tron = addresses.evm_address(body), addresses.tron_address(body)
    assert addresses.parse(evm).canonical == addresses.parse(addresses.checksummed(evm)).canonical == evm
    assert addresses.parse(tron).canonical == addresses.tron_of_evm(evm) == tron
    assert addresses.evm_of_tron(tron) == evm


@given(HASH20, st.data())
def test_one_wrong_letter_of_bech32_is_found_and_corrected(body, data):
    right = addresses.witness_address(0, body)
    place = data.draw(st.integers(4, len(right) - 1))
    letter = data.draw(st.sampled_from([c for c in bech32.ALPHABET + "bio" if c != right[place]]))
    with pytest.raises(InputError, match=right):
        addresses.parse(right[:place] + letter + right[place + 1 :])


@given(HASH20, st.data())
def test_one_wrong_letter_of_base58_is_detected(body, data):
    right = addresses.p2pkh_address(body)
    place = data.draw(st.integers(1, len(right) - 1))
    letter = data.draw(st.sampled_from([c for c in base58.ALPHABET + "0OIl" if c != right[place]]))
    with pytest.raises(InputError):
        addresses.parse(right[:place] + letter + right[place + 1 :], suggest=False)


@pytest.mark.parametrize("right", ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"])
def test_one_wrong_letter_of_base58_is_corrected(right):
    for place, letter in ((5, "x"), (20, "O"), (len(right) - 1, "z")):
        with pytest.raises(InputError, match=f"right as {right} "):
            addresses.parse(right[:place] + letter + right[place + 1 :])
    with pytest.raises(InputError) as two_wrong:
        addresses.parse(right[:4] + "zz" + right[6:])
    assert "right as" not in str(two_wrong.value)


@given(st.text(max_size=250))
def test_any_text_is_read_or_refused_with_a_sentence_of_bounded_length(text):
    try:
        addresses.parse(text)
    except InputError as error:
        assert len(str(error)) < 600
        assert str(error).isprintable() or "\\" in str(error)
    addresses.family_of(text)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "empty"),
        ("0x" + "a" * 64, "transaction hash"),
        ("a" * 64, "hash, not an address"),
        ("de709f2102306220921060314715629080e2fb77", "starts with 0x"),
        ("0xde709f2102306220921060314715629080e2fg77", "character 40 is not a hex digit"),
        ("LVg2kJoFNg45Nbpy53h7Fe1wKyeXVRhMH9", "litecoin"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7Divf\u0430a", "U\\+0430"),
        ("0xde709f2102306220921060314715629080e2fb7\u200b", "U\\+200B"),
        ("x" * 5000, "5000 characters"),
    ],
)
def test_a_refusal_says_what_is_wrong(text, part):
    with pytest.raises(InputError, match=part):
        addresses.parse(text)


KEY = "02" + "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
GENESIS_KEY = "".join(
    (
        "04678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb6",
        "49f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5f",
    )
)


@pytest.mark.parametrize(
    ("script", "address", "kind"),
    [
        ("41" + GENESIS_KEY + "ac", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "p2pk"),
        ("76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "p2pkh"),
        ("a914b472a266d0bd89c13706a4132ccfb16f7c3b9fcb87", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "p2sh"),
        ("21" + KEY + "ac", "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH", "p2pk"),
        ("0014751e76e8199196d454941c45d1b3a323f1433bd6", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "p2wpkh"),
        ("51024e73", "bc1pfeessrawgf", "unknown"),
        ("6002751e", "bc1sw50qgdz25j", "unknown"),
        ("0010" + "00" * 16, None, "nonstandard"),
        ("5121" + KEY + "21" + KEY + "52ae", None, "multisig"),
        ("5121" + KEY + "51ae", None, "multisig"),
        ("5221" + KEY + "51ae", None, "nonstandard"),
        ("5121" + KEY + "52ae", None, "nonstandard"),
        ("5121" + KEY[:20] + "51ae", None, "nonstandard"),
        ("6a0b68656c6c6f20776f726c64", None, "op_return"),
        ("21" + "05" + KEY[2:] + "ac", None, "nonstandard"),
        ("", None, "nonstandard"),
        ("ac", None, "nonstandard"),
    ],
)
def test_scripts_are_filed_under_their_address(script, address, kind):
    octets = bytes.fromhex(script)
    got, got_kind = addresses.script_address(octets, "bitcoin")
    assert (got, got_kind) == (address or f"script:{hashes.hash160(octets).hex()}", kind)
    assert addresses.parse(got).canonical == got


@given(st.binary(max_size=80))
def test_any_script_has_an_address_that_reads_back(script):
    for network in ("mainnet", "bitcoin-testnet", "regtest"):
        address, _ = addresses.script_address(script, network)
        assert addresses.parse(address).canonical == address


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("4" + "A" * 94, "monero"),
        ("LVg2kJoFNg45Nbpy53h7Fe1wKyeXVRhMH9", "litecoin"),
        ("t1KzZ5n2TPEGYXTZ3WYGL1AYEumEQaRoHaL", "zcash"),
        ("XpESxaUmonkq8RaLLp46Brx2K39ggQe226", "dash"),
        ("rf1BiGeXwwQoi8Z2ueFYTEXSwuJYfV2Jpn", "ripple"),
        ("So11111111111111111111111111111111111111112", "solana"),
        ("DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L", "dogecoin"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", None),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", None),
        ("0x52908400098527886E0F7030069857D2E4169EE7", None),
        ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", None),
        ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u", None),
        ("hello world", None),
    ],
)
def test_chains_that_are_not_read_are_recognised_by_form(text, family):
    assert addresses.family_of(text) == family


@pytest.mark.data
def test_listed_addresses_of_a_real_edition_are_read_or_recognised(check_data):
    with (check_data / "data/ofac/ofac_adv_2025-12-04.csv").open(encoding="utf-8") as file:
        listed = {row["address"] for row in csv.DictReader(file)}
    forms = Counter()
    for text in listed:
        try:
            forms[addresses.parse(text).form] += 1
        except InputError as error:
            forms["foreign" if addresses.family_of(text) else "unknown"] += 1
            assert "checksum" not in str(error)
    assert sum(forms.values()) == len(listed) > 700
    assert forms["unknown"] == 1  # 64 hex digits, of a chain whose addresses have no more form than that
    assert forms["foreign"] < 40
