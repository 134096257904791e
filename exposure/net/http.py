"""The only HTTP client: time-outs, tries with back-off, limits of size and redirects, and secrets that stay secret.

A request ends in a `Reply`, or in a `SourceError` whose sentence says which host did what and what to do. Statuses that
mean "not now" (429, 503, ...), broken connections, bodies that end early and JSON that is none are tried again, five times
in all; each try counts against the budget of `Calls` and waits for the host's token bucket.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple, NoReturn
from urllib.parse import urlencode, urljoin, urlsplit

from exposure.errors import SourceError
from exposure.net.calls import Calls, Host, RateLimitedError, checked_host
from exposure.net.logs import hide_secrets
from exposure.text import shown

if TYPE_CHECKING:  # annotations only: requests is imported when something is asked for
    import requests

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
TRIES = 5
FIRST_WAIT = 0.5
LONGEST_WAIT = 60.0
PATIENCE = 120.0
"""A host that asks to wait longer than this is not waited for."""

MAX_REPLY = 32 * 2**20
MAX_PAGES = 10_000
"""Pages of one list; whoever follows cursors stops there (see `counted`)."""

_TOTAL_SECONDS = 300.0  # a reply that trickles in never meets the time-out of a single read
_TOO_LONG = f"took more than {_TOTAL_SECONDS:g} s for one reply"
_REDIRECTS = 3
_PIECE = 64 * 1024
_EXCERPT = 160
_HALF = re.compile("[\ud800-\udfff]")


class Again(NamedTuple):
    """Why a reply that looks fine has to be asked for once more, and after how many seconds at least."""

    reason: str
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask. ``payload`` (any JSON value) makes it a POST. ``about``: the address that the host learns by it.

    ``read_seconds``: how long the host may be silent, where it is known to think for longer than usual.
    """

    path: str
    parameters: Mapping[str, str | int] | None = None
    payload: object = None
    about: str = ""
    headers: Mapping[str, str] | None = None
    read_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What came. ``url`` has no key; ``sha256`` is that of the body as it came, decompressed; ``value`` its JSON.

    ``value`` is None unless JSON was asked for and the status is below 300 or the body is JSON all the same. Numbers with
    a point are `Decimal`, never floats.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    sha256: str
    time: int
    value: object = None

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def excerpt(self) -> str:
        """The beginning of the body, safe to show."""
        return shown(self.text.strip(), _EXCERPT)


Check = Callable[[Reply], Again | None]
"""Looks at a reply that came well; an `Again` has it asked for once more."""


