"""Blockscout's lists (REST, version 2) as rows. Field names moved between versions: old and new ones are read. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from exposure.model.assets import Chain
from exposure.model.ledger import Flag, Kind, Status
from exposure.sources.evm.blocks import withdrawal
from exposure.sources.evm.logs import COIN_AS_TOKEN, ZERO
from exposure.sources.movements import Movement, Movements, fee_of, hash_place, token_kind
from exposure.sources.reply import Record

_MOVING = {"call", "create", "create2", "selfdestruct", "suicide"}


def transactions(reply: Record, chain: Chain) -> Movements:
    """Items of ``/addresses/{a}/transactions``; transactions that wait for a block are left out."""
    found = Movements()
    for item in reply.records("items"):
        block = _block(item)
        if block is None:
            continue
        tx, sender = item.hash("hash"), _end(item, "from")
        place = _first(item, "position", "transaction_index", "index")
        made = _end(item, "created_contract")
        failed = item.fields.get("status") == "error"
        known = item.fields.get("status") in ("ok", "error")
        receiver = _end(item, "to") or made
        if sender is None or (receiver is None and not failed):
            raise item.wrong("from" if sender is None else "to", "an address")
        value = Movement(
            chain.name,
            chain.native,
            tx,
            block,
            hash_place(tx) if place is None else item.whole(place, 2**31 - 2),
            0,
            "value",
            item.moment("timestamp"),
            sender,
            receiver or sender,
            item.whole("value"),
            str(Kind.VALUE),
            str(Status.FAILED if failed else Status.OK if known else Status.UNKNOWN),
            flags=(Flag.WEAK_ORDER if place is None else 0) | (0 if known else Flag.UNKNOWN_STATUS),
        )
        found.add(value)
        fee = item.maybe_record("fee")
        if fee is None or not fee.has("value"):
            found.void(chain.native, "the fees of some transactions are not listed")
        elif fee.whole("value"):
            found.add(fee_of(value, fee.whole("value")))
    return found


def internal(reply: Record, chain: Chain, places: Mapping[str, int]) -> Movements:
    """Items of ``/addresses/{a}/internal-transactions``; ``index`` counts the calls of a transaction."""
    found = Movements()
    for item in reply.records("items"):
        block = _block(item)
        amount = item.whole("value") if item.has("value") else 0
        kind = item.text("type", 30).lower()
        if block is None or not amount or item.fields.get("success") is False or item.has("error") or kind not in _MOVING:
            continue
        tx = item.hash("transaction_hash" if item.has("transaction_hash") else "tx_hash")
        sender, receiver = _end(item, "from"), _end(item, "to") or _end(item, "created_contract")
        if sender is None or receiver is None:
            continue
        number = item.whole("index", 2**31 - 2)
        place = item.whole("transaction_index", 2**31 - 2) if item.has("transaction_index") else places.get(tx)
        found.add(
            Movement(
                chain.name,
                chain.native,
                tx,
                block,
                hash_place(tx) if place is None else place,
                number,
                f"internal:{number}",
                item.moment("timestamp"),
                sender,
                receiver,
                amount,
                str(Kind.INTERNAL),
                str(Status.OK),
                flags=Flag.WEAK_ORDER if place is None else 0,
            )
        )
    return found


def tokens(reply: Record, chain: Chain, times: Mapping[int, int]) -> Movements:
    """Items of ``/addresses/{a}/token-transfers`` that are of fungible tokens (ERC-20).

    They do not say where their transaction stands in its block, but their log index counts through the block and orders
    them by itself. ``times``: times of blocks that other items told; a transfer may come without one.
    """
    found = Movements()
    for item in reply.records("items"):
        token = item.record("token")
        kind = token.fields.get("type") or item.fields.get("token_type")
        contract = token.evm(_first(token, "address_hash", "address") or "address_hash")
        block = _block(item)
        if kind != "ERC-20" or block is None or contract == COIN_AS_TOKEN.get(chain.name):
            continue
        asset = f"{chain.name}/{contract}"
        sender, receiver = (None if end in (None, ZERO) else end for end in (_end(item, "from"), _end(item, "to")))
        if sender is None and receiver is None:
            continue
        tx = item.hash("transaction_hash" if item.has("transaction_hash") else "tx_hash")
        number = item.whole("log_index", 2**31 - 2)
        if item.has("timestamp"):
            time = item.moment("timestamp")
        elif block in times:
            time = times[block]
        else:
            found.void(asset, "a transfer was listed without its time, and is not stored")
            continue
        found.add(
            Movement(
                chain.name,
                asset,
                tx,
                block,
                0,
                number,
                f"log:{number}",
                time,
                sender,
                receiver,
                item.record("total").whole("value"),
                str(token_kind(sender, receiver)),
                str(Status.OK),
                flags=Flag.WEAK_ORDER,
            )
        )
        decimals = token.fields.get("decimals")
        small = int(decimals) if isinstance(decimals, str) and len(decimals) < 3 and decimals.isdecimal() else None
        found.name(asset, token.fields.get("symbol"), small)
    return found


def withdrawals(reply: Record, chain: Chain, address: str) -> Movements:
    """Items of ``/addresses/{a}/withdrawals``: amounts are in wei."""
    found = Movements()
    for item in reply.records("items"):
        block = _block(item)
        if block is not None:
            amount = item.whole("amount")
            found.add(withdrawal(chain, block, item.moment("timestamp"), item.whole("index", 2**62), address, amount))
    return found


def next_page(reply: Record) -> dict[str, str | int] | None:
    """The keys of the next page, all of them, unchanged; None at the end.

    Raises
    ------
    SourceError
        If a key is no number, text or truth value.
    """
    cursor = reply.maybe_record("next_page_params")
    if cursor is None or not cursor.fields:
        return None
    copied: dict[str, str | int] = {}
    for name, value in cursor.fields.items():
        if value is None:
            continue
        if not isinstance(value, str | int) or len(str(value)) > 500:
            raise cursor.wrong(name, "a short text or number")
        copied[name] = str(value).lower() if isinstance(value, bool) else value
    return copied


def _block(item: Record) -> int | None:
    for name in ("block_number", "block"):
        if item.has(name):
            return item.whole(name, 2**48)
    return None


def _end(item: Record, name: str) -> str | None:
    end = item.maybe_record(name)
    return None if end is None else end.evm("hash")


def _first(item: Record, *names: str) -> str | None:
    return next((name for name in names if item.has(name)), None)
