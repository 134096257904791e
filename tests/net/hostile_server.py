"""A server on loopback that does to a client what servers do: it answers from a script, one step a request."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass
class Request:
    """What the client sent."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Step = Callable[[Request], bytes | None]
"""Raw bytes to send before the connection is closed; None resets it."""


@dataclass
class Server:
    """Scripted answers; the last one repeats. ``seen`` are the requests so far."""

    steps: list[Step]
    port: int = 0
    seen: list[Request] = field(default_factory=list)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def reply(body: bytes = b"{}", status: int = 200, headers: dict[str, str] | None = None, cut: int | None = None) -> bytes:
    """An HTTP reply as bytes; ``cut`` bytes are left away at its end, against its own Content-Length."""
    head = {"Content-Length": str(len(body)), "Connection": "close"} | (headers or {})
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in head.items()), "", ""]
    whole = "\r\n".join(lines).encode() + body
    return whole if cut is None else whole[:-cut]


def always(content: bytes | None) -> Step:
    return lambda request: content


@contextlib.contextmanager
def serve(*steps: Step | bytes | None) -> Iterator[Server]:
    """Serve the steps in a thread until the block ends."""
    server = Server([step if callable(step) else always(step) for step in steps])
    listener = socket.create_server(("127.0.0.1", 0))
    server.port = listener.getsockname()[1]
    thread = threading.Thread(target=_run, args=(listener, server), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        # A thread that waits in accept is woken by a last connection.
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _run(listener: socket.socket, server: Server) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, contextlib.suppress(OSError):
            request = _read(connection)
            if request is None:
                continue
            server.seen.append(request)
            step = server.steps[min(len(server.seen), len(server.steps)) - 1]
            content = step(request)
            if content is None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                continue
            connection.sendall(content)


def _read(connection: socket.socket) -> Request | None:
    connection.settimeout(5)
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(headers.get("content-length", 0))
    while len(body) < length:
        body += connection.recv(65536)
    return Request(method, target, headers, body)
