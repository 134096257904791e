"""Law 10: what is not known can only widen the interval, and the truth of the whole ledger lies in it."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st
from ledgers import CATEGORY, LAW, LIMITS, AccountWorld, UtxoWorld, account_worlds, ends, moves, utxo_worlds
from readings import at_most

from exposure.measure.account import RISK, Bounds, interval, poison_interval, source
from exposure.model.labels import Labels
from exposure.model.ledger import Incomplete, Place, Spend, Transfer, UtxoTx
from exposure.model.settings import Rule, Settings
from exposure.taint.reference import account, utxo
from exposure.taint.reference.lots import Lots, Run
from exposure.taint.reference.origins import owner_origin

CATEGORIES = ("sanctioned", "ransomware", "mixer", "stolen_funds", "scam")
Choices = list[int]


def pots_of(transfer: Transfer, labels: Labels) -> list[tuple[str, str]]:
    found = []
    for owner in ends(transfer, labels):
        if owner is not None and (labels.seeds_from_designation or owner_origin(labels, owner, transfer.time) is None):
            found.append((owner, transfer.asset))
    return found


def balance_before(
    transfers: list[Transfer], labels: Labels, pot: tuple[str, str], place: Place, openings: dict[tuple[str, str], int]
) -> int:
    balance = sum(amount for (address, asset), amount in openings.items() if (labels.owner(address), asset) == pot)
    for transfer in transfers:
        if transfer.place >= place:
            break
        if transfer.asset != pot[1] or not moves(transfer, labels):
            continue
        sender, receiver = ends(transfer, labels)
        if sender == pot[0] and owner_origin(labels, pot[0], transfer.time) is None:
            balance -= transfer.amount
        if receiver == pot[0] and owner_origin(labels, pot[0], transfer.time) is None:
            balance += transfer.amount
    return balance


def coverage(world: AccountWorld, withheld: set[str], choices: Choices) -> list[Incomplete]:
    """What an honest source would declare of the pots from which rows are missing, in one of the forms it may take."""
    labels = world.labels
    missing: dict[tuple[str, str], list[Transfer]] = defaultdict(list)
    for transfer in world.transfers:
        if transfer.ref in withheld and moves(transfer, labels):
            for pot in pots_of(transfer, labels):
                missing[pot].append(transfer)
    stored = [t for t in world.transfers if t.ref not in withheld]
    declared = []
    for number, (pot, rows) in enumerate(missing.items()):
        choice = choices[number % len(choices)]
        mine = [t for t in stored if moves(t, labels) and pot in pots_of(t, labels)]
        oldest = all(t.place > rows[-1].place for t in mine) and choice % 2 == 0
        since = None if choice % 3 == 0 or oldest else rows[0].place
        later = [t.place for t in stored if t.place > rows[-1].place]
        if later and choice % 5 < 3:
            until = later[choice % len(later)]
            balance = balance_before(world.transfers, labels, pot, until, world.openings)
            declared.append(Incomplete(*pot, since=since, oldest=oldest, until=until, balance=balance))
        else:
            declared.append(Incomplete(*pot, since=since, oldest=oldest))
    return declared


def bounds(lots: Lots, amount: int, rule: Rule, max_hops: int | None) -> Bounds:
    if rule is Rule.POISON:
        return poison_interval([(amount, lots)], max_hops, CATEGORY, CATEGORIES)
    return interval(source(lots, max_hops), rule, CATEGORY, CATEGORIES)


def figures(lots: Lots, amount: int, rule: Rule, max_hops: int | None) -> dict[str, object]:
    """What the rule says of the whole ledger, by the names that its interval has."""
    found: dict[str, object] = defaultdict(int)
    for part, value in source(lots, max_hops).items():
        if part.kind != "seed":
            continue
        name = RISK if rule is Rule.TIHO else CATEGORY[part.name]
        found[name] = amount if rule is Rule.POISON else found[name] + value
    return found


def inside(lots: Lots, whole: Lots, amount: int, rule: Rule, max_hops: int | None) -> None:
    names = figures(whole, amount, rule, max_hops)
    for name, (lower, upper) in bounds(lots, amount, rule, max_hops).items():
        figure = names.get(name, 0)
        assert at_most(lower, figure, amount), (rule, name, lower, figure, upper, lots, whole)
        assert at_most(figure, upper, amount), (rule, name, lower, figure, upper, lots, whole)


def wider(less: Lots, more: Lots, amount: int, rule: Rule, max_hops: int | None) -> None:
    wide, narrow = bounds(less, amount, rule, max_hops), bounds(more, amount, rule, max_hops)
    for name in wide.keys() & narrow.keys():
        assert at_most(wide[name][0], narrow[name][0], amount), (rule, name, wide, narrow)
        assert at_most(narrow[name][1], wide[name][1], amount), (rule, name, wide, narrow)


HIDE = st.tuples(st.sets(st.integers(0, 20), max_size=4), st.sets(st.integers(0, 20), max_size=4))
CHOICES = st.lists(st.integers(0, 29), min_size=1, max_size=4)


@LAW
@given(world=account_worlds(whole=True), hide=HIDE, choices=CHOICES, max_hops=LIMITS)
def test_the_interval_holds_the_figure_of_the_whole_account_ledger_and_only_narrows(
    world: AccountWorld, hide: tuple[set[int], set[int]], choices: Choices, max_hops: int | None
) -> None:
    refs = [t.ref for t in world.transfers]
    fewer = {refs[n] for n in hide[0] if n < len(refs)}
    hidden = [fewer | {refs[n] for n in hide[1] if n < len(refs)}, fewer]
    for rule in Rule:
        settings = Settings(rule=rule, max_hops=max_hops)
        whole = account.run(world.transfers, world.labels, settings, openings=world.openings)
        runs: list[Run] = []
        for withheld in hidden:
            stored = [t for t in world.transfers if t.ref not in withheld]
            incomplete = coverage(world, withheld, choices)
            runs.append(account.run(stored, world.labels, settings, openings=world.openings, incomplete=incomplete))
            for transfer in stored:
                if moves(transfer, world.labels):
                    inside(runs[-1].received[transfer.ref], whole.received[transfer.ref], transfer.amount, rule, max_hops)


@LAW
@given(world=account_worlds(whole=True), hide=HIDE, places=st.booleans(), max_hops=LIMITS)
def test_more_history_only_narrows_the_interval_on_account_chains(
    world: AccountWorld, hide: tuple[set[int], set[int]], places: bool, max_hops: int | None
) -> None:
    refs = [t.ref for t in world.transfers]
    fewer = {refs[n] for n in hide[0] if n < len(refs)}
    choice = 4 if places else 3  # the place of the first missing row, or none; no later balances
    for rule in Rule:
        settings = Settings(rule=rule, max_hops=max_hops)
        runs: list[Run] = []
        for withheld in (fewer | {refs[n] for n in hide[1] if n < len(refs)}, fewer):
            stored = [t for t in world.transfers if t.ref not in withheld]
            incomplete = [Incomplete(gap.address, gap.asset, since=gap.since) for gap in coverage(world, withheld, [choice])]
            runs.append(account.run(stored, world.labels, settings, openings=world.openings, incomplete=incomplete))
        for transfer in stored:
            if transfer.ref in runs[0].received and moves(transfer, world.labels):
                wider(runs[0].received[transfer.ref], runs[1].received[transfer.ref], transfer.amount, rule, max_hops)


def without(txs: list[UtxoTx], hidden: set[str]) -> list[UtxoTx]:
    """The ledger with the parents of some inputs not fetched."""
    stored = []
    for tx in txs:
        if tx.tx in hidden:
            continue
        inputs = tuple(Spend(s.coin, None, None) if s.coin.tx in hidden else s for s in tx.inputs)
        stored.append(UtxoTx(tx.tx, tx.place, tx.time, inputs, tx.outputs, tx.coinbase, inputs != tx.inputs, tx.pool, tx.joint))
    return stored


@LAW
@given(world=utxo_worlds(whole=True), hide=HIDE, max_hops=LIMITS)
def test_the_interval_holds_the_figure_of_the_whole_utxo_ledger_and_only_narrows(
    world: UtxoWorld, hide: tuple[set[int], set[int]], max_hops: int | None
) -> None:
    names = [tx.tx for tx in world.txs]
    fewer = {names[n] for n in hide[0] if n < len(names)}
    for rule in Rule:
        settings = Settings(rule=rule, max_hops=max_hops)
        whole = utxo.run(world.txs, world.labels, settings)
        runs: list[Run] = []
        for hidden in (fewer | {names[n] for n in hide[1] if n < len(names)}, fewer):
            stored = without(world.txs, hidden)
            runs.append(utxo.run(stored, world.labels, settings, strict=True))
            for tx in stored:
                for n, output in enumerate(tx.outputs):
                    if output.amount:
                        coin = f"{tx.tx}:{n}"
                        inside(runs[-1].received[coin], whole.received[coin], output.amount, rule, max_hops)
        for tx in stored:
            for n, output in enumerate(tx.outputs):
                coin = f"{tx.tx}:{n}"
                if coin in runs[0].received and output.amount:
                    wider(runs[0].received[coin], runs[1].received[coin], output.amount, rule, max_hops)
