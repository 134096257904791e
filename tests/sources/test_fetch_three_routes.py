"""A node, an Electrum server and an Esplora server over one chain: three routes, the same rows."""

import json

import pytest
from bitcoin_servers import Electrum, Node, serve_electrum, serve_node
from esplora_server import Esplora, serve
from fetching import content, fetched
from test_fetch_esplora import ALICE, BOB, busy, stored, truth
from toy_bitcoin import CHAIN, COIN, Toy, key, p2pk_script

from exposure.errors import InputError
from exposure.store.histories import StoredUtxoHistory
from exposure.store.store import Store


@pytest.fixture
def routes():
    """Settings that name three servers over one chain, and the servers."""
    toy = busy(30)
    with (
        serve(Esplora(lambda: toy.blocks)) as esplora,
        serve_node(Node(lambda: toy.blocks)) as node,
        serve_electrum(Electrum(lambda: toy.blocks)) as electrum,
    ):
        environ = {
            "EXPOSURE_ESPLORA_URL": esplora.base,
            "EXPOSURE_BITCOIN_RPC_URL": node.base,
            "EXPOSURE_BITCOIN_RPC_USER": "me",
            "EXPOSURE_BITCOIN_RPC_PASSWORD": "a password",
            "EXPOSURE_ELECTRUM_URL": electrum.base,
        }
        yield toy, environ, node, electrum


SOURCES = ("esplora", "core", "electrum")


def rows(store):
    """Rows without what only some sources know: the place in the block, its flag; and who said it."""
    found = content(store)
    return {
        "outputs": sorted((row[0], row[1], row[2], *row[4:7], *row[9:12]) for row in _named(store, "outputs")),
        "inputs": sorted(_named(store, "inputs")),
        "coverage": [row[:7] for row in found["coverage"]],
    }


def _named(store, table):
    import pyarrow.parquet as pq

    from exposure.store.parts import part_path

    names = {
        "outputs": ("tx", "n", "block", "time", "address", "amount", "script", "coinbase", "chain", "chain", "chain", "chain"),
        "inputs": ("tx", "n", "block", "time", "spent_tx", "spent_n", "address", "amount"),
    }[table]
    for part in store.parts(table):
        columns = pq.read_table(part_path(store.path, part)).to_pydict()
        yield from zip(*(columns[name] for name in names), strict=True)


def test_three_routes_store_the_same_rows(routes, tmp_path):
    toy, environ, node, _ = routes
    found = {}
    for source in SOURCES:
        with Store.create(tmp_path / source) as store:
            summary = fetched(store, [ALICE, BOB], environ, chain=CHAIN, source=source)
            assert summary.whole, summary
            assert all("as its movements sum to" in one.balance for one in summary.outcomes)
            for address in (ALICE, BOB):
                assert stored(store, address) == truth(toy, address, toy.tip - 5)
            found[source] = rows(store)
    assert found["esplora"] == found["core"] == found["electrum"]
    assert "a password" not in str(found)
    assert set(node.authorized) == {"Basic bWU6YSBwYXNzd29yZA=="}


def test_a_later_source_adds_nothing_to_what_is_stored(routes, tmp_path):
    _, environ, _, _ = routes
    with Store.create(tmp_path / "store") as store:
        fetched(store, ALICE, environ, chain=CHAIN)
        before = rows(store)
        for source in ("core", "electrum"):
            summary = fetched(store, ALICE, environ, chain=CHAIN, source=source)
            assert [one.stored for one in summary.outcomes] == [0]
        assert rows(store)["outputs"] == before["outputs"]
        assert rows(store)["inputs"] == before["inputs"]


@pytest.mark.parametrize("source", ["core", "electrum"])
def test_a_spent_budget_is_gone_on_from_at_every_source(routes, tmp_path, source):
    toy, environ, _, _ = routes
    with Store.create(tmp_path / "store") as store:
        summary = fetched(store, ALICE, environ, chain=CHAIN, source=source, max_calls=80)
        assert summary.outcomes[0].state == "partial" or source == "core"
        for _ in range(20):
            summary = fetched(store, ALICE, environ, chain=CHAIN, source=source, max_calls=80)
            if summary.whole:
                break
        assert summary.whole
        assert stored(store, ALICE) == truth(toy, ALICE, toy.tip - 5)


