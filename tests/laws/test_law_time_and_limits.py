"""Laws 3 and 5: nothing flows against time; a higher hop limit only tells more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from ledgers import LAW, AccountWorld, UtxoWorld, account_worlds, ends, moves, utxo_worlds
from readings import at_most, exposure, same, unresolved

from exposure.model.ledger import Kind
from exposure.model.settings import Rule, Settings
from exposure.taint.reference import account, utxo
from exposure.taint.reference.lots import Lot
from exposure.taint.reference.origins import active, owner_origin


@LAW
@given(world=account_worlds())
def test_an_owner_pays_no_taint_before_the_first_tainted_receipt(world: AccountWorld) -> None:
    labels = world.labels
    reached: set[tuple[str, str]] = set()
    may: set[str] = set()
    for transfer in world.transfers:
        if not moves(transfer, labels):
            continue
        sender, receiver = ends(transfer, labels)
        origin = None if sender is None else owner_origin(labels, sender, transfer.time)
        tainted = (
            (origin is not None and origin.kind == "seed")
            or (origin is None and sender is not None and (sender, transfer.asset) in reached)
            or active(labels.asset_seeds.get(transfer.asset), labels, transfer.time) is not None
            or (transfer.kind is not Kind.FEE and active(labels.tx_seeds.get(transfer.tx), labels, transfer.time) is not None)
        )
        if tainted:
            may.add(transfer.ref)
            if receiver is not None:
                reached.add((receiver, transfer.asset))
    for rule in Rule:
        run = account.run(world.transfers, labels, Settings(rule=rule, max_hops=None), openings=world.openings)
        for ref, lots in run.received.items():
            if any(lot.origin.kind == "seed" for lot in lots):
                assert ref in may


@LAW
@given(world=account_worlds(), cut=st.integers(1, 16))
def test_what_comes_later_changes_nothing_earlier_on_account_chains(world: AccountWorld, cut: int) -> None:
    txs = list(dict.fromkeys(t.tx for t in world.transfers))[:cut]
    early = [t for t in world.transfers if t.tx in set(txs)]
    for rule in Rule:
        settings = Settings(rule=rule, max_hops=3)
        whole = account.run(world.transfers, world.labels, settings, openings=world.openings)
        part = account.run(early, world.labels, settings, openings=world.openings)
        assert all(whole.received[t.ref] == part.received[t.ref] for t in early)


@LAW
@given(world=utxo_worlds(), cut=st.integers(1, 12))
def test_what_comes_later_changes_nothing_earlier_on_utxo_chains(world: UtxoWorld, cut: int) -> None:
    for rule in Rule:
        settings = Settings(rule=rule, max_hops=3, taint_fee=True)
        whole = utxo.run(world.txs, world.labels, settings)
        part = utxo.run(world.txs[:cut], world.labels, settings)
        assert all(whole.received[coin] == lots for coin, lots in part.received.items())


def tells_more(short: tuple[Lot, ...], n: int, long: tuple[Lot, ...], m: int | None, rule: Rule, *, collided: bool) -> None:
    """What is exposed at most ``n`` hops away stays exposed with a limit of ``m``."""
    poison = rule is Rule.POISON
    less, more = exposure(short, n, poison=poison), exposure(long, m, poison=poison)
    scale = sum(lot.amount for lot in short)
    if rule is Rule.TIHO and collided:  # which units meet the theft depends on their order, and that on the limit: decision 001
        return
    for category, amount in less.items():
        assert at_most(amount, more.get(category, 0), scale), (category, short, long)
    if poison:
        assert not any(lot.origin.kind == "unresolved" for lot in long) or unresolved(short, n)
    else:
        assert at_most(unresolved(long, m), unresolved(short, n), scale), (short, long)


STEPS = st.sampled_from([(0, 1), (1, 2), (1, 3), (2, 3), (2, None), (3, 4), (4, None)])


@LAW
@given(world=account_worlds(), step=STEPS)
def test_a_higher_hop_limit_only_tells_more_on_account_chains(world: AccountWorld, step: tuple[int, int | None]) -> None:
    n, m = step
    for rule in Rule:
        short = account.run(world.transfers, world.labels, Settings(rule=rule, max_hops=n), openings=world.openings)
        long = account.run(world.transfers, world.labels, Settings(rule=rule, max_hops=m), openings=world.openings)
        for ref, lots in short.received.items():
            tells_more(lots, n, long.received[ref], m, rule, collided=bool(world.labels.tx_seeds))


@LAW
@given(world=utxo_worlds(), step=STEPS)
def test_a_higher_hop_limit_only_tells_more_on_utxo_chains(world: UtxoWorld, step: tuple[int, int | None]) -> None:
    n, m = step
    for rule in Rule:
        short = utxo.run(world.txs, world.labels, Settings(rule=rule, max_hops=n))
        long = utxo.run(world.txs, world.labels, Settings(rule=rule, max_hops=m))
        for coin, lots in short.received.items():
            collided = bool(world.labels.tx_seeds or world.labels.coin_seeds)
            tells_more(lots, n, long.received[coin], m, rule, collided=collided)


@LAW
@given(world=account_worlds())
def test_an_unreachable_limit_is_no_limit(world: AccountWorld) -> None:
    for rule in Rule:
        unlimited = account.run(world.transfers, world.labels, Settings(rule=rule, max_hops=None), openings=world.openings)
        far = account.run(world.transfers, world.labels, Settings(rule=rule, max_hops=100), openings=world.openings)
        assert all(same(lots, far.received[ref], None) for ref, lots in unlimited.received.items())
