"""Whom a command talks to: hosts and their keys, the budget of calls, politeness, and which host learned which address."""

from __future__ import annotations

import base64
import ipaddress
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import quote, quote_plus, urlsplit

from exposure.errors import InputError, SourceError
from exposure.text import shown

DEFAULT_RATE = 2.0
"""Requests a second where nobody says otherwise; public hosts of undisclosed limits bear one or two."""

_SCRUBBED = 16
"""A key at least this long is taken out of replies too; a shorter one might stand in a hash or an amount by chance."""


class BudgetSpentError(SourceError):
    """``max_calls`` requests were made."""


class OfflineError(SourceError):
    """Something would need the network, and ``--offline`` forbids it."""


class RateLimitedError(SourceError):
    """A host went on refusing after every try."""


@dataclass(frozen=True, slots=True)
class Key:
    """A secret and where it goes: in a header, in a parameter of the query, as user and password (basic), or in the path.

    Never printed: its representation shows none of it. ``path``: the secret is the path behind the host's base, as
    providers of nodes hand it out.
    """

    value: str = field(repr=False)
    header: str = ""
    parameter: str = ""
    prefix: str = ""
    user: str | None = None
    path: bool = False

    @property
    def sent(self) -> str:
        """The value as it is sent in a header."""
        if self.user is not None:
            return "Basic " + base64.b64encode(f"{self.user}:{self.value}".encode()).decode()
        return self.prefix + self.value

    @property
    def forms(self) -> tuple[str, ...]:
        """Every form in which the secret could come back, the longest first."""
        forms = {self.value, quote(self.value, safe=""), quote_plus(self.value)}
        if self.user is not None:
            forms |= {self.sent.removeprefix("Basic ")}
        if self.path:
            forms |= {part for part in re.split(r"[/?&=]", self.value) if len(part) >= _SCRUBBED}
        return tuple(sorted((form for form in forms if form), key=len, reverse=True))


@dataclass(frozen=True, slots=True)
class Host:
    """Where requests go: a base address without a key, a key, and how fast one may ask.

    ``rate``: requests a second; ``burst``: how many at once after a pause. ``redirects``: other host names to which this
    host may redirect (the key does not follow); none by default. ``retried``: statuses that are tried again.
    """

    base: str
    key: Key | None = None
    rate: float = DEFAULT_RATE
    burst: int = 2
    redirects: frozenset[str] = frozenset()
    retried: frozenset[int] = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})

    @property
    def name(self) -> str:
        """Host name and port, as reports name it."""
        return urlsplit(self.base).netloc.rpartition("@")[2].lower()


def checked_host(host: Host) -> Host:
    """The same host, if one may talk to it.

    Raises
    ------
    InputError
        If the address is malformed, carries a user or password, or is plain text to somewhere outside the own network.
    """
    try:
        parts = urlsplit(host.base)
        name = (parts.hostname or "").lower()
        port = parts.port
    except ValueError:
        raise InputError("the address of a host is malformed: give it as https://name/path") from None
    if "@" in parts.netloc:
        raise InputError(f"the address of {name or 'a host'} holds a user or password: put those into their own setting")
    if parts.scheme not in ("http", "https", "tcp", "ssl") or not name or port == 0 or parts.query or parts.fragment:
        raise InputError(f"{shown(host.base)} is no address of a host: give it as https://name/path")
    if parts.scheme in ("http", "tcp") and not _near(name):
        raise InputError(f"{name} would be asked in plain text: use {'https' if parts.scheme == 'http' else 'ssl'}://")
    return host


def _near(name: str) -> bool:
    """Whether a host is on this machine or in a private network, or reached through an onion service."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost" or "." not in name or name.endswith((".local", ".localhost", ".internal", ".lan", ".onion"))
    return address.is_loopback or address.is_private


class RateState(NamedTuple):
    """How a host's limit stands: requests a second it is asked at, seconds until the next may go, refusals so far."""

    rate: float
    wait: float
    refusals: int


