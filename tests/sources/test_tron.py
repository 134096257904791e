"""TRON by a replayed TronGrid and by a node's logs: what moved, what did not, and what nobody can know."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from evm_assembly import call, token
from evm_explorers import serving
from evm_node import anvil
from evm_world import World
from fetching import fetched
from tron_replay import (
    BORN,
    CONTRACT,
    FRIEND,
    LOST,
    ME,
    NOBODY,
    ODD,
    SHOP,
    UNNAMED,
    USDT,
    Row,
    TronGrid,
    alone,
    hex41,
    inner,
    other,
    trc20,
    trigger,
    trx,
    tx_hash,
)

from exposure.errors import SourceError
from exposure.model.addresses import evm_of_tron, tron_of_evm
from exposure.model.assets import chain
from exposure.model.ledger import Flag
from exposure.net.calls import Calls, Host
from exposure.net.http import Client
from exposure.sources.remote import CursorGoneError, Page, Question
from exposure.sources.tron.grid import TronGridHistory
from exposure.sources.tron.jsonrpc import TronNodeHistory
from exposure.store.histories import StoredAccountHistory
from exposure.store.store import Store
from exposure.workflows.ingest import ImportOptions, ingest

TRON = chain("tron")
NATIVE = "tron/native"


class Pauses(list[float]):
    """Sleeps that only note how long they would have been."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def history(base: str, pauses: Pauses | None = None) -> TronGridHistory:
    calls = Calls(max_calls=10_000, sleep=Pauses() if pauses is None else pauses)
    return TronGridHistory(TRON, Client(calls), Host(base, rate=1e5, burst=1 << 20))


def walked(source: TronGridHistory | TronNodeHistory, address: str = ME) -> list[Page]:
    head = source.head()
    assert head is not None
    return list(source.pages(Question(address, head)))


def rows_of(pages: list[Page]) -> list[tuple[object, ...]]:
    return [row for page in pages for row in page.rows["transfers"]]


def reasons(pages: list[Page]) -> dict[str, str]:
    return {one.kind: one.reason for one in pages[-1].covered}


