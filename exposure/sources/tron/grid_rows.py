"""TronGrid's lists (version 1) as rows: TRX with its fees and internal transfers, and TRC-20 tokens. Pure.

The TRC-20 list has no block numbers, so all rows of TRON are in time order: ``block`` is the second of the block (there is
one block in three seconds), which both lists and every node tell. Neither list says where a transaction stands in its
block: rows follow (second, hash, place in the reply) and are flagged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from exposure.errors import InputError
from exposure.model.addresses import parse
from exposure.model.assets import Chain
from exposure.model.ledger import Flag, Kind, Status
from exposure.sources.movements import Movement, Movements, counted, fee_of, hash_place, token_kind
from exposure.sources.reply import Record

_ZERO = "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb"  # 41 and twenty zero bytes: nobody's
_MAX_AMOUNT = 2**63 - 1
_WEAK = Flag.WEAK_ORDER | Flag.TIME_ORDER

_SMART = {"TriggerSmartContract", "CreateSmartContract"}
_STAKING = {
    *("FreezeBalanceContract", "UnfreezeBalanceContract", "FreezeBalanceV2Contract", "UnfreezeBalanceV2Contract"),
    *("WithdrawExpireUnfreezeContract", "CancelAllUnfreezeV2Contract", "WithdrawBalanceContract"),
}
"""These move TRX between an account's balance and its stake or rewards, without a transfer."""
_OTHER_VALUE = {
    *("ExchangeCreateContract", "ExchangeInjectContract", "ExchangeWithdrawContract", "ExchangeTransactionContract"),
    *("ParticipateAssetIssueContract", "ShieldedTransferContract", "MarketSellAssetContract", "MarketCancelOrderContract"),
}


def native(items: Sequence[Record], chain: Chain) -> Movements:
    """Rows of ``/accounts/{a}/transactions``: transactions, and internal transfers listed by themselves."""
    found = Movements()
    for item in items:
        if item.has("internal_tx_id") and not item.has("raw_data"):
            moved = _internal(item, chain, item.hash("tx_id"), _seconds(item), 1)
            if moved is not None:
                found.add(moved)
        else:
            _transaction(item, chain, found)
    return found


def _transaction(item: Record, chain: Chain, found: Movements) -> None:
    contracts = item.record("raw_data").records("contract")
    if not contracts:
        raise item.wrong("raw_data", "a transaction with a contract")
    kind = contracts[0].text("type", 60)
    given = contracts[0].record("parameter").record("value")
    results = item.records("ret") if item.has("ret") else []
    said = results[0].fields.get("contractRet") if results else None
    status = Status.FAILED if said not in (None, "", "DEFAULT", "SUCCESS") else Status.OK
    if said in (None, "") and kind in _SMART:
        status = Status.UNKNOWN
    tx, sender = item.hash("txID").removeprefix("0x"), tron(given, "owner_address")
    receiver, amount = sender, 0
    if kind == "TransferContract":
        receiver, amount = tron(given, "to_address"), given.whole("amount", _MAX_AMOUNT)
    elif kind in _SMART:
        name = "contract_address" if kind == "TriggerSmartContract" else "new_contract"
        amount = given.whole("call_value", _MAX_AMOUNT) if given.has("call_value") else 0
        contract = given.maybe_record(name) if name == "new_contract" else None
        if contract is not None and contract.has("call_value"):
            amount = contract.whole("call_value", _MAX_AMOUNT)
        if name == "contract_address" and given.has(name):
            receiver = tron(given, name)
        elif item.has("contract_address"):
            receiver = tron(item, "contract_address")
    elif kind in _STAKING and status == Status.OK:
        found.void(chain.native, "the address stakes TRX or draws rewards, which the lists do not show as transfers")
    elif kind in _OTHER_VALUE and status == Status.OK:
        found.void(chain.native, f"a {kind} moved value that the lists do not show as a transfer")
    value = Movement(
        chain.name,
        chain.native,
        tx,
        _seconds(item),
        hash_place(tx),
        0,
        "value",
        _seconds(item),
        sender,
        receiver,
        amount,
        str(Kind.VALUE),
        str(status),
        flags=_WEAK | (Flag.UNKNOWN_STATUS if status == Status.UNKNOWN else 0),
    )
    found.add(value)
    fee = results[0].whole("fee", _MAX_AMOUNT) if results and results[0].has("fee") else 0
    if fee:
        found.add(fee_of(value, fee))
    if status != Status.FAILED and item.has("internal_transactions"):
        for n, inner in enumerate(item.records("internal_transactions"), 1):
            moved = _internal(inner, chain, tx, value.time, n)
            if moved is not None:
                found.add(moved)


def _internal(item: Record, chain: Chain, tx: str, time: int, n: int) -> Movement | None:
    """TRX moved inside a contract call; None if it moved none, or was rolled back."""
    inside = item.maybe_record("data") if isinstance(item.fields.get("data"), Mapping) else item
    if inside is None or inside.fields.get("rejected") is True or item.fields.get("rejected") is True:
        return None
    amount = _sun(inside, item)
    if not amount:
        return None
    tx = tx.removeprefix("0x")
    sender = tron(item, "from_address" if item.has("from_address") else "caller_address")
    receiver = tron(item, "to_address" if item.has("to_address") else "transferTo_address")
    name = next((key for key in ("internal_tx_id", "hash") if isinstance(item.fields.get(key), str)), None)
    return Movement(
        chain.name,
        chain.native,
        tx,
        time,
        hash_place(tx),
        n,
        f"internal:{item.text(name, 130)[:64]}" if name else f"internal:{n}",
        time,
        sender,
        receiver,
        amount,
        str(Kind.INTERNAL),
        str(Status.OK),
        flags=_WEAK,
    )


