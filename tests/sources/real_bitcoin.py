"""A real Bitcoin node on the regression network, an ElectrumX over it, and an Esplora-form server in front of it."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from esplora_server import Esplora, serve

USER, PASSWORD = "exposure", "regtest-only"
PATIENCE = 90.0


class RealNode:
    """RPC of a running node; whatever a test needs to make happen on it."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self._blocks: dict[str, dict[str, Any]] = {}
        self._chains: dict[str, list[dict[str, Any]]] = {}

    def call(self, method: str, *parameters: Any, wallet: str = "w") -> Any:
        path = f"/wallet/{wallet}" if wallet and method not in ("createwallet",) else "/"
        body = json.dumps({"jsonrpc": "1.0", "id": 1, "method": method, "params": parameters}, default=str).encode()
        manager = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        manager.add_password(None, self.base, USER, PASSWORD)
        opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(manager), urllib.request.ProxyHandler({}))
        try:
            with opener.open(urllib.request.Request(self.base + path, body), timeout=60) as reply:
                found = json.loads(reply.read(), parse_float=Decimal)
        except urllib.error.HTTPError as error:
            with error:
                raise RuntimeError(f"{method}: {error.read().decode()}") from None
        return found["result"]

    def blocks(self) -> list[dict[str, Any]]:
        """Every block of the chain, in the form of ``getblock HASH 3``."""
        best = self.call("getbestblockhash")
        if best not in self._chains:
            chain: list[dict[str, Any]] = []
            hash_: str | None = best
            while hash_ is not None:
                if hash_ not in self._blocks:
                    self._blocks[hash_] = self.call("getblock", hash_, 3)
                chain.append(self._blocks[hash_])
                hash_ = chain[-1].get("previousblockhash")
            self._chains = {best: chain[::-1]}
        return self._chains[best]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _needed(name: str, program: str) -> str:
    """Path of a program, or the test is skipped (with CI_STRICT=1: fails)."""
    path = os.environ.get(name) or shutil.which(program)
    if path and os.access(path, os.X_OK):
        return path
    reason = f"no {program}: .ci/bitcoin-node FOLDER gets one; name it in {name}"
    if os.environ.get("CI_STRICT") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@contextlib.contextmanager
def _running(command: list[str], log: pathlib.Path, environ: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environ)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(20)


def _waited(condition: Any, process: subprocess.Popen[bytes], log: pathlib.Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()[-2000:]
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            if condition():
                return
        time.sleep(0.1)
    pytest.fail(f"not ready after {PATIENCE:g} s: {log.read_text()[-2000:]}")


@contextlib.contextmanager
def real_node(folder: pathlib.Path) -> Iterator[RealNode]:
    """A node with a wallet, a filter index and an index of transactions."""
    program = _needed("BITCOIND", "bitcoind")
    port = _free_port()
    (folder / "node").mkdir()
    options = [
        *("-regtest", f"-datadir={folder / 'node'}", "-server=1", "-listen=0", "-discover=0", "-dnsseed=0", "-natpmp=0"),
        *(f"-rpcport={port}", f"-rpcuser={USER}", f"-rpcpassword={PASSWORD}", "-txindex=1", "-blockfilterindex=1"),
        *("-fallbackfee=0.0001", "-dbcache=16", "-par=1", "-rpcthreads=4", "-walletbroadcast=1", "-mempoolfullrbf=1"),
    ]
    log = folder / "node.log"
    with _running([program, *options], log) as process:
        node = RealNode(port)
        _waited(lambda: node.call("getblockcount", wallet="") == 0, process, log)
        node.call("createwallet", "w")
        yield node


@contextlib.contextmanager
def real_electrum(folder: pathlib.Path, node: RealNode) -> Iterator[str]:
    """An ElectrumX over the node; its address."""
    program = _needed("ELECTRUMX_SERVER", "electrumx_server")
    port, rpc = _free_port(), _free_port()
    (folder / "electrumx").mkdir()
    environ = {
        "PATH": os.environ["PATH"],
        "COIN": "Bitcoin",
        "NET": "regtest",
        "DB_DIRECTORY": str(folder / "electrumx"),
        "DAEMON_URL": node.base.replace("http://", f"http://{USER}:{PASSWORD}@") + "/",
        "SERVICES": f"tcp://127.0.0.1:{port},rpc://127.0.0.1:{rpc}",
        "PEER_DISCOVERY": "off",
        "ALLOW_ROOT": "1",
        "COST_SOFT_LIMIT": "1000000000",
        "COST_HARD_LIMIT": "2000000000",
        "INITIAL_CONCURRENT": "100",
        "REQUEST_SLEEP": "0",
        "CACHE_MB": "50",
        "DAEMON_POLL_INTERVAL_BLOCKS": "200",
        "DAEMON_POLL_INTERVAL_MEMPOOL": "200",
    }
    log = folder / "electrumx.log"
    with _running([program], log, environ) as process:

        def ready() -> bool:
            with socket.create_connection(("127.0.0.1", port), 1) as raw, raw.makefile("rwb") as file:
                file.write(b'{"jsonrpc": "2.0", "id": 0, "method": "server.version", "params": ["t", "1.4"]}\n')
                file.write(b'{"jsonrpc": "2.0", "id": 1, "method": "blockchain.headers.subscribe", "params": []}\n')
                file.flush()
                file.readline()
                told = json.loads(file.readline())
                return bool(told["result"]["height"] == node.call("getblockcount"))

        node.electrum_ready = lambda: _waited(ready, process, log)  # a hook of this test
        node.electrum_ready()  # the same
        yield f"tcp://127.0.0.1:{port}"


@contextlib.contextmanager
def esplora_over(node: RealNode) -> Iterator[Esplora]:
    """An Esplora-form server that reads the node."""
    with serve(Esplora(node.blocks)) as esplora:
        yield esplora
