"""A server that replays a TRON account in TronGrid's form: fingerprints, filters that must stay, both disjoint lists."""

from __future__ import annotations

import json
from typing import Any

from evm_assembly import TRANSFER

from exposure.model.addresses import evm_of_tron, tron_address

ME, FRIEND, SHOP, CONTRACT = (tron_address(bytes([n]) * 20) for n in (7, 8, 9, 10))
USDT = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
ODD, UNNAMED, LOST = (tron_address(bytes([n]) * 20) for n in (20, 21, 22))
NOBODY = tron_address(bytes(20))
BORN = 1_600_000_000

Row = dict[str, Any]


def hex41(address: str) -> str:
    """The form that addresses have inside transactions."""
    return "41" + evm_of_tron(address)[2:]


def tx_hash(number: int) -> str:
    return f"{number:064x}"


def trx(number: int, sender: str, receiver: str, sun: int, *, fee: int = 0, result: str = "SUCCESS") -> Row:
    """A transfer of TRX."""
    value = {"owner_address": hex41(sender), "to_address": hex41(receiver), "amount": sun}
    return _transaction(number, "TransferContract", value, fee, result)


def trigger(
    number: int, sender: str, contract: str, sun: int, *, fee: int, result: str = "SUCCESS", inner: list[Row] | None = None
) -> Row:
    """A call of a contract, maybe with TRX and with internal transfers."""
    value: Row = {"owner_address": hex41(sender), "contract_address": hex41(contract), "data": "a9059cbb"}
    value |= {"call_value": sun} if sun else {}
    return _transaction(number, "TriggerSmartContract", value, fee, result) | {"internal_transactions": inner or []}


def other(number: int, kind: str, sender: str, **more: object) -> Row:
    """A transaction of another kind."""
    return _transaction(number, kind, {"owner_address": hex41(sender), **more}, 0, "SUCCESS")


def _transaction(number: int, kind: str, value: Row, fee: int, result: str) -> Row:
    return {
        "txID": tx_hash(number),
        "blockNumber": 1_000_000 + number,
        "block_timestamp": (BORN + 3 * number) * 1000,
        "ret": [{"contractRet": result, "fee": fee}],
        "raw_data": {
            "contract": [{"type": kind, "parameter": {"value": value, "type_url": f"type.googleapis.com/protocol.{kind}"}}],
            "timestamp": (BORN + 3 * number) * 1000 - 500,
            "fee_limit": 10**8,
        },
        "energy_usage_total": 0,
        "net_usage": 267,
        "internal_transactions": [],
    }


def inner(number: int, nth: int, sender: str, receiver: str, sun: int, *, rejected: bool = False) -> Row:
    """TRX moved inside a call."""
    return {
        "internal_tx_id": f"{number * 1000 + nth:064x}",
        "data": {"note": "63616c6c", "rejected": rejected, "call_value": {"_": sun}},
        "from_address": hex41(sender),
        "to_address": hex41(receiver),
    }


def alone(number: int, row: Row) -> Row:
    """An internal transfer as the list shows it by itself."""
    return row | {"tx_id": tx_hash(number), "block_timestamp": (BORN + 3 * number) * 1000}


def trc20(
    number: int,
    sender: str,
    receiver: str,
    value: int,
    token: str | None = USDT,
    *,
    kind: str = "Transfer",
    symbol: str = "USDT",
) -> Row:
    """A transfer (or approval) of tokens; ``token`` None: the list does not know which."""
    known = {"symbol": symbol, "address": token, "decimals": 6, "name": "Tether USD"} if token else {}
    return {
        "transaction_id": tx_hash(number),
        "token_info": known,
        "block_timestamp": (BORN + 3 * number) * 1000,
        "from": sender,
        "to": receiver,
        "type": kind,
        "value": str(value),
    }


def bare(row: Row, *, logs: list[Row] | None = None, inside: list[Row] | None = None) -> dict[str, dict[str, Row]]:
    """A transaction of the list as a full node gives it: itself, and apart from it what came of it."""
    tx = str(row["txID"])
    said = row["ret"][0]
    body = {"ret": [{"contractRet": said["contractRet"]}], "txID": tx, "raw_data": row["raw_data"], "signature": ["00"]}
    outcome: Row = {"id": tx, "blockNumber": row["blockNumber"], "blockTimeStamp": row["block_timestamp"], "receipt": {}}
    outcome |= {"fee": said["fee"]} if said["fee"] else {}
    outcome |= {"log": logs} if logs else {}
    outcome |= {"internal_transactions": inside} if inside else {}
    return {"gettransactionbyid": {tx: body}, "gettransactioninfobyid": {tx: outcome}}


def log(contract: str, sender: str, receiver: str, value: int) -> Row:
    """A Transfer event as a full node gives it: addresses without 41, words without 0x."""
    topics = [TRANSFER[2:], *("0" * 24 + evm_of_tron(end)[2:] for end in (sender, receiver))]
    return {"address": evm_of_tron(contract)[2:], "topics": topics, "data": f"{value:064x}"}


class TronGrid:
    """Answers of TronGrid about one account."""

    def __init__(self, native: list[Row], tokens: list[Row], *, solid: int, page: int = 200) -> None:
        self.native, self.tokens, self.solid, self.page = native, tokens, solid, page
        self.held: Row = {}
        self.events: dict[str, list[Row]] = {}
        self.solids: dict[str, dict[str, Row]] = {}
        self.refusals: list[int] = []
        self.filters: dict[str, dict[str, str]] = {}

    def __call__(self, path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        if self.refusals:
            return self.refusals.pop(0), {"Error": "request rate exceeded the allowed_rps"}
        if path.endswith("/getnowblock"):
            return 200, {"blockID": tx_hash(5), "block_header": {"raw_data": {"number": 9, "timestamp": self.solid * 1000}}}
        if path.startswith("/walletsolidity/gettransaction"):
            return 200, self.solids.get(path.rpartition("/")[2], {}).get(json.loads(body)["value"], {})
        if path.startswith("/v1/transactions/"):
            return 200, {"success": True, "data": self.events.get(path.split("/")[3], []), "meta": {"at": 1}}
        if path == f"/v1/accounts/{ME}":
            return 200, {"success": True, "data": [self.held], "meta": {"at": 1}}
        rows = self.tokens if path.endswith("trc20") else self.native
        fingerprint = query.pop("fingerprint", "")
        if fingerprint and query != self.filters.get(fingerprint):
            return 400, {"success": False, "error": "invalid fingerprint", "statusCode": 400}
        size = min(int(query["limit"]), self.page)
        start = int(fingerprint.removeprefix("print")) if fingerprint else 0
        wanted = [row for row in rows if int(str(row["block_timestamp"])) >= int(query.get("min_timestamp", 0))]
        meta: Row = {"at": 1, "page_size": size}
        if start + size < len(wanted):
            meta |= {"fingerprint": f"print{start + size}", "links": {"next": "elsewhere"}}
            self.filters[f"print{start + size}"] = dict(query)
        return 200, {"success": True, "data": wanted[start : start + size], "meta": meta}
