"""The traps of the interfaces that histories come from: which test holds each of them, and those that stand nowhere else."""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterator

import pytest
from esplora_server import Esplora, serve
from evm_explorers import Blockscout, Etherscan, Handler, Index, serving
from evm_node import anvil
from evm_world import WETH, World
from fetching import fetched
from test_evm_routes import ETHEREUM, client, movements, quick, rows_of, walked
from test_fetch_esplora import ALICE, busy, stored, truth
from toy_bitcoin import CHAIN
from tron_replay import BORN, FRIEND, ME, TronGrid, hex41, other, trx

from exposure.errors import SourceError
from exposure.model.assets import chain
from exposure.sources.bitcoin.core_rows import Fault
from exposure.sources.bitcoin.core_rows import Reader as CoreReader
from exposure.sources.evm import blockscout_rows, etherscan, etherscan_rows
from exposure.sources.evm.blockscout import BlockscoutHistory
from exposure.sources.evm.etherscan import EtherscanHistory
from exposure.sources.evm.etherscan_rows import Answer
from exposure.sources.evm.logs import DEPOSIT, TRANSFER, token_transfers
from exposure.sources.evm.node import NodeHistory
from exposure.sources.reply import Record
from exposure.sources.tron import grid_rows
from exposure.sources.tron.grid import TronGridHistory
from exposure.store.histories import StoredAccountHistory
from exposure.store.store import Store

