"""Union-find over the columns of a numbered UTXO ledger, in canonical order."""

from __future__ import annotations

from typing import Any

import numpy as np

from exposure.model import joint
from exposure.taint.kernels.compiled import kernel, prefetch

form_of = kernel(joint.form_of)
"""The definition itself, compiled."""

CO_SPEND, CO_SPEND_PAYJOIN, CHANGE_SCRIPT, CHANGE_ROUND, CHANGE_OPTIMAL, DEPOSIT_ADDRESS = range(6)
OUTPUT, COINBASE = 1, 2
JOINT = 64
"""Flag of rows of transactions that are known to be joint, beside those that a numbered ledger has."""
NAMES, SIZES = 1, 2
PARENT, SIZE, ENTITY, LOOKS = 0, 1, 2, 3
SCRIPT, SEEN = 0xFF, 0x100
"""Of `LOOKS`: the script type of an address, and whether it was paid before. All that is asked of one stands in one place."""
AHEAD = 24
"""Rows whose addresses are fetched into the cache before they are needed."""
PLAIN, PAYJOIN = int(joint.Form.PLAIN), int(joint.Form.PAYJOIN)
ROUND = 100_000
"""An amount that is a whole number of so many satoshi was chosen by a person."""


@kernel
def forms(tx: Any, flags: Any, address: Any, amount: Any, time: Any, found: Any) -> None:
    """Form of each transaction of a chunk (``tx`` counts from 0), into ``found``."""
    first, rows = 0, len(tx)
    while first < rows:
        middle = first
        while middle < rows and tx[middle] == tx[first] and flags[middle] & OUTPUT == 0:
            middle += 1
        last = middle
        while last < rows and tx[last] == tx[first]:
            last += 1
        found[tx[first]] = form_of(
            address[first:middle], amount[first:middle], address[middle:last], amount[middle:last], time[first]
        )
        first = last


@kernel
def root(nodes: Any, one: int) -> int:
    """The member that stands for a cluster; halves the way to it."""
    while nodes[one, PARENT] != one:
        nodes[one, PARENT] = nodes[nodes[one, PARENT], PARENT]
        one = nodes[one, PARENT]
    return one


@kernel
def flatten(nodes: Any) -> None:
    """Let each member point to the one that stands for its cluster."""
    for one in range(len(nodes)):
        nodes[one, PARENT] = root(nodes, one)


@kernel
def conflict(nodes: Any, members: Any, large: int) -> int:
    """Why some addresses must not become one cluster: `NAMES`, `SIZES`, or 0."""
    name, big = -1, -1
    for n in range(len(members)):
        if members[n] < 0:
            continue
        top = root(nodes, members[n])
        if nodes[top, ENTITY] >= 0:
            if name >= 0 and nodes[top, ENTITY] != name:
                return NAMES
            name = nodes[top, ENTITY]
        if nodes[top, SIZE] > large:
            if big >= 0 and top != big:
                return SIZES
            big = top
    return 0


@kernel
def join(nodes: Any, one: int, other: int) -> bool:
    """Merge two clusters, the smaller into the larger; whether they were two."""
    a, b = root(nodes, one), root(nodes, other)
    if a == b:
        return False
    if nodes[a, SIZE] < nodes[b, SIZE]:
        a, b = b, a
    nodes[b, PARENT] = a
    nodes[a, SIZE] += nodes[b, SIZE]
    if nodes[a, ENTITY] < 0:
        nodes[a, ENTITY] = nodes[b, ENTITY]
    return True


@kernel
def change_of(sources: Any, inputs: Any, targets: Any, outputs: Any, nodes: Any, wanted: int) -> tuple[int, int]:
    """(place, heuristic) of the output that is change, or (-1, -1).

    It is the only output to an address that was never paid before, and one more sign has to point to it alone.
    """
    fresh = -1
    for n in range(len(targets)):
        for m in range(len(sources)):
            if targets[n] == sources[m]:
                return -1, -1  # change went back to a sender
        if targets[n] >= 0 and nodes[targets[n], LOOKS] & SEEN == 0:
            if fresh >= 0:
                return -1, -1
            fresh = n
    if fresh < 0:
        return -1, -1
    kind = nodes[sources[0], LOOKS] & SCRIPT if sources[0] >= 0 else -1
    same, least = kind >= 0, inputs.min()
    for m in range(len(sources)):
        same = same and sources[m] >= 0 and nodes[sources[m], LOOKS] & SCRIPT == kind
    alone_in_kind, alone_unround = same and nodes[targets[fresh], LOOKS] & SCRIPT == kind, outputs[fresh] % ROUND != 0
    alone_small = len(inputs) > 1 and least >= 0 and outputs[fresh] < least
    for n in range(len(targets)):
        if n == fresh:
            continue
        alone_in_kind = alone_in_kind and targets[n] >= 0 and nodes[targets[n], LOOKS] & SCRIPT != kind
        alone_unround = alone_unround and outputs[n] % ROUND == 0
        alone_small = alone_small and outputs[n] >= least
    if wanted >> CHANGE_SCRIPT & 1 and alone_in_kind:
        return fresh, CHANGE_SCRIPT
    if wanted >> CHANGE_ROUND & 1 and alone_unround:
        return fresh, CHANGE_ROUND
    if wanted >> CHANGE_OPTIMAL & 1 and alone_small:
        return fresh, CHANGE_OPTIMAL
    return -1, -1


