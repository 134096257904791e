"""A sanctions oracle: a contract on an EVM chain that answers ``isSanctioned(address)``. Calls and replies, no network.

Such a contract holds addresses without names, programmes or dates: a yes is a reason to look, and no more than its operator's
word as of a block.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from exposure.errors import AttributionError, InputError
from exposure.model.addresses import parse
from exposure.text import shown

if TYPE_CHECKING:  # only named in signatures
    from collections.abc import Mapping, Sequence

CONTRACT = "0x40c57923924b5c5c5455c48d93317139addac8fb"
"""The public oracle of Chainalysis, at one address on Ethereum and most other EVM chains."""

SELECTOR = "0xdf592f7d"
"""First four bytes of Keccak-256 of ``isSanctioned(address)``."""

_WORD = re.compile(r"0x[0-9a-fA-F]{64}")
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,16}")


def evm_only(texts: Sequence[str]) -> list[str]:
    """Canonical forms of EVM addresses.

    Raises
    ------
    InputError
        If one is none: the oracle knows no other.
    """
    found = []
    for text in texts:
        address = parse(text)
        if address.family != "evm":
            raise InputError(f"{shown(text)} is no EVM address, and the oracle knows no other")
        found.append(address.canonical)
    return found


def calls(contract: str, addresses: Sequence[str], block: str) -> list[dict[str, Any]]:
    """A JSON-RPC batch: one ``eth_call`` an address, at one block (a quantity in hex); ids are places in ``addresses``."""
    return [
        {
            "jsonrpc": "2.0",
            "id": place,
            "method": "eth_call",
            "params": [{"to": contract, "data": f"{SELECTOR}{address[2:].rjust(64, '0')}"}, block],
        }
        for place, address in enumerate(addresses)
    ]


def answers(replies: object, addresses: Sequence[str]) -> dict[str, bool]:
    """What the contract says of each address, from the replies to `calls`.

    Raises
    ------
    AttributionError
        If an answer is missing, is an error, or is not a truth value: then nothing is said about any address.
    """
    if not isinstance(replies, list) or not all(isinstance(reply, dict) for reply in replies):
        raise AttributionError(f"the node does not answer a batch of calls ({shown(replies, 120)}); ask another node")
    by_id: Mapping[object, Mapping[str, Any]] = {reply.get("id"): reply for reply in replies}
    found = {}
    for place, address in enumerate(addresses):
        reply = by_id.get(place)
        if reply is None:
            raise AttributionError(f"the node did not answer for {address}; ask again, or another node")
        if "error" in reply:
            raise AttributionError(f"the node refuses to ask the contract about {address} ({shown(reply['error'], 160)})")
        found[address] = _truth(reply.get("result"), address)
    return found


def _truth(result: object, address: str) -> bool:
    if result == "0x":
        raise AttributionError("there is no contract at this address on the node's chain; name another with --contract")
    if not isinstance(result, str) or not _WORD.fullmatch(result) or int(result, 16) > 1:
        raise AttributionError(
            f"the contract's answer for {address} is no truth value ({shown(result, 80)}): it is no such oracle"
        )
    return int(result, 16) == 1


def quantity(reply: object, what: str) -> int:
    """A number in a JSON-RPC reply.

    Raises
    ------
    AttributionError
        If it is none.
    """
    value = reply.get("result") if isinstance(reply, dict) else None
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise AttributionError(f"the node does not say its {what} ({shown(reply, 120)}); ask another node")
    return int(value, 16)
