"""What servers do to every source of account chains: each fault ends in a retry, a clear error or a reason, never a figure."""

from __future__ import annotations

import copy
import gzip
import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from evm_assembly import call, token
from evm_explorers import Blockscout, Etherscan, Handler, Index, Raw, serving
from evm_node import Node, anvil
from evm_world import TOKEN, WETH, World, build
from tron_replay import BORN, FRIEND, ME, SHOP, USDT, TronGrid, trc20, trx

from exposure.errors import ExposureError, SourceError
from exposure.model.addresses import tron_of_evm
from exposure.model.assets import chain
from exposure.net import http
from exposure.net.calls import Calls, Host, Key, RateLimitedError
from exposure.net.http import Client
from exposure.sources.evm import blockscout, etherscan
from exposure.sources.evm.blockscout import BlockscoutHistory
from exposure.sources.evm.etherscan import EtherscanHistory
from exposure.sources.evm.node import NodeHistory
from exposure.sources.remote import Page, Question, RemoteHistory
from exposure.sources.tron import grid as tron_grid
from exposure.sources.tron.grid import TronGridHistory
from exposure.sources.tron.jsonrpc import TronNodeHistory

SECRET = "S3CRET-key-of-a-user-0123456789"
THOROUGH = os.environ.get("CI_STRICT") == "1"
NAMES = ("node", "etherscan", "blockscout", "trongrid", "tron-node")


