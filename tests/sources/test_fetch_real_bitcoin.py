"""Against a real node: every kind of output, replaced transactions, same-block spends, a reorganisation; three routes."""

import contextlib
from decimal import Decimal

import pytest
from fetching import fetched
from real_bitcoin import PASSWORD, USER, esplora_over, real_electrum, real_node
from test_fetch_three_routes import SOURCES, rows
from toy_bitcoin import CHAIN

from exposure.model.addresses import script_address
from exposure.sources.bitcoin.core import CoreHistory
from exposure.sources.bitcoin.core_rows import Fault
from exposure.store.histories import StoredUtxoHistory
from exposure.store.store import Store


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A node with a history, two servers over it, settings that name all three, and the addresses to look at."""
    folder = tmp_path_factory.mktemp("bitcoin")
    with contextlib.ExitStack() as stack:
        node = stack.enter_context(real_node(folder))
        addresses = _history(node)
        electrum = stack.enter_context(real_electrum(folder, node))
        esplora = stack.enter_context(esplora_over(node))
        environ = {
            "EXPOSURE_ESPLORA_URL": esplora.base,
            "EXPOSURE_BITCOIN_RPC_URL": node.base,
            "EXPOSURE_BITCOIN_RPC_USER": USER,
            "EXPOSURE_BITCOIN_RPC_PASSWORD": PASSWORD,
            "EXPOSURE_ELECTRUM_URL": electrum,
        }
        yield node, environ, addresses


def _history(node):
    """Coinbases, payments of every kind, a replaced transaction, a spend of what the same block made."""
    named = {kind: node.call("getnewaddress", "", kind) for kind in ("legacy", "p2sh-segwit", "bech32", "bech32m")}
    miner = node.call("getnewaddress", "", "bech32")
    node.call("generatetoaddress", 2, named["legacy"])
    # Coins of the key itself, which no explorer files under its address.
    key = node.call("getaddressinfo", named["legacy"])["pubkey"]
    node.call("generatetodescriptor", 1, f"pk({key})")
    node.call("generatetoaddress", 101, miner)
    for amount, kind in enumerate(named, 1):
        node.call("sendtoaddress", named[kind], amount)
    node.call("generatetoaddress", 1, miner)
    # Replaced: only the second one is mined.
    first = node.call("send", [{named["bech32"]: 1}], None, "unset", 2, {"replaceable": True})["txid"]
    second = node.call("bumpfee", first)["txid"]
    # Spent in the block that makes it, legacy first so that its key shows.
    coins = node.call("listunspent", 1, 9_999_999, [named["legacy"]])
    fee = Decimal("0.0001")
    everything = sum(coin["amount"] for coin in coins) - fee
    spent = [{"txid": coin["txid"], "vout": coin["vout"]} for coin in coins]
    through = node.call(
        "signrawtransactionwithwallet", node.call("createrawtransaction", spent, [{named["bech32m"]: everything}])
    )
    passed = node.call("sendrawtransaction", through["hex"], 0)
    output = node.call("decoderawtransaction", through["hex"])["vout"][0]
    onward = node.call(
        "createrawtransaction", [{"txid": passed, "vout": 0}], [{named["p2sh-segwit"]: output["value"] - fee}, {"data": "00ff"}]
    )
    known = [{"txid": passed, "vout": 0, "scriptPubKey": output["scriptPubKey"]["hex"], "amount": output["value"]}]
    node.call("sendrawtransaction", node.call("signrawtransactionwithwallet", onward, known)["hex"], 0)
    node.call("generatetoaddress", 7, miner)
    mined = {tx["txid"] for block in node.blocks() for tx in block["tx"]}
    assert second in mined
    assert first not in mined
    return named


def truth(node, address, last):
    """Coins that are filed under an address, and their spends, from every script of every block."""
    made, spent, owner = set(), set(), {}
    for block in node.blocks()[: last + 1]:
        for tx in block["tx"]:
            for out in tx["vout"]:
                if script_address(bytes.fromhex(out["scriptPubKey"]["hex"]), CHAIN)[0] == address:
                    made.add((tx["txid"], out["n"], int(out["value"] * 10**8)))
                    owner[tx["txid"], out["n"]] = True
        for tx in block["tx"]:
            for one in tx["vin"]:
                if owner.get((one.get("txid"), one.get("vout"))):
                    spent.add((one["txid"], one["vout"], tx["txid"]))
    return made, spent


def stored(store, address):
    history = StoredUtxoHistory(store, CHAIN)
    coins = history.deposits(address)
    spends = {(coin.tx, coin.n, history.spender(coin)) for coin, _, _ in coins}
    return {(coin.tx, coin.n, amount) for coin, _, amount in coins}, {one for one in spends if one[2]}


def test_three_routes_to_a_real_chain_store_its_truth_also_after_a_reorganisation(world, tmp_path):
    node, environ, addresses = world
    with contextlib.ExitStack() as stack:
        stores = {source: stack.enter_context(Store.create(tmp_path / source)) for source in SOURCES}
        for turn in ("before", "after"):
            final = node.call("getblockcount") - 5
            found = {}
            # ElectrumX takes its time for each answer: two kinds of address before, all of them after.
            named = [addresses[kind] for kind in (("legacy", "bech32m") if turn == "before" else addresses)]
            for source, store in stores.items():
                summary = fetched(store, named, environ, chain=CHAIN, source=source)
                assert summary.whole, (turn, summary)
                assert ("reorganised" in " ".join(summary.notes)) == (turn == "after")
                for address in named:
                    assert stored(store, address) == truth(node, address, final), (turn, source, address)
                    assert StoredUtxoHistory(store, CHAIN).incomplete(address) is None
                found[source] = {name: rows(store)[name] for name in ("outputs", "inputs")}
            assert found["esplora"] == found["core"] == found["electrum"]
            if turn == "before":
                _reorganise(node, addresses)
                node.electrum_ready()


def _reorganise(node, addresses):
    """Another branch wins: what had seven confirmations is mined anew, in other blocks, or never was."""
    gone = node.call("getblockhash", node.call("getblockcount") - 7)
    node.call("invalidateblock", gone)
    node.call("generatetoaddress", 9, addresses["bech32"])
    assert gone not in {block["hash"] for block in node.blocks()}


def test_whole_blocks_of_a_real_node_are_its_truth(world, tmp_path):
    node, environ, addresses = world
    final = node.call("getblockcount") - 5
    with Store.create(tmp_path / "store") as store:
        assert fetched(store, [], environ, chain=CHAIN, blocks=True, since="0", until=str(final)).whole
        for address in addresses.values():
            assert stored(store, address) == truth(node, address, final)
            assert StoredUtxoHistory(store, CHAIN).incomplete(address) is None


def test_transactions_of_a_real_chain_come_from_every_source_by_their_hash(world, tmp_path, monkeypatch):
    node, environ, _ = world
    final = node.call("getblockcount") - 5
    blocks = node.blocks()[: final + 1]
    spending = [tx["txid"] for block in blocks for tx in block["tx"][1:]]
    txids = [*spending[-3:], blocks[-1]["tx"][0]["txid"]]  # ElectrumX takes its time for each answer
    found = {}
    for source in SOURCES:
        with Store.create(tmp_path / source) as store:
            summary = fetched(store, txids, environ, chain=CHAIN, source=source)
            assert [one.state for one in summary.outcomes] == ["whole"] * len(txids), summary
            found[source] = {name: rows(store)[name] for name in ("outputs", "inputs")}
    assert found["esplora"] == found["core"] == found["electrum"]
    # A node without an index of transactions finds those that still have a coin.
    asked = CoreHistory._try
    missing = Fault(-5, "No such mempool transaction. Use -txindex")

    def without_index(self, method, parameters, about=""):
        value, reply = asked(self, method, parameters, about)
        return (missing if method == "getrawtransaction" else value), reply

    monkeypatch.setattr(CoreHistory, "_try", without_index)
    coinbase = blocks[-1]["tx"][0]["txid"]
    with Store.create(tmp_path / "bare") as store:
        assert fetched(store, coinbase, environ, chain=CHAIN, source="core").whole
        assert [row[0] for row in rows(store)["outputs"]][:1] == [coinbase]
