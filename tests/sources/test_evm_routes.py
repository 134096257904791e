"""A real EVM node, read by three routes: its logs and blocks, an Etherscan and a Blockscout in front of it. One truth."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from evm_assembly import call, token
from evm_explorers import Blockscout, Etherscan, Index, serving
from evm_node import Node, anvil
from evm_world import EMITTER, HOSTILE, PEOPLE, REBASING, ROUTERS, TAXED, TOKEN, WETH, World, build

from exposure.errors import SourceError
from exposure.model.assets import chain
from exposure.net.calls import Calls, Host
from exposure.net.http import Client
from exposure.sources.evm import etherscan, etherscan_rows
from exposure.sources.evm import node as node_source
from exposure.sources.evm.blockscout import BlockscoutHistory
from exposure.sources.evm.etherscan import EtherscanHistory
from exposure.sources.evm.etherscan_rows import Answer
from exposure.sources.evm.node import NodeHistory
from exposure.sources.remote import CursorGoneError, Page, Question, RemoteHistory
from exposure.sources.reply import Record

ETHEREUM = chain("ethereum")
# asset, tx, block, time, sender, receiver, amount, kind, status
_AT = (1, 2, 3, 7, 8, 9, 10, 11, 12)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with anvil(1, "--slots-in-an-epoch", "1") as node:
        yield build(node)


@pytest.fixture(scope="module")
def explorers(world: World) -> Iterator[str]:
    index = Index(world.node, WETH)
    old = Blockscout(index, old=True)
    with serving(
        Etherscan(index, most=100),
        Blockscout(index),
        lambda path, query, body: old(path.removeprefix("/old"), query, body) if path.startswith("/old") else None,
    ) as (base, _):
        yield base


def quick(base: str) -> Host:
    return Host(base, rate=100_000.0, burst=100_000)


def client() -> Client:
    return Client(Calls(max_calls=10**6, sleep=lambda seconds: None))


def walked(source: RemoteHistory, address: str) -> list[Page]:
    head = source.head()
    assert head is not None
    return list(source.pages(Question(address, head)))


def rows_of(pages: list[Page]) -> list[tuple[object, ...]]:
    return [row for page in pages for row in page.rows["transfers"]]


def movements(pages: list[Page], *, allocations: bool = True) -> list[tuple[str, ...]]:
    """What moved, in a form in which routes that number rows differently are alike."""
    rows = [row for row in rows_of(pages) if allocations or row[2] != "genesis:0"]
    return sorted(tuple(str(row[at]) for at in _AT) for row in rows)


def flows(pages: list[Page], address: str) -> dict[str, int]:
    """What the rows say that an address holds."""
    held: dict[str, int] = {}
    for row in rows_of(pages):
        asset, sender, receiver, amount, status = str(row[1]), row[8], row[9], row[10], row[12]
        assert isinstance(amount, int)
        if status != "failed":
            held[asset] = held.get(asset, 0) + amount * ((receiver == address) - (sender == address))
    return held


@cache
def node_of(url: str) -> NodeHistory:
    return NodeHistory(ETHEREUM, client(), quick(url))


ROUTES: dict[str, Callable[[World, str], RemoteHistory]] = {
    "node": lambda world, base: node_of(world.node.url),
    "etherscan": lambda world, base: EtherscanHistory(ETHEREUM, client(), quick(base + "/v2/api"), page=100),
    "blockscout": lambda world, base: BlockscoutHistory(ETHEREUM, client(), quick(base)),
    "blockscout of before": lambda world, base: BlockscoutHistory(ETHEREUM, client(), quick(base), path="old/api/v2"),
}


@pytest.mark.parametrize("who", ["payer", "person", "router", "passing router", "holder of a wrapped coin"])
def test_three_routes_give_the_same_movements(world: World, explorers: str, who: str) -> None:
    address = {
        "payer": world.accounts[0],
        "person": PEOPLE[1],
        "router": ROUTERS[0],
        "passing router": ROUTERS[2],
        "holder of a wrapped coin": PEOPLE[4],
    }[who]
    found = {name: walked(open_route(world, explorers), address) for name, open_route in ROUTES.items()}
    node = found["node"]
    assert len(rows_of(node)) >= 10
    assert movements(found["etherscan"]) == movements(node)
    # An explorer of Blockscout's kind does not list what the first block allots.
    for name in ("blockscout", "blockscout of before"):
        assert movements(found[name]) == movements(node, allocations=False)


def test_three_routes_order_tokens_alike(world: World, explorers: str) -> None:
    for address in (world.accounts[0], PEOPLE[4]):
        orders = []
        for open_route in ROUTES.values():
            rows = [row for row in rows_of(walked(open_route(world, explorers), address)) if row[1] == f"ethereum/{TOKEN}"]
            orders.append([(row[2], row[10]) for row in sorted(rows, key=lambda row: row[3:6])])
        assert len(orders[0]) > 10
        assert orders == [orders[0]] * len(orders)


@pytest.mark.parametrize("route", ROUTES)
def test_flows_equal_the_balance_that_the_node_tells(world: World, explorers: str, route: str) -> None:
    """Every address, every asset that keeps to its events; those that do not are seen to differ."""
    source = ROUTES[route](world, explorers)
    for address in (world.accounts[3], PEOPLE[2], PEOPLE[3], PEOPLE[7], ROUTERS[1], WETH):
        pages = walked(source, address)
        held = flows(pages, address)
        balances = {balance.asset: balance.amount for balance in pages[-1].balances}
        block = hex(pages[-1].balances[0].block)
        assert balances["ethereum/native"] == world.node.number("eth_getBalance", address, block)
        allotted = 10**24 if "blockscout" in route and address in world.accounts else 0
        assert held.get("ethereum/native", 0) + allotted == balances["ethereum/native"], address
        for asset in (f"ethereum/{TOKEN}", f"ethereum/{WETH}"):
            if asset in held:
                told = world.node.number("eth_call", {"to": asset[9:], "data": call("balanceOf(address)", address)}, block)
                assert held[asset] == balances[asset] == told


def test_assets_that_do_not_keep_to_their_events_differ_from_their_balance(world: World, explorers: str) -> None:
    for route in ROUTES.values():
        source = route(world, explorers)
        for address, contract in ((world.accounts[0], REBASING), (world.accounts[1], TAXED)):
            pages = walked(source, address)
            told = {balance.asset: balance.amount for balance in pages[-1].balances}
            assert flows(pages, address)[f"ethereum/{contract}"] != told[f"ethereum/{contract}"]


def test_a_transfer_too_large_to_store_makes_its_token_incomplete(world: World, explorers: str) -> None:
    for route in ROUTES.values():
        covered = walked(route(world, explorers), PEOPLE[5])[-1].covered
        reasons = {one.kind: one.reason for one in covered}
        assert "38 digits" in reasons[f"ethereum/{EMITTER}"]
        assert reasons["native"] == reasons["tokens"] == ""


def test_collectibles_and_events_of_another_form_are_no_movements(world: World, explorers: str) -> None:
    pages = walked(ROUTES["node"](world, explorers), PEOPLE[5])
    amounts = {row[10] for row in rows_of(pages) if row[1] == f"ethereum/{EMITTER}"}
    assert amounts == {0}


def test_a_hostile_name_is_bounded_and_odd_decimals_are_not_believed(world: World, explorers: str) -> None:
    pages = walked(ROUTES["node"](world, explorers), PEOPLE[0])
    assert f"ethereum/{HOSTILE}" in {row[1] for row in rows_of(pages)}
    assert f"ethereum/{HOSTILE}" not in pages[-1].tokens
    assert pages[-1].tokens[f"ethereum/{TOKEN}"] == ("TKN", 6)


@pytest.mark.parametrize("route", ROUTES)
def test_a_walk_goes_on_from_any_of_its_pages(world: World, explorers: str, route: str) -> None:
    source = NodeHistory(ETHEREUM, client(), quick(world.node.url)) if route == "node" else ROUTES[route](world, explorers)
    address = world.accounts[0]
    head = source.head()
    assert head is not None
    question = Question(address, head)
    pages = list(source.pages(question))
    assert len(pages) > 3
    for cut in range(1, len(pages)):
        rest = list(source.pages(question, pages[cut - 1].cursor))
        assert movements(pages[:cut] + rest) == movements(pages)
        assert rest[-1].balances == pages[-1].balances
        assert rest[-1].covered == pages[-1].covered


def test_failed_transactions_move_nothing_and_pay_their_fee(world: World, explorers: str) -> None:
    rows = rows_of(walked(ROUTES["node"](world, explorers), world.accounts[1]))
    failed = {str(row[2]) for row in rows if row[12] == "failed"}
    assert failed
    for tx in failed:
        own = {str(row[6]): row for row in rows if row[2] == tx}
        assert set(own) == {"value", "fee"}
        assert own["fee"][5] == 2**31 - 1
        assert own["fee"][12] == "ok"


def _relay(
    node: Node, change: Callable[[dict[str, object]], object]
) -> Callable[[str, dict[str, str], bytes], tuple[int, object]]:
    """Hands JSON-RPC through to a node, except what `change` answers itself."""

    def one(asked: dict[str, object]) -> dict[str, object]:
        changed = change(asked)
        if changed is not None:
            return {"jsonrpc": "2.0", "id": asked["id"], "error": changed}
        request = urllib.request.Request(node.url, json.dumps(asked).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as reply:
            return dict(json.load(reply))

    def handler(path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        asked = json.loads(body)
        return 200, [one(item) for item in asked] if isinstance(asked, list) else one(asked)

    return handler


def _range(asked: dict[str, Any]) -> tuple[int, int]:
    (filter_,) = asked["params"]
    return int(filter_["fromBlock"], 16), int(filter_["toBlock"], 16)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (-32005, "query returned more than 10000 results. Try with this block range [{0:#x}, {1:#x}]."),
        (-32602, "Log response size exceeded. this block range should work: [{0:#x}, {1:#x}]"),
        (-32000, "query exceeds max results 20000, retry with the range {0}-{1}"),
        (-32600, "eth_getLogs is limited to 3 blocks range"),
        (-32000, "block range is too wide"),
        (-32000, "exceed maximum block range: 3"),
    ],
)
def test_ranges_shrink_until_a_node_bears_them(world: World, code: int, sentence: str) -> None:
    def refuse(asked: dict[str, object]) -> object:
        if asked["method"] != "eth_getLogs":
            return None
        first, last = _range(asked)
        return {"code": code, "message": sentence.format(first, first + 2)} if last - first >= 3 else None

    with serving(_relay(world.node, refuse)) as (base, _):
        found = rows_of(walked(NodeHistory(ETHEREUM, client(), quick(base), max_blocks=1), PEOPLE[1]))
    assert found
    assert found == [row for row in rows_of(walked(node_of(world.node.url), PEOPLE[1])) if row[1] != "ethereum/native"]


def test_a_node_without_traces_or_batches_says_so(world: World) -> None:
    def lacks(*methods: str) -> Callable[[dict[str, object]], object]:
        return lambda asked: {"code": -32601, "message": "the method is not available"} if asked["method"] in methods else None

    truth = walked(node_of(world.node.url), ROUTERS[1])
    with serving(_relay(world.node, lacks("debug_traceBlockByNumber", "eth_getBlockReceipts"))) as (base, _):
        other = walked(NodeHistory(ETHEREUM, client(), quick(base)), ROUTERS[1])
    assert movements(other) == movements(truth)
    with serving(_relay(world.node, lacks("debug_traceBlockByNumber", "trace_block"))) as (base, _):
        less = walked(NodeHistory(ETHEREUM, client(), quick(base)), ROUTERS[1])
    assert any(one.kind == "native" and "traces" in one.reason for one in less[-1].covered)
    assert len(rows_of(less)) < len(rows_of(truth))

    def single(path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        if body.startswith(b"["):
            return 200, {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "batches are not served"}}
        return _relay(world.node, lambda asked: None)(path, query, body)

    with serving(single) as (base, _):
        source = NodeHistory(ETHEREUM, client(), quick(base))
        head = source.head(3)
        assert head is not None
        few = list(source.pages(Question(ROUTERS[1], head)))
        assert rows_of(few) == [row for row in rows_of(truth) if row[3] <= 3]


def test_asking_tokens_leaves_the_depth_of_python_as_it_was() -> None:
    """A part of web3 raises the recursion limit; brackets in brackets from a hostile server would then end the process."""
    code = (
        "import sys; before = sys.getrecursionlimit(); from exposure.sources.evm import contracts; "
        "assert contracts.whole_number('0x' + '0' * 63 + '7') == 7; assert 'web3' in sys.modules; "
        "assert sys.getrecursionlimit() == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_too_many_blocks_for_the_coin_are_said_and_tokens_are_whole(world: World) -> None:
    def refuse(asked: dict[str, object]) -> object:
        return {"code": -32601, "message": "method not found"} if asked["method"] == "trace_filter" else None

    with serving(_relay(world.node, refuse)) as (base, _):
        pages = walked(NodeHistory(ETHEREUM, client(), quick(base), max_blocks=5), PEOPLE[1])
    reasons = {one.kind: one.reason for one in pages[-1].covered}
    assert "no index of addresses" in reasons["native"]
    assert reasons["tokens"] == ""


@pytest.mark.parametrize("who", ["payer", "person", "router", "destroyed"])
def test_a_node_with_an_index_of_calls_needs_no_whole_blocks(world: World, monkeypatch: pytest.MonkeyPatch, who: str) -> None:
    monkeypatch.setattr(node_source, "_FEW_BLOCKS", 0)
    address = {"payer": world.accounts[0], "person": PEOPLE[1], "router": ROUTERS[0], "destroyed": PEOPLE[3]}[who]
    truth = walked(node_of(world.node.url), address)
    seen: list[str] = []

    def watch(asked: dict[str, Any]) -> object:
        seen.append(str(asked["method"]))
        if asked["method"] == "trace_filter" and _range(asked)[1] - _range(asked)[0] > 6:
            return {"code": -32602, "message": "block range too large, currently limited to 7"}
        return None

    with serving(_relay(world.node, watch)) as (base, _):
        pages = walked(NodeHistory(ETHEREUM, client(), quick(base), max_blocks=1), address)
        assert movements(pages) == movements(truth)
        assert {one.kind: one.reason for one in pages[-1].covered} == {one.kind: one.reason for one in truth[-1].covered}
        assert pages[-1].balances == truth[-1].balances
        assert "debug_traceBlockByNumber" not in seen
        source = NodeHistory(ETHEREUM, client(), quick(base), max_blocks=1)
        head = source.head()
        assert head is not None
        for cut in {1, len(pages) // 2, len(pages) - 1}:
            rest = list(source.pages(Question(address, head), pages[cut - 1].cursor))
            assert movements(pages[:cut] + rest) == movements(truth)


def test_what_no_call_explains_is_read_from_blocks_or_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that the index leaves out, as it does what validators take out."""
    monkeypatch.setattr(node_source, "_FEW_BLOCKS", 0)

    def handler(path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        status, told = _relay(world.node, lambda asked: None)(path, query, body)
        if b"trace_filter" in body and b"toAddress" in body and isinstance(told, dict):
            told["result"] = []
        return status, told

    truth = walked(node_of(world.node.url), PEOPLE[1])
    with serving(handler) as (base, _):
        pages = walked(NodeHistory(ETHEREUM, client(), quick(base), max_blocks=1000), PEOPLE[1])
        assert movements(pages) == movements(truth)
        assert {one.kind: one.reason for one in pages[-1].covered} == {"native": "", "tokens": ""}
        pages = walked(NodeHistory(ETHEREUM, client(), quick(base), max_blocks=1), PEOPLE[1])
        assert "do not sum to its balance" in {one.kind: one.reason for one in pages[-1].covered}["native"]


def test_a_node_of_another_chain_is_refused(world: World) -> None:
    with pytest.raises(SourceError, match="evm-1"):
        NodeHistory(chain("polygon"), client(), quick(world.node.url)).head()


def test_two_nodes_are_two_chains() -> None:
    chains = [chain("evm-31337"), chain("polygon")]
    rows = []
    for one in chains:
        with anvil(one.evm_id or 0, "--slots-in-an-epoch", "1") as node:
            a, b = node.accounts()[:2]
            contract = "0x" + "b1" * 20
            node.ask("anvil_setCode", contract, "0x" + token().hex())
            world = World(node, [a, b])
            world.send((a, b, 7, ""), (a, contract, 0, call("mint(address,uint256)", b, 9)))
            node.batch([("evm_mine", [])] * 3)
            rows.append(rows_of(walked(NodeHistory(one, client(), quick(node.url)), b)))
    for one, own in zip(chains, rows, strict=True):
        assert {row[0] for row in own} == {one.name}
        assert {row[1] for row in own} == {one.native, f"{one.name}/{contract}"}
    assert [row[2:] for row in rows[0]] != []


def test_a_reorganisation_during_a_walk_begins_the_address_again() -> None:
    with anvil(1, "--slots-in-an-epoch", "1") as node:
        a, b = node.accounts()[:2]
        world = World(node, [a, b])
        kept = node.ask("evm_snapshot")
        world.send((a, b, 7, ""))
        node.batch([("evm_mine", [])] * 4)
        source = NodeHistory(ETHEREUM, client(), quick(node.url))
        head = source.head()
        assert head is not None
        before = rows_of(list(source.pages(Question(b, head))))
        assert [row[10] for row in before if row[6] == "value"] == [7]
        node.ask("evm_revert", kept)
        world.nonces.clear()
        world.send((a, b, 8, ""))
        node.batch([("evm_mine", [])] * 4)
        with pytest.raises(CursorGoneError, match="replaced"):
            list(source.pages(Question(b, head)))
        now = source.head(head.height)
        assert now is not None
        assert now.hash != head.hash
        after = rows_of(list(source.pages(Question(b, now))))
        assert [row[10] for row in after if row[6] == "value"] == [8]


def test_a_block_with_more_rows_than_a_page_is_read_page_by_page(world: World, explorers: str) -> None:
    payer = world.accounts[9]  # pays twenty people in one block
    truth = movements(walked(node_of(world.node.url), payer))
    pages = walked(EtherscanHistory(ETHEREUM, client(), quick(explorers + "/v2/api"), page=7), payer)
    assert movements(pages) == truth
    assert {one.kind: one.reason for one in pages[-1].covered} == {"native": "", "tokens": ""}


def test_a_block_with_more_rows_than_all_pages_is_said(world: World, explorers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(etherscan, "_WINDOW", 14)
    pages = walked(EtherscanHistory(ETHEREUM, client(), quick(explorers + "/v2/api"), page=7), world.accounts[9])
    assert any(one.kind == "native" and "more rows" in one.reason for one in pages[-1].covered)


def tokens_of(pages: list[Page]) -> list[tuple[str, ...]]:
    return [row for row in movements(pages) if row[0] != "ethereum/native"]


def test_a_block_with_more_token_rows_than_all_pages_is_read_from_its_events(
    world: World, explorers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events are asked for by either end, and hold what the list does not come to."""
    payer = world.accounts[0]
    truth = tokens_of(walked(node_of(world.node.url), payer))
    monkeypatch.setattr(etherscan, "_WINDOW", 40)
    asked: list[str] = []

    def cut(path: str, query: dict[str, str], body: bytes) -> tuple[int, object] | None:
        asked.append(query.get("action", ""))
        endless = query.get("action") == "tokentx" and query["startblock"] == query["endblock"]
        wanted = urllib.parse.urlencode(query | ({"page": "1"} if endless else {}))
        with urllib.request.urlopen(f"{explorers}{path}?{wanted}", timeout=30) as reply:
            told = json.load(reply)
        if endless:  # never a short page, and never the same one
            told["result"][0] |= {"confirmations": query["page"]}
        return 200, told

    with serving(cut) as (base, _):
        pages = walked(EtherscanHistory(ETHEREUM, client(), quick(base + "/v2/api"), page=4), payer)
    assert asked.count("getLogs") > 2
    assert tokens_of(pages) == truth


def test_a_range_that_takes_etherscan_too_long_is_halved(world: World, explorers: str) -> None:
    """Its words for it, with its own spelling."""

    def slow(path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        first, last = (int(query.get(f"{end}block", 0)) for end in ("start", "end"))
        if query.get("action") in ("txlist", "tokentx") and last - first > 4:
            reason = "Query Timeout occured. Please select a smaller result dataset"
            return 200, {"status": "0", "message": "NOTOK", "result": reason}
        with urllib.request.urlopen(f"{explorers}{path}?{urllib.parse.urlencode(query)}", timeout=30) as reply:
            return 200, json.load(reply)

    with serving(slow) as (base, _):
        source = EtherscanHistory(ETHEREUM, client(), quick(base + "/v2/api"), page=100)
        head = source.head()
        assert head is not None
        pages = list(source.pages(Question(PEOPLE[4], head)))
    assert movements(pages) == movements(walked(node_of(world.node.url), PEOPLE[4]))


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("Free API access is not supported for this chain. Please upgrade your api plan", "use Blockscout"),
        ("Invalid API Key (#err2)|ETH1-", "EXPOSURE_ETHERSCAN_KEY"),
        ("Missing or unsupported chainid parameter (required for v2 api)", "use Blockscout"),
        ("Error! Missing Or invalid Action name", "try again later"),
    ],
)
def test_refusals_of_etherscan_say_what_to_do(reason: str, said: str) -> None:
    answer = {"status": "0", "message": "NOTOK", "result": reason}
    with serving(lambda path, query, body: (200, answer)) as (base, _):
        source = EtherscanHistory(ETHEREUM, client(), quick(base + "/v2/api"))
        with pytest.raises(SourceError, match=said):
            source.size(PEOPLE[0])


def test_an_empty_list_is_no_error_and_an_error_no_empty_list() -> None:
    for message, result in (("No transactions found", []), ("No token transfers found", [])):
        assert etherscan_rows.answer(Record({"status": "0", "message": message, "result": result}, "x"))[0] is Answer.ROWS
    for message, result in (("NOTOK", []), ("NOTOK", "No"), ("OK", None), ("", {})):
        kind, _ = etherscan_rows.answer(Record({"status": "0", "message": message, "result": result}, "x"))
        assert kind is Answer.REFUSED


def test_a_place_that_blockscout_has_forgotten_begins_the_address_again(world: World, explorers: str) -> None:
    source = BlockscoutHistory(ETHEREUM, client(), quick(explorers))
    head = source.head()
    assert head is not None
    question = Question(world.accounts[0], head)
    first = next(iter(source.pages(question)))
    assert first.cursor is not None
    with pytest.raises(CursorGoneError):
        list(source.pages(question, first.cursor.replace("350", "351")))
