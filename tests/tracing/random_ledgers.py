"""Random ledgers and label snapshots: small, and full of what goes wrong (cycles, self-transfers, thefts, gaps, fees)."""

from __future__ import annotations

from hypothesis import strategies as st

from exposure.model.labels import Labels, Seed, Service
from exposure.model.ledger import LAST_INDEX, Coin, Kind, Output, Place, Spend, Transfer, UtxoTx

ADDRESSES = ("A", "B", "C", "D", "E", "S", "R", "M", "X", "H", "P")
ASSET = "ethereum/native"
SEEDS = {
    "S": Seed("S", "sanctioned", "Fiction LLC", dates=(7,)),
    "R": Seed("R", "ransomware", "Crew"),
    "M": Seed("M", "mixer", "Blender"),
}
AMOUNTS = st.one_of(st.integers(0, 12), st.integers(0, 12), st.integers(10**20, 10**24))


@st.composite
def labels_for(draw: st.DrawFn, txs: list[str], coins: list[Coin]) -> Labels:
    """A snapshot over `ADDRESSES`: a few seeds, a service, a hub, clusters, thefts."""
    seeds = {name: SEEDS[name] for name in draw(st.sets(st.sampled_from(sorted(SEEDS)), min_size=1))}
    owners = draw(st.sampled_from([{}, {}, {"A": "c1", "B": "c1"}, {"S": "S", "C": "S"}, {"D": "D", "E": "D"}]))
    thief = Seed("theft", "stolen_funds")
    return Labels(
        seeds=seeds,
        tx_seeds=dict.fromkeys(draw(st.sets(st.sampled_from(txs), max_size=1)), thief) if draw(st.booleans()) else {},
        coin_seeds=dict.fromkeys(draw(st.sets(st.sampled_from(coins), max_size=1)), thief)
        if coins and draw(st.booleans())
        else {},
        boundaries={"X": Service("X", "exchange", "Exchange X")} if draw(st.booleans()) else {},
        hubs={"H": "busy"} if draw(st.booleans()) else {},
        pass_through={"P": Service("P", "swap", "Pool")} if draw(st.booleans()) else {},
        owners=owners,
        seeds_from_designation=draw(st.booleans()),
    )


@st.composite
def account_ledgers(draw: st.DrawFn, max_txs: int = 14) -> tuple[list[Transfer], Labels]:
    """Transfers in canonical order, with a snapshot."""
    transfers: list[Transfer] = []
    count = draw(st.integers(1, max_txs))
    parties = st.sampled_from(ADDRESSES)
    for number in range(count):
        tx = f"t{number}"
        for index in range(draw(st.integers(1, 3))):
            sender, receiver = draw(st.one_of(parties, parties, parties, st.none())), draw(parties)
            kind, failed = Kind.VALUE, draw(st.integers(0, 9)) == 0
            if sender is None:
                kind = Kind.MINT
            transfers.append(
                Transfer(
                    f"{tx}:{index}",
                    tx,
                    Place(number // 2, number, index),
                    number,
                    sender,
                    receiver,
                    ASSET,
                    draw(AMOUNTS),
                    kind,
                    failed,
                )
            )
        if draw(st.booleans()):
            payer = draw(parties)
            place = Place(number // 2, number, LAST_INDEX)
            transfers.append(Transfer(f"{tx}:fee", tx, place, number, payer, None, ASSET, draw(st.integers(0, 5)), Kind.FEE))
    return transfers, draw(labels_for([f"t{n}" for n in range(count)], []))


@st.composite
def utxo_ledgers(draw: st.DrawFn, max_txs: int = 14) -> tuple[list[UtxoTx], Labels]:
    """Transactions in canonical order, no coin spent twice, with a snapshot. Some inputs have unknown values or parents."""
    unspent: list[tuple[Coin, str, int]] = []
    txs: list[UtxoTx] = []
    coins: list[Coin] = []
    for number in range(draw(st.integers(1, max_txs))):
        tx, coinbase = f"t{number}", not unspent or draw(st.integers(0, 3)) == 0
        inputs: list[Spend] = []
        if not coinbase:
            picked = draw(st.lists(st.sampled_from(unspent), min_size=1, max_size=3, unique=True))
            for entry in picked:
                unspent.remove(entry)
                inputs.append(Spend(*entry))
            if draw(st.integers(0, 12)) == 0:
                inputs.append(Spend(Coin(f"elsewhere{number}", 0), "E", draw(st.integers(1, 9))))
        unknown = not coinbase and draw(st.integers(0, 12)) == 0
        left = draw(st.integers(1, 20)) if coinbase else sum(spend.amount or 0 for spend in inputs) + (5 if unknown else 0)
        outputs = []
        for n in range(draw(st.integers(1, 3))):
            amount = draw(st.integers(0, left))
            left -= amount
            outputs.append(Output(draw(st.sampled_from(ADDRESSES)), amount))
            coins.append(Coin(tx, n))
            unspent.append((coins[-1], outputs[-1].address, amount))
        place = Place(number, LAST_INDEX if coinbase else number, 0)
        joint = not coinbase and draw(st.integers(0, 5)) == 0
        txs.append(
            UtxoTx(tx, place, number, tuple(inputs), tuple(outputs), coinbase, unknown, "Pool" if coinbase else "", joint)
        )
    return txs, draw(labels_for([tx.tx for tx in txs], coins))