def short(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Asset, number of the transaction, sender, receiver, amount, kind, status."""
    return [(row[1], int(str(row[2]), 16), row[8], row[9], row[10], row[11], row[12]) for row in rows]


@pytest.fixture
def grid() -> TronGrid:
    native: list[Row] = [
        trx(1, FRIEND, ME, 5_000_000, fee=1_100_000),
        trx(2, ME, SHOP, 1_000_000, fee=268_000),
        trigger(3, ME, CONTRACT, 500_000, fee=3_000_000, inner=[
            inner(3, 1, CONTRACT, ME, 40_000),
            inner(3, 2, CONTRACT, ME, 7, rejected=True),
            inner(3, 3, CONTRACT, SHOP, 9),
        ]),
        trigger(4, ME, CONTRACT, 600_000, fee=2_000_000, result="OUT_OF_ENERGY", inner=[inner(4, 1, CONTRACT, ME, 99)]),
        other(5, "TransferAssetContract", ME, to_address=hex41(SHOP), asset_name="31303030393839", amount=12),
        alone(6, inner(6, 1, CONTRACT, ME, 123)),
    ]  # fmt: skip
    tokens: list[Row] = [
        trc20(7, FRIEND, ME, 10_500_100),
        trc20(8, ME, CONTRACT, 2**256 - 1, kind="Approval"),
        trc20(9, ME, SHOP, 500_000),
        trc20(9, ME, SHOP, 500_000),
        trc20(10, NOBODY, ME, 77, ODD, symbol="\u202eevil[red]" * 5000),
    ]
    made = TronGrid(native, tokens, solid=BORN + 3 * 1000)
    made.held = {
        "balance": 5_000_000 - 1_268_000 - 500_000 - 3_000_000 + 40_000 - 2_000_000 + 123 + 10**9,
        "trc20": [{USDT: str(10_500_100 - 1_000_000)}, {ODD: "77"}],
    }
    return made


@pytest.fixture
def served(grid: TronGrid) -> Iterator[str]:
    with serving(grid) as (base, _):
        yield base


def test_both_lists_become_movements(served: str, grid: TronGrid) -> None:
    rows = rows_of(walked(history(served)))
    assert short(rows) == [
        (NATIVE, 1, FRIEND, ME, 5_000_000, "value", "ok"),
        (NATIVE, 2, ME, SHOP, 1_000_000, "value", "ok"),
        (NATIVE, 2, ME, None, 268_000, "fee", "ok"),
        (NATIVE, 3, ME, CONTRACT, 500_000, "value", "ok"),
        (NATIVE, 3, ME, None, 3_000_000, "fee", "ok"),
        (NATIVE, 3, CONTRACT, ME, 40_000, "internal", "ok"),
        (NATIVE, 4, ME, CONTRACT, 600_000, "value", "failed"),
        (NATIVE, 4, ME, None, 2_000_000, "fee", "ok"),
        (NATIVE, 5, ME, ME, 0, "value", "ok"),
        (NATIVE, 6, CONTRACT, ME, 123, "internal", "ok"),
        (f"tron/{USDT}", 7, FRIEND, ME, 10_500_100, "token", "ok"),
        (f"tron/{USDT}", 9, ME, SHOP, 500_000, "token", "ok"),
        (f"tron/{USDT}", 9, ME, SHOP, 500_000, "token", "ok"),
        (f"tron/{ODD}", 10, None, ME, 77, "mint", "ok"),
    ]
    assert len({(row[1], row[2], row[6]) for row in rows}) == len(rows)
    assert all(int(str(row[14])) & Flag.TIME_ORDER and row[3] == row[7] for row in rows)


def test_balances_are_asked_for_and_a_difference_shows(served: str, grid: TronGrid) -> None:
    pages = walked(history(served))
    held: dict[str, int] = {}
    for row in rows_of(pages):
        if row[12] != "failed":
            amount = int(str(row[10])) * ((row[9] == ME) - (row[8] == ME))
            held[str(row[1])] = held.get(str(row[1]), 0) + amount
    told = {balance.asset: balance.amount for balance in pages[-1].balances}
    assert held[f"tron/{USDT}"] == told[f"tron/{USDT}"]
    assert held[f"tron/{ODD}"] == told[f"tron/{ODD}"]
    assert told[NATIVE] - held[NATIVE] == 10**9  # what the account was given behind the list's back


def test_a_hostile_symbol_is_cut(served: str) -> None:
    names = {asset: name for page in walked(history(served)) for asset, name in page.tokens.items()}
    assert names[f"tron/{USDT}"] == ("USDT", 6)
    assert len(names[f"tron/{ODD}"][0]) == 32


def test_lists_of_many_pages_are_walked_by_fingerprint_with_the_same_filters() -> None:
    native = [trx(n, FRIEND, ME, n + 1) for n in range(950)]
    tokens = [trc20(n, FRIEND, ME, n + 1) for n in range(401)]
    grid = TronGrid(native, tokens, solid=BORN + 10**6)
    with serving(grid) as (base, asked):
        pages = walked(history(base))
    rows = rows_of(pages)
    assert [row[10] for row in rows if row[1] == NATIVE] == list(range(1, 951))
    assert [row[10] for row in rows if row[1] != NATIVE] == list(range(1, 402))
    assert len(asked) == 1 + 5 + 3 + 1
    with serving(grid) as (base, asked):
        for cut in range(1, len(pages)):
            rest = list(history(base).pages(Question(ME, grid_block(grid)), pages[cut - 1].cursor))
            assert rows_of(pages[:cut] + rest) == rows


def grid_block(grid: TronGrid):  # a block of the protocol, made in one line
    with serving(grid) as (base, _):
        return history(base).head()


def test_rows_above_the_solid_block_are_left_out_and_taken_off_the_balance() -> None:
    grid = TronGrid([trx(n, FRIEND, ME, 100) for n in range(5)], [trc20(9, FRIEND, ME, 8)], solid=BORN + 3 * 2)
    grid.held = {"balance": 500, "trc20": [{USDT: "8"}]}
    with serving(grid) as (base, _):
        pages = walked(history(base))
    assert len(rows_of(pages)) == 3
    assert [(balance.asset, balance.amount) for balance in pages[-1].balances] == [(NATIVE, 300)]


def test_since_is_asked_of_the_host() -> None:
    grid = TronGrid([trx(n, FRIEND, ME, 100) for n in range(5)], [], solid=BORN + 3000)
    with serving(grid) as (base, asked):
        source = history(base)
        head = source.head()
        assert head is not None
        rows = rows_of(list(source.pages(Question(ME, head, since=BORN + 9))))
    assert [row[3] for row in rows] == [BORN + 9, BORN + 12]
    assert f"min_timestamp={BORN + 9}000" in "".join(asked)


@pytest.mark.parametrize("status", [403, 429, 503])
def test_refusals_are_waited_for_at_least_thirty_seconds(served: str, grid: TronGrid, status: int) -> None:
    pauses = Pauses()
    source = history(served, pauses)
    truth = rows_of(walked(history(served)))
    grid.refusals = [status, status]
    assert rows_of(walked(source)) == truth
    assert sum(pauses) >= 50
    grid.refusals = [status] * 20
    with pytest.raises(SourceError, match=r"failed 5 times.*key or host of your own"):
        walked(history(served))


def test_a_token_that_the_list_does_not_name_is_found_by_its_events() -> None:
    grid = TronGrid([], [trc20(1, FRIEND, ME, 5, None), trc20(2, FRIEND, ME, 6)], solid=BORN + 3000)
    event = {"event_name": "Transfer", "contract_address": UNNAMED, "transaction_id": tx_hash(1), "event_index": 0}
    grid.events[tx_hash(1)] = [event | {"result": {"from": evm_of_tron(FRIEND), "to": evm_of_tron(ME), "value": "5"}}]
    with serving(grid) as (base, _):
        pages = walked(history(base))
    assert [(row[1], row[10]) for row in rows_of(pages)] == [(f"tron/{UNNAMED}", 5), (f"tron/{USDT}", 6)]
    assert reasons(pages)["tokens"] == ""


def test_a_token_that_nobody_names_makes_tokens_incomplete() -> None:
    grid = TronGrid([], [trc20(1, FRIEND, ME, 5, None), trc20(2, FRIEND, ME, 6)], solid=BORN + 3000)
    with serving(grid) as (base, _):
        pages = walked(history(base))
    assert [row[1] for row in rows_of(pages)] == [f"tron/{USDT}"]
    assert "does not name" in reasons(pages)["tokens"]


def test_rows_of_a_transaction_stand_in_the_order_of_its_events() -> None:
    """The list has them in any order; a swap that pays before it is paid is no swap."""
    out, back = trc20(1, ME, SHOP, 5), trc20(1, SHOP, ME, 6, ODD)
    grid = TronGrid([], [back, out, trc20(2, FRIEND, ME, 7)], solid=BORN + 3000)
    event = {"event_name": "Transfer", "transaction_id": tx_hash(1)}
    grid.events[tx_hash(1)] = [
        event | {"contract_address": ODD, "event_index": 9, "result": {"0": hex41(SHOP), "1": hex41(ME), "2": "6"}},
        event | {"contract_address": USDT, "event_index": 2, "result": {"0": hex41(ME), "1": hex41(SHOP), "2": "5"}},
    ]
    with serving(grid) as (base, asked):
        rows = rows_of(walked(history(base)))
    assert [(row[1], row[5]) for row in rows] == [(f"tron/{USDT}", 0), (f"tron/{ODD}", 1), (f"tron/{USDT}", 0)]
    assert len([path for path in asked if path.endswith("limit=200") and "/events" in path]) == 1  # of one transaction only


def test_two_routes_and_an_import_with_block_numbers_store_each_movement_once(tmp_path: Path) -> None:
    """TronGrid's list, a node's logs and a file: three ways to name a row, one ledger."""
    with anvil(728126428, "--slots-in-an-epoch", "1") as node:
        a, b = node.accounts()[:2]
        contract = evm_of_tron(USDT)
        node.ask("anvil_setCode", contract, "0x" + token(b"USDT").hex())
        world = World(node, [a, b])
        move = call("transfer(address,uint256)", b, 300)
        minted = world.send((a, contract, 0, call("mint(address,uint256)", a, 900)))
        node.ask("evm_increaseTime", 3)
        moved = world.send((a, contract, 0, move), (a, contract, 0, move))
        node.batch([("evm_mine", [])] * 4)
        blocks: list[Any] = [node.ask("eth_getBlockByNumber", hex(n), False) for n in (1, 2)]
        times = [int(block["timestamp"], 16) for block in blocks]
        me, friend = tron_of_evm(a), tron_of_evm(b)
        listed = [(minted[0], times[0], NOBODY, me, 900), *((tx, times[1], me, friend, 300) for tx in moved)]
        rows = [trc20(0, sender, receiver, value) | {"transaction_id": tx[2:], "block_timestamp": time * 1000}
                for tx, time, sender, receiver, value in listed]  # fmt: skip
        grid = TronGrid([], rows, solid=times[1])
        grid.held = {"balance": 0, "trc20": [{USDT: "300"}]}
        file = tmp_path / "own.csv"
        cells = (f"{tx[2:]},{n},{7 + n},{time},{'' if sender == NOBODY else sender},{receiver},{value},{USDT}"
                 for n, (tx, time, sender, receiver, value) in enumerate(listed))  # fmt: skip
        file.write_text("tx,index,block,time,from,to,amount,asset\n" + "\n".join(cells) + "\n")
        with serving(lambda path, query, body: grid(path.replace(me, ME), query, body)) as (base, _):
            environ = {"EXPOSURE_TRONGRID_URL": base, "EXPOSURE_TRON_RPC_URL": node.url}
            names = ("trongrid", "tron-node", "file")
            for order in (names, names[::-1], ("file", *names[:2])):
                with Store.in_memory() as store:
                    for route in order:
                        if route == "file":
                            ingest([file], ImportOptions(chain="tron"), store=store)
                        else:
                            fetched(store, me, environ, chain="tron", source=route)
                    kept = StoredAccountHistory(store, "tron").movements(me, f"tron/{USDT}")
                    assert [(row.place.block, row.amount) for row in kept] == [(time, value) for _, time, _, _, value in listed]


def test_staking_makes_the_coin_incomplete() -> None:
    grid = TronGrid([other(1, "FreezeBalanceV2Contract", ME, frozen_balance=5)], [], solid=BORN + 3000)
    with serving(grid) as (base, _):
        assert "stakes" in reasons(walked(history(base)))["native"]


def test_a_fingerprint_that_is_gone_begins_the_address_again() -> None:
    grid = TronGrid([trx(n, FRIEND, ME, 1) for n in range(500)], [], solid=BORN + 3000)
    with serving(grid) as (base, _):
        source = history(base)
        walk = source.pages(Question(ME, grid_block(grid)))
        next(walk)
        grid.filters.clear()
        with pytest.raises(CursorGoneError):
            list(walk)


def test_the_logs_of_a_node_give_tokens_in_the_order_of_time() -> None:
    with anvil(728126428, "--slots-in-an-epoch", "1") as node:
        a, b = node.accounts()[:2]
        contract = "0x" + "b1" * 20
        node.ask("anvil_setCode", contract, "0x" + token(b"USDT").hex())
        world = World(node, [a, b])
        world.send((a, contract, 0, call("mint(address,uint256)", a, 900)))
        world.send((a, contract, 0, call("transfer(address,uint256)", b, 300)), (a, b, 5, ""))
        node.batch([("evm_mine", [])] * 4)
        source = TronNodeHistory(TRON, Client(Calls(max_calls=1000)), Host(node.url, rate=1e5, burst=1 << 20))
        pages = walked(source, tron_of_evm(a))
    asset = f"tron/{tron_of_evm(contract)}"
    assert [(row[1], row[8], row[9], row[10]) for row in rows_of(pages)] == [
        (asset, None, tron_of_evm(a), 900),
        (asset, tron_of_evm(a), tron_of_evm(b), 300),
    ]
    assert all(row[3] == row[7] and not str(row[2]).startswith("0x") for row in rows_of(pages))
    assert "TRX" in reasons(pages)["native"]
    assert pages[-1].tokens == {asset: ("USDT", 6)}
    assert [(one.asset, one.amount) for one in pages[-1].balances] == [(asset, 600)]


def test_a_row_of_an_unknown_kind_is_said() -> None:
    grid = TronGrid([], [trc20(1, FRIEND, ME, 5, LOST, kind="Teleport")], solid=BORN + 3000)
    with serving(grid) as (base, _):
        assert "not read" in reasons(walked(history(base)))["tokens"]
