"""One transaction of TRON, from the two replies that a full node gives of it (TronGrid hands them through). Pure."""

from __future__ import annotations

from exposure.model.addresses import tron_of_evm
from exposure.model.assets import Chain
from exposure.model.ledger import Flag
from exposure.sources.evm.logs import token_transfers
from exposure.sources.movements import Movements, counted, hash_place
from exposure.sources.reply import Record
from exposure.sources.tron.grid_rows import native


def single(body: Record, outcome: Record, chain: Chain) -> Movements:
    """What moved in a transaction: TRX, its fee, internal transfers, TRC-20 tokens.

    Rows are named as those of the account lists: tokens by the count of equal ones, since the place of an event in its
    transaction is not its place in the block, by which a node's logs are named.

    Parameters
    ----------
    body
        ``gettransactionbyid``.
    outcome
        ``gettransactioninfobyid``: the block, the fee, what happened inside.

    Raises
    ------
    SourceError
        If the replies are of two transactions, or lack a field.
    """
    tx = body.hash("txID").removeprefix("0x")
    if outcome.hash("id").removeprefix("0x") != tx:
        raise outcome.wrong("id", f"{tx}, as the transaction")
    milliseconds = outcome.whole("blockTimeStamp", 2**43)
    results = [dict(item.fields) for item in body.records("ret")] if body.has("ret") else []
    first = results[0] if results else {}
    item = {
        **body.fields,
        "block_timestamp": milliseconds,
        "ret": [{**first, "fee": outcome.whole("fee", 2**63 - 1) if outcome.has("fee") else 0}],
        "internal_transactions": outcome.fields.get("internal_transactions"),
    }
    if outcome.fields.get("result") == "FAILED" and first.get("contractRet") in (None, "", "DEFAULT", "SUCCESS"):
        raise outcome.wrong("result", "what the transaction says of itself, which is that it succeeded")
    if outcome.has("contract_address"):
        item["contract_address"] = outcome.fields["contract_address"]
    found = native([Record(item, body.where)], chain)
    logs = [
        _log(log, n, tx, milliseconds // 1000) for n, log in enumerate(outcome.records("log") if outcome.has("log") else [])
    ]
    told = token_transfers(logs, chain, {milliseconds // 1000: milliseconds // 1000}, tron_of_evm)
    weak = Flag.WEAK_ORDER | Flag.TIME_ORDER
    for row in counted([row._replace(tx_index=hash_place(tx), flags=row.flags | weak) for row in told.rows]):
        found.add(row)
    for asset, reason in told.voids.items():
        found.void(asset, reason)
    return found


def _log(log: Record, n: int, tx: str, second: int) -> Record:
    """A log in the form of JSON-RPC: TRON prints the same words without 0x, and the contract without its 41."""
    address = log.text("address", 42).removeprefix("0x")
    topics = [f"0x{topic}" if isinstance(topic, str) else topic for topic in log.values("topics")[:5]]
    return Record(
        {
            "address": "0x" + (address[2:] if len(address) == 42 else address),
            "topics": topics,
            "data": "0x" + (log.text("data", 10_000) if log.has("data") else ""),
            "logIndex": n,
            "blockNumber": second,
            "transactionIndex": 0,
            "transactionHash": tx,
        },
        log.where,
    )
