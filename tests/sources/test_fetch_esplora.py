"""Histories from an Esplora server: what is stored is what the chain holds, or coverage says that it is not."""

import gzip
import json

import numpy as np
import pytest
from esplora_server import Esplora, serve
from fetching import content, fetched
from toy_bitcoin import CHAIN, COIN, Toy, key, p2pk_script, p2pkh

from exposure.errors import InputError
from exposure.store import fetches
from exposure.store.histories import StoredUtxoHistory
from exposure.store.ledgers import utxo_txs
from exposure.store.numbered import numbered
from exposure.store.store import Store

ALICE, BOB = p2pkh("alice"), p2pkh("bob")


@pytest.fixture
def store(tmp_path):
    with Store.create(tmp_path / "store") as made:
        yield made


def busy(blocks=60):
    """Alice mines and pays Bob in every block; some of Bob's coins are spent in the block that made them."""
    toy = Toy()
    coins = [toy.mine(ALICE) for _ in range(3)]
    for _ in range(blocks):
        paid = toy.pay([(coins.pop(0), 0)], [(BOB, 20 * COIN), (ALICE, 29 * COIN)])
        toy.pay([(paid, 0)], [(p2pkh("carol"), 20 * COIN)])
        coins.append(toy.mine(ALICE))
    for _ in range(6):
        toy.mine(p2pkh("miner"))
    return toy


def truth(toy, address, last):
    """Outputs to an address and spends of them up to a block, from the chain itself."""
    made, spent = set(), set()
    for block in toy.blocks[: last + 1]:
        for tx in block["tx"]:
            for out in tx["vout"]:
                if out["scriptPubKey"].get("address") == address:
                    made.add((tx["txid"], out["n"], int(out["value"] * COIN)))
            for one in tx["vin"]:
                if one.get("prevout", {}).get("scriptPubKey", {}).get("address") == address:
                    spent.add((one["txid"], one["vout"], tx["txid"]))
    return made, spent


def stored(store, address):
    history = StoredUtxoHistory(store, CHAIN)
    coins = history.deposits(address)
    spends = {(coin.tx, coin.n, history.spender(coin)) for coin, _, _ in coins}
    return {(coin.tx, coin.n, amount) for coin, _, amount in coins}, {one for one in spends if one[2]}


def environ(server):
    return {"EXPOSURE_ESPLORA_URL": server.base}


def test_what_is_stored_is_what_the_chain_holds_up_to_the_final_block(store):
    toy = busy()
    with serve(Esplora(lambda: toy.blocks)) as server:
        summary = fetched(store, [ALICE, BOB], environ(server), chain=CHAIN)
    assert summary.whole
    final = toy.tip - 5
    for address in (ALICE, BOB):
        assert stored(store, address) == truth(toy, address, final)
        assert StoredUtxoHistory(store, CHAIN).incomplete(address) is None
    assert StoredUtxoHistory(store, CHAIN).incomplete(p2pkh("carol")) is not None
    assert store.last_block(CHAIN) <= final
    assert all("as its movements sum to" in one.balance for one in summary.outcomes)
    for address in (ALICE, BOB):
        replies = fetches.replies(store.connection, fetches.fetch_id(CHAIN, address, summary.outcomes[0].source))
        assert sum(reply.rows for reply in replies) > 0
        assert all(len(reply.sha256) == 64 and reply.url.startswith(server.base) for reply in replies)


def test_fetching_again_asks_for_nothing_that_is_there(store):
    toy = busy(10)
    with serve(Esplora(lambda: toy.blocks)) as server:
        fetched(store, ALICE, environ(server), chain=CHAIN)
        before, version = content(store), store.version
        asked = len(server.paths)
        again = fetched(store, ALICE, environ(server), chain=CHAIN)
        assert again.outcomes[0].state == "known"
        assert not [path for path in server.paths[asked:] if "/address/" in path]
        assert (content(store), store.version) == (before, version)
        # New blocks are fetched from where the stored ones end.
        for _ in range(8):
            toy.mine(ALICE)
        more = fetched(store, ALICE, environ(server), chain=CHAIN)
    assert more.whole
    assert stored(store, ALICE) == truth(toy, ALICE, toy.tip - 5)
    assert StoredUtxoHistory(store, CHAIN).incomplete(ALICE) is None