class Client:
    """Asks hosts over HTTP. One request at a time to each host; safe between threads.

    Parameters
    ----------
    calls : Calls
        The account that every request goes into.
    tries, max_reply
        Tries of a request in all; largest reply in bytes, decompressed.
    """

    def __init__(self, calls: Calls, *, tries: int = TRIES, max_reply: int = MAX_REPLY) -> None:
        self.calls = calls
        self.tries = tries
        self.max_reply = max_reply
        self._sessions: dict[str, tuple[requests.Session, threading.Lock]] = {}
        self._lock = threading.Lock()
        self._dice = random.Random()
        calls.adopt(self.close)

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for session, _ in self._sessions.values():
                session.close()
            self._sessions.clear()

    def json(self, host: Host, request: Request, check: Check | None = None) -> Reply:
        """Ask for JSON; what is none is tried again, then an error.

        A status of 400 and above that is not in ``host.retried`` comes back as a reply, for the source to read.

        Raises
        ------
        SourceError
            If no try brought a whole, readable reply; `BudgetSpentError`, `OfflineError`, `RateLimitedError` among them.
        """
        return self._asked(host, request, check, as_json=True)

    def text(self, host: Host, request: Request, check: Check | None = None) -> Reply:
        """Ask for anything else, such as plain text; otherwise as `json`."""
        return self._asked(host, request, check, as_json=False)

    def download(self, host: Host, request: Request, into: Path, *, limit: int) -> Reply:
        """Ask for a large file, and write it to ``into`` (0600, replaced only when it is whole).

        ``request.headers`` may carry If-None-Match or If-Modified-Since: a reply of status 304 leaves the file alone.
        ``limit``: most bytes, decompressed. The reply's ``body`` is empty; its hash is that of the file.
        """
        part = into.with_name(into.name + ".part")
        try:
            reply = self._asked(host, request, None, as_json=False, limit=limit, into=part)
            if reply.status == 200:
                part.replace(into)
            return reply
        except OSError as error:
            raise SourceError(
                f"cannot write {into}: {error.strerror or error}; free some space, or name another file"
            ) from None
        finally:
            part.unlink(missing_ok=True)

    def fail(self, host: Host, sentence: str) -> NoReturn:
        """Raise `SourceError` about a host, without any secret in it."""
        raise SourceError(self.calls.clean(f"{host.name} {sentence}"))

    def _asked(
        self,
        host: Host,
        request: Request,
        check: Check | None,
        *,
        as_json: bool,
        limit: int | None = None,
        into: Path | None = None,
    ) -> Reply:
        host = checked_host(host)
        self.calls.know(host.key)
        most = self.max_reply if limit is None else limit
        reason, refused = "", False
        for number in range(1, self.tries + 1):
            self.calls.begin(host, request.about)
            told = 0.0
            try:
                reply = self._once(host, request, most, into)
            except _TryAgainError as error:
                reason, refused = str(error), False
            else:
                refused = False
                if reply.status in host.retried:
                    reason = f"answered {reply.status} ({reply.excerpt})"
                    told = _retry_after(reply.headers.get("retry-after"))
                    refused = told > 0 or reply.status in (403, 429, 503)
                else:
                    reply, fault = self._parsed(reply) if as_json else (reply, "")
                    again = Again(fault) if fault else check(reply) if check is not None else None
                    if again is None:
                        return reply
                    reason, told, refused = again.reason, again.wait, again.wait > 0
            wait = max(told, self._backoff(number))
            if told > PATIENCE:
                self.fail(host, f"asks to wait {told:,.0f} s ({reason}): try again then")
            if refused:
                self.calls.refused(host, wait)
            elif number < self.tries:
                self.calls.sleep(wait)
        sentence = self.calls.clean(f"{host.name} failed {self.tries} times: {reason}")
        if refused:
            raise RateLimitedError(f"{sentence}; try again later, or with a key or host of your own")
        raise SourceError(f"{sentence}; try again later, or name another host")

    def _backoff(self, number: int) -> float:
        """Half a second, doubling to a minute, and up to half of it more, so that many do not come back together."""
        return float(min(LONGEST_WAIT, FIRST_WAIT * 2 ** (number - 1)) * (1 + self._dice.random() / 2))

    def _once(self, host: Host, request: Request, most: int, into: Path | None) -> Reply:
        """One try, redirects within the host followed."""
        import requests
        import urllib3

        from exposure.net.deadline import Watch, within

        watch = Watch()
        session, lock = self._session(host)
        url = host.base.rstrip("/") + "/" + request.path.lstrip("/") if request.path else host.base
        base, with_key = url, True
        shown_url = _without_key(url, request)
        if host.key is not None and host.key.path:
            base = url = f"{host.base.rstrip('/')}/{host.key.value.lstrip('/')}"
        for _ in range(_REDIRECTS + 1):
            headers = {"Accept-Encoding": "gzip", **(request.headers or {})}
            parameters = {name: str(value) for name, value in (request.parameters or {}).items()} if url == base else {}
            if host.key is not None and with_key and not host.key.path:
                if host.key.parameter:
                    parameters |= {host.key.parameter: host.key.value}
                else:
                    headers[host.key.header or "Authorization"] = host.key.sent
            body = None if request.payload is None else json.dumps(request.payload).encode()
            if body is not None:
                headers["Content-Type"] = "application/json"
            try:
                with (
                    lock,
                    within(_TOTAL_SECONDS) as watch,
                    session.request(
                        "GET" if body is None else "POST",
                        url,
                        params=parameters,
                        headers=headers,
                        data=body,
                        timeout=(CONNECT_SECONDS, request.read_seconds or READ_SECONDS),
                        allow_redirects=False,
                        stream=True,
                    ) as response,
                ):
                    if response.status_code in (301, 302, 303, 307, 308):
                        url, with_key = self._redirected(host, url, response.headers.get("Location"))
                        target = urlsplit(url)
                        self.calls.begin(replace(host, base=f"{target.scheme}://{target.netloc}", key=None), request.about)
                        continue
                    content, digest = self._read(host, response, most, into)
                    if watch.over:  # without a stated length it looks like the end
                        raise _TryAgainError(_TOO_LONG)
                    return Reply(
                        shown_url,
                        response.status_code,
                        {name.lower(): value for name, value in response.headers.items()},
                        self.calls.scrub(content),
                        digest,
                        int(time.time()),
                    )
            # From none of these may the cause follow: its text, and a debugger's traceback, hold the whole address.
            except requests.exceptions.SSLError:
                self.fail(host, "does not prove who it is (TLS certificate): nothing was asked; look at the address")
            except ValueError:  # of an address: the host's own, or one that it redirects to
                self.fail(host, "cannot be asked: its address, its key or where it redirects to is malformed")
            except requests.exceptions.ConnectTimeout:
                raise _TryAgainError(f"did not answer within {CONNECT_SECONDS:g} s") from None
            except (requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError):
                raise _TryAgainError(f"fell silent for {request.read_seconds or READ_SECONDS:g} s") from None
            except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, ConnectionError) as error:
                if watch.over:
                    raise _TryAgainError(_TOO_LONG) from None
                raise _TryAgainError(f"broke the connection ({type(error).__name__})") from None
        return self.fail(host, f"redirects more than {_REDIRECTS} times")

    def _redirected(self, host: Host, url: str, location: str | None) -> tuple[str, bool]:
        """Where a redirect leads and whether the key may follow; refused if it leads elsewhere."""
        try:
            target = urljoin(url, location or "")
            new, old = urlsplit(target), urlsplit(url)
            same = (new.scheme, new.hostname, new.port) == (old.scheme, old.hostname, old.port)
            allowed = new.scheme == "https" and (new.hostname or "") in host.redirects and new.port in (None, 443)
        except ValueError:
            self.fail(host, "redirects to a malformed address")
        if not same and not allowed:
            where = f"{new.scheme}://{new.hostname}"
            self.fail(host, f"redirects to {shown(where, 80)}, which is not followed: name that host if you trust it")
        return target, same

    def _read(self, host: Host, response: requests.Response, most: int, into: Path | None) -> tuple[bytes, str]:
        """The decompressed body (empty where it goes into a file) and its hash; bounded in size and time."""
        until = self.calls.clock() + _TOTAL_SECONDS
        digest, size, kept = hashlib.sha256(), 0, bytearray()
        sink = _private(into) if into is not None and response.status_code == 200 else None
        try:
            for piece in _decompressed(response):
                size += len(piece)
                if size > most:
                    self.fail(host, f"sent more than {most // 2**20} MiB in one reply, which is refused: ask for less at once")
                if self.calls.clock() > until:
                    raise _TryAgainError(_TOO_LONG)
                digest.update(piece)
                if sink is None:
                    kept += piece
                else:
                    sink.write(piece)
        finally:
            if sink is not None:
                sink.close()
        return bytes(kept), digest.hexdigest()

    def _parsed(self, reply: Reply) -> tuple[Reply, str]:
        """The reply with its JSON; a fault if it is none. An error's body need not be JSON."""
        try:
            value = json.loads(json_text(reply.body), parse_float=Decimal, parse_constant=_no_number)
        except (ValueError, RecursionError):
            if reply.status >= 400:
                return reply, ""
            html = reply.body.lstrip()[:1] == b"<"
            return reply, f"sent {'a web page' if html else 'something broken'} instead of JSON ({reply.excerpt})"
        if b"\\u" in reply.body:  # a secret may come back in escapes, and so may half of a character
            value = mapped(value, lambda text: whole_text(self.calls.clean(text)))
        return Reply(reply.url, reply.status, reply.headers, reply.body, reply.sha256, reply.time, value), ""

    def _session(self, host: Host) -> tuple[requests.Session, threading.Lock]:
        import requests
        from urllib3.util.retry import Retry

        from exposure.net.deadline import WatchedAdapter

        with self._lock:
            if host.name not in self._sessions:
                session = requests.Session()
                # No credentials of a .netrc, no cookies, no tries but our own.
                session.auth = _no_auth
                session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
                session.headers["User-Agent"] = "chain-exposure"
                adapter = WatchedAdapter(max_retries=Retry(0, redirect=False, read=False), pool_connections=1, pool_maxsize=1)
                session.mount("https://", adapter)
                session.mount("http://", adapter)
                hide_secrets(self.calls)
                self._sessions[host.name] = (session, threading.Lock())
            return self._sessions[host.name]


