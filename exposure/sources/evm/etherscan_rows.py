"""Etherscan's account lists as rows: txlist, txlistinternal, tokentx, logs, withdrawals; and what its replies mean. Pure.

Replies come with HTTP status 200 whatever happened; "nothing there" and "refused" both say status 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import Enum

from exposure.model.assets import Chain
from exposure.model.ledger import Flag, Kind, Status
from exposure.sources.evm.blocks import GWEI, allocation, withdrawal
from exposure.sources.evm.logs import COIN_AS_TOKEN, ZERO
from exposure.sources.evm.places import path_place
from exposure.sources.movements import Movement, Movements, counted, fee_of, hash_place, token_kind
from exposure.sources.reply import Record

_PATH = re.compile(r"\d{1,5}(_\d{1,5})*")
_MOVING = {"call", "create", "create2", "selfdestruct", "suicide"}


class Answer(Enum):
    """What a reply is."""

    ROWS = "rows"
    SLOWER = "slower"
    SMALLER = "smaller"
    REFUSED = "refused"


def answer(reply: Record) -> tuple[Answer, str]:
    """What a reply is, and the reason that it gives where it is no list of rows.

    ``SLOWER``: too many calls, ask again later. ``SMALLER``: the range holds too much. ``REFUSED``: it will not change.
    """
    result = reply.fields.get("result")
    message = reply.fields.get("message")
    status = reply.fields.get("status")
    if isinstance(result, list) and ((status in ("1", 1) and result) or _is_empty(message, result)):
        return Answer.ROWS, ""
    if result == [] and status in ("1", 1):  # nothing found is said in words, with status 0
        return Answer.REFUSED, "it says OK, and neither rows nor that there are none"
    reason = result if isinstance(result, str) else str(message)
    lower = reason.lower()
    if "rate limit" in lower or "too many invalid api key" in lower or "too many requests" in lower:
        return Answer.SLOWER, reason
    if "window is too large" in lower or "timeout" in lower or "smaller result" in lower:
        return Answer.SMALLER, reason
    return Answer.REFUSED, reason


def _is_empty(message: object, result: Sequence[object]) -> bool:
    """ "No transactions found", "No records found", "No token transfers found" and their like, with an empty list."""
    return not result and isinstance(message, str) and message.lower().startswith("no ") and "found" in message.lower()


def transactions(items: Sequence[Record], chain: Chain) -> Movements:
    """Rows of ``txlist``: a value row for each transaction, also if it failed, and its fee.

    What the first block allots stands in the list as a transaction whose hash is ``GENESIS_`` and the address.
    """
    found = Movements()
    for row in items:
        if str(row.fields.get("hash"))[:8] == "GENESIS_":
            found.add(allocation(chain, row.evm("to"), row.whole("value"), row.whole("timeStamp", 2**40)))
            continue
        failed = row.flag("isError") or row.fields.get("txreceipt_status") in ("0", 0)
        sender, receiver = row.evm("from"), row.maybe_evm("to") or row.maybe_evm("contractAddress")
        if receiver is None and not failed:
            raise row.wrong("to", "an address, and no contract that was made is named")
        value = Movement(
            chain.name,
            chain.native,
            row.hash("hash"),
            row.whole("blockNumber", 2**48),
            row.whole("transactionIndex", 2**31 - 2),
            0,
            "value",
            row.whole("timeStamp", 2**40),
            sender,
            receiver or sender,
            row.whole("value"),
            str(Kind.VALUE),
            str(Status.FAILED if failed else Status.OK),
        )
        found.add(value)
        fee = row.whole("gasUsed", 2**48) * row.whole("gasPrice", 10**20)
        if fee:
            found.add(fee_of(value, fee))
    return found


def internal(items: Sequence[Record], chain: Chain, places: Mapping[str, int]) -> Movements:
    """Rows of ``txlistinternal``. ``places``: transaction indexes that other lists told; without one, order is weak."""
    found = Movements()
    unnumbered = []
    for row in items:
        amount = row.whole("value")
        failed = row.flag("isError")
        if failed or not amount or row.text("type", 30).lower() not in _MOVING:
            continue
        tx, sender = row.hash("hash"), row.evm("from")
        receiver = row.maybe_evm("to") or row.maybe_evm("contractAddress")
        if receiver is None:
            continue
        path = row.text("traceId", 4000) if row.has("traceId") else ""
        numbered = path != ""
        if numbered and _PATH.fullmatch(path) is None:
            raise row.wrong("traceId", "a path such as 0_1")
        steps = [int(step) for step in path.split("_")] if numbered else []
        movement = Movement(
            chain.name,
            chain.native,
            tx,
            row.whole("blockNumber", 2**48),
            places.get(tx, hash_place(tx)),
            path_place(steps) if numbered else 0,
            f"trace:{path}",
            row.whole("timeStamp", 2**40),
            sender,
            receiver,
            amount,
            str(Kind.INTERNAL),
            str(Status.OK),
            flags=0 if tx in places else Flag.WEAK_ORDER,
        )
        if numbered:
            found.add(movement)
        else:
            unnumbered.append(movement)
    for movement in counted(unnumbered):
        found.add(movement)
    return found


def tokens(items: Sequence[Record], chain: Chain) -> Movements:
    """Rows of ``tokentx``. Etherscan gives no log index, so equal rows of a transaction are counted; Blockscout gives one."""
    found = Movements()
    unnumbered = []
    for row in items:
        contract = row.evm("contractAddress")
        if contract == COIN_AS_TOKEN.get(chain.name):
            continue
        asset = f"{chain.name}/{contract}"
        sender, receiver = (None if end == ZERO else end for end in (row.evm("from"), row.evm("to")))
        if sender is None and receiver is None:
            continue
        number = row.whole("logIndex", 2**31 - 2) if row.fields.get("logIndex") not in (None, "") else None
        movement = Movement(
            chain.name,
            asset,
            row.hash("hash"),
            row.whole("blockNumber", 2**48),
            row.whole("transactionIndex", 2**31 - 2),
            number or 0,
            f"log:{number}",
            row.whole("timeStamp", 2**40),
            sender,
            receiver,
            row.whole("value"),
            str(token_kind(sender, receiver)),
            str(Status.OK),
        )
        if number is None:
            unnumbered.append(movement)
        else:
            found.add(movement)
        decimals = row.fields.get("tokenDecimal")
        small = int(decimals) if isinstance(decimals, str) and len(decimals) < 3 and decimals.isdecimal() else None
        found.name(asset, row.fields.get("tokenSymbol"), small)
    for movement in counted(unnumbered):
        found.add(movement)
    return found


def withdrawals(items: Sequence[Record], chain: Chain) -> Movements:
    """Rows of ``txsBeaconWithdrawal``: amounts are in gwei."""
    found = Movements()
    for row in items:
        block, time = row.whole("blockNumber", 2**48), row.whole("timestamp", 2**40)
        amount = row.whole("amount", 2**80) * GWEI
        found.add(withdrawal(chain, block, time, row.whole("withdrawalIndex", 2**62), row.evm("address"), amount))
    return found
