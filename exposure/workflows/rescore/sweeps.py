"""One rule over one ledger for a rescoring: the figure's sweep and the interval's, beside each other, from saved states."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from exposure.engines.local import saved
from exposure.engines.local.ledger import Ledger
from exposure.engines.local.moves import Sight
from exposure.engines.local.roles import Roles, Theft
from exposure.engines.local.saved import Unfit
from exposure.engines.local.state import Found
from exposure.engines.local.sweep import Stricter, Sweep
from exposure.model.settings import Rule
from exposure.store.numbered import Numbered
from exposure.workflows.rescore.rows import Scored, Wanted

Advance = Callable[[int, int], None]
BESIDE = 6 << 30
"""Bytes that two sweeps at once may come to hold; larger ones go one after the other."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one ledger, whoever is asked for: who is who, what is missing, what was stolen."""

    index: Numbered
    ledger: Ledger
    roles: Roles
    stricter: Stricter
    by_tx: dict[int, Theft]
    by_coin: dict[tuple[int, int], Theft]
    joint: dict[int, str]


def scored(
    known: Known,
    wanted: Wanted,
    row_of: NDArray[np.int32],
    rule: Rule,
    hops: int,
    state: Path | None,
    advance: Advance,
) -> tuple[Scored, list[str]]:
    """One rule's figures of some wanted pots; and, if the history of any of them is whole, those of the stricter run.

    Parameters
    ----------
    row_of
        By pot, its row among the wanted ones, or -1.
    state
        Where states are kept (``-interval`` is added for the stricter run's), or None.
    advance
        Told (rows done, rows in all), of both sweeps together.

    Returns
    -------
    tuple
        The figures, and a sentence for each sweep that looked for a state.
    """
    runs = [None, known.stricter] if wanted.whole.any() else [None]
    done = [0] * len(runs)

    def swept(number: int) -> tuple[Found, str]:
        def moved_on(rows: int, _: int) -> None:
            done[number] = rows
            advance(sum(done), len(runs) * known.ledger.rows)

        place = None if state is None else state.with_name(state.name + ("-interval" if number else ""))
        return _swept(known, wanted, row_of, rule, hops, runs[number], place, moved_on)

    tracked = 8 * known.roles.groups.number * (hops + 2) + 200  # bytes of a pot of which everything is tracked, about
    beside = (os.cpu_count() or 1) > 1 and tracked * len(runs) * max(known.ledger.pots, known.ledger.coins) <= BESIDE
    with ThreadPoolExecutor(len(runs) if beside else 1) as pool:  # the kernels run outside the interpreter's lock
        results = list(pool.map(swept, range(len(runs))))
    figure, strict = results[0][0], results[1][0] if len(runs) > 1 else None
    return Scored(rule, hops, known.roles.groups, figure, strict), [said for _, said in results if said]


def _swept(
    known: Known,
    wanted: Wanted,
    row_of: NDArray[np.int32],
    rule: Rule,
    hops: int,
    stricter: Stricter | None,
    place: Path | None,
    advance: Advance,
) -> tuple[Found, str]:
    def begun(state: saved.Saved | None) -> Sweep:
        sight = Sight(known.roles, row_of, known.by_tx, known.by_coin, joint=known.joint)
        return Sweep(known.ledger, rule, hops, sight, wanted.asset, stricter=stricter, saved=state)

    said = ""
    made: Sweep | None = None
    if place is not None:
        try:
            made = begun(saved.read(place, known.index.digest, known.ledger.rows))
            said = f"{place.name}: goes on from row {made.rows:,} of {known.ledger.rows:,}"
        except Unfit as reason:
            said = f"{place.name}: from the beginning ({reason})"
    if made is None:
        made = begun(None)
    made.run(advance=advance)
    found = made.found()
    if place is not None:
        saved.save(made, place, known.index.digest)
    return found, said