TRAPS = {
    "every source": {
        "rows are named differently by each source": "test_sources_that_number_rows_differently_store_each_movement_once",
        "a page of exactly the cap is maybe more": "test_a_page_of_exactly_the_cap_is_not_the_end",
        "amounts never go through a float": "test_numbers_with_a_point_are_exact",
        "an address has several forms and cases": "test_three_routes_give_the_same_movements",
        "a reply may be anything": "test_no_change_of_a_reply_makes_a_wrong_history_of_an_account",
        "a balance that differs": "test_a_balance_that_does_not_fit_makes_the_history_incomplete",
        "text that no file takes": "test_a_name_of_halves_of_characters_is_stored_and_shown_with_replacements",
    },
    "etherscan": {
        "nothing and an error both say status 0": "test_an_empty_list_is_no_error_and_an_error_no_empty_list",
        "OK with an empty list": "test_a_list_that_says_ok_and_is_empty_is_an_error",
        "a full page is cut in a block": "test_a_block_with_more_rows_than_a_page_is_read_page_by_page",
        "a last page that is exactly full": "test_a_list_of_exactly_a_page_is_asked_for_once_more",
        "page times size has an end": "test_a_block_with_more_rows_than_all_pages_is_said",
        "more tokens in a block than pages": "test_a_block_with_more_token_rows_than_all_pages_is_read_from_its_events",
        "query timeout with its own spelling": "test_a_range_that_takes_etherscan_too_long_is_halved",
        "limits and refusals by their words": "test_refusals_of_etherscan_say_what_to_do",
        "the rate limit comes with status 200": "test_a_storm_of_refusals_ends_and_says_what_to_do",
        "too many wrong keys is a pause": "test_words_for_too_many_calls_are_a_pause",
        "zero is 0x in logs": "test_a_bare_0x_is_zero_in_logs",
        "failed transactions keep their fee": "test_rows_of_etherscan_that_are_not_plain_transfers",
        "a contract that is made has no receiver": "test_rows_of_etherscan_that_are_not_plain_transfers",
        "no status before Byzantium": "test_rows_of_etherscan_that_are_not_plain_transfers",
        "reverted calls are listed": "test_calls_that_were_reverted_or_move_nothing_are_left_out",
        "withdrawals are another list, in gwei": "test_rewards_and_withdrawals_come_from_nowhere_at_the_end_of_the_block",
        "GENESIS rows": "test_what_the_first_block_allots_stands_in_etherscans_list",
        "poisoning by rows of nothing": "test_collectibles_and_events_of_another_form_are_no_movements",
        "balances cost a call each": "test_a_flood_of_tokens_pushes_out_none_that_matter",
        "calls of one transaction without hash and path": "test_three_routes_store_the_same_of_a_transaction",
    },
    "blockscout": {
        "all keys of the next page go back": "test_a_place_that_blockscout_has_forgotten_begins_the_address_again",
        "fields were renamed": "test_three_routes_give_the_same_movements",
        "a transfer may have no time": "test_a_token_transfer_without_a_time_takes_that_of_its_block_or_is_said",
        "log_index as text or number": "test_three_routes_give_the_same_movements",
        "collectibles in the list of tokens": "test_collectibles_in_blockscouts_list_are_left_out",
        "403 for data centres, 401 and 402 without a key": "test_statuses_of_blockscout_say_what_to_do",
        "an instance without rows of wrapped coins": "test_an_instance_that_lists_no_wrapping_is_incomplete_there",
    },
    "esplora": {
        "unconfirmed transactions among the others": "test_unconfirmed_transactions_are_passed_over",
        "errors are plain text": "test_a_fault_at_any_request_never_makes_a_wrong_history_whole",
        "a page may be full and the last": "test_a_page_of_exactly_the_cap_is_not_the_end",
        "a spend before its parent": "test_what_is_stored_is_what_the_chain_holds_up_to_the_final_block",
        "no address for P2PK": "test_coins_paid_to_the_key_itself_are_found_once_the_key_shows",
        "the cursor is gone": "test_a_reorganisation_replaces_the_rows_of_blocks_that_are_gone",
        "the number of transactions": "test_transactions_that_are_left_out_are_noticed_by_their_number",
        "another network": "test_a_server_of_another_chain_is_refused_before_anything_is_asked",
    },
    "core": {
        "401 with an empty body, warming up, busy, no index, pruned": "test_what_a_node_refuses_is_a_sentence",
        "old and new JSON-RPC errors": "test_errors_of_old_and_new_json_rpc_are_the_same",
        "no getdescriptoractivity": "test_a_node_without_activity_or_in_its_start_is_used_all_the_same",
        "amounts with eight decimals": "test_amounts_of_a_node_are_exact",
        "no index of transactions": "test_a_spent_transaction_needs_the_index_of_a_node",
        "filters name blocks that only look like it": "test_three_routes_store_the_same_rows",
    },
    "electrum": {
        "heights 0 and -1 are not confirmed": "test_three_routes_store_the_same_rows",
        "history too large": "test_a_fault_of_an_electrum_server_never_makes_a_wrong_history_whole",
        "notices between answers": "test_three_routes_store_the_same_rows",
        "no call tells a transaction's block": "test_an_electrum_server_that_knows_no_place_says_so",
    },
    "tron": {
        "filters stay from page to page": "test_lists_of_many_pages_are_walked_by_fingerprint_with_the_same_filters",
        "the lists are disjoint": "test_both_lists_become_movements",
        "approvals": "test_both_lists_become_movements",
        "failed contracts pay their fee": "test_both_lists_become_movements",
        "TRC-10 transfers": "test_both_lists_become_movements",
        "token_info is empty": "test_a_token_that_the_list_does_not_name_is_found_by_its_events",
        "403, 429 and 503 need half a minute": "test_refusals_are_waited_for_at_least_thirty_seconds",
        "success false": "test_an_envelope_without_success_is_an_error",
        "addresses in hex and in base58": "test_addresses_of_tron_are_one_in_all_their_forms",
        "TRX inside contract creations and exchanges": "test_trx_that_moves_without_a_transfer_is_said",
        "no order within a transaction": "test_rows_of_a_transaction_stand_in_the_order_of_its_events",
        "block numbers here and seconds there": "test_two_routes_and_an_import_with_block_numbers_store_each_movement_once",
        "addresses of 20 bytes in JSON-RPC": "test_the_logs_of_a_node_give_tokens_in_the_order_of_time",
    },
    "evm node": {
        "ranges in error messages, in every wording": "test_ranges_shrink_until_a_node_bears_them",
        "413 for a reply that is too large": "test_413_is_a_range_that_is_too_wide",
        "two questions for in and out": "test_three_routes_give_the_same_movements",
        "four topics are a collectible, one is older than the standard": "test_topics_of_a_token_are_three",
        "logs that were removed": "test_a_log_that_was_removed_is_refused",
        "a Transfer with other data than a word": "test_topics_of_a_token_are_three",
        "no block receipts, no traces, no batches": "test_a_node_without_traces_or_batches_says_so",
        "a failed parent voids its children": "test_calls_move_value_unless_they_or_a_call_around_them_failed",
        "delegatecall moves nothing": "test_calls_move_value_unless_they_or_a_call_around_them_failed",
        "deposits of rollups": "test_value_that_arrives_on_a_rollup_is_minted_before_it_moves",
        "no tag finalized": "test_without_a_tag_for_finality_64_blocks_count",
        "(number, hash) against reorganisations": "test_a_reorganisation_during_a_walk_begins_the_address_again",
        "another chain behind the address": "test_a_node_of_another_chain_is_refused",
        "trace_filter lists no withdrawals": "test_what_no_call_explains_is_read_from_blocks_or_said",
    },
}
A, B = "0x" + "a" * 40, "0x" + "b" * 40
TX = "0x" + "1" * 64


