"""A Bitcoin node's RPC and an Electrum server on loopback, over the same blocks as the Esplora-form server."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from exposure.sources.bulk.block_parser import sha256d

Blocks = Callable[[], list[dict[str, Any]]]


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {_text(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    return json.dumps(value)


@dataclass
class Node:
    """A node with an index of block filters, unless ``index`` is off. ``fault`` may change (status, body) of a reply."""

    blocks: Blocks
    index: bool = True
    activity: bool = True
    tx_index: bool = True
    fault: Callable[[int, str, tuple[int, bytes]], tuple[int, bytes]] = lambda number, method, reply: reply
    port: int = 0
    called: list[str] = field(default_factory=list)
    authorized: list[str | None] = field(default_factory=list)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, method: str, parameters: list[Any]) -> Any:
        blocks = self.blocks()
        by_hash = {block["hash"]: block for block in blocks}
        match method, parameters:
            case "getblockcount", []:
                return len(blocks) - 1
            case "getblockhash", [height]:
                return blocks[height]["hash"] if height < len(blocks) else _fault(-8, "Block height out of range")
            case "getblockheader", [hash_]:
                found = by_hash.get(hash_)
                return {name: found[name] for name in ("hash", "height", "time")} if found else _fault(-5, "Block not found")
            case "getblock", [hash_, 3]:
                return by_hash.get(hash_) or _fault(-5, "Block not found")
            case "getrawtransaction", [txid, 1]:
                if not self.tx_index:
                    return _fault(-5, "No such mempool transaction. Use -txindex or provide a block hash")
                found = [block["hash"] for block in blocks for tx in block["tx"] if tx["txid"] == txid]
                return (
                    {"txid": txid, "blockhash": found[0]} if found else _fault(-5, "No such mempool or blockchain transaction")
                )
            case "gettxout", [txid, n, False]:
                spent = {
                    (one["txid"], one["vout"]) for block in blocks for tx in block["tx"] for one in tx["vin"] if "txid" in one
                }
                for block in blocks:
                    for tx in block["tx"]:
                        if tx["txid"] == txid and n < len(tx["vout"]) and (txid, n) not in spent:
                            return {"bestblock": blocks[-1]["hash"], "confirmations": len(blocks) - block["height"]}
                return None
            case "scanblocks", ["start", [descriptor], first, last, "basic"]:
                if not self.index:
                    return _fault(-1, "Index is not enabled for filtertype basic")
                found = [block["hash"] for block in blocks[first : last + 1] if _moves(block, _script(descriptor))]
                # A filter also names blocks that only look like it.
                found += [block["hash"] for block in blocks[first : last + 1] if block["height"] % 7 == 0]
                return {"from_height": first, "to_height": last, "relevant_blocks": sorted(set(found)), "completed": True}
            case "getdescriptoractivity", [hashes, [descriptor], False]:
                if not self.activity:
                    return _fault(-32601, "Method not found")
                if set(hashes) - set(by_hash):
                    return _fault(-5, "Block not found")
                active = [one for one in hashes if _moves(by_hash[one], _script(descriptor))]
                return {"activity": [{"type": "receive", "blockhash": one} for one in active]}
            case "scantxoutset", ["start", descriptors]:
                scripts = {_script(one) for one in descriptors}
                held = Decimal(0)
                for block in blocks:
                    for tx in block["tx"]:
                        held += sum(out["value"] for out in tx["vout"] if out["scriptPubKey"]["hex"] in scripts)
                        ends = [one["prevout"] for one in tx["vin"] if "prevout" in one]
                        held -= sum(end["value"] for end in ends if end["scriptPubKey"]["hex"] in scripts)
                return {"success": True, "height": len(blocks) - 1, "total_amount": held}
        return _fault(-32601, "Method not found")


class _Refusal(dict[str, Any]):
    """An error instead of a result."""


def _fault(code: int, message: str) -> _Refusal:
    return _Refusal(code=code, message=message)


def _script(descriptor: str) -> str:
    return descriptor.removeprefix("raw(").removesuffix(")")


def _moves(block: dict[str, Any], script: str) -> bool:
    for tx in block["tx"]:
        ends = [*tx["vout"], *(one["prevout"] for one in tx["vin"] if "prevout" in one)]
        if any(end["scriptPubKey"]["hex"] == script for end in ends):
            return True
    return False


@contextlib.contextmanager
def serve_node(node: Node) -> Iterator[Node]:
    """Serve until the block ends."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:  # the name that the base class calls
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            node.called.append(asked["method"])
            node.authorized.append(self.headers.get("Authorization"))
            found = node.answer(asked["method"], asked["params"])
            refused = isinstance(found, _Refusal)
            status = (404 if found["code"] == -32601 else 500) if refused else 200
            told = {"result": None if refused else found, "error": dict(found) if refused else None, "id": 1}
            status, body = node.fault(len(node.called), asked["method"], (status, _text(told).encode()))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's parameter
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with _running(server):
        node.port = server.server_address[1]
        yield node