class Bucket:
    """Tokens of one host: ``rate`` a second, up to ``burst``. Refusals halve the rate, down to a quarter of it."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float]) -> None:
        self._full = rate
        self._rate = rate
        self._burst = max(1, burst)
        self._clock = clock
        self._tokens = float(self._burst)
        self._at = clock()
        self._blocked_until = 0.0
        self._refusals = 0
        self._lock = threading.Lock()

    def take(self) -> float:
        """Take a token, maybe one that is yet to come; seconds to wait before using it."""
        with self._lock:
            now = self._clock()
            self._tokens = min(float(self._burst), self._tokens + (now - self._at) * self._rate)
            self._at = now
            self._tokens -= 1.0
            return max(0.0, -self._tokens / self._rate, self._blocked_until - now)

    def refused(self, wait: float) -> None:
        """The host said "too many": nobody asks it for ``wait`` seconds, and then slower."""
        with self._lock:
            self._refusals += 1
            self._rate = max(self._rate / 2, self._full / 4)
            self._blocked_until = max(self._blocked_until, self._clock() + wait)

    def state(self) -> RateState:
        """How the limit stands."""
        with self._lock:
            now = self._clock()
            tokens = min(float(self._burst), self._tokens + (now - self._at) * self._rate)
            return RateState(self._rate, max(0.0, (1.0 - tokens) / self._rate, self._blocked_until - now), self._refusals)


class Calls:
    """The account of a command's requests, shared by everything that talks to the outside. Safe between threads.

    Parameters
    ----------
    offline : bool
        Refuse every request.
    max_calls : int
        Requests allowed, retries among them.
    clock, sleep
        Time, for tests.
    """

    def __init__(
        self,
        *,
        offline: bool = False,
        max_calls: int = 500,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self.offline = offline
        self.max_calls = max_calls
        self.clock = clock
        self._stopped = threading.Event()
        self.sleep = self._wait if sleep is None else sleep
        self._made: dict[str, int] = {}
        self._asked: dict[str, dict[str, None]] = {}
        self._buckets: dict[str, Bucket] = {}
        self._secrets: dict[str, None] = {}
        self._closers: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._here = threading.local()

    def stop(self) -> None:
        """Nothing more is asked: whoever waits for his turn, or asks next, is interrupted."""
        self._stopped.set()

    def _wait(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise KeyboardInterrupt

    def adopt(self, close: Callable[[], None]) -> None:
        """Have connections closed with `close`."""
        with self._lock:
            self._closers.append(close)

    def close(self) -> None:
        """Close every connection that was opened on this account; the counts stay."""
        with self._lock:
            closers, self._closers = self._closers, []
        for close in closers:
            close()

    @property
    def made(self) -> int:
        """Requests made so far."""
        with self._lock:
            return sum(self._made.values())

    @property
    def made_here(self) -> int:
        """Requests made so far by the thread that asks."""
        return int(getattr(self._here, "made", 0))

    @property
    def made_by_host(self) -> Mapping[str, int]:
        """Requests made so far, by host."""
        with self._lock:
            return dict(self._made)

    @property
    def asked(self) -> Mapping[str, tuple[str, ...]]:
        """Which host learned which addresses (or transactions), in the order in which they were asked about."""
        with self._lock:
            return {host: tuple(subjects) for host, subjects in self._asked.items()}

    def begin(self, host: Host, about: str = "") -> None:
        """Account for one request that is about to be made, and wait until the host may be asked.

        Raises
        ------
        OfflineError, BudgetSpentError
            Before anything leaves the machine.
        KeyboardInterrupt
            After `stop`.
        """
        if self._stopped.is_set():
            raise KeyboardInterrupt
        if self.offline:
            raise OfflineError(f"{host.name} would have to be asked, and --offline forbids it: fetch first, or leave it away")
        with self._lock:
            if sum(self._made.values()) >= self.max_calls:
                raise BudgetSpentError(
                    f"the budget of {self.max_calls:,} calls is spent: go on with the same command, or raise --max-calls"
                )
            self._made[host.name] = self._made.get(host.name, 0) + 1
            subjects = self._asked.setdefault(host.name, {})
            if about:
                subjects.setdefault(about)
        self._here.made = self.made_here + 1
        wait = self._bucket(host).take()
        if wait > 0:
            self.sleep(wait)

    def refused(self, host: Host, wait: float) -> None:
        """A host asked for patience."""
        self._bucket(host).refused(wait)

    def rates(self) -> Mapping[str, RateState]:
        """How the limit of each host asked so far stands."""
        with self._lock:
            buckets = dict(self._buckets)
        return {name: bucket.state() for name, bucket in buckets.items()}

    def know(self, key: Key | None) -> None:
        """Note a secret, so that `clean` takes it out of whatever is said."""
        if key is not None:
            with self._lock:
                self._secrets |= dict.fromkeys(key.forms)

    def clean(self, text: str) -> str:
        """A text for a message without any known secret."""
        for secret in self._known():
            text = text.replace(secret, "(key)")
        return text

    def scrub(self, content: bytes) -> bytes:
        """A reply without long secrets, in case the host says them back."""
        for secret in self._known():
            if len(secret) >= _SCRUBBED:
                content = content.replace(secret.encode(), b"(key)")
        return content

    def _known(self) -> list[str]:
        with self._lock:
            return sorted(self._secrets, key=len, reverse=True)

    def _bucket(self, host: Host) -> Bucket:
        with self._lock:
            if host.name not in self._buckets:
                self._buckets[host.name] = Bucket(host.rate, host.burst, self.clock)
            return self._buckets[host.name]