def test_a_second_witness_reports_what_the_first_left_out(routes, tmp_path):
    toy, environ, _, _ = routes
    with Store.create(tmp_path / "same") as store:
        summary = fetched(store, BOB, environ, chain=CHAIN, second_source="core")
        assert summary.whole
        assert "says the same" in summary.notes[0]
    # A lie that fits itself: a payment and what became of it are missing, from the lists and from the sums.
    hidden = [tx["txid"] for tx in toy.blocks[10]["tx"][1:]]
    told = [block | {"tx": [tx for tx in block["tx"] if tx["txid"] not in hidden]} for block in toy.blocks]
    with serve(Esplora(lambda: told)) as liar, Store.create(tmp_path / "lied") as store:
        lied = environ | {"EXPOSURE_ESPLORA_URL": liar.base}
        assert fetched(store, BOB, lied, chain=CHAIN).whole
        summary = fetched(store, BOB, lied, chain=CHAIN, second_source="core")
    assert [one for one in summary.differences if hidden[0] in one.what and one.what.startswith("core")]
    assert not summary.whole


def test_whole_blocks_cover_every_address(routes, tmp_path):
    toy, environ, _, _ = routes
    with Store.create(tmp_path / "store") as store:
        summary = fetched(store, [], environ, chain=CHAIN, blocks=True, since="0", until="30")
        assert summary.whole
        for address in (ALICE, BOB):
            assert stored(store, address) == truth(toy, address, 30)
            assert StoredUtxoHistory(store, CHAIN, 30).incomplete(address) is None
        assert fetched(store, [], environ, chain=CHAIN, blocks=True, since="0", until="30").outcomes[0].state == "known"
        with pytest.raises(InputError, match="whole blocks"):
            fetched(store, [], environ, chain=CHAIN, blocks=True, since="0", until="30", source="esplora")


def test_coins_paid_to_the_key_itself_are_found_by_every_source(tmp_path):
    toy = Toy()
    direct, hashed = toy.mine(p2pk_script("alice")), toy.mine(ALICE)
    toy.pay([(hashed, 0)], [(BOB, 49 * COIN)], unlocking=b"\x01\x30" + b"\x21" + key("alice"))
    for _ in range(8):
        toy.mine(BOB)
    with serve_node(Node(lambda: toy.blocks)) as node, serve_electrum(Electrum(lambda: toy.blocks)) as electrum:
        environ = {"EXPOSURE_BITCOIN_RPC_URL": node.base, "EXPOSURE_ELECTRUM_URL": electrum.base}
        for source in ("core", "electrum"):
            with Store.create(tmp_path / source) as store:
                assert fetched(store, ALICE, environ, chain=CHAIN, source=source).whole
                assert {coin[0] for coin in stored(store, ALICE)[0]} == {direct, hashed}


def node_error(code, message, status=500):
    return status, json.dumps({"result": None, "error": {"code": code, "message": message}, "id": 1}).encode()


@pytest.mark.parametrize(
    ("method", "reply", "sentence"),
    [
        ("getblockcount", (401, b""), "EXPOSURE_BITCOIN_RPC_COOKIE"),
        ("scanblocks", node_error(-1, "Index is not enabled for filtertype basic"), "-blockfilterindex=1"),
        ("getblock", node_error(-1, "Block not available (pruned data)"), "pruned data"),
        ("scanblocks", node_error(-8, "Scan already in progress"), "already in progress"),
        ("getblockhash", node_error(-28, "Loading block index"), "Loading block index"),
        ("getblock", (503, b"Work queue depth exceeded"), "503.*Work queue depth"),
        ("getblock", (200, b"<html>"), "web page"),
        ("getblock", (200, b'{"result": {}, "error": null}'), "cannot be read"),
        ("getblock", (200, b'{"result": [], "error": null}'), "cannot be read"),
        ("scanblocks", (200, b'{"result": {"relevant_blocks": "all"}, "error": null}'), "relevant_blocks"),
        ("scanblocks", (200, b'{"result": {"completed": false}, "error": null}'), "completed"),
        ("getblockcount", (200, b'{"result": "7", "error": null}'), "height of the tip"),
        ("getblockcount", (200, b"7"), "the reply"),
    ],
)
def test_what_a_node_refuses_is_a_sentence(tmp_path, method, reply, sentence):
    import re

    toy = busy(5)

    def fault(number, called, honest):
        return reply if called == method else honest

    with serve_node(Node(lambda: toy.blocks, fault=fault)) as node, Store.create(tmp_path / "store") as store:
        environ = {"EXPOSURE_BITCOIN_RPC_URL": node.base}
        outcome = fetched(store, ALICE, environ, chain=CHAIN, source="core").outcomes[0]
    assert outcome.state in ("failed", "partial")
    assert re.search(sentence, outcome.reason), outcome.reason


