"""Hosts that send a byte now and then: a single read never times out, the reply as a whole does."""

import contextlib
import socket
import threading

import pytest

from exposure.errors import SourceError
from exposure.net import http
from exposure.net.calls import Calls, Host
from exposure.net.http import Client, Request

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextlib.contextmanager
def dripping(at_once: bytes):
    """A server that sends a beginning, and then a space every twentieth of a second for as long as somebody listens."""
    ended = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(at_once)
            while not ended.wait(0.05):
                connection.sendall(b" ")

    def run(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=drip, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=run, args=(listener,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            ended.set()
            listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    "at_once",
    [
        HEAD + b"Content-Length: 1000000\r\n\r\n{}",
        HEAD + b'\r\n{"height": 7}',  # without a length: what came would look whole
        HEAD + b"X-Long: ",
        b"HTTP/1.1 ",
        b"",
    ],
)
def test_a_reply_that_drips_ends_when_its_time_is_over(at_once, monkeypatch):
    monkeypatch.setattr(http, "_TOTAL_SECONDS", 0.3)
    calls = Calls(sleep=lambda seconds: None)
    client = Client(calls, tries=2)
    with dripping(at_once) as base, pytest.raises(SourceError, match="took more than"):
        client.json(Host(base, rate=1000.0), Request("x"))
    assert calls.made == 2
    client.close()