def counted(pages: Iterator[Reply], host: Host, limit: int = MAX_PAGES) -> Iterator[Reply]:
    """The same pages, until there are too many of them to be a list.

    Raises
    ------
    SourceError
        Past the limit.
    """
    for number, page in enumerate(pages, 1):
        if number > limit:
            raise SourceError(f"{host.name} goes on after {limit:,} pages of one list, which is refused: narrow --since")
        yield page


def json_text(body: bytes) -> str:
    """JSON as text. It is UTF-8 and nothing else; bytes that are none become replacement characters, as in a browser.

    Python itself would take other encodings, in which no secret is found again, and halves of characters.
    """
    return body.decode("utf-8-sig", "replace")


def whole_text(text: str) -> str:
    """Text whose halves of characters (lone surrogates, which no file and no screen takes) are replacement characters."""
    return _HALF.sub("\ufffd", text)


class _TryAgainError(Exception):
    """One try failed in a way that another may not."""


def _decompressed(response: requests.Response) -> Iterator[bytes]:
    """The body in small pieces: gzip is unpacked here, a bounded piece at a time, whatever it would grow to."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise _TryAgainError(f"packed its reply in a way nobody asked for ({shown(encoding, 40)})")
    raw = response.raw.stream(_PIECE, decode_content=False)
    if encoding in ("", "identity"):
        yield from raw
        return
    unpack = zlib.decompressobj(wbits=31)
    begun = False
    for packed in raw:
        rest = packed
        while rest:
            begun = True
            try:
                piece = unpack.decompress(rest, _PIECE)
            except zlib.error:
                raise _TryAgainError("sent a reply that does not unpack") from None
            if piece:
                yield piece
            rest = unpack.unconsumed_tail
            if unpack.eof:
                rest = unpack.unused_data  # gzip members may follow one another
                if rest:
                    unpack = zlib.decompressobj(wbits=31)
    while not unpack.eof and begun:
        piece = unpack.decompress(unpack.unconsumed_tail, _PIECE)
        if not piece:
            raise _TryAgainError("broke off in the middle of a reply")
        yield piece


def _retry_after(told: str | None) -> float:
    """Seconds that a Retry-After header asks for; 0 where it says nothing that can be read."""
    from urllib3.exceptions import InvalidHeader
    from urllib3.util.retry import Retry

    if not told:
        return 0.0
    try:
        return max(0.0, float(Retry().parse_retry_after(told)))
    except (InvalidHeader, ValueError, OverflowError):
        return 0.0


def _without_key(url: str, request: Request) -> str:
    """The address as it is recorded; behind it the method of a call whose address says nothing of it."""
    method = request.payload.get("method") if isinstance(request.payload, dict) else None
    query = f"?{urlencode(dict(request.parameters))}" if request.parameters else ""
    return f"{url}{query}{f'#{method}' if isinstance(method, str) else ''}"


def mapped(value: object, change: Callable[[str], str]) -> object:
    """A JSON value with every text changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [mapped(item, change) for item in value]
    if isinstance(value, dict):
        return {change(key): mapped(item, change) for key, item in value.items()}
    return value


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no number")


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _private(path: Path) -> IO[bytes]:
    """A new file for writing, readable by its owner only; what lies there is replaced, a link is not followed."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "wb")