@dataclass
class Electrum:
    """An Electrum server. ``fault`` may change the line of a reply; None breaks the connection."""

    blocks: Blocks
    fault: Callable[[int, str, bytes], bytes | None] = lambda number, method, line: line
    port: int = 0
    called: list[str] = field(default_factory=list)
    tls: ssl.SSLContext | None = None

    @property
    def base(self) -> str:
        return f"{'ssl' if self.tls else 'tcp'}://127.0.0.1:{self.port}"

    def answer(self, method: str, parameters: list[Any]) -> Any:
        blocks = self.blocks()
        txs = {tx["txid"]: tx for block in blocks for tx in block["tx"]}
        match method, parameters:
            case "server.version", [_, _]:
                return ["Toy 1.0", "1.4"]
            case "blockchain.headers.subscribe", []:
                return {"height": len(blocks) - 1, "hex": blocks[-1]["header"]}
            case "blockchain.block.header", [height]:
                return blocks[height]["header"] if height < len(blocks) else _fault(1, "height out of range")
            case "blockchain.scripthash.get_history", [scripthash]:
                found = [
                    {"tx_hash": tx["txid"], "height": block["height"]}
                    for block in blocks
                    for tx in block["tx"]
                    if any(_scripthash(end) == scripthash for end in _ends(tx))
                ]
                return [*found, {"tx_hash": "ab" * 32, "height": 0, "fee": 1}, {"tx_hash": "cd" * 32, "height": -1}]
            case "blockchain.scripthash.get_balance", [scripthash]:
                held = 0
                for tx in txs.values():
                    held += sum(int(out["value"] * 10**8) for out in tx["vout"] if _scripthash(out) == scripthash)
                    ends = [one["prevout"] for one in tx["vin"] if "prevout" in one]
                    held -= sum(int(end["value"] * 10**8) for end in ends if _scripthash(end) == scripthash)
                return {"confirmed": held, "unconfirmed": 0}
            case "blockchain.transaction.get", [txid]:
                return txs[txid]["hex"] if txid in txs else _fault(2, "No such mempool or blockchain transaction")
            case "blockchain.transaction.get_merkle", [txid, height]:
                ids = [tx["txid"] for tx in blocks[height]["tx"]]
                return {"block_height": height, "pos": ids.index(txid), "merkle": _path(ids, ids.index(txid))}
        return _fault(-32601, f"unknown method {method}")


def _ends(tx: dict[str, Any]) -> list[dict[str, Any]]:
    return [*tx["vout"], *(one["prevout"] for one in tx["vin"] if "prevout" in one)]


def _scripthash(end: dict[str, Any]) -> str:
    return hashlib.sha256(bytes.fromhex(end["scriptPubKey"]["hex"])).digest()[::-1].hex()


def _path(ids: list[str], place: int) -> list[str]:
    level, path = [bytes.fromhex(one)[::-1] for one in ids], []
    while len(level) > 1:
        level += [level[-1]] if len(level) % 2 else []
        path.append(level[place ^ 1][::-1].hex())
        level = [sha256d(level[n] + level[n + 1]) for n in range(0, len(level), 2)]
        place >>= 1
    return path


@contextlib.contextmanager
def serve_electrum(electrum: Electrum) -> Iterator[Electrum]:
    """Serve until the block ends."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            for line in self.rfile:
                asked = json.loads(line)
                electrum.called.append(asked["method"])
                found = electrum.answer(asked["method"], asked["params"])
                told = {"error": dict(found)} if isinstance(found, _Refusal) else {"result": found}
                # A notice of a new block may come between a question and its answer.
                notice = b'{"jsonrpc": "2.0", "method": "blockchain.headers.subscribe", "params": []}\n'
                reply = electrum.fault(
                    len(electrum.called), asked["method"], json.dumps({"jsonrpc": "2.0", "id": asked["id"], **told}).encode()
                )
                if reply is None:
                    return
                with contextlib.suppress(OSError):
                    self.wfile.write(notice + reply + b"\n")

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if electrum.tls is not None:
        server.socket = electrum.tls.wrap_socket(server.socket, server_side=True)
    with _running(server):
        electrum.port = server.server_address[1]
        yield electrum


@contextlib.contextmanager
def _running(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