def _sun(inside: Record, item: Record) -> int:
    """TRX of an internal transfer; other keys and entries are TRC-10 tokens."""
    if isinstance(inside.fields.get("call_value"), Mapping):
        values = inside.record("call_value")
        return values.whole("_", _MAX_AMOUNT) if values.has("_") else 0
    total = 0
    for value in item.records("callValueInfo") if item.has("callValueInfo") else []:
        if value.has("callValue") and not value.has("tokenId"):
            total += value.whole("callValue", _MAX_AMOUNT)
    return total


TOKENS = "tokens"


def tokens(items: Sequence[Record], chain: Chain, told: Mapping[Event, Sequence[tuple[int, str]]]) -> tuple[Movements, bool]:
    """Rows of ``/accounts/{a}/transactions/trc20``.

    Parameters
    ----------
    items
        Of the list. Approvals move nothing; ``token_info`` may be empty.
    told
        Place and contract of transfers, as `events` finds them; for those that the list says too little of.

    Returns
    -------
    tuple
        The rows, those of a transaction in the order of its events where that is told; and whether there are transfers whose
        token nobody named.
    """
    found, unnamed = Movements(), False
    rows: list[tuple[int, Movement]] = []
    left = {event: list(places) for event, places in told.items()}
    for item in items:
        kind = item.text("type", 60)
        if kind != "Transfer":
            if kind != "Approval":
                found.void(TOKENS, f"the list of tokens has rows of a kind that is not read ({kind[:30]!r})")
            continue
        tx = item.hash("transaction_id").removeprefix("0x")
        ends = (tron(item, "from"), tron(item, "to"))
        amount = item.whole("value")
        token = item.maybe_record("token_info")
        named = tron(token, "address") if token is not None and token.has("address") else None
        places = left.get((tx, *ends, amount), [])
        fitting = next((place for place in places if named in (None, place[1])), None)
        if fitting is not None:
            places.remove(fitting)
        if named is None and fitting is None:
            unnamed = True
            continue
        sender, receiver = (None if end == _ZERO else end for end in ends)
        if sender is None and receiver is None:
            continue
        contract = named or (fitting[1] if fitting is not None else "")
        asset = f"{chain.name}/{contract}"
        time = _seconds(item)
        row = Movement(
            chain.name,
            asset,
            tx,
            time,
            hash_place(tx),
            0,
            "",
            time,
            sender,
            receiver,
            amount,
            str(token_kind(sender, receiver)),
            str(Status.OK),
            flags=_WEAK,
        )
        rows.append((len(rows) if fitting is None else fitting[0], row))
        if token is not None:
            found.name(asset, token.fields.get("symbol"), token.fields.get("decimals"))
    first: dict[str, int] = {}
    for n, (_, row) in enumerate(rows):
        first.setdefault(row.tx, n)
    for row in counted([row for _, row in sorted(rows, key=lambda one: (first[one[1].tx], one[0]))]):
        found.add(row)
    return found, unnamed


Event = tuple[str, str, str, int]
"""A transfer as a list and an event have it in common: (transaction, from, to, value)."""


def events(items: Sequence[Record]) -> dict[Event, list[tuple[int, str]]]:
    """(place in the transaction, contract) of the transfers in ``/transactions/{id}/events``, in the order of the places."""
    found: dict[Event, list[tuple[int, str]]] = {}
    for item in items:
        if item.fields.get("event_name") != "Transfer":
            continue
        result = item.record("result")
        names = ("from", "to", "value") if result.has("from") else ("0", "1", "2")
        if all(result.has(name) for name in names):
            key = (
                item.hash("transaction_id").removeprefix("0x"),
                tron(result, names[0]),
                tron(result, names[1]),
                result.whole(names[2]),
            )
            found.setdefault(key, []).append((item.whole("event_index", 2**31 - 2), tron(item, "contract_address")))
    return {key: sorted(places) for key, places in found.items()}


def with_events(items: Sequence[Record]) -> list[str]:
    """Transactions of a page of the list whose events say more than it: tokens without a name, several rows and their order."""
    rows: dict[str, int] = {}
    wanted: dict[str, None] = {}
    for item in items:
        if item.fields.get("type") != "Transfer":
            continue
        tx = item.hash("transaction_id").removeprefix("0x")
        rows[tx] = rows.get(tx, 0) + 1
        token = item.maybe_record("token_info")
        if rows[tx] > 1 or token is None or not token.has("address"):
            wanted[tx] = None
    return list(wanted)


def tron(record: Record, name: str) -> str:
    """A TRON address of a field, in any of its forms: base58, 41 and 40 hex digits, 0x and 40 hex digits."""
    value = record.fields.get(name)
    found = _canonical(value) if isinstance(value, str) and len(value) <= 44 else None
    if found is None:
        raise record.wrong(name, "a TRON address")
    return found


@lru_cache(maxsize=100_000)  # an account's list repeats few addresses, and each check of one costs two hashes
def _canonical(value: str) -> str | None:
    text = value.lower() if value[:2] in ("41", "0x") else value
    if text.startswith("0x") and len(text) == 42:
        text = "41" + text[2:]
    try:
        read = parse(text, suggest=False)
    except InputError:
        return None
    return read.canonical if read.family == "tron" else None


def _seconds(item: Record) -> int:
    return item.whole("block_timestamp", 2**43) // 1000
