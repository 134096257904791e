"""A second witness: another source's history of an address, held against what is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from exposure.model.assets import chain as chain_of
from exposure.store.histories import StoredAccountHistory, StoredUtxoHistory
from exposure.store.store import Store
from exposure.text import shown
from exposure.workflows.fetch.options import Difference

MAX_LISTED = 20
"""Differences listed one by one for each address and side; the rest is counted."""

_Movement = tuple[str, ...]


def differences(first: Store, second: Store, chain: str, address: str, names: tuple[str, str], last: int) -> list[Difference]:
    """What one store has of an address up to a block and the other has not.

    Parameters
    ----------
    names : (str, str)
        What the sources are called.
    """
    ours, theirs = _movements(first, chain, address, last), _movements(second, chain, address, last)
    one, other = names
    found = []
    for more, less, has, lacks in ((ours, theirs, one, other), (theirs, ours, other, one)):
        missing: list[_Movement] = sorted((more - less).elements())
        found += [
            Difference(chain, address, f"{has} has {shown(' '.join(row), 200)}, and {lacks} has not")
            for row in missing[:MAX_LISTED]
        ]
        if len(missing) > MAX_LISTED:
            found.append(Difference(chain, address, f"{len(missing) - MAX_LISTED:,} more that {has} has and {lacks} has not"))
    return found


def _movements(store: Store, chain: str, address: str, last: int) -> Counter[_Movement]:
    if chain not in store.chains():
        return Counter()
    found = _coins if chain_of(chain).ledger == "utxo" else _transfers
    return Counter(found(store, chain, address, last))


def _coins(store: Store, chain: str, address: str, last: int) -> Iterator[_Movement]:
    history = StoredUtxoHistory(store, chain)
    for coin, _, amount in history.deposits(address):
        tx = history.transaction(coin.tx)
        if tx is None or tx.place.block > last:
            continue
        yield "coin", str(coin), str(amount)
        spender = history.spender(coin)
        by = None if spender is None else history.transaction(spender)
        if by is not None and by.place.block <= last:
            yield "spend of", str(coin), "by", by.tx


def _transfers(store: Store, chain: str, address: str, last: int) -> Iterator[_Movement]:
    history = StoredAccountHistory(store, chain)
    for asset in history.assets(address):
        for row in history.movements(address, asset):
            if row.place.block <= last:
                # Not the ordinal: it is what sources name differently.
                kind = "fee" if row.receiver is None and row.sender == address else "movement"
                yield kind, asset, row.tx, row.sender or "-", row.receiver or "-", str(row.amount)
