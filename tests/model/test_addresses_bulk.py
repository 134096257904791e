"""The fast check of many addresses and `parse`, which is the definition, never disagree."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.errors import InputError
from exposure.model.addresses import checksummed, evm_address, p2pkh_address, p2sh_address, parse, tron_address, witness_address
from exposure.model.addresses.bulk import CHUNK, canonical_many

MAKERS: dict[str, Callable[[bytes], str]] = {
    "p2pkh": p2pkh_address,
    "p2sh": p2sh_address,
    "p2wpkh": lambda body: witness_address(0, body),
    "p2wsh": lambda body: witness_address(0, (body * 2)[:32]),
    "p2tr": lambda body: witness_address(1, (body * 2)[:32]),
    "tron": tron_address,
    "evm": evm_address,
    "capitals": lambda body: "0x" + body.hex().upper(),
    "eip55": lambda body: checksummed(evm_address(body)),
}
LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def parsed(text: str) -> str | None:
    try:
        return parse(text, suggest=False).canonical
    except InputError:
        return None


def agrees(texts: list[str]) -> None:
    for text, fast in zip(texts, canonical_many(texts), strict=True):
        assert fast is None or fast == parsed(text), text


@pytest.mark.parametrize("form", MAKERS)
@given(bodies=st.lists(st.binary(min_size=20, max_size=20), min_size=1, max_size=20))
def test_every_valid_address_is_recognised_in_its_canonical_form(form: str, bodies: list[bytes]) -> None:
    texts = [f" {MAKERS[form](body)}\n" for body in bodies]
    assert canonical_many(texts) == [parsed(text) for text in texts]


@pytest.mark.parametrize("form", MAKERS)
@given(body=st.binary(min_size=20, max_size=20), place=st.integers(0, 61), letter=st.sampled_from(LETTERS))
def test_an_address_with_a_wrong_character_is_never_called_valid(form: str, body: bytes, place: int, letter: str) -> None:
    text = MAKERS[form](body)
    place %= len(text)
    agrees([text[:place] + letter + text[place + 1 :], text[:place] + text[place + 1 :], text + letter])


@given(st.lists(st.text(max_size=70), max_size=20))
def test_any_text_at_all_is_taken(texts: list[str]) -> None:
    agrees(texts)


def test_leading_zero_bytes_and_leading_ones_have_to_match() -> None:
    zeros = p2pkh_address(bytes(20))
    agrees([zeros, zeros[1:], "1" + zeros, p2pkh_address(bytes(19) + b"\x01")])
    assert canonical_many([zeros]) == [zeros]


def test_the_order_is_kept_over_chunks() -> None:
    source = random.Random(7)
    makers = list(MAKERS.values())
    texts = [source.choice(makers)(source.randbytes(20)) for _ in range(2 * CHUNK)]
    found = canonical_many(texts)
    assert all(fast is not None and fast.lower() == text.lower() for text, fast in zip(texts, found, strict=True))


def test_a_tron_address_that_looks_like_a_test_networks_prefix_is_one_of_tron() -> None:
    """One in 1,700 starts with TB1 or Tb1, which in small letters is the prefix of bech32 on Bitcoin's test network."""
    address = "TB1q8hGHcLH8GFAKzF3yHZDG9NNhTXsBQS"
    assert parse(address).family == "tron" and canonical_many([address]) == [address]
