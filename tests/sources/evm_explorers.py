"""A small server in front of a node that answers as Etherscan and as Blockscout do; its rows come from `trace_block`."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from evm_assembly import DEPOSIT, TRANSFER, WITHDRAWAL
from evm_node import Node

from exposure.model.addresses import checksummed

_WINDOW = "Result window is too large, PageNo x Offset size must be less than or equal to 10000"

Row = dict[str, object]


class Raw(NamedTuple):
    """What goes over the wire as it is, after a pause, before the connection is closed; None resets it."""

    content: bytes | None
    pause: float = 0.0


Handler = Callable[[str, dict[str, str], bytes], tuple[int, object] | Raw | None]


class Index:
    """Every row of a node's chain, in the order of the chain, as plain values."""

    def __init__(self, node: Node, weth: str) -> None:
        self.node = node
        last = node.number("eth_blockNumber")
        self.born = int(node.ask("eth_getBlockByNumber", "0x0", False)["timestamp"], 16)
        self.txs: list[Row] = []
        self.calls: list[Row] = []
        self.events: list[Row] = []
        for number in range(1, last + 1):
            name = hex(number)
            block, receipts, traces = node.batch(
                [("eth_getBlockByNumber", [name, True]), ("eth_getBlockReceipts", [name]), ("trace_block", [name])]
            )
            time = int(block["timestamp"], 16)
            by_tx = {receipt["transactionHash"]: receipt for receipt in receipts}
            for tx in block["transactions"]:
                receipt = by_tx[tx["hash"]]
                self.txs.append(
                    {
                        "hash": tx["hash"],
                        "block": number,
                        "time": time,
                        "index": int(tx["transactionIndex"], 16),
                        "from": tx["from"],
                        "to": tx["to"],
                        "made": receipt.get("contractAddress"),
                        "value": int(tx["value"], 16),
                        "ok": receipt["status"] == "0x1",
                        "gas": int(receipt["gasUsed"], 16),
                        "price": int(receipt["effectiveGasPrice"], 16),
                        "nonce": int(tx["nonce"], 16),
                    }
                )
                for log in receipt["logs"]:
                    self._event(log, time, weth)
            self._inner(traces, number, time)

    def _event(self, log: dict[str, object], time: int, weth: str) -> None:
        topics, place = log["topics"], {}
        for name, field in (("block", "blockNumber"), ("index", "transactionIndex"), ("log", "logIndex")):
            place[name] = int(str(log[field]), 16)
        ends = ["0x" + topic[-40:] for topic in topics[1:]]
        row = {"hash": log["transactionHash"], "time": time, "token": log["address"], "raw": log, **place}
        zero = "0x" + "0" * 40
        if topics[0] == TRANSFER and len(topics) == 3:
            row |= {"from": ends[0], "to": ends[1], "value": int(str(log["data"]), 16), "kind": "transfer"}
        elif topics[0] == DEPOSIT and log["address"] == weth:
            row |= {"from": zero, "to": ends[0], "value": int(str(log["data"]), 16), "kind": "deposit"}
        elif topics[0] == WITHDRAWAL and log["address"] == weth:
            row |= {"from": ends[0], "to": zero, "value": int(str(log["data"]), 16), "kind": "withdrawal"}
        else:
            return
        self.events.append(row)

    def _inner(self, traces: list[dict[str, object]], number: int, time: int) -> None:
        failed: dict[object, list[list[int]]] = {}
        nth: dict[object, int] = {}
        for trace in traces:
            tx, path, action = trace["transactionHash"], trace["traceAddress"], trace["action"]
            if trace.get("error"):
                failed.setdefault(tx, []).append(path)
            gone = any(path[: len(one)] == one for one in failed.get(tx, []))
            if trace["type"] == "suicide":
                ends = (action["address"], action["refundAddress"], action["balance"], "selfdestruct")
            elif trace["type"] == "create":
                ends = (action["from"], (trace["result"] or {}).get("address"), action["value"], "create")
            else:
                ends = (action["from"], action["to"], action["value"], action["callType"])
            if path:
                nth[tx] = nth.get(tx, 0) + 1
                self.calls.append(
                    {
                        "hash": tx,
                        "block": number,
                        "time": time,
                        "index": trace["transactionPosition"],
                        "path": path,
                        "nth": nth[tx],
                        "from": ends[0],
                        "to": ends[1],
                        "value": int(ends[2], 16),
                        "type": ends[3],
                        "ok": not gone,
                    }
                )