@pytest.mark.parametrize("count", [1, 24, 25, 26, 50])
def test_a_page_of_exactly_the_cap_is_not_the_end(store, count):
    toy = Toy()
    for _ in range(count):
        toy.mine(ALICE)
    for _ in range(6):
        toy.mine(BOB)
    with serve(Esplora(lambda: toy.blocks)) as server:
        summary = fetched(store, ALICE, environ(server), chain=CHAIN)
    assert summary.whole
    assert stored(store, ALICE)[0] == truth(toy, ALICE, toy.tip)[0]
    assert len(stored(store, ALICE)[0]) == count


def test_an_address_without_history_is_whole_and_empty(store):
    toy = Toy()
    for _ in range(8):
        toy.mine(BOB)
    with serve(Esplora(lambda: toy.blocks)) as server:
        assert fetched(store, [BOB, ALICE], environ(server), chain=CHAIN).whole
    assert StoredUtxoHistory(store, CHAIN).incomplete(ALICE) is None


@pytest.mark.parametrize("calls", [1, 4, 5, 6, 7, 8])
def test_a_spent_budget_keeps_what_came_and_the_next_command_goes_on(tmp_path, calls):
    toy = busy(40)
    with serve(Esplora(lambda: toy.blocks)) as server:
        with Store.create(tmp_path / "whole") as whole:
            fetched(whole, ALICE, environ(server), chain=CHAIN)
            expected = content(whole)
        with Store.create(tmp_path / "parts") as parts:
            first = fetched(parts, ALICE, environ(server), chain=CHAIN, max_calls=calls)
            if not first.whole:
                assert "budget" in first.outcomes[0].reason
                assert parts.last_block(CHAIN) is None or StoredUtxoHistory(parts, CHAIN).incomplete(ALICE)
            rounds = 0
            while not first.whole:
                rounds += 1
                assert rounds < 30
                first = fetched(parts, ALICE, environ(server), chain=CHAIN, max_calls=calls + 6)
            found = content(parts)
    assert {name: found[name] for name in ("outputs", "inputs")} == {name: expected[name] for name in ("outputs", "inputs")}


def test_a_cut_history_has_a_known_opening_balance(store):
    toy = busy(40)
    final = toy.tip - 5
    with serve(Esplora(lambda: toy.blocks)) as server:
        summary = fetched(store, BOB, environ(server), chain=CHAIN, since="30")
    assert summary.whole
    made, spent = truth(toy, BOB, 29)
    held = sum(amount for *_, amount in made) - sum(20 * COIN for _ in spent)
    rows = [row for row in content(store)["coverage"] if row[1] == BOB]
    assert [(row[3], row[4], row[5], row[8]) for row in rows] == [(30, final, True, held)]


def test_a_balance_that_does_not_fit_makes_the_history_incomplete(store):
    toy = busy(5)

    def lie(number, path, reply):
        if path.endswith(f"/address/{ALICE}"):
            told = json.loads(reply[1])
            told["chain_stats"]["funded_txo_sum"] += 1
            return 200, json.dumps(told).encode(), {}
        return reply

    with serve(Esplora(lambda: toy.blocks, lie)) as server:
        summary = fetched(store, ALICE, environ(server), chain=CHAIN)
    assert summary.outcomes[0].state == "partial"
    assert "sum to" in summary.outcomes[0].reason
    assert "sum to" in StoredUtxoHistory(store, CHAIN).incomplete(ALICE)


def test_transactions_that_are_left_out_are_noticed_by_their_number(store):
    toy = busy(30)

    def omit(number, path, reply):
        if "/txs/chain" in path:
            txs = json.loads(reply[1])
            return 200, json.dumps(txs[:10] + txs[11:] if len(txs) == 25 and path.endswith("chain") else txs).encode(), {}
        return reply

    with serve(Esplora(lambda: toy.blocks, omit)) as server:
        summary = fetched(store, ALICE, environ(server), chain=CHAIN)
    assert not summary.whole
    assert StoredUtxoHistory(store, CHAIN).incomplete(ALICE)


def test_coins_paid_to_the_key_itself_are_found_once_the_key_shows(store):
    toy = Toy()
    direct = toy.mine(p2pk_script("alice"))
    hashed = toy.mine(ALICE)
    toy.pay([(hashed, 0)], [(BOB, 49 * COIN)], unlocking=b"\x01\x30" + b"\x21" + key("alice"))
    for _ in range(8):
        toy.mine(BOB)
    with serve(Esplora(lambda: toy.blocks)) as server:
        assert fetched(store, ALICE, environ(server), chain=CHAIN).whole
    assert {coin[0] for coin in stored(store, ALICE)[0]} == {direct, hashed}