@dataclass
class Case:
    """A source, the replies of a good server, and what they amount to."""

    name: str
    open: Callable[[Client, str], RemoteHistory]
    good: Handler
    address: str
    native: str
    replies: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    truth: list[Page] = field(default_factory=list)
    asked: int = 0

    def recorded(self, path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        """The good reply, asked for once and kept; numbers of JSON-RPC calls are those of the question."""
        calls = json.loads(body) if body else None
        plain = calls if not isinstance(calls, list) else {"batch": calls}
        numbers = [item.pop("id") for item in (calls if isinstance(calls, list) else [calls])] if calls else []
        key = json.dumps([path, sorted(query.items()), plain])
        if key not in self.replies:
            found = self.good(path, dict(query), body)
            assert found is not None
            assert not isinstance(found, Raw)
            self.replies[key] = found[0], json.dumps(found[1]).encode()
        status, content = self.replies[key]
        if numbers:
            value = json.loads(content)
            for item, number in zip(value if isinstance(value, list) else [value], numbers, strict=True):
                item["id"] = number
            content = json.dumps(value).encode()
        return status, content


def through(node: Node) -> Handler:
    """JSON-RPC handed through to a node."""

    def handler(path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        import urllib.request

        request = urllib.request.Request(node.url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as reply:
            return 200, json.load(reply)

    return handler


def walked(source: RemoteHistory, address: str) -> list[Page]:
    head = source.head()
    if head is None:  # what a fetch then says
        raise SourceError(f"{source.name} has no blocks")
    return list(source.pages(Question(address, head)))


def client(max_calls: int = 3000) -> Client:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    return Client(Calls(max_calls=max_calls, clock=lambda: now[0], sleep=sleep))


def host(base: str, **key: str) -> Host:
    return Host(base, Key(SECRET, **key) if key else None, rate=1e6, burst=1 << 20)


@pytest.fixture(scope="module")
def cases() -> Iterator[dict[str, Case]]:
    ethereum, tron = chain("ethereum"), chain("tron")
    with anvil(1, "--slots-in-an-epoch", "1") as node, anvil(728126428, "--slots-in-an-epoch", "1") as other:
        world = build(node, full_blocks=1, per_block=12)
        index = Index(node, WETH)
        a, b = other.ask("eth_accounts")[:2]  # type: ignore[index]
        other.ask("anvil_setCode", TOKEN, "0x" + token(b"USDT").hex())
        second = World(other, [a, b])
        mint, move = call("mint(address,uint256)", a, 900), call("transfer(address,uint256)", b, 300)
        second.send((a, TOKEN, 0, mint), (a, TOKEN, 0, move))
        other.batch([("evm_mine", [])] * 4)
        grid = TronGrid(
            [trx(n, FRIEND, ME, 5 + n, fee=1) for n in range(7)] + [trx(8, ME, SHOP, 1, fee=2)],
            [trc20(n, FRIEND, ME, 10 + n) for n in range(7)],
            solid=BORN + 3000,
            page=4,
        )
        grid.held = {"balance": sum(range(5, 12)) - 3, "trc20": [{USDT: str(sum(range(10, 17)))}]}
        payer = world.accounts[0]
        made = {
            "node": Case("node", lambda c, u: NodeHistory(ethereum, c, host(u)), through(node), payer, "ethereum/native"),
            "etherscan": Case(
                "etherscan",
                lambda c, u: EtherscanHistory(ethereum, c, host(u + "/v2/api", parameter="apikey"), page=10),
                Etherscan(index, most=10),
                payer,
                "ethereum/native",
            ),
            "blockscout": Case(
                "blockscout",
                lambda c, u: BlockscoutHistory(ethereum, c, host(u, header="Authorization", prefix="Bearer ")),
                Blockscout(index, page=10),
                world.accounts[1],
                "ethereum/native",
            ),
            "trongrid": Case(
                "trongrid", lambda c, u: TronGridHistory(tron, c, host(u, header="TRON-PRO-API-KEY")), grid, ME, "tron/native"
            ),
            "tron-node": Case(
                "tron-node", lambda c, u: TronNodeHistory(tron, c, host(u)), through(other), tron_of_evm(a), "tron/native"
            ),
        }
        for case in made.values():
            with serving(case.recorded) as (base, asked):
                case.truth = walked(case.open(client(), base), case.address)
                case.asked = len(asked)
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


# asset, tx, block, time, sender, receiver, amount, kind, status
_MOVEMENT = (1, 2, 3, 7, 8, 9, 10, 11, 12)


def rows_of(pages: list[Page]) -> dict[str, Counter[tuple[object, ...]]]:
    """What moved, by asset; how a source numbers its rows is no part of it, but each row has a number of its own."""
    found: dict[str, Counter[tuple[object, ...]]] = {}
    rows = {row[1:3] + row[6:7]: row for page in pages for row in page.rows["transfers"]}
    for row in rows.values():
        found.setdefault(str(row[1]), Counter())[tuple(row[at] for at in _MOVEMENT)] += 1
    return found


def silently_wrong(case: Case, pages: list[Page]) -> list[str]:
    """Assets whose rows differ from the truth although no reason is given and no balance contradicts."""
    rows, truth = rows_of(pages), rows_of(case.truth)
    reasons = {one.kind for page in pages[-1:] for one in page.covered if one.reason}
    balances = {one.asset: one.amount for one in pages[-1].balances}
    wrong = []
    for asset in rows.keys() | truth.keys():
        kind = "native" if asset == case.native else "tokens"
        own = rows.get(asset, Counter())
        if own == truth.get(asset, Counter()) or kind in reasons or asset in reasons:
            continue
        flow = 0
        for (_, _, _, _, sender, receiver, amount, _, status), count in own.items():
            assert isinstance(amount, int)
            flow += count * amount * ((receiver == case.address) - (sender == case.address)) if status != "failed" else 0
        if asset not in balances or balances[asset] == flow:
            wrong.append(asset)
    return wrong


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


def leaves(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """Paths of plain values; of a list the first two items."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    elif isinstance(value, list):
        for n, inner in enumerate(value[:2]):
            yield from leaves(inner, (*path, n))
    else:
        yield path


def changed(value: object, path: tuple[object, ...], new: object) -> object:
    made = copy.deepcopy(value)
    at = made
    for step in path[:-1]:
        at = at[step]  # type: ignore[index]
    at[path[-1]] = new  # type: ignore[index]
    return made


WRONG = ("garbage", -1, 1.5, None, {"x": 1}, [], True, "x" * 10_000)


@pytest.mark.parametrize("name", NAMES)
def test_a_field_of_a_wrong_type_never_becomes_a_figure(cases: dict[str, Case], name: str) -> None:
    case = cases[name]
    tries = [
        (key, path, wrong)
        for key, (_, content) in case.replies.items()
        for path in leaves(json.loads(content))
        if "id" not in path and path
        for wrong in WRONG
    ]
    few = 200 if THOROUGH else 40
    for key, path, wrong in random.Random(name).sample(tries, min(few, len(tries))):
        status, content = case.replies[key]
        case.replies[key] = status, json.dumps(changed(json.loads(content), path, wrong)).encode()
        try:
            with serving(case.recorded) as (base, _):
                pages = walked(case.open(client(), base), case.address)
        except ExposureError:
            continue
        finally:
            case.replies[key] = status, content
        assert silently_wrong(case, pages) == [], (path, wrong)


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