def _of(rows: list[Row], address: str | None) -> list[Row]:
    return [row for row in rows if address is None or address in (row["from"], row["to"], row.get("made"))]


class Etherscan:
    """Answers of Etherscan's API, version 2."""

    def __init__(self, index: Index, *, most: int = 1000, chain_id: int = 1) -> None:
        self.index, self.most, self.chain_id = index, most, chain_id

    def __call__(self, path: str, query: dict[str, str], body: bytes) -> tuple[int, object] | None:
        if not path.startswith("/v2/api"):
            return None
        if query.get("chainid") != str(self.chain_id):
            return 200, {"status": "0", "message": "NOTOK", "result": "Missing or unsupported chainid parameter"}
        action, address = query["action"], query.get("address", "")
        if query["module"] == "proxy":
            parameters = [query["tag"], False] if "tag" in query else [query["txhash"]] if "txhash" in query else []
            return 200, {"jsonrpc": "2.0", "id": 1, "result": self.index.node.ask(action, *parameters)}
        if action == "balance":
            return 200, {
                "status": "1",
                "message": "OK",
                "result": str(self.index.node.number("eth_getBalance", address, "latest")),
            }
        if action == "tokenbalance":
            data = "0x70a08231" + "0" * 24 + address[2:]
            held = self.index.node.ask("eth_call", {"to": query["contractaddress"], "data": data}, "latest")
            return 200, {"status": "1", "message": "OK", "result": str(int(str(held), 16) if held != "0x" else 0)}
        if action == "txlistinternal" and "txhash" in query:  # by transaction: neither its hash nor a path is said
            inside = [row for row in self._rows(action, "", query) if row.pop("hash") == query["txhash"]]
            return 200, _listed([{name: row[name] for name in row if name != "traceId"} for row in inside])
        rows = self._rows(action, address, query)
        low, high = (
            int(query.get(f"{end}block", query.get(f"{other}Block", "0"))) for end, other in (("start", "from"), ("end", "to"))
        )
        page, size = int(query["page"]), min(int(query["offset"]), self.most)
        if page * size > 10_000:
            return 200, {"status": "0", "message": "NOTOK", "result": _WINDOW}
        fitting = [row for row in rows if low <= _height(row) <= high]
        part = fitting[(page - 1) * size : page * size]
        return 200, _listed(part)

    def _rows(self, action: str, address: str, query: dict[str, str]) -> list[Row]:
        if action == "txlist":
            held = self.index.node.number("eth_getBalance", address, "0x0")
            first = {
                "hash": "GENESIS_" + address[2:],
                "from": "GENESIS",
                "to": address,
                "blockNumber": "0",
                "nonce": "",
                "blockHash": "",
            }
            first |= {"value": str(held), "timeStamp": str(self.index.born), "gasPrice": "0", "gasUsed": "0", "isError": "0"}
            return ([first] if held else []) + [
                {
                    **_place(row),
                    "from": row["from"],
                    "to": row["to"] or "",
                    "value": str(row["value"]),
                    "contractAddress": row["made"] or "",
                    "gasUsed": str(row["gas"]),
                    "gasPrice": str(row["price"]),
                    "isError": "0" if row["ok"] else "1",
                    "txreceipt_status": "1" if row["ok"] else "0",
                    "nonce": str(row["nonce"]),
                    "functionName": "steal()",
                    "confirmations": "9",
                }
                for row in _of(self.index.txs, address)
            ]
        if action == "txlistinternal":
            return [
                {
                    "blockNumber": str(row["block"]),
                    "timeStamp": str(row["time"]),
                    "hash": row["hash"],
                    "from": row["from"],
                    "to": row["to"] or "",
                    "value": str(row["value"]),
                    "contractAddress": "",
                    "type": row["type"],
                    "traceId": "_".join(map(str, row["path"])),
                    "isError": "0" if row["ok"] else "1",
                    "errCode": "",
                }
                for row in (_of(self.index.calls, address) if address else self.index.calls)
            ]
        if action == "tokentx":
            return [
                {
                    **_place(row),
                    "from": row["from"],
                    "to": row["to"],
                    "value": str(row["value"]),
                    "contractAddress": row["token"],
                    "tokenName": "name",
                    "tokenSymbol": "SYM",
                    "tokenDecimal": "6",
                    "input": "deprecated",
                    "confirmations": "9",
                }
                for row in _of(self.index.events, address)
                if row["kind"] == "transfer"
            ]
        if action == "getLogs":
            wanted = [row["raw"] for row in self.index.events if row["token"] == query.get("address", row["token"])]
            short = {"logIndex": "0x", "transactionIndex": "0x"}  # zero is printed without a digit
            return [
                {
                    **log,
                    "timeStamp": log["blockTimestamp"],
                    **{name: zero for name, zero in short.items() if log[name] == "0x0"},
                }
                for log in wanted
                if all(
                    log["topics"][n : n + 1] == [query.get(f"topic{n}", log["topics"][n])]
                    for n in range(3)
                    if f"topic{n}" in query
                )
            ]
        return []


