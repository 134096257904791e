"""An address that deals with very many others is recognised by the beginning of its history, and not fetched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from esplora_server import Esplora, serve
from evm_explorers import serving
from fetching import Waits
from toy_bitcoin import CHAIN, COIN, Toy, p2pkh
from tron_replay import BORN, FRIEND, ME, SHOP, TronGrid, trx

from exposure import cli, config
from exposure.model.addresses import tron_address
from exposure.model.settings import Direction
from exposure.net.calls import Calls
from exposure.store import looks
from exposure.store.looks import Look
from exposure.store.store import Store
from exposure.tracing.hubs import verdict
from exposure.workflows.case.verify import verify
from exposure.workflows.fetch import FetchOptions, asking, fetch
from exposure.workflows.fetch.demand import Demand, fetch_for
from exposure.workflows.seen_hubs import counted_of
from exposure.workflows.trace import TraceOptions, trace

pytestmark = pytest.mark.long

CUSTOMERS = [tron_address(n.to_bytes(20)) for n in range(1_000, 1_420)]
THRESHOLD = 300


def ledger(others: list[str]) -> dict[str, TronGrid]:
    """Many pay the shop and are paid by it, in turn; it pays the friend, and the friend pays me."""
    moves = [(n, who, SHOP, 5_000_000) if n % 2 else (n, SHOP, who, 1_000_000) for n, who in enumerate(others, 1)]
    moves += [(len(moves) + 1, SHOP, FRIEND, 7_000_000), (len(moves) + 2, FRIEND, ME, 7_000_000)]
    grids = {}
    for who in (ME, FRIEND, SHOP):
        rows = [trx(*move) for move in moves if who in move[1:3]]
        grids[who] = TronGrid(rows, [], solid=BORN + 3 * 10_000, page=50)
        held = sum(move[3] * ((move[2] == who) - (move[1] == who)) for move in moves)
        grids[who].held = {"balance": held, "trc20": []}
    return grids


@pytest.fixture
def shop() -> Iterator[str]:
    with _served(ledger(CUSTOMERS)) as (base, _):
        yield base


def _served(grids: dict[str, TronGrid]):
    def one(path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        who = next((who for who in grids if f"/{who}" in path), ME)
        return grids[who](path.replace(who, ME), query, body)  # the replay's own account is called ME

    return serving(one)


def calls(max_calls: int = 10_000) -> Calls:
    waits = Waits()
    return Calls(max_calls=max_calls, clock=waits.clock, sleep=waits.sleep)


def options(threshold: int = THRESHOLD) -> TraceOptions:
    return TraceOptions(chain="tron", direction=Direction.SOURCE, hub_counterparties=threshold)


def run(base: str, store: Store, threshold: int = THRESHOLD, max_calls: int = 10_000) -> Demand:
    settings, account = config.load(environ={"EXPOSURE_TRONGRID_URL": base}), calls(max_calls)
    return fetch_for(ME, FetchOptions(chain="tron"), options(threshold), store=store, config=settings, calls=account)


def unresolved(store: Store, threshold: int = THRESHOLD) -> list[tuple[str, str]]:
    (section,) = trace(store, ME, options(threshold)).sections
    return [(row.reason, row.name) for row in section.unresolved]


def test_a_hub_costs_a_look_and_is_named_with_what_was_seen(shop: str) -> None:
    with Store.in_memory() as store:
        done = run(shop, store)
        assert [(step.name, step.state) for step in done.steps] == [(FRIEND, "whole"), (SHOP, "hub")]
        hub = done.steps[-1]
        # Two for its length, whose first page counts; then pages of fifty, until there are more than 300 counterparties.
        assert hub.calls == 2 + 6
        assert "350 counterparties seen in the first 350 transactions at trongrid" in hub.why
        assert (done.left, done.ended, done.failed) == (0, "", False)
        (section,) = trace(store, ME, options()).sections
        (row,) = section.unresolved
        assert (row.reason, row.name, row.share) == ("hub", SHOP, 1.0)
        assert "350 counterparties seen in the first 350" in row.settles
        kept = looks.of_chain(store.connection, "tron")[SHOP, "tron/native"]
        assert (len(kept.replies), {len(reply.sha256) for reply in kept.replies}) == (7, {64})


def test_a_higher_threshold_makes_it_ordinary_again(shop: str) -> None:
    with Store.in_memory() as store:
        run(shop, store)
        assert unresolved(store) == [("hub", SHOP)]
        assert ("hub", SHOP) not in unresolved(store, 5_000)
        again = run(shop, store, 5_000, max_calls=30)
        assert [(step.name, step.state) for step in again.steps][:1] == [(SHOP, "whole")]
        assert ("hub", SHOP) not in unresolved(store, 5_000)


def test_fetched_by_name_its_stored_history_decides(shop: str) -> None:
    with Store.in_memory() as store:
        run(shop, store)
        settings = config.load(environ={"EXPOSURE_TRONGRID_URL": shop})
        assert fetch([SHOP], FetchOptions(chain="tron"), store=store, config=settings, calls=calls()).whole
        (section,) = trace(store, ME, options()).sections
        (row,) = section.unresolved
        assert (row.reason, row.name) == ("hub", SHOP)
        assert "421 counterparties" in row.settles
        assert "seen" not in row.settles
        assert unresolved(store, 421) != [("hub", SHOP)]


def test_a_long_history_with_few_others_is_no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MAX_CALLS_EACH", 5)
    with _served(ledger(CUSTOMERS[:40] * 15)) as (base, _), Store.in_memory() as store:
        done = run(base, store)
        assert [(step.name, step.state) for step in done.steps] == [(FRIEND, "whole"), (SHOP, asking.TOO_LARGE)]
        assert done.left == 1
        assert not looks.of_chain(store.connection, "tron")


def test_who_only_collects_is_no_hub() -> None:
    look = Look("tron", SHOP, "tron/native", "somewhere", None, 2_000, 2_000, 1_500, 100, 95)
    assert verdict(counted_of(look), 1_000) is None
    assert look.estimate == 1_500


@pytest.mark.parametrize(
    ("length", "moved", "seen", "expected"),
    [
        (1_000_000, 25, 24, 960_000),  # nearly each with somebody else: the rest is taken to be like it
        (1_000_000, 25, 10, 10),  # the same few again and again: nothing is known of the rest
        (None, 25, 24, 24),  # of unknown length: what was seen
        (1_000_000, 4, 4, 4),  # too few to be a sample
    ],
)
def test_a_sample_speaks_for_a_history_of_stated_length_only(length: int | None, moved: int, seen: int, expected: int) -> None:
    assert Look("tron", SHOP, "tron/native", "somewhere", length, 25, moved, seen, 100, 10).estimate == expected


def test_a_case_keeps_the_hub_and_verifies_without_the_network(shop: str, tmp_path: Path) -> None:
    environ = {"EXPOSURE_STORE": str(tmp_path / "store"), "EXPOSURE_TRONGRID_URL": shop}
    words = [ME, "--chain", "tron", "--direction", "source", "--hub-counterparties", str(THRESHOLD), "--fetch"]
    done = CliRunner(env=environ).invoke(cli.main, ["trace", *words, "--out", str(tmp_path / "case")])
    assert done.exit_code == 0, done.output
    assert "hub 100.00% hung on" in " ".join(done.stderr.split())
    assert "350 counterparties seen in the first 350" in " ".join(done.stdout.split())
    labels = json.loads((tmp_path / "case" / "labels.json").read_text(encoding="utf-8"))
    assert "350 counterparties seen" in labels["hubs"][SHOP]
    assert verify(tmp_path / "case").ok


def exchange() -> tuple[Toy, str]:
    """Sixty customers pay an exchange; it gathers their coins in wide transactions, and one payment out of them ends in a
    deposit."""
    toy = Toy()
    coins = []
    for n in range(60):
        coin = toy.mine(p2pkh(f"customer {n}"))
        coins.append((toy.pay([(coin, 0)], [(p2pkh("exchange"), 49 * COIN)]), 0))
    for start in range(0, 60, 20):
        gathered = toy.pay(coins[start : start + 20], [(p2pkh("exchange"), 20 * 49 * COIN)])
        payees = [(p2pkh(f"payee {start + n}"), 10 * COIN) for n in range(5)]
        paid = toy.pay([(gathered, 0)], [*payees, (p2pkh("exchange"), 930 * COIN)])
    deposit = toy.pay([(paid, 0)], [(p2pkh("deposit"), 10 * COIN)])
    for _ in range(8):
        toy.mine(p2pkh("miner"))
    return toy, f"{deposit}:0"


def test_on_bitcoin_whose_coins_a_wide_transaction_made_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MAX_CALLS_EACH", 2)
    toy, subject = exchange()
    with serve(Esplora(lambda: toy.blocks)) as server, Store.in_memory() as store:
        settings = config.load(environ={"EXPOSURE_ESPLORA_URL": server.base})
        account, traced = calls(), TraceOptions(chain=CHAIN, direction=Direction.SOURCE, hub_counterparties=30)
        done = fetch_for(subject, FetchOptions(chain=CHAIN), traced, store=store, config=settings, calls=account)
        assert done.left == 0
        assert done.steps[-1].state == "hub"
        assert done.steps[-1].name == p2pkh("exchange")
        assert account.made < 15  # without it the coins of each customer would be fetched
        (section,) = trace(store, subject, traced).sections
        (row,) = section.unresolved
        assert (row.reason, row.name) == ("hub", p2pkh("exchange"))
        assert "if all are like the first 25 of 66 transactions at esplora" in row.settles
