"""`exposure fetch` of EVM chains and TRON: what the store holds afterwards is what the chain holds, by whatever route."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest
from evm_assembly import call, token
from evm_explorers import Blockscout, Etherscan, Index, serving
from evm_node import anvil
from evm_world import PEOPLE, REBASING, ROUTERS, TAXED, TOKEN, WETH, World, build
from fetching import content, fetched
from tron_replay import BORN, FRIEND, ME, SHOP, USDT, TronGrid, trc20, trx

from exposure.model.ledger import Place
from exposure.store.flows import net_flow
from exposure.store.histories import StoredAccountHistory
from exposure.store.store import Store

LAST = 2**40
ROUTES = ("node", "etherscan", "blockscout")


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[World, dict[str, str]]]:
    with anvil(1, "--slots-in-an-epoch", "1") as node:
        world = build(node, full_blocks=2, per_block=60)
        index = Index(node, WETH)
        with serving(Etherscan(index), Blockscout(index)) as (base, _):
            yield (
                world,
                {
                    "EXPOSURE_EVM_RPC_URL": node.url,
                    "EXPOSURE_ETHERSCAN_URL": base + "/v2/api",
                    "EXPOSURE_BLOCKSCOUT_URL": base,
                },
            )


def movements(store: Store) -> list[tuple[str, ...]]:
    """Stored rows without what sources number in their own ways, and without what only some of them list."""
    rows = StoredAccountHistory(store, "ethereum")
    found = []
    for address in (PEOPLE[1], ROUTERS[1], PEOPLE[4]):
        for asset in rows.assets(address):
            for row in rows.movements(address, asset):
                found.append(
                    (asset, row.tx, str(row.place.block), str(row.sender), str(row.receiver), str(row.amount), row.kind)
                )
    return sorted(found)


def test_stores_filled_by_three_routes_hold_the_same(world: tuple[World, dict[str, str]]) -> None:
    made, environ = world
    addresses = [PEOPLE[1], ROUTERS[1], PEOPLE[4]]
    found = []
    for route in ROUTES:
        with Store.in_memory() as store:
            summary = fetched(store, addresses, environ, chain="ethereum", source=route)
            assert [outcome.state for outcome in summary.outcomes] == ["whole"] * 3, summary.outcomes
            history = StoredAccountHistory(store, "ethereum")
            for address in addresses:
                for asset in history.assets(address):
                    assert history.incomplete(address, asset) is None
                block = hex(summary.outcomes[0].last)
                held = made.node.number("eth_getBalance", address, block)
                assert net_flow(store, "ethereum", address, "ethereum/native", 0, LAST) == held
                told = made.node.number("eth_call", {"to": TOKEN, "data": call("balanceOf(address)", address)}, block)
                assert net_flow(store, "ethereum", address, f"ethereum/{TOKEN}", 0, LAST) == told
            found.append(movements(store))
    assert len(found[0]) > 20
    assert found[1:] == found[:1] * 2


@pytest.mark.parametrize("route", ROUTES)
def test_fetching_again_changes_nothing(world: tuple[World, dict[str, str]], route: str) -> None:
    _, environ = world
    with Store.in_memory() as store:
        fetched(store, PEOPLE[1], environ, chain="ethereum", source=route)
        before = content(store)
        again = fetched(store, PEOPLE[1], environ, chain="ethereum", source=route)
        assert again.outcomes[0].state == "known"
        assert content(store) == before
        restarted = fetched(store, PEOPLE[1], environ, chain="ethereum", source=route, restart=True)
        assert restarted.outcomes[0].state == "whole"
        assert content(store)["transfers"] == before["transfers"]


@pytest.mark.parametrize("route", ROUTES)
def test_tokens_that_rebase_or_take_a_fee_are_incomplete_and_the_others_are_whole(
    world: tuple[World, dict[str, str]], route: str
) -> None:
    made, environ = world
    payer, payee = made.accounts[:2]  # the payee of the token with a fee gets less than its events say
    with Store.in_memory() as store:
        fetched(store, [payer, payee], environ, chain="ethereum", source=route)
        history = StoredAccountHistory(store, "ethereum")
        for address, contract in ((payer, REBASING), (payee, TAXED)):
            gap = history.incomplete(address, f"ethereum/{contract}")
            assert gap is not None
            assert "sum to" in gap.reason
        assert history.incomplete(payer, f"ethereum/{TOKEN}") is None
        assert history.incomplete(payer, f"ethereum/{WETH}") is None


@pytest.mark.parametrize("calls", [8, 10, 14])
@pytest.mark.parametrize("route", ROUTES)
def test_a_spent_budget_keeps_what_came_and_the_next_command_goes_on(
    world: tuple[World, dict[str, str]], tmp_path: Path, route: str, calls: int
) -> None:
    _, environ = world
    with Store.in_memory() as store:
        fetched(store, PEOPLE[4], environ, chain="ethereum", source=route)
        truth = content(store)["transfers"]
    with Store.open_or_create(tmp_path / "store") as store:
        first = fetched(store, PEOPLE[4], environ, max_calls=6, chain="ethereum", source=route)
        gap = StoredAccountHistory(store, "ethereum").incomplete(PEOPLE[4], "ethereum/native") if store.chains() else None
        assert gap is None or "budget" in gap.reason
        assert not first.whole
        for _ in range(30):
            if fetched(store, PEOPLE[4], environ, max_calls=calls, chain="ethereum", source=route).whole:
                break
        assert len(content(store)["transfers"]) == len(truth)
        history = StoredAccountHistory(store, "ethereum")
        assert history.incomplete(PEOPLE[4], "ethereum/native") is None


def test_a_cut_history_has_known_opening_balances(world: tuple[World, dict[str, str]]) -> None:
    made, environ = world
    with Store.in_memory() as store:
        fetched(store, PEOPLE[4], environ, chain="ethereum", source="node", since="5")
        history = StoredAccountHistory(store, "ethereum")
        for asset, held in (
            ("ethereum/native", made.node.number("eth_getBalance", PEOPLE[4], "0x4")),
            (
                f"ethereum/{WETH}",
                made.node.number("eth_call", {"to": WETH, "data": call("balanceOf(address)", PEOPLE[4])}, "0x4"),
            ),
        ):
            gap = history.incomplete(PEOPLE[4], asset)
            assert gap is not None
            assert (gap.until, gap.balance) == (Place(5, 0, 0), held)


@pytest.mark.parametrize("order", list(permutations(ROUTES)), ids=" ".join)
def test_sources_that_number_rows_differently_store_each_movement_once(
    world: tuple[World, dict[str, str]], order: tuple[str, ...]
) -> None:
    _, environ = world
    addresses = [PEOPLE[4], ROUTERS[1]]
    with Store.in_memory() as store:
        for route in order:
            summary = fetched(store, addresses, environ, chain="ethereum", source=route)
            assert summary.whole, summary.outcomes
            assert [outcome.stored for outcome in summary.outcomes if route != order[0]] in ([], [0, 0])
        assert movements(store)


def test_two_sources_are_compared(world: tuple[World, dict[str, str]]) -> None:
    _, environ = world
    with Store.in_memory() as store:
        summary = fetched(store, PEOPLE[1], environ, chain="ethereum", source="node", second_source="etherscan")
        assert summary.differences == ()
        assert any("says the same" in note for note in summary.notes)


def test_a_reorganisation_replaces_the_rows_of_blocks_that_are_gone(tmp_path: Path) -> None:
    with anvil(31337, "--slots-in-an-epoch", "1") as node, Store.open_or_create(tmp_path / "store") as store:
        a, b = node.accounts()[:2]
        world = World(node, [a, b])
        world.send((a, b, 5, ""))
        kept = node.ask("evm_snapshot")
        environ = {"EXPOSURE_EVM_RPC_URL": node.url}

        def amounts() -> list[int]:
            rows = StoredAccountHistory(store, "evm-31337").movements(b, "evm-31337/native")
            return [row.amount for row in rows if row.kind == "value"]

        world.send((a, b, 7, ""))
        node.batch([("evm_mine", [])] * 4)
        assert fetched(store, b, environ, chain="evm-31337").whole
        assert amounts() == [5, 7]
        node.ask("evm_revert", kept)
        world.nonces[a] = 1
        world.send((a, b, 8, ""))
        node.batch([("evm_mine", [])] * 6)
        summary = fetched(store, b, environ, chain="evm-31337")
        assert summary.whole
        assert amounts() == [5, 8]
        held = node.number("eth_getBalance", b, hex(summary.outcomes[0].last))
        assert net_flow(store, "evm-31337", b, "evm-31337/native", 0, LAST) == held


def test_everything_in_a_range_of_blocks_is_stored(world: tuple[World, dict[str, str]]) -> None:
    """Between two blocks the balance of every address that kept to the rules changes by exactly what is stored."""
    made, environ = world
    with Store.in_memory() as store:
        summary = fetched(store, [], environ, chain="ethereum", since="2", until="9", blocks=True)
        (outcome,) = summary.outcomes
        assert "38 digits" in outcome.reason  # one token alone cannot be stored whole
        history = StoredAccountHistory(store, "ethereum")
        gap = history.incomplete(PEOPLE[1], "ethereum/native")
        assert gap is not None
        assert "beginning" in gap.reason
        for address in (*made.accounts, *PEOPLE, *ROUTERS, WETH):
            before, after = (made.node.number("eth_getBalance", address, block) for block in ("0x1", "0x9"))
            assert net_flow(store, "ethereum", address, "ethereum/native", 2, 9) == after - before
            asked = {"to": TOKEN, "data": call("balanceOf(address)", address)}
            before, after = (made.node.number("eth_call", asked, block) for block in ("0x1", "0x9"))
            assert net_flow(store, "ethereum", address, f"ethereum/{TOKEN}", 2, 9) == after - before
        assert not any(summary.asked.values())


def test_what_happened_since_is_added_and_nothing_is_read_twice(tmp_path: Path) -> None:
    with anvil(10, "--slots-in-an-epoch", "1") as node, Store.open_or_create(tmp_path / "store") as store:
        a, b = node.accounts()[:2]
        node.ask("anvil_setCode", TOKEN, "0x" + token().hex())
        world = World(node, [a, b])
        environ = {"EXPOSURE_EVM_RPC_URL": f"optimism={node.url}"}
        for turn in range(3):
            world.send((a, b, 5 + turn, ""), (b, a, 2, ""), (a, TOKEN, 0, call("mint(address,uint256)", b, 100 + turn)))
            node.batch([("evm_mine", [])] * 3)
            summary = fetched(store, b, environ, chain="optimism")
            assert summary.whole, summary.outcomes
            assert summary.outcomes[0].read == (5 if turn == 0 else 4)  # what the first block allots is read once
        history = StoredAccountHistory(store, "optimism")
        assert [row.amount for row in history.movements(b, f"optimism/{TOKEN}")] == [100, 101, 102]
        for asset in history.assets(b):
            assert history.incomplete(b, asset) is None
        held = node.number("eth_getBalance", b, hex(summary.outcomes[0].last))
        assert net_flow(store, "optimism", b, "optimism/native", 0, LAST) == held


def test_the_path_of_a_node_is_a_key_and_shows_nowhere(tmp_path: Path) -> None:
    secret = "0123456789abcdefSECRET"
    with anvil(31337, "--slots-in-an-epoch", "1") as node:
        a, b = node.accounts()[:2]
        World(node, [a, b]).send((a, b, 5, ""))
        node.batch([("evm_mine", [])] * 3)

        def provider(path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
            if path != f"/v3/{secret}":
                return 401, {"error": "no key"}
            if b"eth_getBalance" in body:
                return 500, {"message": f"no state for {path}"}
            request = urllib.request.Request(node.url, body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=30) as reply:
                return 200, json.load(reply)

        with serving(provider) as (base, _), Store.open_or_create(tmp_path / "store") as store:
            summary = fetched(store, b, {"EXPOSURE_EVM_RPC_URL": f"{base}/v3/{secret}"}, chain="evm-31337")
            told = repr(summary)
            replies = store.connection.execute("select url from answers").fetchall()
        assert summary.outcomes[0].state == "partial"
    assert replies
    assert secret not in told + repr(replies)
    for file in (tmp_path / "store").rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes(), file


def test_a_tron_account_is_whole_when_its_balances_fit() -> None:
    grid = TronGrid(
        [trx(n, FRIEND, ME, 5 + n, fee=1) for n in range(450)] + [trx(500, ME, SHOP, 1, fee=2)],
        [trc20(n, FRIEND, ME, 10 + n) for n in range(450)],
        solid=BORN + 3000,
    )
    grid.held = {"balance": sum(range(5, 455)) - 3, "trc20": [{USDT: str(sum(range(10, 460)))}]}
    with serving(grid) as (base, asked), Store.in_memory() as store:
        environ = {"EXPOSURE_TRONGRID_URL": base}
        summary = fetched(store, ME, environ)
        assert summary.whole, summary.outcomes
        history = StoredAccountHistory(store, "tron")
        assert history.assets(ME) == [f"tron/{USDT}", "tron/native"]
        assert all(history.incomplete(ME, asset) is None for asset in history.assets(ME))
        count = len(asked)
        assert fetched(store, ME, environ).outcomes[0].state == "known"
        assert len(asked) == count + 1
        grid.held = {"balance": 1}
        fetched(store, ME, environ, restart=True)
        gap = StoredAccountHistory(store, "tron").incomplete(ME, "tron/native")
        assert gap is not None
        assert "sum to" in gap.reason
