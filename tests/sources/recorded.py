"""Sources without a network: a good server's replies are recorded once, and played back as they were or changed a little."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from bitcoin_servers import Electrum, _Refusal, _text
from bitcoin_servers import Node as CoreNode
from esplora_server import Esplora
from evm_assembly import call, token
from evm_explorers import Blockscout, Etherscan, Handler, Index, Raw
from evm_node import Node, anvil
from evm_world import TOKEN, WETH, World, build
from toy_bitcoin import CHAIN, COIN, Toy, p2pkh
from tron_replay import BORN, FRIEND, ME, SHOP, USDT, TronGrid, bare, log, trc20, trx

from exposure.errors import SourceError
from exposure.model.addresses import tron_of_evm
from exposure.model.assets import chain
from exposure.net.calls import Calls, Host, Key
from exposure.net.http import Client, Reply, Request
from exposure.net.lines import Lines
from exposure.sources.bitcoin.core import CoreHistory
from exposure.sources.bitcoin.electrum import ElectrumHistory
from exposure.sources.bitcoin.esplora import EsploraHistory
from exposure.sources.evm.blockscout import BlockscoutHistory
from exposure.sources.evm.etherscan import EtherscanHistory
from exposure.sources.evm.node import NodeHistory
from exposure.sources.remote import Page, Question, RemoteHistory
from exposure.sources.tron.grid import TronGridHistory
from exposure.sources.tron.jsonrpc import TronNodeHistory

SECRET = "S3CRET-key-of-a-user-0123456789"
Change = Callable[[str, bytes], bytes]
"""What a recorded reply is made into: (its name, its body)."""


@dataclass
class Case:
    """A source, the replies of a good server, and what they amount to. ``name`` of a reply: what was asked for."""

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
        numbers = [item.pop("id", 0) for item in (calls if isinstance(calls, list) else [calls])] if calls else []
        key = json.dumps([path, sorted(query.items()), plain])
        if key not in self.replies:
            found = self.good(path, dict(query), body)
            assert found is not None
            assert not isinstance(found, Raw)
            content = found[1] if isinstance(found[1], bytes) else json.dumps(found[1]).encode()
            self.replies[key] = found[0], content
        status, content = self.replies[key]
        if numbers and any(numbers):
            try:
                value = json.loads(content)
                for item, number in zip(value if isinstance(value, list) else [value], numbers, strict=True):
                    item["id"] = number
            except (ValueError, TypeError, AttributeError):
                return status, content
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
    """A client for which time passes only when it sleeps."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    return Client(Calls(max_calls=max_calls, clock=lambda: now[0], sleep=sleep))


class Direct(Client):
    """A client that asks a handler instead of a host; everything but the wire is as it is."""

    def __init__(self, handler: Handler, *, max_calls: int = 3000) -> None:
        now = [0.0]

        def sleep(seconds: float) -> None:
            now[0] += seconds

        super().__init__(Calls(max_calls=max_calls, clock=lambda: now[0], sleep=sleep))
        self.handler = handler

    def _once(self, host: Host, request: Request, most: int, into: object) -> Reply:
        path = urlsplit(host.base).path.rstrip("/") + (f"/{request.path.lstrip('/')}" if request.path else "")
        query = dict(parse_qsl(urlencode({name: str(one) for name, one in (request.parameters or {}).items()})))
        body = b"" if request.payload is None else json.dumps(request.payload).encode()
        found = self.handler(path, query, body)
        assert found is not None
        assert not isinstance(found, Raw)
        content = found[1] if isinstance(found[1], bytes) else json.dumps(found[1]).encode()
        return Reply(f"{host.base}{path}", found[0], {}, content, "00" * 32, 1)


class DirectLines(Lines):
    """The same for a server that speaks in lines."""

    def __init__(self, handler: Handler, calls: Calls) -> None:
        super().__init__(Host("tcp://127.0.0.1:1", rate=1e6, burst=1 << 20), calls)
        self._handler = handler

    def _connect(self) -> None:
        self._socket = _Wire(self._handler)  # it has all that is asked of a socket


