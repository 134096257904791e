"""Random small ledgers as numbered arrays, for sweeps, and their accounts by the reference."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pyarrow as pa

from exposure.engines.local.ledger import Ledger
from exposure.engines.local.roles import ALWAYS, NEVER, Theft, groups_of, roles_of, starts
from exposure.engines.local.sweep import Stricter
from exposure.measure.account import categories, source
from exposure.model.ledger import Kind

ASSETS = ("ethereum/0x01", "ethereum/native")


def account_ledger(transfers):
    """A ledger of transfers and its pots in order."""
    moving = [t for t in transfers if not t.failed and t.amount and t.sender != t.receiver]
    pots = list(dict.fromkeys((t.asset, end) for t in moving for end in (t.sender, t.receiver) if end is not None))
    number = {pot: n for n, pot in enumerate(pots)}
    txs = {tx: n for n, tx in enumerate(dict.fromkeys(t.tx for t in transfers))}
    columns = {
        "source": np.array([number.get((t.asset, t.sender), -1) for t in moving], np.int32),
        "target": np.array([number.get((t.asset, t.receiver), -1) for t in moving], np.int32),
        "low": np.array([t.amount & (2**64 - 1) for t in moving], np.uint64),
        "high": np.array([t.amount >> 64 for t in moving], np.uint64),
        "block": np.array([t.place.block for t in moving], np.int64),
        "time": np.array([t.time for t in moving], np.int64),
        "tx": np.array([txs[t.tx] for t in moving], np.uint64),
        "fee": np.array([t.kind is Kind.FEE for t in moving], np.uint8),
    }
    asset = np.array([ASSETS.index(name) for name, _ in pots], np.int32)
    return Ledger(False, len(pots), 0, 0, asset, len(ASSETS), columns), pots, txs


def utxo_ledger(txs):
    """A ledger of transactions and its addresses in order."""
    ends = (end for tx in txs for end in (*(s.address for s in tx.inputs), *(o.address for o in tx.outputs)) if end)
    pots = [("native", address) for address in dict.fromkeys(ends)]
    number = {address: n for n, (_, address) in enumerate(pots)}
    coins = {(tx.tx, n): 0 for tx in txs for n in range(len(tx.outputs))}
    coins = {coin: n for n, coin in enumerate(coins)}
    names = {}
    rows = []
    for no, tx in enumerate(txs):
        bits = 2 * tx.coinbase + 4 * (not tx.complete and not tx.coinbase)
        for s in tx.inputs:
            name = names.setdefault(s.coin.tx, len(names))
            amount = -1 if s.amount is None else s.amount
            rows.append((no, coins.get(s.coin, -1), number.get(s.address, -1), amount, bits, name, s.coin.n, tx))
        for n, o in enumerate(tx.outputs):
            name = names.setdefault(tx.tx, len(names))
            rows.append((no, coins[tx.tx, n], number[o.address], o.amount, bits + 1, name, n, tx))
    kinds = {"tx_no": "i4", "coin": "i4", "address": "i4", "amount": "i8", "flags": "u1", "tx": "u8", "n": "i4"}
    columns = {name: np.array([row[place] for row in rows], kind) for place, (name, kind) in enumerate(kinds.items())}
    columns["time"] = np.array([row[7].time for row in rows], np.int64)
    columns["block"] = np.array([row[7].place.block for row in rows], np.int64)
    return Ledger(True, len(pots), len(coins), len(txs), np.zeros(len(pots), np.int32), 1, columns), pots, names


def roles(labels, pots, assets):
    """The roles of some pots."""
    return roles_of(
        labels,
        [(np.arange(len(pots)), pa.array([a for a, _ in pots], pa.string()), pa.array([b for _, b in pots], pa.string()))],
        assets,
        len(pots),
    )


def thefts(labels, named):
    """Thefts of transactions by their numbers, and of coins."""
    groups = groups_of(labels)

    def theft(seed):
        return Theft(groups.categories.index(seed.category), starts(seed, labels))

    by_tx = {named[tx]: theft(seed) for tx, seed in labels.tx_seeds.items() if tx in named}
    by_coin = {(named[coin.tx], coin.n): theft(seed) for coin, seed in labels.coin_seeds.items() if coin.tx in named}
    return by_tx, by_coin


def stricter(pots, incomplete, labels):
    """What is missing, as a sweep takes it."""
    number = {(address, asset): n for n, (asset, address) in enumerate(pots)}
    gap, bears, known = np.full(len(pots), NEVER), np.zeros(len(pots), np.bool_), {}
    for entry in incomplete:
        at = number.get((entry.address, entry.asset))
        if at is None:
            continue
        gap[at] = ALWAYS if entry.since is None else entry.since.block
        bears[at] = entry.since is None and entry.oldest
        if entry.until is not None:
            known[at] = (entry.until.block, entry.balance or 0)
    return Stricter(gap, known, bears)


def accounts(run, inflows, limit, labels):
    """By pot: {(category, hop)}, known and unresolved amounts of what it received, by the reference."""
    category = categories(labels)
    found = {}
    for pot, refs in inflows.items():
        parts = defaultdict(int)
        for ref in refs:
            for part, amount in source(run.received[ref], limit).items():
                key = (
                    (category[part.name], part.hop)
                    if part.kind == "seed"
                    else part.kind
                    if part.kind == "unresolved"
                    else "known"
                )
                parts[key] += amount
        found[pot] = dict(parts)
    return found
