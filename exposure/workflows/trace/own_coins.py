"""Where the value of an address on a UTXO chain went: its own coins are followed, and nobody else's.

A transaction may have inputs of several owners, so its outputs are not "what this address sent". The coins that came to
the address are followed instead; hops are counted from its own spending (as on account chains, where the outgoing
transfer is hop 1), and what still lies at the address has made none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from exposure.model.labels import Labels
from exposure.model.results import Section
from exposure.workflows.trace.words import settles

V = TypeVar("V")


def own_ends_lifted(labels: Labels, owner: str) -> Labels:
    """The snapshot without what it says of one owner: the subject does not end its own value."""

    def others(kept: Mapping[str, V]) -> dict[str, V]:
        return {key: value for key, value in kept.items() if key != owner}

    return replace(
        labels,
        seeds=others(labels.seeds),
        boundaries=others(labels.boundaries),
        pass_through=others(labels.pass_through),
        hubs=others(labels.hubs),
    )


def counted_from_spending(section: Section, max_hops: int | None) -> Section:
    """A section that was made with one hop more, with hops counted from the address's own spending.

    The way of a coin to the address is no part of where it went, so paths begin with the spending.
    """
    exposures = tuple(
        replace(row, hops=max(row.hops - 1, 1), kind="direct" if row.hops <= 2 else "indirect") for row in section.exposures
    )
    attributed = tuple(replace(row, hops=row.hops - 1) for row in section.attributed)
    unresolved, difference = (
        tuple(
            replace(
                row,
                hops=None if row.hops is None else row.hops - 1,
                settles=settles("beyond", row.name, Labels(), max_hops) if row.reason == "beyond" else row.settles,
            )
            for row in rows
        )
        for rows in (section.unresolved, section.difference)
    )
    paths = tuple(
        replace(path, hops=max(path.hops - 1, 1), steps=tuple(replace(step, hop=step.hop - 1) for step in path.steps[1:]))
        for path in section.paths
    )
    return replace(
        section, exposures=exposures, attributed=attributed, unresolved=unresolved, difference=difference, paths=paths
    )