def test_each_trap_has_its_test() -> None:
    root = pathlib.Path(__file__).resolve().parents[1]
    files = [*(root / "sources").glob("test_*.py"), *(root / "net").glob("test_*.py")]
    there = {name for path in files for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)}
    assert {test for tests in TRAPS.values() for test in tests.values()} - there == set()


@pytest.fixture(scope="module")
def little() -> Iterator[tuple[World, Index]]:
    """A chain of a few blocks: account 0 pays account 1 six times, and wraps some."""
    from evm_assembly import call, wrapped_coin

    with anvil(1, "--slots-in-an-epoch", "1") as node:
        accounts = node.accounts()
        node.ask("anvil_setCode", WETH, "0x" + wrapped_coin().hex())
        world = World(node, accounts)
        for n in range(3):
            world.send((accounts[0], accounts[1], 5 + n, ""), (accounts[0], accounts[1], 9, ""))
        world.send((accounts[0], WETH, 1000, ""), (accounts[0], WETH, 0, call("withdraw(uint256)", 10)))
        node.batch([("evm_mine", [])] * 4)
        yield world, Index(node, WETH)


def test_a_list_that_says_ok_and_is_empty_is_an_error() -> None:
    kind, reason = etherscan_rows.answer(Record({"status": "1", "message": "OK", "result": []}, "x"))
    assert kind is Answer.REFUSED
    assert "says OK" in reason


def test_a_list_of_exactly_a_page_is_asked_for_once_more(little: tuple[World, Index]) -> None:
    world, index = little
    payee = world.accounts[1]  # six transactions and what the first block allots
    with serving(Etherscan(index)) as (base, asked):
        pages = walked(EtherscanHistory(ETHEREUM, client(), quick(base + "/v2/api"), page=7), payee)
    assert len([path for path in asked if "action=txlist&" in path]) == 2
    assert movements(pages) == movements(walked(NodeHistory(ETHEREUM, client(), quick(world.node.url)), payee))


