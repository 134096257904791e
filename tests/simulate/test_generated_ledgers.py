"""The ledgers of an economy are ledgers: whole, in order, conserving value."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

from economies import Ran, ran

from exposure.model.addresses import parse
from exposure.simulate.accounts import ETH
from exposure.simulate.coin_agents import SUBSIDY
from exposure.simulate.provenance import total
from exposure.simulate.sizes import MEDIUM


def test_no_coin_is_spent_twice_or_before_it_exists(economy_run: Ran) -> None:
    place = {(row.tx, row.n): (row.block, row.tx_index) for row in economy_run.outputs}
    spender = {row.tx: (row.block, row.tx_index) for row in economy_run.outputs}
    spent = [(row.spent_tx, row.spent_n) for row in economy_run.inputs]
    assert len(spent) == len(set(spent))
    assert all(place[coin] < spender[row.tx] for coin, row in zip(spent, economy_run.inputs, strict=True))


def test_no_transaction_pays_out_more_than_it_spends(economy_run: Ran) -> None:
    amount = {(row.tx, row.n): row.amount for row in economy_run.outputs}
    paid: dict[str, int] = defaultdict(int)
    spent: dict[str, int] = defaultdict(int)
    for row in economy_run.outputs:
        assert row.amount > 0
        paid[row.tx] += row.amount
    for spend in economy_run.inputs:
        spent[spend.tx] += amount[spend.spent_tx, spend.spent_n]
    fees: dict[int, int] = defaultdict(int)
    block = {row.tx: row.block for row in economy_run.outputs}
    for tx, value in spent.items():
        assert paid[tx] < value
        fees[block[tx]] += value - paid[tx]
    # A coinbase is a transaction without inputs; it pays subsidy and fees, no more and no less.
    assert {block[tx]: paid[tx] for tx in paid if tx not in spent} == {
        height: SUBSIDY + fees[height] for height in set(block.values())
    }


def test_no_balance_is_ever_negative(economy_run: Ran) -> None:
    balance: dict[tuple[str, str], int] = defaultdict(int)
    for move in economy_run.moves:
        if move.failed:
            continue
        if move.sender is not None:
            balance[move.sender, move.asset] -= move.amount
            assert balance[move.sender, move.asset] >= 0, move
        if move.receiver is not None:
            balance[move.receiver, move.asset] += move.amount
    assert any(balance.values())


def test_rows_are_in_ledger_order_and_time_runs_forward(economy_run: Ran) -> None:
    moves = [(row.block, row.serial) for row in economy_run.transfers]
    assert moves == sorted(set(moves))
    for times in ([row.time for row in economy_run.transfers], [row.time for row in economy_run.outputs]):
        assert all(one <= other for one, other in pairwise(times[:-1]))
    time = {row.block: row.time for row in economy_run.outputs}
    assert all(time[row.block] == row.time for row in economy_run.outputs)
    assert all(time[height] < time[height + 1] for height in range(1, max(time)))


def test_inputs_and_outputs_are_numbered_from_zero(economy_run: Ran) -> None:
    for rows in (economy_run.outputs, economy_run.inputs):
        numbers: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            numbers[row.tx].append(row.n)
        assert all(listed == list(range(len(listed))) for listed in numbers.values())


def test_addresses_and_hashes_are_of_their_chain(first_economy: Ran) -> None:
    for address in {row.address for row in first_economy.outputs}:
        parsed = parse(address)
        assert (parsed.canonical, parsed.family) == (address, "bitcoin")
    forms = {parse(row.address).form for row in first_economy.outputs}
    assert forms == {"p2wpkh", "p2pkh", "p2sh", "p2tr"}
    for address in {end for row in first_economy.transfers for end in (row.sender, row.receiver) if end}:
        assert (parse(address).canonical, parse(address).family) == (address, "evm")
    assert all(len(row.tx) == 64 and int(row.tx, 16) >= 0 for row in first_economy.outputs)
    assert all(len(row.tx) == 66 and row.tx.startswith("0x") for row in first_economy.transfers)


def test_whose_money_it_is_sums_to_every_balance(economy_run: Ran) -> None:
    world = economy_run.world
    parties = world.cast.parties
    wallets = [user.wallet for user in (*world.users, *world.launderers)] + [party.wallet for party in parties]
    for wallet in wallets:
        assert wallet.balance == sum(coin.amount for coin in wallet.coins)
        assert all(total(coin.parts) == coin.amount for coin in wallet.coins)
    ledger: dict[tuple[str, str], int] = defaultdict(int)
    for move in economy_run.moves:
        if not move.failed:
            ledger[move.sender or "", move.asset] -= move.amount
            ledger[move.receiver or "", move.asset] += move.amount
    accounts = [account for user in world.users for account in user.accounts] + [party.account for party in parties]
    for account in accounts:
        for asset in (ETH, world.accounts.token):
            assert account.balance(asset) == ledger[account.address, asset], (account.address, asset)


def test_mixer_holds_a_coin_for_every_ticket(economy_run: Ran) -> None:
    world = economy_run.world
    assert len(world.cast.mixer.wallet.coins) == len(world.coin_tickets)
    assert all(total(ticket.parts) == coin.amount for ticket in world.coin_tickets for coin in world.cast.mixer.wallet.coins)


def test_economy_has_everything_it_claims(economy_run: Ran) -> None:
    cast, rows = economy_run.world.cast, economy_run.transfers
    assert any(row.status == "failed" and row.fee for row in rows)
    assert any(row.amount == 0 and row.asset != ETH and row.status == "ok" for row in rows), "zero-value address poisoning"
    for account in (cast.mixer.account, cast.swap.account):
        assert any(row.sender == account.address for row in rows) and any(row.receiver == account.address for row in rows)
    assert {chain for chain, _, _ in cast.thefts} == {"bitcoin", "ethereum"}
    outputs: dict[str, int] = defaultdict(int)
    inputs: dict[str, int] = defaultdict(int)
    for output in economy_run.outputs:
        outputs[output.tx] += 1
    for spend in economy_run.inputs:
        inputs[spend.tx] += 1
    assert max(outputs.values()) >= 5 and max(inputs.values()) >= 5, "fan-out and fan-in"


def test_generations_hand_over_a_whole_ledger() -> None:
    several = ran(
        replace(
            MEDIUM, seed=5, generations=3, steps=60, users=60, customers=10, launderers=8, coin_events=12, account_events=12
        )
    )
    test_no_coin_is_spent_twice_or_before_it_exists(several)
    test_no_transaction_pays_out_more_than_it_spends(several)
    test_no_balance_is_ever_negative(several)
    test_rows_are_in_ledger_order_and_time_runs_forward(several)
    test_whose_money_it_is_sums_to_every_balance(several)
    assert {deposit.customer[:4] for deposit in several.deposits} >= {"C000", "C001", "C002"}