@kernel
def unite(columns: Any, nodes: Any, wanted: int, large: int, links: Any, refused: Any) -> tuple[int, int]:
    """Merge addresses transaction by transaction.

    Parameters
    ----------
    columns
        ``tx_no``, ``flags``, ``address``, ``amount``, ``time``: as `exposure.store.numbered` has them.
    nodes
        By address: `PARENT`, `SIZE`, `ENTITY` (number of the name that a cluster has, or -1), `LOOKS` (its script type, where a
        change heuristic is wanted; `SEEN` is noted there). Changed.
    wanted, large
        The heuristics as bits; the size from which two clusters are not merged.
    links
        Takes (one, other, heuristic, transaction) of each merge; as long as there are addresses.
    refused
        Takes (one, other, heuristic, transaction, reason), as far as there is room.

    Returns
    -------
    tuple
        Numbers of merges made and refused.
    """
    tx_no, flags, address, amount, time = columns
    made, denied = 0, 0
    first, rows = 0, len(tx_no)
    change = wanted >> CHANGE_SCRIPT & 7 != 0
    pair = np.empty(2, np.int32)
    while first < rows:
        middle = first
        while middle < rows and tx_no[middle] == tx_no[first] and flags[middle] & OUTPUT == 0:
            middle += 1
        last = middle
        while last < rows and tx_no[last] == tx_no[first]:
            last += 1
        for n in range(first + AHEAD, min(last + AHEAD, rows)):
            if (change or flags[n] & OUTPUT == 0) and address[n] >= 0:
                prefetch(nodes, address[n])
        if middle > first and flags[first] & (COINBASE | JOINT) == 0:
            sources, inputs = address[first:middle], amount[first:middle]
            targets, outputs = address[middle:last], amount[middle:last]
            form = PLAIN
            if middle - first > 1:
                form = form_of(sources, inputs, targets, outputs, time[first])
            how = CO_SPEND if form == PLAIN else CO_SPEND_PAYJOIN if form == PAYJOIN else -1
            if middle - first > 1 and how >= 0 and wanted >> how & 1:
                head = -1
                reason = conflict(nodes, sources, large)
                for n in range(len(sources)):
                    if sources[n] < 0 or sources[n] == head:
                        continue
                    if head < 0:
                        head = sources[n]
                    elif reason == 0:
                        if join(nodes, head, sources[n]):
                            links[made, 0], links[made, 1], links[made, 2], links[made, 3] = head, sources[n], how, tx_no[first]
                            made += 1
                    elif root(nodes, head) != root(nodes, sources[n]):
                        if denied < len(refused):
                            refused[denied, 0], refused[denied, 1], refused[denied, 2] = head, sources[n], how
                            refused[denied, 3], refused[denied, 4] = tx_no[first], reason
                        denied += 1
            if change and form == PLAIN and last - middle > 1:
                place, why = change_of(sources, inputs, targets, outputs, nodes, wanted)
                if place >= 0 and sources[0] >= 0:
                    pair[0], pair[1] = sources[0], targets[place]
                    reason = conflict(nodes, pair, large)
                    if reason == 0 and join(nodes, pair[0], pair[1]):
                        links[made, 0], links[made, 1], links[made, 2], links[made, 3] = pair[0], pair[1], why, tx_no[first]
                        made += 1
                    elif reason != 0:
                        if denied < len(refused):
                            refused[denied, 0], refused[denied, 1], refused[denied, 2] = pair[0], pair[1], why
                            refused[denied, 3], refused[denied, 4] = tx_no[first], reason
                        denied += 1
        if change:
            for n in range(middle, last):
                if address[n] >= 0:
                    nodes[address[n], LOOKS] |= SEEN
        first = last
    return made, denied
