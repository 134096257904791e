"""JSON-RPC as lines over TCP or TLS, as Electrum servers speak it: the same budget, politeness and limits as over HTTP."""

from __future__ import annotations

import hashlib
import json
import random
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from decimal import Decimal
from typing import NoReturn, cast
from urllib.parse import urlsplit

from exposure.errors import SourceError
from exposure.net.calls import Calls, Host, checked_host
from exposure.net.http import (
    CONNECT_SECONDS,
    FIRST_WAIT,
    LONGEST_WAIT,
    MAX_REPLY,
    READ_SECONDS,
    TRIES,
    Reply,
    json_text,
    mapped,
    whole_text,
)
from exposure.text import shown

Call = tuple[str, list[object]]
"""A method and its parameters."""

_DEFAULT_PORTS = {"ssl": 50002, "tcp": 50001}
_MAX_NOTICES = 1_000  # lines that answer no question, before the one that does


class Lines:
    """One connection to one server, opened when it is needed and again when it broke; safe between threads.

    Parameters
    ----------
    host : Host
        ``ssl://name:port`` or ``tcp://name:port``; plain TCP only within one's own network.
    calls : Calls
        The account that every request goes into.
    hello : tuple, optional
        Method and parameters that open a connection.
    """

    def __init__(self, host: Host, calls: Calls, hello: Call | None = None) -> None:
        self.host = checked_host(host)
        self.calls = calls
        self.hello = hello
        self._socket: socket.socket | None = None
        self._rest = b""
        self._number = 0
        self._lock = threading.Lock()
        self._dice = random.Random()
        calls.adopt(self.close)

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._rest = None, b""

    def ask(self, method: str, parameters: list[object], about: str = "") -> Reply:
        """Call a method; see `ask_many`."""
        return self.ask_many([(method, parameters)], about)[0]

    def ask_many(self, questions: Sequence[Call], about: str = "") -> list[Reply]:
        """Call methods one behind the other without waiting in between, and take the answers in the same order.

        Each is a call of its own in the account. Servers that hold small answers back for a while answer many as fast as one.

        Returns
        -------
        list of Reply
            ``value`` is the whole JSON object, with ``result`` or ``error``.

        Raises
        ------
        SourceError
            If no try brought whole, readable replies.
        """
        reason = ""
        with self._lock:
            for number in range(1, TRIES + 1):
                for _ in questions:
                    self.calls.begin(self.host, about)
                try:
                    if self._socket is None:
                        self._connect()
                        if self.hello is not None:
                            self._exchange([self.hello])
                    return self._exchange(questions)
                except ssl.SSLError:
                    self.close()
                    self.fail(
                        "does not prove who it is (TLS certificate): nothing was asked; look at the address, or name the file "
                        "of its certificate in SSL_CERT_FILE if you know that it is this server's"
                    )
                except (OSError, EOFError, ValueError) as error:
                    self.close()
                    silent = isinstance(error, TimeoutError)
                    reason = "fell silent" if silent else shown(error, 120) or type(error).__name__
                if number < TRIES:
                    wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (number - 1)) * (1 + self._dice.random() / 2)
                    self.calls.sleep(wait)
        return self.fail(f"failed {TRIES} times: {reason}; try again later, or name another host")

    def fail(self, sentence: str) -> NoReturn:
        """Raise `SourceError` about the server."""
        raise SourceError(self.calls.clean(f"{self.host.name} {sentence}"))

    def _connect(self) -> None:
        parts = urlsplit(self.host.base)
        name = parts.hostname or ""
        raw = socket.create_connection((name, parts.port or _DEFAULT_PORTS[parts.scheme]), CONNECT_SECONDS)
        try:
            raw.settimeout(READ_SECONDS)
            self._socket = ssl.create_default_context().wrap_socket(raw, server_hostname=name) if parts.scheme == "ssl" else raw
        except BaseException:
            raw.close()
            raise

    def _exchange(self, questions: Sequence[Call]) -> list[Reply]:
        assert self._socket is not None
        asked: dict[int, str] = {}
        lines = []
        for method, parameters in questions:
            self._number += 1
            asked[self._number] = method
            lines.append(json.dumps({"jsonrpc": "2.0", "id": self._number, "method": method, "params": parameters}))
        self._socket.sendall("".join(line + "\n" for line in lines).encode())
        found: dict[int, Reply] = {}
        for _ in range(_MAX_NOTICES + len(asked)):
            line = self._line()
            value = _parsed(line)
            number = value.get("id")
            if isinstance(number, int) and number in asked and number not in found:
                url = f"{self.host.base}#{asked[number]}"
                found[number] = Reply(url, 200, {}, line, hashlib.sha256(line).hexdigest(), int(time.time()), value)
                if len(found) == len(asked):
                    return [found[one] for one in asked]
        raise ValueError("answers other questions than ours")

    def _line(self) -> bytes:
        """The next line, of bounded length, within bounded time."""
        assert self._socket is not None
        until = self.calls.clock() + 10 * READ_SECONDS
        pieces, size = [self._rest], len(self._rest)
        while b"\n" not in pieces[-1]:
            piece = self._socket.recv(65536)
            if not piece:
                raise EOFError("broke the connection")
            pieces.append(piece)
            size += len(piece)
            if size > MAX_REPLY:
                self.close()
                self.fail(f"sent more than {MAX_REPLY // 2**20} MiB in one reply, which is refused")
            if self.calls.clock() > until:
                raise TimeoutError
        line, _, self._rest = b"".join(pieces).partition(b"\n")
        return line


def _parsed(line: bytes) -> dict[str, object]:
    try:
        value = json.loads(json_text(line), parse_float=Decimal)
    except (ValueError, RecursionError):
        raise ValueError(f"sent something broken instead of JSON ({line[:80].decode('utf-8', 'replace')})") from None
    if not isinstance(value, dict):
        raise ValueError("sent JSON that answers nothing")
    return cast("dict[str, object]", mapped(value, whole_text)) if b"\\u" in line else value