class _Wire:
    """What is asked of a socket."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._waiting = b""

    def sendall(self, octets: bytes) -> None:
        for line in octets.splitlines():
            found = self._handler("", {}, line)
            assert isinstance(found, tuple)
            assert isinstance(found[1], bytes)
            self._waiting += found[1] + b"\n"

    def recv(self, size: int) -> bytes:
        found, self._waiting = self._waiting, b""
        return found

    def close(self) -> None:
        self._waiting = b""


def opened(case: Case, handler: Handler) -> RemoteHistory:
    """The source of a case, asking a handler."""
    return case.open(Direct(handler), "http://127.0.0.1:1")


def host(base: str, **key: str) -> Host:
    return Host(base, Key(SECRET, **key) if key else None, rate=1e6, burst=1 << 20)


def _toy() -> Toy:
    toy = Toy()
    alice, bob = p2pkh("alice"), p2pkh("bob")
    coins = [toy.mine(alice) for _ in range(2)]
    for _ in range(3):
        toy.pay([(coins.pop(0), 0)], [(bob, 20 * COIN), (alice, 29 * COIN)])
        coins.append(toy.mine(alice))
    for _ in range(7):
        toy.mine(p2pkh("miner"))
    return toy


def bitcoin_cases() -> dict[str, Case]:
    """Esplora, a node and an Electrum server over one small chain."""
    toy = _toy()
    esplora, core, electrum = (make(lambda: toy.blocks) for make in (Esplora, CoreNode, Electrum))

    def core_answer(path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        asked = json.loads(body)
        found = core.answer(asked["method"], asked["params"])
        refused = isinstance(found, _Refusal)
        told = {"result": None if refused else found, "error": dict(found) if refused else None, "id": 1}
        return 500 if refused else 200, _text(told).encode()

    def electrum_answer(path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        asked = json.loads(body)
        found = electrum.answer(asked["method"], asked["params"])
        told = {"error": dict(found)} if isinstance(found, _Refusal) else {"result": found}
        return 200, json.dumps({"jsonrpc": "2.0", "id": asked["id"], **told}).encode()

    address, native = p2pkh("alice"), f"{CHAIN}/native"
    return {
        "esplora": Case(
            "esplora",
            lambda c, u: EsploraHistory(CHAIN, host(u + "/api"), c),
            lambda path, query, body: esplora.answer(path)[:2],
            address,
            native,
        ),
        "core": Case("core", lambda c, u: CoreHistory(CHAIN, _patient(u), c), core_answer, address, native),
        "electrum": Case(
            "electrum",
            lambda c, u: ElectrumHistory(CHAIN, DirectLines(cast("Direct", c).handler, c.calls)),
            electrum_answer,
            address,
            native,
        ),
    }


def _patient(base: str) -> Host:
    plain = host(base)
    return Host(plain.base, rate=1e6, burst=1 << 20, retried=plain.retried - {500})


@contextmanager
def account_cases() -> Iterator[dict[str, Case]]:
    """A node, Etherscan and Blockscout over one chain; TronGrid; a TRON node."""
    ethereum, tron = chain("ethereum"), chain("tron")
    with anvil(1, "--slots-in-an-epoch", "1") as node, anvil(728126428, "--slots-in-an-epoch", "1") as other:
        world = build(node, full_blocks=1, per_block=12)
        index = Index(node, WETH)
        a, b = other.accounts()[:2]
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
        grid.solids = bare(trx(8, ME, SHOP, 1, fee=2), logs=[log(USDT, FRIEND, ME, 16)])
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
            learn(case)
        yield made


def learn(case: Case) -> Case:
    """Walk the good server once: its replies are recorded, and what they amount to is the truth."""
    asked = [0]

    def counting(path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        asked[0] += 1
        return case.recorded(path, query, body)

    case.truth = walked(opened(case, counting), case.address)
    case.asked = asked[0]
    return case


# asset, tx, block, time, sender, receiver, amount, kind, status
_MOVEMENT = (1, 2, 3, 7, 8, 9, 10, 11, 12)


def rows_of(pages: list[Page]) -> dict[str, Counter[tuple[object, ...]]]:
    """What moved, by asset; how a source numbers its rows is no part of it, but each row has a number of its own."""
    found: dict[str, Counter[tuple[object, ...]]] = {}
    rows = {row[1:3] + row[6:7]: row for page in pages for row in page.rows.get("transfers", ())}
    for row in rows.values():
        found.setdefault(str(row[1]), Counter())[tuple(row[at] for at in _MOVEMENT)] += 1
    return found


def coins_of(pages: list[Page]) -> dict[str, Counter[tuple[object, ...]]]:
    """Outputs and inputs, each once, without place and flags: as one asset."""
    outputs = {row[1:3]: ("made", *row[1:4], *row[5:10]) for page in pages for row in page.rows.get("outputs", ())}
    inputs = {row[1:3]: ("spent", *row[1:4], *row[5:10]) for page in pages for row in page.rows.get("inputs", ())}
    return {"coins": Counter([*outputs.values(), *inputs.values()])}


def silently_wrong(case: Case, pages: list[Page]) -> list[str]:
    """Assets whose rows differ from the truth although no reason is given and no balance contradicts."""
    if "bitcoin" in case.native:
        return _coins_wrong(case, pages)
    rows, truth = rows_of(pages), _up_to(rows_of(case.truth), _last(pages))
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


Counted = Counter[tuple[object, ...]]


def _last(pages: list[Page]) -> int:
    """The last block that is said to be whole: who has an older end of the chain says nothing wrong by that."""
    return max((one.last for one in pages[-1].covered), default=0)


def _up_to(found: dict[str, Counted], last: int, at: int = 2) -> dict[str, Counted]:
    kept = {asset: Counter({row: n for row, n in rows.items() if int(str(row[at])) <= last}) for asset, rows in found.items()}
    return {asset: rows for asset, rows in kept.items() if rows}


def _coins_wrong(case: Case, pages: list[Page]) -> list[str]:
    own, truth = coins_of(pages)["coins"], _up_to(coins_of(case.truth), _last(pages), at=3).get("coins", Counter())
    if own == truth or not pages or any(one.reason or one.first > one.last for one in pages[-1].covered):
        return []
    flow = 0
    for row in own:
        # ("made", tx, n, block, time, address, amount, ...) or ("spent", tx, n, block, time, tx, n, address, amount)
        mine, amount = (row[5], row[6]) if row[0] == "made" else (row[7], row[8])
        if amount is None:  # an input of which the source does not say what it spends
            continue
        assert isinstance(amount, int)
        flow += amount * (1 if row[0] == "made" else -1) if mine == case.address else 0
    balances = {one.asset: one.amount for one in pages[-1].balances}
    return [] if balances.get(case.native, flow) != flow else [f"{len(own - truth)} rows more, {len(truth - own)} less"]