def _listed(rows: list[Row]) -> Row:
    if not rows:
        return {"status": "0", "message": "No transactions found", "result": []}
    return {"status": "1", "message": "OK", "result": rows}


def _place(row: Row) -> Row:
    return {
        "blockNumber": str(row["block"]),
        "timeStamp": str(row["time"]),
        "hash": row["hash"],
        "transactionIndex": str(row["index"]),
    }


def _height(row: Row) -> int:
    return int(str(row["blockNumber"]), 0)


class Blockscout:
    """Answers of Blockscout's REST API; ``old``: with the field names that it had before."""

    def __init__(self, index: Index, *, page: int = 50, old: bool = False) -> None:
        self.index, self.page, self.old = index, page, old

    def __call__(self, path: str, query: dict[str, str], body: bytes) -> tuple[int, object] | None:
        if not path.startswith("/api/v2/"):
            return None
        parts = path.removeprefix("/api/v2/").split("/")
        if parts[0] == "blocks":
            if len(parts) == 1:
                # The head is what lies under 64 others; these tests have no blocks that wait.
                return 200, {"items": [{"height": self.index.node.number("eth_blockNumber") + 62}], "next_page_params": None}
            block = self.index.node.ask("eth_getBlockByNumber", hex(int(parts[1])), False)
            if block is None:
                return 404, {"message": "Not found"}
            return 200, {"height": int(parts[1]), "hash": block["hash"], "timestamp": _iso(int(block["timestamp"], 16))}
        address = parts[1]
        if parts[0] == "transactions" and len(parts) == 2:
            found = [row for row in self._items("transactions", None) if row["hash"] == address]
            return (200, found[0]) if found else (404, {"message": "Not found"})
        if len(parts) == 2:
            return 200, {"hash": address, "coin_balance": str(self.index.node.number("eth_getBalance", address, "latest"))}
        if parts[2] == "counters":
            counts = {
                "transactions_count": len(_of(self.index.txs, address)),
                "token_transfers_count": len(_of(self.index.events, address)),
            }
            return 200, {name: str(count) for name, count in counts.items()}
        if parts[2] == "token-balances":
            tokens = {str(row["token"]) for row in _of(self.index.events, address)}
            data = "0x70a08231" + "0" * 24 + address[2:]
            held = {token: str(self.index.node.ask("eth_call", {"to": token, "data": data}, "latest")) for token in tokens}
            items = [
                {"token": self._token(token), "value": str(int(value, 16))} for token, value in held.items() if value != "0x"
            ]
            return 200, items
        if parts[0] == "transactions":
            name = "tx_hash" if self.old else "transaction_hash"
            items = [row for row in self._items(parts[2], None) if row[name] == address]
        else:
            items = self._items(parts[2], address)[::-1]
        start = int(query.get("items_count", 0))
        if start and (query.get("index"), query.get("flag")) != (str(start * 7), "true"):
            return 422, {"message": "invalid paging options"}
        part = items[start : start + self.page]
        more = start + self.page < len(items)
        cursor = {
            "items_count": start + self.page,
            "index": (start + self.page) * 7,
            "block_number": 1,
            "flag": True,
            "none": None,
        }
        return 200, {"items": part, "next_page_params": cursor if more else None}

    def _items(self, kind: str, address: str | None) -> list[Row]:
        if kind == "transactions":
            return [
                {
                    "hash": row["hash"],
                    "block_number": row["block"],
                    "timestamp": _iso(row["time"]),
                    "from": _end(row["from"]),
                    "to": _end(row["to"]),
                    "created_contract": _end(row["made"]),
                    "value": str(row["value"]),
                    "fee": {"type": "actual", "value": str(int(str(row["gas"])) * int(str(row["price"])))},
                    "status": "ok" if row["ok"] else "error",
                    "position": row["index"],
                    "result": "success",
                }
                for row in _of(self.index.txs, address)
            ]
        tx = "tx_hash" if self.old else "transaction_hash"
        if kind == "internal-transactions":
            return [
                {
                    tx: row["hash"],
                    "block" if self.old else "block_number": row["block"],
                    "timestamp": _iso(row["time"]),
                    "from": _end(row["from"]),
                    "to": None if row["type"] == "create" else _end(row["to"]),
                    "created_contract": _end(row["to"]) if row["type"] == "create" else None,
                    "value": str(row["value"]),
                    "type": row["type"],
                    "success": row["ok"],
                    "error": None if row["ok"] else "execution reverted",
                    "index": row["nth"],
                }
                for row in _of(self.index.calls, address)
            ]
        if kind == "token-transfers":
            return [
                {
                    tx: row["hash"],
                    "block_number": row["block"],
                    "block_hash": row["raw"]["blockHash"],
                    "timestamp": _iso(row["time"]),
                    "from": _end(row["from"]),
                    "to": _end(row["to"]),
                    "log_index": str(row["log"]) if self.old else row["log"],
                    "method": None,
                    "token": self._token(str(row["token"])),
                    "total": {"decimals": "6", "value": str(row["value"])},
                    "type": "token_transfer",
                }
                for row in _of(self.index.events, address)
            ]
        return []

    def _token(self, token: str) -> Row:
        return {
            "address" if self.old else "address_hash": checksummed(token),
            "symbol": "SYM",
            "decimals": "6",
            "name": "n",
            "type": "ERC-20",
        }


def _end(address: object) -> Row | None:
    return None if address is None else {"hash": checksummed(str(address)), "is_contract": False, "name": None}


def _iso(time: object) -> str:
    return datetime.fromtimestamp(int(str(time)), UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")


@contextmanager
def serving(*handlers: Handler) -> Iterator[tuple[str, list[str]]]:
    """A server on loopback: its address, and the paths that were asked for. The first handler that answers, answers."""
    asked: list[str] = []

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # headers and body in one packet, or the client waits for the second one

        def do_GET(self) -> None:  # the name is the base class's
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append(self.path)
            for handler in handlers:
                found = handler(parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), body)
                if found is not None:
                    break
            else:
                found = (404, {"message": "Not found"})
            if isinstance(found, Raw):
                self._raw(found)
                return
            content = found[1] if isinstance(found[1], bytes) else json.dumps(found[1]).encode()
            self.send_response(found[0])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _raw(self, raw: Raw) -> None:
            time.sleep(raw.pause)
            self.close_connection = True
            if raw.content is None:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            else:
                with contextlib.suppress(OSError):  # the client may have gone
                    self.wfile.write(raw.content)
                    self.wfile.flush()

        do_POST = do_GET  # noqa: N815  # the name is the base class's

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
