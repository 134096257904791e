"""An end to every request: whoever sends a byte now and then never meets the time-out of a single read.

Head and body of a reply are read inside the libraries below, in pieces that may take hours to fill. So a watch shuts the
connection down when the time for the whole reply is over.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:  # annotations only
    from urllib3 import PoolManager

_OPEN: dict[int, _Ended] = {}
"""The connection that each thread uses: a thread asks one thing at a time."""


class _Ended:
    """A connection that can be ended from another thread, also while the reply alone holds its socket."""

    sock: socket.socket | None
    _connected: socket.socket | None = None

    def connect(self) -> None:
        _OPEN[threading.get_ident()] = self
        super().connect()  # type: ignore[misc]  # of the connection that this is mixed into
        self._connected = self.sock

    def request(self, *arguments: Any, **named: Any) -> None:
        _OPEN[threading.get_ident()] = self
        super().request(*arguments, **named)  # type: ignore[misc]  # of that connection, too

    def end(self) -> None:
        used = self.sock or self._connected
        if used is not None:
            with contextlib.suppress(OSError):
                used.shutdown(socket.SHUT_RDWR)


class _Watched(_Ended, HTTPConnection):
    pass


class _WatchedTls(_Ended, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


class WatchedAdapter(HTTPAdapter):
    """An adapter whose connections `within` can end."""

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        """See `HTTPAdapter.init_poolmanager`."""
        super().init_poolmanager(*arguments, **named)
        _watch(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **named: Any) -> PoolManager:
        """See `HTTPAdapter.proxy_manager_for`."""
        manager: PoolManager = super().proxy_manager_for(proxy, **named)
        _watch(manager)
        return manager


def _watch(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


class Watch:
    """Whether the time was over."""

    def __init__(self) -> None:
        self.over = False


@contextlib.contextmanager
def within(seconds: float) -> Iterator[Watch]:
    """Shut the connection of this thread's request down when the time is over."""
    watch, thread = Watch(), threading.get_ident()

    def end() -> None:
        watch.over = True
        used = _OPEN.get(thread)
        if used is not None:
            used.end()

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield watch
    finally:
        timer.cancel()
        _OPEN.pop(thread, None)
