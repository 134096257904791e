"""A real EVM node on loopback (anvil), and the chain that tests build on it."""

from __future__ import annotations

import itertools
import json
import os
import pathlib
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
INSTALL = "npm install --prefix .nodes --ignore-scripts --no-audit --no-fund @foundry-rs/anvil@1.7.1"


def anvil_binary() -> str:
    """Path of the node: on PATH, or in the folder .nodes of the checkout. Skips where there is none; fails in CI."""
    found = shutil.which("anvil") or next(
        (str(path) for path in ROOT.glob(".nodes/node_modules/@foundry-rs/anvil-*/bin/anvil*")), None
    )
    if found is None:
        reason = f"no anvil, a local EVM node: {INSTALL}"
        if os.environ.get("CI_STRICT") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


class Node:
    """A running node, asked over JSON-RPC."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._numbers = itertools.count(1)

    def ask(self, method: str, *parameters: object) -> object:
        return self.batch([(method, list(parameters))])[0]

    def accounts(self) -> list[str]:
        """Addresses that the node holds keys of."""
        found = self.ask("eth_accounts")
        assert isinstance(found, list)
        return [str(account) for account in found]

    def batch(self, calls: list[tuple[str, list[object]]]) -> list[object]:
        """Results of many calls, in their order."""
        body = [
            {"jsonrpc": "2.0", "id": next(self._numbers), "method": method, "params": parameters}
            for method, parameters in calls
        ]
        request = urllib.request.Request(self.url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as reply:
            replies = {item["id"]: item for item in json.load(reply)}
        for item in replies.values():
            if "error" in item:
                raise RuntimeError(item["error"])
        return [replies[item["id"]]["result"] for item in body]

    def number(self, method: str, *parameters: object) -> int:
        return int(str(self.ask(method, *parameters)), 16)


@contextmanager
def anvil(chain_id: int, *more: str) -> Iterator[Node]:
    """A node of a chain id; it mines only when told, and any address may send."""
    binary = anvil_binary()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flags = ["--no-mining", "--auto-impersonate", "--silent", "--accounts", "10", "--order", "fifo", "--balance", "1000000"]
    process = subprocess.Popen(
        [binary, "--port", str(port), "--chain-id", str(chain_id), "--timestamp", "1700000000", *flags, *more],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        node = Node(f"http://127.0.0.1:{port}")
        for _ in range(200):
            try:
                node.ask("eth_chainId")
                break
            except OSError:
                time.sleep(0.05)
        yield node
    finally:
        process.terminate()
        process.wait(10)
