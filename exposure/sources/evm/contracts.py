"""What token contracts say of themselves: balance, decimals, symbol. Calls are packed and unpacked by web3."""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING

from exposure.sources.evm.rpc import Asked, RpcError

if TYPE_CHECKING:  # web3 takes a second to import, and is needed only when tokens are asked
    from eth_abi.codec import ABICodec

BALANCE_OF = "0x70a08231"
DECIMALS = "0x313ce567"
SYMBOL = "0x95d89b41"

_MAX_ANSWER = 4096
"""Longest answer looked at, in bytes: a symbol is short, and a contract may answer with megabytes."""


def balance_call(contract: str, address: str, block: str) -> Asked:
    """The call that asks a token for the balance of an address after a block."""
    return Asked("eth_call", [{"to": contract, "data": BALANCE_OF + "0" * 24 + address[2:]}, block])


def name_calls(contract: str, block: str) -> list[Asked]:
    """The calls that ask a token for its symbol and decimals."""
    return [Asked("eth_call", [{"to": contract, "data": data}, block]) for data in (SYMBOL, DECIMALS)]


def whole_number(answer: object) -> int | None:
    """A number that a contract answered; None if it answered something else, or failed."""
    found = _decoded("uint256", answer)
    return found if isinstance(found, int) else None


def short_text(answer: object) -> str | None:
    """A text that a contract answered, as string or as bytes32; None if it is neither."""
    if isinstance(answer, str) and len(answer) == 66:  # contracts from before the standard: 32 bytes, filled up with zeros
        try:
            return bytes.fromhex(answer[2:]).rstrip(b"\x00").decode("utf-8", "replace") or None
        except ValueError:
            return None
    found = _decoded("string", answer)
    return found if isinstance(found, str) and found else None


def _decoded(kind: str, answer: object) -> object:
    if isinstance(answer, RpcError) or not isinstance(answer, str) or not 2 < len(answer) <= 2 * _MAX_ANSWER:
        return None
    from eth_abi.exceptions import DecodingError

    try:
        return _codec().decode([kind], bytes.fromhex(answer[2:]))[0]
    except (DecodingError, ValueError, OverflowError):
        return None


@cache
def _codec() -> ABICodec:
    limit = sys.getrecursionlimit()
    from web3 import Web3

    # A part of web3 raises the limit a hundredfold, and then a reply of brackets in brackets ends the process.
    sys.setrecursionlimit(limit)
    return Web3().codec
