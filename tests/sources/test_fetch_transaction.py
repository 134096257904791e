"""A transaction as the subject, from every source: the rows of its parties' histories, and a sentence where not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from bitcoin_servers import Electrum, Node, serve_electrum, serve_node
from click.testing import CliRunner
from esplora_server import Esplora, serve
from evm_assembly import call, token
from evm_explorers import Blockscout, Etherscan, Handler, Index, serving
from evm_node import anvil
from evm_world import PEOPLE, ROUTERS, TOKEN, WETH, World, build
from fetching import content, fetched
from test_fetch_esplora import ALICE, BOB, busy
from toy_bitcoin import CHAIN, p2pkh
from tron_replay import BORN, CONTRACT, FRIEND, ME, SHOP, USDT, TronGrid, bare, inner, log, trc20, trigger, tx_hash

from exposure import cli
from exposure.errors import InputError
from exposure.model.addresses import evm_of_tron
from exposure.store.histories import StoredAccountHistory, find_tx
from exposure.store.store import Store

ROUTES = ("node", "etherscan", "blockscout")


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[World, Index, dict[str, str]]]:
    with anvil(1, "--slots-in-an-epoch", "1") as node:
        made = build(node, full_blocks=1, per_block=30)
        index = Index(node, WETH)
        with serving(Etherscan(index), Blockscout(index)) as (base, _):
            hosts = {"EVM_RPC_URL": node.url, "ETHERSCAN_URL": base + "/v2/api", "BLOCKSCOUT_URL": base}
            yield made, index, {f"EXPOSURE_{name}": value for name, value in hosts.items()}


def interesting(made: World, index: Index) -> dict[str, str]:
    """Hashes of transactions: plain, failed, with calls inside, with tokens, with a wrapped coin."""
    by_to = {str(row["hash"]): row for row in index.txs}
    inside = [str(row["hash"]) for row in index.calls if row["from"] == ROUTERS[0] and row["ok"] and row["value"]]
    return {
        "plain": next(tx for tx, row in by_to.items() if row["gas"] == 21_000),
        "failed": next(tx for tx, row in by_to.items() if not row["ok"]),
        "calls": inside[0],
        "token": next(str(row["hash"]) for row in index.events if row["token"] == TOKEN and row["from"] != "0x" + "0" * 40),
        "wrapped": next(str(row["hash"]) for row in index.events if row["kind"] == "deposit"),
    }


def stored_rows(store: Store, tx: str) -> list[tuple[object, ...]]:
    """Rows of a transaction, without what only some sources know: order, names, flags, the id of the fetch."""
    names = [*sorted(("amount", "asset", "block", "chain", "kind", "receiver", "sender", "status", "time", "tx"))]
    every = sorted(("amount", "asset", "block", "chain", "flags", "index", "kind", "memo", "ordinal", "receiver", "sender"))
    columns = sorted({*names, *every, "source", "tx_index"})
    rows = (dict(zip(columns, row, strict=True)) for row in content(store)["transfers"])
    return sorted((tuple(str(row[name]) for name in names) for row in rows if row["tx"] == tx), key=repr)


@pytest.mark.parametrize("what", ["plain", "failed", "calls", "token", "wrapped"])
def test_three_routes_store_the_same_of_a_transaction(world: tuple[World, Index, dict[str, str]], what: str) -> None:
    made, index, environ = world
    tx = interesting(made, index)[what]
    found = []
    for route in ROUTES:
        with Store.in_memory() as store:
            summary = fetched(store, tx, environ, chain="ethereum", source=route)
            assert [one.state for one in summary.outcomes] == ["whole"], summary.outcomes
            assert summary.outcomes[0].calls <= 6
            assert tx in next(iter(summary.asked.values()))
            found.append(stored_rows(store, tx))
            # It is no address's history.
            assert StoredAccountHistory(store, "ethereum").incomplete(made.accounts[0], "ethereum/native") is not None
            assert fetched(store, tx, environ, chain="ethereum", source=route).outcomes[0].state == "known"
    assert found[0]
    assert found[1:] == found[:1] * 2


@pytest.mark.parametrize("route", ROUTES)
def test_a_transaction_and_the_history_of_its_party_overlap_without_a_trace(
    world: tuple[World, Index, dict[str, str]], route: str
) -> None:
    made, index, environ = world
    chosen = interesting(made, index)
    txs, payer = [chosen["calls"], chosen["wrapped"]], made.accounts[0]
    with Store.in_memory() as first, Store.in_memory() as last:
        fetched(first, txs, environ, chain="ethereum", source=route)
        fetched(first, payer, environ, chain="ethereum", source=route)
        fetched(last, payer, environ, chain="ethereum", source=route)
        listed = [stored_rows(last, tx) for tx in txs]
        fetched(last, txs, environ, chain="ethereum", source=route)
        whole = [stored_rows(first, tx) for tx in txs]
        assert whole == [stored_rows(last, tx) for tx in txs]
        assert all(set(part) <= set(rows) for part, rows in zip(listed, whole, strict=True))
        # Another source stores each movement once more under no other name.
        other = ROUTES[ROUTES.index(route) - 1]
        fetched(first, txs, environ, chain="ethereum", source=other, restart=True)
        assert whole == [stored_rows(first, tx) for tx in txs]


def test_a_transaction_is_asked_for_in_any_form_and_only_with_its_chain(
    world: tuple[World, Index, dict[str, str]],
) -> None:
    made, index, environ = world
    tx = interesting(made, index)["plain"]
    with Store.in_memory() as store:
        with pytest.raises(InputError, match="--chain"):
            fetched(store, tx, environ)
        assert fetched(store, tx.upper().replace("0X", ""), environ, chain="ethereum", source="node").whole
        assert find_tx(store, tx) == ["ethereum"]
        for route in ROUTES:
            outcome = fetched(store, "0x" + "ab" * 32, environ, chain="ethereum", source=route).outcomes[0]
            assert outcome.state == "failed"
            assert "knows no transaction" in outcome.reason


def test_a_node_without_traces_says_what_it_cannot(world: tuple[World, Index, dict[str, str]]) -> None:
    from test_evm_routes import _relay

    made, index, _ = world
    txs = interesting(made, index)

    def refuse(asked: dict[str, object]) -> object:
        return {"code": -32601, "message": "method not found"} if "trace" in str(asked["method"]).lower() else None

    with serving(_relay(made.node, refuse)) as (base, _), Store.in_memory() as store:
        environ = {"EXPOSURE_EVM_RPC_URL": base}
        outcomes = fetched(store, [txs["plain"], txs["calls"]], environ, chain="ethereum").outcomes
    assert [one.state for one in outcomes] == ["whole", "partial"]
    assert "no traces" in outcomes[1].reason


def test_a_fresh_transaction_is_not_final(world: tuple[World, Index, dict[str, str]]) -> None:
    made, index, environ = world
    late = str(index.txs[-1]["hash"])
    with Store.in_memory() as store:
        for route in ROUTES:
            outcome = fetched(store, late, environ, chain="ethereum", source=route, until="1").outcomes[0]
            assert "no final block" in outcome.reason
        assert not store.chains()


def answers_other(base: Handler, other: str, asked: str) -> Handler:
    """Whatever is asked about a transaction is answered about another one."""

    def handler(path: str, query: dict[str, str], body: bytes) -> object:
        return base(path.replace(asked, other), {k: v.replace(asked, other) for k, v in query.items()}, body)

    return handler  # what it answers is what `base` does


def test_an_answer_about_another_transaction_is_refused(world: tuple[World, Index, dict[str, str]]) -> None:
    made, index, _ = world
    txs = interesting(made, index)
    for server, name, path in ((Etherscan(index), "ETHERSCAN", "/v2/api"), (Blockscout(index), "BLOCKSCOUT", "")):
        with serving(answers_other(server, txs["token"], txs["plain"])) as (base, _), Store.in_memory() as store:
            environ = {f"EXPOSURE_{name}_URL": base + path}
            outcome = fetched(store, txs["plain"], environ, chain="ethereum").outcomes[0]
            assert "which was asked for" in outcome.reason
            assert not store.chains()


@pytest.fixture
def grid() -> TronGrid:
    inside = [inner(3, 1, CONTRACT, ME, 40_000), inner(3, 2, CONTRACT, ME, 7, rejected=True)]
    row = trigger(3, ME, CONTRACT, 500_000, fee=3_000_000, inner=inside)
    made = TronGrid([row], [trc20(3, ME, SHOP, 5), trc20(3, ME, SHOP, 5), trc20(3, FRIEND, ME, 6)], solid=BORN + 3000)
    made.held = {"balance": 0, "trc20": []}
    events = [log(USDT, ME, SHOP, 5), log(CONTRACT, FRIEND, SHOP, 9), log(USDT, ME, SHOP, 5), log(USDT, FRIEND, ME, 6)]
    called = [
        {
            "hash": one["internal_tx_id"],
            "caller_address": one["from_address"],
            "transferTo_address": one["to_address"],
            "callValueInfo": [{"callValue": one["data"]["call_value"]["_"]}, {"callValue": 3, "tokenId": "1000"}],
            "note": "63616c6c",
            "rejected": one["data"]["rejected"],
        }
        for one in inside
    ]
    made.solids = bare(row, logs=events, inside=called)
    return made


def test_a_transaction_of_tron_is_what_the_lists_of_its_parties_say(grid: TronGrid) -> None:
    with serving(grid) as (base, asked), Store.in_memory() as single, Store.in_memory() as both:
        environ = {"EXPOSURE_TRONGRID_URL": base}
        summary = fetched(single, "0x" + tx_hash(3).upper(), environ, chain="tron")
        assert [one.state for one in summary.outcomes] == ["whole"], summary.outcomes
        assert len([path for path in asked if "gettransaction" in path]) == 2
        rows = stored_rows(single, tx_hash(3))
        assert sorted(row[0] for row in rows) == ["3000000", "40000", "5", "5", "500000", "6", "9"]
        fetched(both, ME, environ)
        listed = stored_rows(both, tx_hash(3))
        assert set(listed) < set(rows)
        fetched(both, tx_hash(3), environ, chain="tron")
        assert stored_rows(both, tx_hash(3)) == rows
        outcome = fetched(both, tx_hash(99), environ, chain="tron").outcomes[0]
        assert "knows no transaction" in outcome.reason


def test_the_outcome_of_another_transaction_is_refused(grid: TronGrid) -> None:
    outcome = grid.solids["gettransactioninfobyid"][tx_hash(3)]
    outcome["id"] = tx_hash(4)
    with serving(grid) as (base, _), Store.in_memory() as store:
        reason = fetched(store, tx_hash(3), {"EXPOSURE_TRONGRID_URL": base}, chain="tron").outcomes[0].reason
        assert "id is" in reason
        assert not store.chains()


def test_the_tokens_of_a_transaction_come_from_a_tron_node(grid: TronGrid) -> None:
    with anvil(728126428, "--slots-in-an-epoch", "1") as node, Store.in_memory() as store:
        a, b = node.accounts()[:2]
        contract = evm_of_tron(USDT)
        node.ask("anvil_setCode", contract, "0x" + token(b"USDT").hex())
        made = World(node, [a, b])
        mint, move = call("mint(address,uint256)", a, 900), call("transfer(address,uint256)", b, 300)
        hashes = made.send((a, contract, 0, mint), (a, contract, 0, move), (a, contract, 0, move))
        node.batch([("evm_mine", [])] * 4)
        environ = {"EXPOSURE_TRON_RPC_URL": node.url}
        outcome = fetched(store, hashes[1], environ, chain="tron", source="tron-node").outcomes[0]
        assert "TRX" in outcome.reason
        (row,) = stored_rows(store, hashes[1][2:])
        assert row[:2] == ("300", f"tron/{USDT}")
        # The same numbers as in the history of the address.
        before = content(store)["transfers"]
        fetched(store, outcome_address(a), environ, source="tron-node")
        assert len(content(store)["transfers"]) == len(before) + 2


def outcome_address(evm: str) -> str:
    from exposure.model.addresses import tron_of_evm

    return tron_of_evm(evm)


@pytest.mark.parametrize("source", ["esplora", "core", "core without index", "electrum"])
def test_a_transaction_of_bitcoin_comes_from_every_source(source: str) -> None:
    toy = busy(4)
    wanted = next(tx for tx in toy.blocks[5]["tx"] if len(tx["vout"]) == 2)  # its second coin is not spent
    unspent = next(tx["txid"] for block in toy.blocks[::-1] for tx in block["tx"] if block["height"] == toy.tip - 6)
    node = Node(lambda: toy.blocks, tx_index=source == "core")
    with (
        serve(Esplora(lambda: toy.blocks)) as esplora,
        serve_node(node),
        serve_electrum(Electrum(lambda: toy.blocks)) as electrum,
        Store.in_memory() as store,
    ):
        environ = {
            "EXPOSURE_ESPLORA_URL": esplora.base,
            "EXPOSURE_BITCOIN_RPC_URL": node.base,
            "EXPOSURE_ELECTRUM_URL": electrum.base,
        }
        name = source.partition(" ")[0]
        for txid in (wanted["txid"], unspent):
            outcome = fetched(store, txid, environ, chain=CHAIN, source=name).outcomes[0]
            assert outcome.state == "whole", outcome
            assert find_tx(store, txid) == [CHAIN]
        found = content(store)
        before = len(found["outputs"])
        assert fetched(store, [ALICE, BOB], environ, chain=CHAIN, source="electrum").whole
        assert len(content(store)["outputs"]) > before
        outcome = fetched(store, "ab" * 32, environ, chain=CHAIN, source=name).outcomes[0]
        assert outcome.state == "failed"
        assert outcome.reason


def test_a_spent_transaction_needs_the_index_of_a_node() -> None:
    toy = busy(3)
    spent = next(tx["txid"] for tx in toy.blocks[1]["tx"])
    node = Node(lambda: toy.blocks, tx_index=False)
    with serve_node(node), Store.in_memory() as store:
        environ = {"EXPOSURE_BITCOIN_RPC_URL": node.base}
        outcome = fetched(store, spent, environ, chain=CHAIN, source="core").outcomes[0]
    assert "-txindex=1" in outcome.reason


def test_an_electrum_server_that_knows_no_place_says_so() -> None:
    toy = busy(3)
    wanted = toy.blocks[2]["tx"][0]["txid"]

    def busy_addresses(number: int, method: str, line: bytes) -> bytes:
        if method.endswith("get_history"):
            return json.dumps({"id": json.loads(line)["id"], "error": {"message": "history too large"}}).encode()
        return line

    electrum = Electrum(lambda: toy.blocks, busy_addresses)
    with serve_electrum(electrum), Store.in_memory() as store:
        outcome = fetched(store, wanted, {"EXPOSURE_ELECTRUM_URL": electrum.base}, chain=CHAIN, source="electrum").outcomes[0]
    assert "esplora" in outcome.reason
    assert p2pkh("nobody") not in outcome.reason


def test_a_trace_of_a_transaction_fetches_it_and_what_lies_behind(
    world: tuple[World, Index, dict[str, str]], tmp_path: Path
) -> None:
    made, index, environ = world
    paid = next(str(row["hash"]) for row in index.txs if row["from"] in PEOPLE and row["value"])  # it came from an account
    env = {"EXPOSURE_STORE": str(tmp_path / "store"), "EXPOSURE_EVM_RPC_URL": environ["EXPOSURE_EVM_RPC_URL"]}
    words = ["trace", paid, "--chain", "ethereum", "--fetch", "--source", "node", "--format", "json"]
    done = CliRunner(env=env).invoke(cli.main, words)
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    section = next(one for one in report["sections"] if one["subject"]["asset"] == "ethereum/native")
    assert section["subject"]["kind"] != "address"
    assert report["run"]["fetched"]["left"] <= 0.01
    (asked,) = report["run"]["fetched"]["asked"]
    assert paid in json.dumps(asked)
    without = CliRunner(env=env).invoke(cli.main, ["trace", paid, "--fetch", "--source", "node", "--format", "json"])
    assert without.exit_code == 0, without.output  # it is stored now, and its chain known