def test_a_full_page_that_ends_above_the_last_block_does_not_cost_the_balance() -> None:
    """What moved above it is read on, since only then the balance of now tells that of the last block asked for."""

    def paid(height: int) -> dict[str, str]:
        return {"blockNumber": str(height), "timeStamp": str(1_700_000_000 + height), "hash": f"0x{height:064x}", "from": B,
                "to": A, "value": "5", "gasPrice": "1", "gasUsed": "21000", "isError": "0", "txreceipt_status": "1",
                "transactionIndex": "0", "contractAddress": "", "input": "0x"}  # fmt: skip

    def explorer(path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        if query["action"] == "eth_getBlockByNumber":
            return 200, {"result": {"number": "0xa", "hash": "0x" + "a" * 64, "timestamp": hex(1_700_000_010)}}
        if query["action"] == "balance":
            return 200, {"status": "1", "message": "OK", "result": "25"}
        rows = [paid(height) for height in (8, 9, 11, 12, 13) if int(query["startblock"]) <= height <= int(query["endblock"])]
        if query["action"] != "txlist" or not rows:
            return 200, {"status": "0", "message": "No transactions found", "result": []}
        return 200, {"status": "1", "message": "OK", "result": rows[:3]}

    with serving(explorer) as (base, _):
        pages = walked(EtherscanHistory(ETHEREUM, client(), quick(base + "/v2/api"), page=3), A)
    assert [row[10] for row in rows_of(pages)] == [5, 5]
    assert [(one.asset, one.amount) for one in pages[-1].balances] == [("ethereum/native", 10)]
    assert {one.reason for one in pages[-1].covered} == {""}


@pytest.mark.parametrize(
    "said", ["Too many invalid api key attempts, please try again later", "Max rate limit reached", "Too many requests"]
)
def test_words_for_too_many_calls_are_a_pause(said: str) -> None:
    assert etherscan_rows.answer(Record({"status": "0", "message": "NOTOK", "result": said}, "x"))[0] is Answer.SLOWER


def log(**more: object) -> Record:
    topics = [TRANSFER, *("0x" + "0" * 24 + end[2:] for end in (A, B))]
    plain = {"address": "0x" + "c" * 40, "topics": topics, "data": "0x" + f"{7:064x}", "transactionHash": TX}
    plain |= {"blockNumber": "0x5", "transactionIndex": "0x0", "logIndex": "0x1", "timeStamp": "0x5f5e1000"}
    return Record(plain | more, "a node")


def test_a_bare_0x_is_zero_in_logs() -> None:
    (row,) = token_transfers([log(logIndex="0x", transactionIndex="0x")], ETHEREUM).rows
    assert (row.tx_index, row.index, row.amount) == (0, 0, 7)


def test_topics_of_a_token_are_three() -> None:
    collectible = log(topics=[*log().values("topics"), "0x" + "0" * 64], data="0x")
    old = log(topics=[TRANSFER], data="0x" + "0" * 192)
    assert token_transfers([collectible, old], ETHEREUM).rows == []
    odd = token_transfers([log(data="0x" + "0" * 128)], ETHEREUM)
    assert odd.rows == []
    assert "another form" in next(iter(odd.voids.values()))
    # Anybody may emit an event of this name; only known contracts are believed.
    assert token_transfers([log(topics=[DEPOSIT, log().values("topics")[1]])], ETHEREUM).rows == []


def test_a_log_that_was_removed_is_refused() -> None:
    with pytest.raises(SourceError, match="removed"):
        token_transfers([log(removed=True)], ETHEREUM)


def listed(**more: object) -> Record:
    row = {"blockNumber": "5", "timeStamp": "1600000000", "hash": TX, "from": A, "to": B, "value": "7", "gasUsed": "3"}
    row |= {"transactionIndex": "0", "gasPrice": "2", "isError": "0", "txreceipt_status": "1", "contractAddress": ""}
    return Record(row | more, "etherscan")


def test_rows_of_etherscan_that_are_not_plain_transfers() -> None:
    made = etherscan_rows.transactions([listed(to="", contractAddress=B)], ETHEREUM).rows
    assert [(row.receiver, row.amount) for row in made] == [(B, 7), (None, 6)]
    for failed in (listed(isError="1"), listed(txreceipt_status="0"), listed(to="", isError="1", txreceipt_status="0")):
        assert [row.status for row in etherscan_rows.transactions([failed], ETHEREUM).rows] == ["failed", "ok"]
    old = etherscan_rows.transactions([listed(txreceipt_status="")], ETHEREUM).rows
    assert [row.status for row in old] == ["ok", "ok"]
    with pytest.raises(SourceError, match="to is"):
        etherscan_rows.transactions([listed(to="")], ETHEREUM)


def test_calls_that_were_reverted_or_move_nothing_are_left_out() -> None:
    kinds = [listed(type=kind, traceId="0") for kind in ("delegatecall", "staticcall", "callcode")]
    gone = [listed(type="call", traceId="0", isError="1"), listed(type="call", traceId="1", value="0"), *kinds]
    kept = etherscan_rows.internal([*gone, listed(type="call", traceId="0_1_1")], ETHEREUM, {}).rows
    assert [row.ordinal for row in kept] == ["trace:0_1_1"]


def item(**more: object) -> dict[str, object]:
    token = {"address_hash": "0x" + "c" * 40, "symbol": "S", "decimals": "6", "type": "ERC-20"}
    row = {"transaction_hash": TX, "block_number": 5, "timestamp": "2021-01-01T00:00:00.000000Z", "log_index": 1}
    row |= {"from": {"hash": A}, "to": {"hash": B}, "token": token, "total": {"value": "7"}}
    return row | more


def test_a_token_transfer_without_a_time_takes_that_of_its_block_or_is_said() -> None:
    reply = Record({"items": [item(timestamp=None)]}, "blockscout")
    (row,) = blockscout_rows.tokens(reply, ETHEREUM, {5: 1_600_000_000}).rows
    assert row.time == 1_600_000_000
    found = blockscout_rows.tokens(reply, ETHEREUM, {})
    assert found.rows == []
    assert "without its time" in next(iter(found.voids.values()))


def test_collectibles_in_blockscouts_list_are_left_out() -> None:
    token = {"address_hash": "0x" + "c" * 40, "type": "ERC-721"}
    reply = Record({"items": [item(token=token, total={"token_id": "1"}), item()]}, "blockscout")
    assert [row.amount for row in blockscout_rows.tokens(reply, ETHEREUM, {}).rows] == [7]


@pytest.mark.parametrize(
    ("status", "said"), [(403, "multichain host"), (401, "EXPOSURE_BLOCKSCOUT_KEY"), (402, "EXPOSURE_BLOCKSCOUT_KEY")]
)
def test_statuses_of_blockscout_say_what_to_do(status: int, said: str) -> None:
    refusing = serving(lambda path, query, body: (status, {"message": "no"}))
    with refusing as (base, _), pytest.raises(SourceError, match=said):
        BlockscoutHistory(ETHEREUM, client(), quick(base)).size(A)


def test_an_instance_that_lists_no_wrapping_is_incomplete_there(little: tuple[World, Index]) -> None:
    world, index = little
    silent = Index.__new__(Index)
    silent.__dict__ |= index.__dict__ | {"events": [row for row in index.events if row["kind"] == "transfer"]}
    wraps = next(str(row["hash"]) for row in index.events if row["kind"] == "deposit")

    class Silent(Blockscout):
        """It knows what is held, and not how it came."""

        def _items(self, kind: str, address: str | None) -> list[dict[str, object]]:
            self.index = silent
            try:
                return super()._items(kind, address)
            finally:
                self.index = index

    with serving(Silent(index)) as (base, _), Store.in_memory() as store:
        environ = {"EXPOSURE_BLOCKSCOUT_URL": base}
        outcome = fetched(store, wraps, environ, chain="ethereum").outcomes[0]
        assert "wrapped coin" in outcome.reason
        fetched(store, world.accounts[0], environ, chain="ethereum")
        gap = StoredAccountHistory(store, "ethereum").incomplete(world.accounts[0], f"ethereum/{WETH}")
        assert gap is not None
        assert "no transfer of it is listed" in gap.reason


def test_unconfirmed_transactions_are_passed_over() -> None:
    toy = busy(3)

    def pending(number: int, path: str, reply: tuple[int, bytes, dict[str, str]]) -> tuple[int, bytes, dict[str, str]]:
        if not path.endswith("/txs/chain"):
            return reply
        told = json.loads(reply[1])
        return 200, json.dumps([told[0] | {"txid": "ab" * 32, "status": {"confirmed": False}}, *told]).encode(), {}

    with serve(Esplora(lambda: toy.blocks, pending)) as server, Store.in_memory() as store:
        assert fetched(store, ALICE, {"EXPOSURE_ESPLORA_URL": server.base}, chain=CHAIN).whole
        assert stored(store, ALICE) == truth(toy, ALICE, toy.tip - 5)


def test_errors_of_old_and_new_json_rpc_are_the_same() -> None:
    error = {"code": -8, "message": "blockhash must be of length 64"}
    for reply in ({"result": None, "error": error, "id": 1}, {"jsonrpc": "2.0", "error": error, "id": 1}):
        assert CoreReader("a node").outcome(reply) == Fault(-8, "blockhash must be of length 64")


def test_amounts_of_a_node_are_exact() -> None:
    from decimal import Decimal

    read = CoreReader("a node")
    told = {"0.00000001": 1, "0.29": 29_000_000, "20999999.97690000": 2_099_999_997_690_000, "1E-8": 1}
    assert {text: read.satoshis(Decimal(text), "value") for text in told} == told
    assert read.satoshis(50, "value") == 50 * 10**8
    for wrong in (Decimal("0.000000001"), Decimal(-1), Decimal("1e99"), Decimal("21000001"), 0.29, "1", True, None):
        with pytest.raises(SourceError):
            read.satoshis(wrong, "value")


def test_an_envelope_without_success_is_an_error() -> None:
    grid = TronGrid([trx(1, FRIEND, ME, 5)], [], solid=BORN + 3000)

    def refusing(path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        status, told = grid(path, query, body)
        assert isinstance(told, dict)
        return status, told | {"success": False, "error": "this api is closed"} if path.startswith("/v1/") else told

    with serving(refusing) as (base, _), pytest.raises(SourceError, match="refused transactions"):
        walked(TronGridHistory(chain("tron"), client(), quick(base)), ME)


def test_addresses_of_tron_are_one_in_all_their_forms() -> None:
    for form in (ME, hex41(ME), hex41(ME).upper(), "0x" + hex41(ME)[2:]):
        assert grid_rows.tron(Record({"to": form}, "x"), "to") == ME
    for wrong in (ME[:-1], hex41(ME)[2:], "41" + "z" * 40, 7, None):
        with pytest.raises(SourceError, match="TRON address"):
            grid_rows.tron(Record({"to": wrong}, "x"), "to")


@pytest.mark.parametrize("kind", ["ExchangeTransactionContract", "MarketSellAssetContract", "WithdrawBalanceContract"])
def test_trx_that_moves_without_a_transfer_is_said(kind: str) -> None:
    grid = TronGrid([other(1, kind, ME)], [], solid=BORN + 3000)
    with serving(grid) as (base, _):
        pages = walked(TronGridHistory(chain("tron"), client(), quick(base)), ME)
    assert {one.kind: one.reason for one in pages[-1].covered}["native"]


def test_a_flood_of_tokens_pushes_out_none_that_matter(little: tuple[World, Index], monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond what is asked for, a token counts as incomplete: its balance was not checked."""
    world, index = little
    usdt = "0xdac17f958d2ee523a2206206994597c13d831ec7"
    flood = [f"0x{n:040x}" for n in range(1000, 1006)]
    holder = world.accounts[1]

    def listing(path: str, query: dict[str, str], body: bytes) -> tuple[int, object] | None:
        if query.get("action") == "tokentx":
            own = {"contractAddress": usdt, "tokenSymbol": "USDT", "tokenDecimal": "6"}
            spam = [{"contractAddress": token, "tokenSymbol": "S", "tokenDecimal": "0"} for token in (*flood, *flood)]
            time = str(index.txs[0]["time"])
            rows = [listed(blockNumber="1", timeStamp=time, hash="0x" + f"{n:064x}", to=holder, **token).fields
                    for n, token in enumerate([own, *spam])]  # fmt: skip
            return 200, {"status": "1", "message": "OK", "result": rows}
        if query.get("action") == "tokenbalance":
            return 200, {"status": "1", "message": "OK", "result": "7" if query["contractaddress"] == usdt else "14"}
        return None

    monkeypatch.setattr(etherscan, "MAX_ASKED", 3)
    with serving(listing, Etherscan(index)) as (base, _):
        pages = walked(EtherscanHistory(ETHEREUM, client(), quick(base + "/v2/api")), holder)
    asked = {one.asset for one in pages[-1].balances}
    assert f"ethereum/{usdt}" in asked
    assert len(asked) == 1 + 3
    unchecked = {one.kind for one in pages[-1].covered if "was not asked for" in one.reason}
    assert len(unchecked) == 7 - 3
    assert not unchecked & asked


def handed_through(world: World, change: Handler) -> Handler:
    """What ``change`` does not answer goes to the node."""
    from recorded import through

    node = through(world.node)
    return lambda path, query, body: change(path, query, body) or node(path, query, body)


def test_413_is_a_range_that_is_too_wide(little: tuple[World, Index]) -> None:
    world, _ = little

    def wide(path: str, query: dict[str, str], body: bytes) -> tuple[int, object] | None:
        asked = json.loads(body)
        if not isinstance(asked, dict) or asked["method"] != "eth_getLogs":
            return None
        (filter_,) = asked["params"]
        return (413, b"too large") if int(filter_["toBlock"], 16) - int(filter_["fromBlock"], 16) > 2 else None

    holder = world.accounts[0]
    plain = rows_of(walked(NodeHistory(ETHEREUM, client(), quick(world.node.url)), holder))
    with serving(handed_through(world, wide)) as (base, _):
        assert rows_of(walked(NodeHistory(ETHEREUM, client(), quick(base)), holder)) == plain


def test_without_a_tag_for_finality_64_blocks_count(little: tuple[World, Index]) -> None:
    world, _ = little

    def untagged(path: str, query: dict[str, str], body: bytes) -> tuple[int, object] | None:
        asked = json.loads(body)
        if isinstance(asked, dict) and asked["params"][:1] == ["finalized"]:
            return 200, {"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32602, "message": "invalid block tag"}}
        if isinstance(asked, dict) and asked["params"][:1] == ["latest"]:
            _, told = handed_through(world, lambda *_: None)(path, query, body)  # of a node it is never None
            return 200, told | {"result": told["result"] | {"number": hex(64 + 2)}}
        return None

    with serving(handed_through(world, untagged)) as (base, _):
        head = NodeHistory(ETHEREUM, client(), quick(base)).head()
    assert head is not None
    assert head.height == 2
