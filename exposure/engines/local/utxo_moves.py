"""Chunks of a numbered UTXO ledger as moves: what `exposure.taint.reference.utxo` does, for many transactions at once.

Each input goes without a hop from its coin into its transaction's pot, each output from there into its coin, the fee last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exposure.attribution.clusters.kernels import forms
from exposure.engines.local.moves import Moves, Sight, blank, in_order, stolen, words
from exposure.engines.local.roles import Theft
from exposure.model.joint import MARKED
from exposure.taint.kernels.layout import FEE, HOP, NONE, OWN, STILL

OUTPUT, COINBASE, LACKING = 1, 2, 4
Columns = Mapping[str, NDArray[Any]]


def moves(columns: Columns, part: slice, coins: int, sight: Sight, *, strict: bool, one_pot_each: bool) -> Moves:
    """The moves of one chunk of whole transactions.

    ``coins``: their number; pots of transactions come behind. ``one_pot_each``: each transaction of the ledger has a pot of
    its own (poison: flags stay), else those of a chunk are used again for the next.
    """
    roles, groups = sight.roles, sight.roles.groups
    row = {name: np.asarray(column[part]) for name, column in columns.items()}
    if not len(row["tx_no"]):
        return blank(0)
    first = int(row["tx_no"][0])
    tx = row["tx_no"].astype(np.int64) - first
    pot = tx + coins + (first if one_pot_each else 0)
    number = int(tx[-1]) + 1
    time, amount = row["time"], row["amount"]
    out, coinbase, lacking = ((row["flags"] & bit) != 0 for bit in (OUTPUT, COINBASE, LACKING))
    owner = np.where(row["address"] >= 0, roles.owner[np.maximum(row["address"], 0)], np.int32(NONE))
    spent, paid = np.zeros(number, np.int64), np.zeros(number, np.int64)
    np.add.at(spent, tx[~out & (amount > 0) & ~coinbase], amount[~out & (amount > 0) & ~coinbase])
    np.add.at(paid, tx[out], amount[out])
    is_lacking, is_coinbase = np.zeros(number, np.bool_), np.zeros(number, np.bool_)
    is_lacking[tx[lacking]], is_coinbase[tx[coinbase]] = True, True
    when = np.zeros(number, np.int64)
    when[tx] = time
    blurred = is_lacking & strict
    own = np.zeros(len(tx), np.bool_)
    wide = np.int64(len(roles.owner) + 1)
    known = ~out & (owner >= 0)
    own[out] = np.isin(tx[out] * wide + owner[out], tx[known] * wide + owner[known])
    form = np.zeros(number, np.int64)
    forms(tx, row["flags"], row["address"], row["amount"], time, form)
    together = np.isin(form, [int(one) for one in MARKED])
    if sight.joint:  # an input's row has the hash of the transaction that it spends from
        together[tx[out & np.isin(row["tx"], np.array(list(sight.joint), np.uint64))]] = True
    back = own & ~together[tx]  # change; of a joint transaction every output is a hop

    inputs = ~out & (amount > 0) & ~coinbase
    if not sight.poison:
        inputs &= ~blurred[tx]
    put_in = _inputs(row, inputs, roles.at(owner[inputs], time[inputs]), pot, sight)
    missing = np.where(is_lacking, np.maximum(paid - spent, 0), 0)
    if sight.poison:
        missing = np.where(blurred & ((paid > 0) | (spent > 0)), np.maximum(missing, 1), missing)
        total = np.where(is_coinbase, paid, spent + np.where(is_lacking, np.maximum(paid - spent, 0), 0))
    else:
        missing = np.where(blurred, np.maximum(spent, paid), missing)
        total = np.where(is_coinbase, paid, np.where(blurred, missing, spent + missing))
    pots = np.arange(number) + coins + (first if one_pot_each else 0)
    parts: list[tuple[Moves, tuple[Any, ...]]] = [
        (put_in, (tx[inputs], np.zeros(int(inputs.sum()), np.int64), np.arange(int(inputs.sum()))))
    ]

    def one_each(which: Any, phase: int, amounts: Any, **given: Any) -> None:
        at = np.flatnonzero(which)
        low, high = words(amounts[at])
        moved = blank(
            len(at),
            low=low,
            high=high,
            time=when[at],
            **{k: v[at] if isinstance(v, np.ndarray) else v for k, v in given.items()},
        )
        parts.append((moved, (at, np.full(len(at), phase), np.zeros(len(at), np.int64))))

    one_each(missing > 0, 1, missing, target=pots, origin=groups.unknown, move=STILL)
    one_each(is_coinbase & (paid > 0), 1, paid, target=pots, origin=groups.known)
    made = out & (amount > 0)
    low, high = words(amount[made])
    # Where an input is not known, nobody can tell the interval whether an output went back to its owner.
    theft = _thefts(row, made, sight, own=(own | blurred[tx])[made])
    kept = ~back[made] & (row["address"][made] >= 0)
    outputs = blank(
        int(made.sum()),
        source=pot[made],
        target=row["coin"][made],
        low=low,
        high=high,
        theft=theft,
        keep=np.where(kept, sight.wanted[np.maximum(row["address"][made], 0)], np.int32(NONE)),
        move=np.where(back[made] | coinbase[made], OWN, HOP),
        time=time[made],
    )
    turn = np.lexsort((row["n"][made], -amount[made] if sight.tiho else row["n"][made]))
    rank = np.empty(len(turn), np.int64)
    rank[turn] = np.arange(len(turn))
    parts.append((outputs, (tx[made], np.full(len(turn), 2), rank)))
    one_each(total - paid > 0, 3, total - paid, source=pots, target=FEE)
    return in_order(parts)


def _inputs(row: Columns, which: Any, origin: Any, pot: Any, sight: Sight) -> Moves:
    """From their owner, if that is an origin; else from their coin; else from nobody knows where."""
    coin = row["coin"][which]
    lost = (origin < 0) & (coin < 0)
    low, high = words(row["amount"][which])
    return blank(
        len(coin),
        source=np.where(origin >= 0, np.int32(NONE), coin),
        target=pot[which],
        low=low,
        high=high,
        origin=np.where(lost, np.int32(sight.roles.groups.unknown), origin),
        theft=np.where(lost, _thefts(row, which, sight, own=np.zeros(len(coin), np.bool_)), np.int32(NONE)),
        move=np.where(lost, HOP, STILL),
        time=row["time"][which],
    )


def _thefts(row: Columns, which: Any, sight: Sight, *, own: Any) -> Any:
    """Thefts by coin first, else by transaction, unless the coin went back to a sender."""
    tx, time = row["tx"][which], row["time"][which]
    found = np.where(own, np.int32(NONE), stolen(tx, sight.thefts, time))
    for (number, n), theft in sight.coin_thefts.items():
        at = (tx == np.uint64(number)) & (row["n"][which] == n) & (time >= theft.since)
        found = np.where(at, np.int32(theft.group), found)
    return found


__all__ = ["Theft", "moves"]
