"""Events of tokens, from the logs of a node: Transfer, and the Deposit and Withdrawal of wrapped coins. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from exposure.model.assets import Chain
from exposure.model.ledger import Status
from exposure.sources.movements import Movement, Movements, token_kind
from exposure.sources.reply import Record

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
DEPOSIT = "0xe1fffcc4923d04b559f4d29a8bfc6cda04eb5b0d3c460751c2402c5c5cc9109c"
WITHDRAWAL = "0x7fcf532c15f0a6db0bd6d0e038bea71d30d808c7d98cb3bf7268a95bf5081b65"

_WORD = re.compile(r"0x[0-9a-f]{64}")
_HEX = re.compile(r"0x[0-9a-fA-F]*")

ZERO = "0x" + "0" * 40

WRAPPED = {
    "ethereum": "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2",
    "polygon": "0x0d500b1d8e8ef31e21c99d1db9a6444d3adf1270",
    "bsc": "0xbb4cdb9cbd36b01bd1cbaebf2de08d9173bc095c",
    "optimism": "0x4200000000000000000000000000000000000006",
    "base": "0x4200000000000000000000000000000000000006",
    "avalanche": "0xb31f66aa3c1e785363f0875a1b74e27b85fd66c7",
}
"""Wrapped coins that are made and destroyed by Deposit and Withdrawal without a Transfer. Any contract may emit events of
these names with another meaning, so only contracts that are known for it are read so."""

COIN_AS_TOKEN = {
    "polygon": "0x0000000000000000000000000000000000001010",
    "evm-324": "0x000000000000000000000000000000000000800a",
    "evm-1088": "0xdeaddeaddeaddeaddeaddeaddeaddeaddead0000",
    "evm-42220": "0x471ece3750da237f93b8e339c536989b8978a438",
}
"""Contracts that show the chain's own coin as a token: their events repeat native value."""


def padded(address: str) -> str:
    """An address as a topic: 32 bytes."""
    return "0x" + "0" * 24 + address[2:]


def token_transfers(
    logs: list[Record], chain: Chain, times: Mapping[int, int] | None = None, owner: Callable[[str], str] = str
) -> Movements:
    """Movements of tokens in logs.

    Taken are Transfer events with both ends indexed and one word of data (ERC-20); four topics are ERC-721, one topic is a
    token from before the standard, and the store holds neither. ``owner`` turns the 0x form of an address into the chain's.

    Raises
    ------
    SourceError
        If a log lacks a field or has it in a wrong form.
    """
    found = Movements()
    for log in logs:
        if log.fields.get("removed") not in (None, False):  # taken back by a reorganisation, which final blocks do not see
            raise log.wrong("removed", "false, as for a log of a final block")
        contract = log.evm("address")
        if contract == COIN_AS_TOKEN.get(chain.name):
            continue
        moved = _moved(log, contract, chain)
        if moved is None:
            continue
        words = log.text("data", 10_000)
        if not _HEX.fullmatch(words):
            raise log.wrong("data", "hex digits")
        if len(words) != 66:
            found.void(f"{chain.name}/{owner(contract)}", "the token has events of another form than its standard")
            continue
        sender, receiver = (None if end in (None, ZERO) else owner(end) for end in moved)
        if sender is None and receiver is None:
            continue
        number, block = log.whole("logIndex", 2**31 - 2), log.whole("blockNumber", 2**48)
        found.add(
            Movement(
                chain.name,
                f"{chain.name}/{owner(contract)}",
                _tx(log, chain),
                block,
                log.whole("transactionIndex", 2**31 - 2),
                number,
                f"log:{number}",
                times[block] if times is not None else log.whole("timeStamp", 2**40),
                sender,
                receiver,
                int(words[2:], 16),
                str(token_kind(sender, receiver)),
                str(Status.OK),
            )
        )
    return found


def _tx(log: Record, chain: Chain) -> str:
    tx = log.hash("transactionHash")
    # TRON prints hashes bare, and its JSON-RPC the same hashes behind 0x.
    return tx.removeprefix("0x") if chain.family == "tron" else tx


def _moved(log: Record, contract: str, chain: Chain) -> tuple[str | None, str | None] | None:
    """(from, to) of a movement of tokens; None for any other event."""
    topics = [topic.lower() if isinstance(topic, str) else "" for topic in log.values("topics")]
    if not topics or not all(_WORD.fullmatch(topic) for topic in topics):
        raise log.wrong("topics", "a list of words")
    if topics[0] == TRANSFER:
        return (_end(topics[1]), _end(topics[2])) if len(topics) == 3 else None
    if contract == WRAPPED.get(chain.name) and len(topics) == 2:
        if topics[0] == DEPOSIT:
            return None, _end(topics[1])
        if topics[0] == WITHDRAWAL:
            return _end(topics[1]), None
    return None


def _end(topic: str) -> str:
    return "0x" + topic[-40:]
