"""Headless Chromium by its own debugging protocol: open a file with the network off, look, click, print."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
START_SECONDS = 30


def binary() -> str:
    """Path of a Chromium; without one the test is skipped, or fails where everything has to run."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        if os.environ.get("CI_STRICT") == "1":
            pytest.fail("no Chromium is installed, and CI_STRICT=1 wants the report looked at in one")
        pytest.skip("no Chromium is installed: the report is not looked at in a browser")
    return found


class Page:
    """One open page: what it asked for and complained of is kept."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        """One command and its result; events on the way are kept."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=60))
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]
            self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        kind, told = message.get("method"), message.get("params", {})
        if kind == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif kind == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(told["exceptionDetails"])[:500])
        elif kind == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self.complaints.append(json.dumps(told["args"])[:500])
        elif kind == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.complaints.append(told["entry"]["text"][:500])

    def evaluate(self, script: str) -> Any:
        """Value of an expression in the page."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def open(self, file: Path, *, ready: str, seconds: float = 30) -> float:
        """Open a file and wait for a condition; the seconds that took."""
        started = time.monotonic()
        self.call("Page.navigate", url=file.as_uri())
        while not self.evaluate(ready):
            assert time.monotonic() - started < seconds, f"not ready: {self.complaints}"
            time.sleep(0.05)
        return time.monotonic() - started

    def print_pdf(self) -> bytes:
        """The page as it prints on A4."""
        result = self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        return base64.b64decode(result["data"])

    def screenshot(self) -> bytes:
        """The whole page as a PNG."""
        result = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(result["data"])

    def width(self, pixels: int, *, media: str = "") -> None:
        """The width and medium for which the page is laid out."""
        self.call("Emulation.setEmulatedMedia", media=media)
        self.call("Emulation.setDeviceMetricsOverride", width=pixels, height=900, deviceScaleFactor=1, mobile=False)


@contextlib.contextmanager
def chromium(folder: Path) -> Iterator[Page]:
    """A page of a fresh browser whose every name leads nowhere. ``folder``: for its profile."""
    command = [
        binary(),
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-extensions",
        "--disable-background-networking",
        "--remote-debugging-port=0",
        "--proxy-server=127.0.0.1:9",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={folder}",
        "about:blank",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        port = _port(folder / "DevToolsActivePort", process)
        with connect(f"ws://127.0.0.1:{port[0]}{port[1]}", max_size=None, proxy=None) as socket:
            opened = _browser_call(socket, "Target.createTarget", url="about:blank")
            address = f"ws://127.0.0.1:{port[0]}/devtools/page/{opened['targetId']}"
            with connect(address, max_size=None, proxy=None) as page:
                yield Page(page)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _port(file: Path, process: subprocess.Popen[bytes]) -> tuple[str, str]:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        with contextlib.suppress(FileNotFoundError):
            lines = file.read_text().splitlines()
            if len(lines) == 2:
                return lines[0], lines[1]
        time.sleep(0.05)
    raise AssertionError("the browser did not start")


def _browser_call(socket: ClientConnection, method: str, **parameters: Any) -> Any:
    socket.send(json.dumps({"id": 1, "method": method, "params": parameters}))
    while True:
        message = json.loads(socket.recv(timeout=30))
        if message.get("id") == 1:
            return message["result"]
