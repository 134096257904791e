"""What servers do to every source of account chains: each fault ends in a retry, a clear error or a reason, never a figure."""

from __future__ import annotations

import gzip
import json
import os
import random
from collections.abc import Callable, Iterator

import pytest
from evm_explorers import Handler, Raw, serving
from recorded import SECRET, Case, account_cases, client, rows_of, silently_wrong, walked

from exposure.errors import SourceError
from exposure.net import http
from exposure.net.calls import RateLimitedError
from exposure.sources.evm import blockscout, etherscan
from exposure.sources.tron import grid as tron_grid

THOROUGH = os.environ.get("CI_STRICT") == "1"
NAMES = ("node", "etherscan", "blockscout", "trongrid", "tron-node")


@pytest.fixture(scope="module")
def cases() -> Iterator[dict[str, Case]]:
    with account_cases() as made:
        yield made


Fault = Callable[[int, bytes], tuple[int, object] | Raw]


def _http(body: bytes, *headers: str, status: int = 200, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {size}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


_BOMB = gzip.compress(bytes(3 << 20))

PASSING: dict[str, Fault] = {
    "silence": lambda status, body: Raw(_http(body), 0.3),
    "reset": lambda status, body: Raw(None),
    "reset in the middle of the body": lambda status, body: Raw(_http(body[: len(body) // 2], length=len(body))),
    "JSON that breaks off": lambda status, body: (200, body[: max(1, len(body) // 2)]),
    "a web page": lambda status, body: (200, b"<html><title>One moment</title></html>"),
    "nothing": lambda status, body: (200, b""),
    "not gzip although it says so": lambda status, body: Raw(_http(body, "Content-Encoding: gzip")),
    "503": lambda status, body: (503, b"busy"),
    "429": lambda status, body: Raw(_http(b"slow down", "Retry-After: 7", status=429)),
}
LASTING: dict[str, Fault] = {
    "null": lambda status, body: (200, b"null"),
    "a number": lambda status, body: (200, b"7"),
    "a list": lambda status, body: (200, b"[]"),
    "an empty object": lambda status, body: (200, b"{}"),
    "a bomb": lambda status, body: Raw(_http(_BOMB, "Content-Encoding: gzip")),
    "404": lambda status, body: (404, b'{"message": "Not found"}'),
    "400": lambda status, body: (400, b'{"error": "bad request"}'),
    "401": lambda status, body: (401, b""),
}


def faulty(case: Case, fault: Fault, at: int, *, forever: bool) -> Handler:
    """The good server, but for one request (or all from it on)."""
    number = [0]

    def handler(path: str, query: dict[str, str], body: bytes) -> tuple[int, object] | Raw:
        good = case.recorded(path, query, body)
        number[0] += 1
        hit = number[0] >= at if forever else number[0] == at
        content = good[1]
        assert isinstance(content, bytes)
        return fault(good[0], content) if hit else good

    return handler


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_changes_nothing(
    cases: dict[str, Case], name: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 0.1)
    case = cases[name]
    at = 1 + case.asked // 2
    with serving(faulty(case, PASSING[fault], at, forever=False)) as (base, _):
        pages = walked(case.open(client(), base), case.address)
    assert rows_of(pages) == rows_of(case.truth)
    assert pages[-1].covered == case.truth[-1].covered
    assert pages[-1].balances == case.truth[-1].balances


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fault", [*PASSING, *LASTING])
def test_a_fault_that_stays_is_an_error_or_a_reason(
    cases: dict[str, Case], name: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 0.05)
    monkeypatch.setattr(http, "MAX_REPLY", 2 << 20)
    case = cases[name]
    does = (PASSING | LASTING)[fault]
    places = (2,) if fault == "silence" else range(1, case.asked + 1) if THOROUGH else {1, 2, case.asked // 2, case.asked}
    for at in sorted(places):
        with serving(faulty(case, does, at, forever=True)) as (base, _):
            made = client()
            made.max_reply = 2 << 20
            try:
                pages = walked(case.open(made, base), case.address)
            except SourceError as error:
                assert "127.0.0.1" in str(error)
                continue
        assert silently_wrong(case, pages) == [], at


@pytest.mark.parametrize("name", ["etherscan", "blockscout", "trongrid"])
def test_a_list_that_never_ends_or_repeats_is_an_error(
    cases: dict[str, Case], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (etherscan, blockscout, tron_grid):
        monkeypatch.setattr(module, "MAX_PAGES", 20)
    case = cases[name]
    first: dict[str, bytes] = {}

    def repeating(path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        """Whatever page is asked for, the first one of its list comes."""
        which = path + query.get("action", "")
        if query.get("module") == "proxy" or "accounts/" not in path + "accounts/" * (name != "trongrid"):
            return case.recorded(path, query, body)
        status, content = case.recorded(path, query, body)
        assert isinstance(content, bytes)
        return status, first.setdefault(which, content)

    def endless(path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        """Every page says that there is another one."""
        status, content = case.recorded(path, {n: v for n, v in query.items() if n not in CURSORS}, body)
        assert isinstance(content, bytes)
        value = json.loads(content)
        if isinstance(value, dict) and value.get("next_page_params", 1) is not None and "items" in value:
            value["next_page_params"] = {"items_count": random.random()}
        if isinstance(value, dict) and "meta" in value:
            value["meta"]["fingerprint"] = str(random.random())
        return status, value

    for handler in (repeating, endless):
        with serving(handler) as (base, _):
            try:
                pages = walked(case.open(client(), base), case.address)
            except SourceError:
                continue
        assert silently_wrong(case, pages) == []


CURSORS = ("items_count", "index", "flag", "block_number", "fingerprint")


@pytest.mark.parametrize("name", NAMES)
def test_names_of_ten_megabytes_and_of_nothing_but_tricks_change_nothing(cases: dict[str, Case], name: str) -> None:
    case = cases[name]
    text = "\u202e[red]\x1b[2J\x00" * (80_000 if not THOROUGH else 1_000_000)

    def handler(path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        status, content = case.recorded(path, query, body)
        assert isinstance(content, bytes)
        for field_name in ("tokenName", "tokenSymbol", "symbol", "name"):
            content = content.replace(f'"{field_name}": "'.encode(), f'"{field_name}": "{json.dumps(text)[1:-1]}'.encode(), 1)
        return status, content

    with serving(handler) as (base, _):
        try:
            pages = walked(case.open(client(), base), case.address)
        except SourceError as error:
            assert len(str(error)) < 1000
            return
    assert rows_of(pages) == rows_of(case.truth)
    assert all(len(symbol) <= 32 for page in pages for symbol, _ in page.tokens.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_storm_of_refusals_ends_and_says_what_to_do(cases: dict[str, Case], name: str) -> None:
    case = cases[name]
    slower = "Max rate limit reached, please use API Key for higher rate limit"
    limited = {"code": -32005, "message": "daily request count exceeded, request rate limited"}
    bodies: dict[str, tuple[int, object]] = {
        "etherscan": (200, {"status": "0", "message": "NOTOK", "result": slower}),
        "node": (200, {"jsonrpc": "2.0", "id": 1, "error": limited}),
    }
    with serving(lambda path, query, body: bodies.get(name, (429, {}))) as (base, asked):
        with pytest.raises(RateLimitedError, match="try again later"):
            case.open(client(), base).head()
        assert len(asked) <= 10


@pytest.mark.parametrize("name", ["etherscan", "blockscout", "trongrid"])
def test_a_key_that_the_server_says_back_shows_nowhere(cases: dict[str, Case], name: str) -> None:
    case = cases[name]

    def echoing(path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        return 200, {
            "status": "0",
            "message": "NOTOK",
            "result": f"Invalid API Key {SECRET}",
            "error": SECRET,
            "success": False,
        }

    with serving(echoing) as (base, _):
        made = client()
        with pytest.raises(SourceError) as caught:
            case.open(made, base).size(case.address)
    assert SECRET not in str(caught.value)
    for page in case.truth:
        assert SECRET not in repr(page)