def test_a_reorganisation_replaces_the_rows_of_blocks_that_are_gone(store):
    toy = busy(20)
    with serve(Esplora(lambda: toy.blocks)) as server:
        fetched(store, [ALICE, BOB], environ(server), chain=CHAIN)
        version = store.version
        toy.rewind(15)
        for _ in range(20):
            toy.mine(BOB, fork=1)
        summary = fetched(store, [ALICE, BOB], environ(server), chain=CHAIN)
    assert summary.whole
    assert "reorganised" in summary.notes[0]
    for address in (ALICE, BOB):
        assert stored(store, address) == truth(toy, address, toy.tip - 5)
        assert StoredUtxoHistory(store, CHAIN).incomplete(address) is None
    assert fetches.reorganised(store.connection, CHAIN, after=version) <= 15
    assert fetches.reorganised(store.connection, CHAIN, after=store.version) is None


def test_a_source_that_disowns_old_blocks_is_not_believed(store, monkeypatch):
    from exposure.workflows.fetch import reorganised

    monkeypatch.setattr(reorganised, "MAX_DEPTH", 5)
    toy, other = busy(20), Toy()
    for _ in range(40):
        other.mine(BOB, fork=9)
    with serve(Esplora(lambda: toy.blocks)) as server:
        fetched(store, [ALICE, BOB], environ(server), chain=CHAIN)
        before = content(store)
    with serve(Esplora(lambda: other.blocks)) as liar:
        summary = fetched(store, ALICE, environ(liar), chain=CHAIN)
    assert "another block" in summary.outcomes[0].reason
    assert content(store) == before


def test_a_single_transaction_is_fetched_by_its_hash_and_is_whole_by_itself(store):
    toy = busy(5)
    wanted = toy.blocks[5]["tx"][1]
    with serve(Esplora(lambda: toy.blocks)) as server:
        assert fetched(store, wanted["txid"], environ(server), chain=CHAIN).whole
        found = StoredUtxoHistory(store, CHAIN).transaction(wanted["txid"])
        assert found is not None
        assert found.complete
        assert [out.amount for out in found.outputs] == [int(out["value"] * COIN) for out in wanted["vout"]]
        assert fetched(store, wanted["txid"], environ(server), chain=CHAIN).outcomes[0].state == "known"
        assert "404" in fetched(store, "ab" * 32, environ(server), chain=CHAIN).outcomes[0].reason
        with pytest.raises(InputError, match="not about single transactions"):
            fetched(store, wanted["txid"], environ(server), chain=CHAIN, second_source="electrum")


def test_what_an_input_is_said_to_bring_gives_way_to_the_coin_itself(store):
    toy = busy(5)
    child = toy.blocks[5]["tx"][1]
    (parent,) = {one["txid"] for one in child["vin"]}

    def lie(number, path, reply):
        tx = json.loads(reply[1]) if "/tx/" in path else None
        if not isinstance(tx, dict):
            return reply
        tx["vin"][0]["prevout"] = dict(tx["vout"][0], value=tx["vin"][0]["prevout"]["value"] + 7)
        tx["fee"] += 7
        return (200, json.dumps(tx).encode(), {})

    def spent():
        return [(one.address, one.amount) for one in StoredUtxoHistory(store, CHAIN).transaction(child["txid"]).inputs]

    with serve(Esplora(lambda: toy.blocks, lie)) as liar:
        assert fetched(store, child["txid"], environ(liar), chain=CHAIN).whole
    assert spent() == [(BOB, 50 * COIN + 7)]
    with serve(Esplora(lambda: toy.blocks)) as server:
        assert fetched(store, parent, environ(server), chain=CHAIN).whole
    assert spent() == [(ALICE, 50 * COIN)]
    (tx,) = [tx for tx in utxo_txs(store, CHAIN) if tx.tx == child["txid"]]
    assert [(one.address, one.amount) for one in tx.inputs] == [(ALICE, 50 * COIN)]
    with numbered(store, CHAIN) as index:  # what clusters and rescoring read
        is_input = np.asarray(index.columns["flags"]) & 1 == 0
        assert np.asarray(index.columns["amount"])[is_input].tolist() == [50 * COIN]


def once(number_of_fault, make):
    return lambda number, path, reply: make(path, reply) if number == number_of_fault else reply