def test_a_node_without_activity_or_in_its_start_is_used_all_the_same(tmp_path):
    toy = busy(5)
    busy_once = {"getblockcount": node_error(-28, "Verifying blocks"), "scanblocks": node_error(-8, "Scan already in progress")}

    def fault(number, called, honest):
        return busy_once.pop(called, honest)

    with serve_node(Node(lambda: toy.blocks, activity=False, fault=fault)) as node, Store.create(tmp_path / "store") as store:
        assert fetched(store, ALICE, {"EXPOSURE_BITCOIN_RPC_URL": node.base}, chain=CHAIN, source="core").whole
        assert stored(store, ALICE) == truth(toy, ALICE, toy.tip - 5)
        assert node.called.count("getdescriptoractivity") == 1


LINES = {
    "a broken connection": lambda line: None,
    "broken JSON": lambda line: line[:-5],
    "a web page": lambda line: b"<html>",
    "no object": lambda line: b"[1]",
    "too large": lambda line: json.dumps({"id": json.loads(line)["id"], "error": {"message": "history too large"}}).encode(),
    "an error": lambda line: json.dumps({"id": json.loads(line)["id"], "error": {"code": 1, "message": "no"}}).encode(),
    "nothing": lambda line: json.dumps({"id": json.loads(line)["id"], "result": None}).encode(),
    "a list": lambda line: json.dumps({"id": json.loads(line)["id"], "result": [{}]}).encode(),
    "other bytes": lambda line: json.dumps({"id": json.loads(line)["id"], "result": "00" * 80}).encode(),
}


@pytest.mark.parametrize("fault", LINES)
def test_a_fault_of_an_electrum_server_never_makes_a_wrong_history_whole(tmp_path, fault):
    toy = busy(4)
    expected = truth(toy, ALICE, toy.tip - 5)
    for method in ("get_history", "transaction.get", "get_balance"):
        left = [1]

        def once(number, called, line, method=method, left=left):
            if called.endswith(method) and left:
                left.pop()
                return LINES[fault](line)
            return line

        with serve_electrum(Electrum(lambda: toy.blocks, once)) as electrum, Store.create(tmp_path / method) as store:
            environ = {"EXPOSURE_ELECTRUM_URL": electrum.base}
            summary = fetched(store, ALICE, environ, chain=CHAIN, source="electrum")
            if summary.whole:
                assert stored(store, ALICE) == expected
            else:
                assert summary.outcomes[0].reason


def test_a_transaction_is_believed_only_with_its_own_bytes_and_place(tmp_path):
    toy = busy(4)

    def swap(number, called, line):
        if called.endswith("get_merkle"):
            told = json.loads(line)
            told["result"]["pos"] ^= 1
            return json.dumps(told).encode()
        return line

    with serve_electrum(Electrum(lambda: toy.blocks, swap)) as electrum, Store.create(tmp_path / "store") as store:
        outcome = fetched(store, ALICE, {"EXPOSURE_ELECTRUM_URL": electrum.base}, chain=CHAIN, source="electrum").outcomes[0]
        assert "Merkle path" in outcome.reason
        assert store.last_block(CHAIN) is None


def test_a_missing_setting_is_named(tmp_path):
    with Store.create(tmp_path / "store") as store:
        for source, variable in (
            ("core", "EXPOSURE_BITCOIN_RPC_URL"),
            ("electrum", "EXPOSURE_ELECTRUM_URL"),
            (None, "ESPLORA"),
        ):
            with pytest.raises(InputError, match=variable):
                fetched(store, ALICE, {}, chain=CHAIN, source=source)
        environ = {"EXPOSURE_BITCOIN_RPC_URL": "http://127.0.0.1:1", "EXPOSURE_BITCOIN_RPC_COOKIE": str(tmp_path / "none")}
        with pytest.raises(InputError, match="cookie"):
            fetched(store, ALICE, environ, chain=CHAIN, source="core")
