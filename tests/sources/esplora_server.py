"""An Esplora-form server on loopback, in front of any chain whose blocks are in the form of ``getblock HASH 3``."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

PAGE = 25

Reply = tuple[int, bytes, dict[str, str]]
Fault = Callable[[int, str, Reply], Reply | None]
"""(number of the request, its path, the honest reply) to what is sent instead; None: the connection is cut in mid-reply."""


@dataclass
class Esplora:
    """``blocks`` gives the blocks from the first on; ``fault`` may change what is sent."""

    blocks: Callable[[], list[dict[str, Any]]]
    fault: Fault = lambda number, path, reply: reply
    port: int = 0
    paths: list[str] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def answer(self, path: str) -> Reply:
        """The honest reply."""
        found = self._answer(path.removeprefix("/api/").split("/"))
        if found is None:
            return 404, b"Not found", {"Content-Type": "text/plain"}
        if isinstance(found, str):
            return 200, found.encode(), {"Content-Type": "text/plain"}
        return 200, json.dumps(found).encode(), {"Content-Type": "application/json"}

    def _answer(self, words: list[str]) -> Any:
        blocks = self.blocks()
        match words:
            case ["blocks", "tip", "height"]:
                return len(blocks) - 1
            case ["block-height", height] if int(height) < len(blocks):
                return str(blocks[int(height)]["hash"])
            case ["block", hash_]:
                found = [block for block in blocks if block["hash"] == hash_]
                return {"id": hash_, "height": found[0]["height"], "timestamp": found[0]["time"]} if found else None
            case ["tx", txid]:
                return next((_esplora(tx, block) for block in blocks for tx in block["tx"] if tx["txid"] == txid), None)
            case [("address" | "scripthash") as kind, subject]:
                mine = [tx for _, tx in self._history(blocks, kind, subject)]
                received = [made["value"] for tx in mine for made in tx["vout"] if _is(made, kind, subject)]
                spent = [
                    spend["prevout"]["value"] for tx in mine for spend in tx["vin"] if _is(spend["prevout"], kind, subject)
                ]
                stats = {
                    "tx_count": len(mine),
                    "funded_txo_count": len(received),
                    "funded_txo_sum": sum(received),
                    "spent_txo_count": len(spent),
                    "spent_txo_sum": sum(spent),
                }
                return {kind: subject, "chain_stats": stats, "mempool_stats": dict.fromkeys(stats, 0)}
            case [("address" | "scripthash") as kind, subject, "txs", "chain", *after]:
                mine = [tx for _, tx in reversed(self._history(blocks, kind, subject))]
                if after:
                    ids = [tx["txid"] for tx in mine]
                    if after[0] not in ids:
                        return None
                    mine = mine[ids.index(after[0]) + 1 :]
                return mine[:PAGE]
        return None

    def _history(self, blocks: list[dict[str, Any]], kind: str, subject: str) -> list[tuple[int, dict[str, Any]]]:
        found = []
        for block in blocks:
            for raw in block["tx"]:
                tx = _esplora(raw, block)
                ends = [*tx["vout"], *(spend["prevout"] for spend in tx["vin"] if spend["prevout"])]
                if any(_is(end, kind, subject) for end in ends):
                    found.append((block["height"], tx))
        return found


def _is(end: dict[str, Any] | None, kind: str, subject: str) -> bool:
    if end is None:
        return False
    if kind == "address":
        return bool(end.get("scriptpubkey_address") == subject)
    return hashlib.sha256(bytes.fromhex(end["scriptpubkey"])).hexdigest() == subject


def _esplora(tx: dict[str, Any], block: dict[str, Any]) -> dict[str, Any]:
    return {
        "txid": tx["txid"],
        "version": tx.get("version", 2),
        "locktime": tx.get("locktime", 0),
        "fee": _fee(tx),
        "vin": [_vin(spend) for spend in tx["vin"]],
        "vout": [_end(made) for made in tx["vout"]],
        "status": {
            "confirmed": True,
            "block_height": block["height"],
            "block_hash": block["hash"],
            "block_time": block["time"],
        },
    }


def _fee(tx: dict[str, Any]) -> int:
    if "coinbase" in tx["vin"][0]:
        return 0
    brought = sum(Decimal(str(spend["prevout"]["value"])) for spend in tx["vin"])
    return int((brought - sum(Decimal(str(made["value"])) for made in tx["vout"])).scaleb(8))


def _vin(spend: dict[str, Any]) -> dict[str, Any]:
    if "coinbase" in spend:
        return {
            "txid": "0" * 64,
            "vout": 2**32 - 1,
            "prevout": None,
            "scriptsig": spend["coinbase"],
            "is_coinbase": True,
            "sequence": spend["sequence"],
        }
    return {
        "txid": spend["txid"],
        "vout": spend["vout"],
        "prevout": _end(spend["prevout"]),
        "scriptsig": spend["scriptSig"]["hex"],
        "witness": spend.get("txinwitness", []),
        "is_coinbase": False,
        "sequence": spend["sequence"],
    }


def _end(made: dict[str, Any]) -> dict[str, Any]:
    script = made["scriptPubKey"]
    kind = {"pubkey": "p2pk", "pubkeyhash": "p2pkh", "scripthash": "p2sh", "witness_v0_keyhash": "v0_p2wpkh"}
    shown = {"scriptpubkey_address": script["address"]} if "address" in script and script["type"] != "pubkey" else {}
    return {
        "scriptpubkey": script["hex"],
        "scriptpubkey_asm": "",
        "scriptpubkey_type": kind.get(script["type"], script["type"]),
        "value": int(Decimal(str(made["value"])).scaleb(8)),
        **shown,
    }


@contextlib.contextmanager
def serve(esplora: Esplora) -> Iterator[Esplora]:
    """Serve until the block ends."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:  # the name that the base class calls
            esplora.paths.append(self.path)
            sent = esplora.fault(len(esplora.paths), self.path, esplora.answer(self.path))
            status, body, headers = esplora.answer(self.path) if sent is None else sent
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if sent is None else body)
            if sent is None:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's parameter
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    esplora.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield esplora
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