FAULTS = {
    "reset in mid-body": lambda path, reply: None,
    "truncated JSON": lambda path, reply: (200, reply[1][:-7], {}),
    "a web page": lambda path, reply: (200, b"<html>busy</html>", {"Content-Type": "text/html"}),
    "too many": lambda path, reply: (429, b"slow down", {"Retry-After": "2"}),
    "unavailable": lambda path, reply: (503, b"", {}),
    "broken gzip": lambda path, reply: (200, gzip.compress(reply[1])[:-20], {"Content-Encoding": "gzip"}),
    "a plain text error": lambda path, reply: (400, b"Too many history entries", {}),
    "not found": lambda path, reply: (404, b"Transaction not found", {}),
    "wrong type": lambda path, reply: (200, b'{"chain_stats": []}', {}),
    "numbers as text": lambda path, reply: (
        200,
        reply[1].replace(b'"value": ', b'"value": "').replace(b', "scr', b'", "scr'),
        {},
    ),
    "an empty list": lambda path, reply: (200, b"[]", {}),
    "a foreign list": lambda path, reply: (200, b"[{}]", {}),
    "null": lambda path, reply: (200, b"null", {}),
    "a float": lambda path, reply: (200, b"1e400", {}),
    "a gzip bomb": lambda path, reply: (200, gzip.compress(b" " * 2**26), {"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_any_request_never_makes_a_wrong_history_whole(tmp_path, fault):
    toy = busy(20)
    expected = truth(toy, ALICE, toy.tip - 5)
    for number in (5, 7):  # the number of transactions, the second page
        with (
            Store.create(tmp_path / f"store-{number}") as store,
            serve(Esplora(lambda: toy.blocks, once(number, FAULTS[fault]))) as server,
        ):
            summary = fetched(store, ALICE, environ(server), chain=CHAIN)
            if summary.whole:
                assert stored(store, ALICE) == expected
                continue
            assert summary.outcomes[0].reason
            assert store.last_block(CHAIN) is None or StoredUtxoHistory(store, CHAIN).incomplete(ALICE)
            # The fault has passed: the same command brings the rest.
            assert fetched(store, ALICE, environ(server), chain=CHAIN).whole
            assert stored(store, ALICE) == expected


@pytest.mark.parametrize(
    "fault",
    [
        lambda path, reply: (200, reply[1], {}) if "/txs/chain/" not in path else None,
        lambda path, reply: (404, b"", {}) if "/txs/chain/" in path else reply,
    ],
)
def test_a_source_that_never_gets_further_ends_as_coverage(store, fault):
    toy = busy(30)
    with serve(Esplora(lambda: toy.blocks, lambda number, path, reply: fault(path, reply))) as server:
        summary = fetched(store, ALICE, environ(server), chain=CHAIN)
    assert summary.outcomes[0].state == "partial"
    assert StoredUtxoHistory(store, CHAIN).incomplete(ALICE)


def test_a_server_that_repeats_its_first_page_for_ever_is_left(store):
    toy = busy(30)
    with serve(Esplora(lambda: toy.blocks)) as honest:
        server = honest

        def repeat(number, path, reply):
            return server.answer(path.partition("/txs/chain")[0] + "/txs/chain") if "/txs/chain" in path else reply

        honest.fault = repeat
        summary = fetched(store, ALICE, environ(honest), chain=CHAIN)
        assert len(honest.paths) < 30
    assert "repeats a page" in summary.outcomes[0].reason


def test_a_server_of_another_chain_is_refused_before_anything_is_asked(store):
    toy = busy(1)
    with serve(Esplora(lambda: toy.blocks)) as server:
        summary = fetched(store, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", environ(server))
        assert "serves another chain than bitcoin" in summary.outcomes[0].reason
        assert not [path for path in server.paths if "address" in path]


def test_what_was_typed_wrongly_is_said_before_anything_is_asked(store):
    with serve(Esplora(list)) as server:
        for addresses, options in [
            ("nonsense", {}),
            (ALICE, {"chain": "bitcoin"}),
            (ALICE, {"chain": "ethereum"}),
            ("0x" + "1" * 40, {}),
            (ALICE, {"chain": CHAIN, "source": "nobody"}),
            (ALICE, {"chain": CHAIN, "second_source": "nobody"}),
        ]:
            with pytest.raises(InputError):
                fetched(store, addresses, environ(server), **options)
        assert not server.paths


def test_a_dry_run_says_calls_and_stores_nothing(store):
    toy = busy(30)
    with serve(Esplora(lambda: toy.blocks)) as server:
        plan = fetched(store, ALICE, environ(server), chain=CHAIN, dry_run=True).plans[0]
        assert store.version == 0
        before = len(server.paths)
        fetched(store, ALICE, environ(server), chain=CHAIN)
        asked = [path for path in server.paths[before:] if "address" in path]
    assert (plan.transactions, plan.calls) == (len({tx for tx, *_ in truth(toy, ALICE, toy.tip)[0]}), len(asked))
