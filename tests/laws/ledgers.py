"""Random small ledgers and label snapshots, full of what goes wrong on real ones; shared by laws and twin tests.

Account: cycles, self-transfers, chains inside one transaction, zero values, huge amounts, failed transactions that pay
fees, fees of others, thefts that meet labelled value, clusters, openings. UTXO: the same with change, joint
transactions, several transactions of one block, unknown inputs, parents that were not fetched.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from exposure.model.labels import Labels, Seed, Service
from exposure.model.ledger import LAST_INDEX, Coin, Kind, Output, Place, Spend, Transfer, UtxoTx
from exposure.model.settings import Rule

LAW = settings(
    max_examples=int(os.environ.get("EXPOSURE_LAW_EXAMPLES", "50")),
    deadline=None,
    derandomize="EXPOSURE_LAW_SEARCH" not in os.environ,  # a gate that fails by chance teaches people to try it again
    phases=[Phase.explicit, Phase.generate],  # the ledgers are small as they come, and shrinking one takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
LIMITS = st.sampled_from([1, 2, 3, 4, None])
FIFO_LIKE = (Rule.HAIRCUT, Rule.FIFO, Rule.LIFO)
RULES = tuple(Rule)
HUGE = 10**30

ORDINARY = ("A", "B", "C", "D", "E")
ENDS = ("S", "R", "M", "X", "H", "P")
ADDRESSES = ORDINARY + ENDS
ASSET, TOKEN = "ethereum/native", "ethereum/0x01"
SEEDS = {
    "S": Seed("S", "sanctioned", "Fiction LLC", dates=(4, 9)),
    "R": Seed("R", "ransomware", "Crew"),
    "M": Seed("M", "mixer", "Blender"),
}
THIEF = Seed("theft", "stolen_funds")
LATER_THIEF = Seed("theft", "stolen_funds", dates=(6,))
CATEGORY = {
    "S": "sanctioned",
    "R": "ransomware",
    "M": "mixer",
    "theft": "stolen_funds",
    "listed": "sanctioned",
    "followed": "f",
}
CLUSTERS: tuple[dict[str, str], ...] = ({}, {}, {"A": "c1", "B": "c1"}, {"S": "S", "C": "S"}, {"D": "D", "E": "D"})


@dataclass(frozen=True)
class AccountWorld:
    """An account ledger with what is known about it."""

    transfers: list[Transfer]
    labels: Labels
    openings: dict[tuple[str, str], int] = field(default_factory=dict)

    def last(self, count: int) -> list[Transfer]:
        """The last transfers that move value between owners."""
        return [t for t in self.transfers if moves(t, self.labels)][-count:]


@dataclass(frozen=True)
class UtxoWorld:
    """A UTXO ledger with what is known about it."""

    txs: list[UtxoTx]
    labels: Labels


def moves(transfer: Transfer, labels: Labels) -> bool:
    """Whether value goes from one owner to another."""
    return not transfer.failed and transfer.amount > 0 and ends(transfer, labels)[0] != ends(transfer, labels)[1]


def ends(transfer: Transfer, labels: Labels) -> tuple[str | None, str | None]:
    """Owner who sends and owner who receives."""
    sender = None if transfer.sender is None else labels.owner(transfer.sender)
    return sender, None if transfer.receiver is None else labels.owner(transfer.receiver)


@st.composite
def snapshots(draw: st.DrawFn, txs: list[str], coins: list[Coin], *, thefts: bool, designation: bool, listed: bool) -> Labels:
    """A label snapshot over `ADDRESSES`."""
    names = draw(st.sampled_from([("S",), ("S", "R"), ("S", "R", "M"), ("R", "M"), ()]))
    theft = draw(st.integers(0, 3)) if thefts else 0
    thief = draw(st.sampled_from([THIEF, LATER_THIEF]))
    return Labels(
        seeds={name: SEEDS[name] for name in names},
        tx_seeds={draw(st.sampled_from(txs)): thief} if theft in (2, 3) else {},
        coin_seeds={draw(st.sampled_from(coins)): thief} if theft in (1, 3) and coins else {},
        asset_seeds={TOKEN: Seed("listed", "sanctioned")} if listed and draw(st.integers(0, 9)) == 0 else {},
        boundaries={"X": Service("X", "exchange"), **({"S": Service("S", "exchange")} if draw(st.booleans()) else {})},
        hubs={"H": "busy"} if draw(st.booleans()) else {},
        pass_through={"P": Service("P", "swap")} if draw(st.booleans()) else {},
        owners=draw(st.sampled_from(CLUSTERS)),
        seeds_from_designation=designation and draw(st.booleans()),
    )


AMOUNTS = st.sampled_from([0, 1, 1, 2, 3, 3, 4, 5, 5, 6, 7, 8, 9, 10, 10, 12, HUGE, 3 * HUGE + 1])
PARTIES = st.sampled_from(ADDRESSES + ORDINARY + ORDINARY)
SENDERS = st.one_of(PARTIES, PARTIES, PARTIES, PARTIES, st.none())
RECEIVERS = st.one_of(PARTIES, PARTIES, PARTIES, PARTIES, PARTIES, st.none())
ROW = st.tuples(SENDERS, RECEIVERS, AMOUNTS, st.integers(0, 23), st.integers(0, 3))
FEE = st.one_of(st.none(), st.none(), st.tuples(PARTIES, st.integers(1, 4), st.integers(0, 5)))


@st.composite
def account_worlds(
    draw: st.DrawFn,
    *,
    size: int = 16,
    thefts: bool = True,
    designation: bool = True,
    openings: bool = True,
    listed: bool = True,
    whole: bool = False,
    fees: bool = True,
) -> AccountWorld:
    """Transfers in canonical order, in transactions of one to several, with a snapshot.

    ``whole``: nobody spends more than he has (rows that would are left out), so there are no shortfalls.
    """
    rows = draw(st.lists(ROW, min_size=2, max_size=size))
    transfers: list[Transfer] = []
    number, index = 0, 0
    fee_of: dict[int, tuple[str, int, int]] = {}
    for sender, receiver, amount, dice, again in rows:
        if transfers and again == 0:
            index += 1
        else:
            number, index = number + 1, 0
        asset = TOKEN if dice % 6 == 5 else ASSET
        if sender is None and receiver is None:
            sender = "X"
        kind = Kind.MINT if sender is None else Kind.BURN if receiver is None else Kind.VALUE
        place = Place(1 + number // 3, number, index)
        name = f"t{number}"
        transfers.append(
            Transfer(f"{name}:{index}", name, place, number, sender, receiver, asset, amount, kind, failed=dice in (1, 2))
        )
        if fees and number not in fee_of:
            fee = draw(FEE)
            if fee is not None:
                fee_of[number] = fee
    for number, (payer, amount, dice) in fee_of.items():
        place = Place(1 + number // 3, number, LAST_INDEX)
        asset = TOKEN if dice == 5 else ASSET
        transfers.append(Transfer(f"t{number}:fee", f"t{number}", place, number, payer, None, asset, amount, Kind.FEE))
    transfers.sort(key=lambda t: t.place)
    names = sorted({t.tx for t in transfers})
    labels = draw(snapshots(names, [], thefts=thefts, designation=designation, listed=listed))
    opened: dict[tuple[str, str], int] = {}
    if openings and draw(st.booleans()):
        opened = {(draw(st.sampled_from(ORDINARY)), ASSET): draw(st.integers(1, 12))}
    if whole:
        transfers = covered(transfers, labels, opened)
    return AccountWorld(transfers, labels, opened)


def covered(transfers: list[Transfer], labels: Labels, openings: dict[tuple[str, str], int]) -> list[Transfer]:
    """The transfers that their senders can pay; seeds, services and the like can pay anything."""
    balances: dict[tuple[str, str], int] = {}
    for (address, asset), amount in openings.items():
        balances[labels.owner(address), asset] = amount
    kept = []
    always = {*labels.seeds, *labels.boundaries, *labels.hubs, *labels.pass_through} - (
        set(labels.seeds) if labels.seeds_from_designation else set()
    )
    for transfer in transfers:
        sender, receiver = ends(transfer, labels)
        if moves(transfer, labels) and sender is not None and sender not in always:
            if balances.get((sender, transfer.asset), 0) < transfer.amount:
                continue
            balances[sender, transfer.asset] -= transfer.amount
        if moves(transfer, labels) and receiver is not None:
            balances[receiver, transfer.asset] = balances.get((receiver, transfer.asset), 0) + transfer.amount
        kept.append(transfer)
    return kept


TX = st.tuples(
    st.integers(0, 3),  # 0: a coinbase
    st.lists(st.integers(0, 30), min_size=1, max_size=3),  # which unspent coins
    st.lists(st.tuples(PARTIES, st.integers(0, 12)), min_size=1, max_size=3),  # outputs: address, twelfths of what is left
    st.integers(0, 40),  # oddities
)


@st.composite
def utxo_worlds(
    draw: st.DrawFn,
    *,
    size: int = 12,
    thefts: bool = True,
    designation: bool = True,
    whole: bool = False,
    huge: bool = True,
) -> UtxoWorld:
    """Transactions in canonical order, no coin spent twice, with a snapshot. ``whole``: every value and parent is known."""
    unspent: list[tuple[Coin, str, int]] = []
    txs: list[UtxoTx] = []
    coins: list[Coin] = []
    block = 1
    for number, (start, picks, shares, dice) in enumerate(draw(st.lists(TX, min_size=2, max_size=size))):
        tx, coinbase = f"t{number}", start == 0 or not unspent
        inputs: list[Spend] = []
        unknown = False
        if coinbase:
            left = (3 * HUGE + 7) if huge and dice == 7 else 1 + dice
        else:
            for pick in picks:
                if unspent:
                    coin, address, amount = unspent.pop(pick % len(unspent))
                    inputs.append(Spend(coin, address, amount))
            if not whole and dice in (3, 4):
                inputs.append(Spend(Coin(f"elsewhere{number}", 0), "E", 1 + dice))
            unknown = not whole and dice in (5, 6)
            if not whole and dice == 8:
                inputs.insert(0, Spend(Coin(f"nowhere{number}", 0), None, None))
                unknown = True
            left = sum(spend.amount or 0 for spend in inputs) + (5 if unknown else 0)
        outputs = []
        for n, (address, share) in enumerate(shares):
            amount = left if share == 12 else left * share // 12 if left > 24 else min(left, share)
            left -= amount
            outputs.append(Output(address, amount))
            coins.append(Coin(tx, n))
            unspent.append((coins[-1], address, amount))
        place = Place(block, LAST_INDEX if coinbase else number, 0)
        block += coinbase
        joint, pool = not coinbase and dice % 7 == 6, "Pool" if dice % 2 else ""
        txs.append(
            UtxoTx(
                tx,
                place,
                number,
                tuple(inputs),
                tuple(outputs),
                coinbase,
                unknown and not coinbase,
                pool,
                joint,
            )
        )
    names = [tx.tx for tx in txs]
    labels = draw(snapshots(names, coins, thefts=thefts, designation=designation, listed=False))
    return UtxoWorld(txs, labels)
