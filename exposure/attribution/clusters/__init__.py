"""Clusters: addresses under one control by a named heuristic. What links them is kept: which heuristic, which transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from exposure.model.sentences import Sentence


class Method(StrEnum):
    """Which heuristics make clusters: none; those that stand as evidence; also those that are good for looking around."""

    NONE = "none"
    EVIDENCE = "evidence"
    EXPLORATION = "exploration"


class Heuristic(StrEnum):
    """Why two addresses are held to be under one control; in the order of their numbers in kernels."""

    CO_SPEND = "co_spend"
    CO_SPEND_PAYJOIN = "co_spend_payjoin"
    CHANGE_SCRIPT = "change_script"
    CHANGE_ROUND = "change_round"
    CHANGE_OPTIMAL = "change_optimal"
    DEPOSIT_ADDRESS = "deposit_address"


HEURISTICS = tuple(Heuristic)
WORDS: Mapping[Heuristic, str] = MappingProxyType({one: Sentence(f"links.{one}") for one in Heuristic})
PERCENT: Mapping[Heuristic, int] = MappingProxyType(
    {
        Heuristic.CO_SPEND: 90,
        Heuristic.CO_SPEND_PAYJOIN: 60,
        Heuristic.CHANGE_SCRIPT: 40,
        Heuristic.CHANGE_ROUND: 40,
        Heuristic.CHANGE_OPTIMAL: 40,
        Heuristic.DEPOSIT_ADDRESS: 80,
    }
)
"""What of a tag's confidence goes over to the other members of a cluster, by the weakest of its links."""
METHODS: Mapping[Method, tuple[Heuristic, ...]] = MappingProxyType(
    {
        Method.NONE: (),
        Method.EVIDENCE: (Heuristic.CO_SPEND, Heuristic.DEPOSIT_ADDRESS),
        Method.EXPLORATION: HEURISTICS,
    }
)

LARGE = 10_000
"""Two clusters of more than so many addresses are not merged: one mistake would join two services for good."""
REASONS = ("", "it would join two differently named entities", f"it would join two clusters of more than {LARGE:,} addresses")
REFUSED_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class Link:
    """One merge that was made, or (with a reason) refused: two addresses, by which heuristic, in which transaction."""

    one: str
    other: str
    heuristic: Heuristic
    tx: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Clusters:
    """Clusters of one chain.

    ``owners``: cluster of each address that shares one (its id is the address of it that was linked first). ``links``: a
    tree of merges for each cluster. ``refused``: merges that the guard did not allow (the first ``REFUSED_KEPT``);
    ``refusals`` counts them all.
    """

    owners: Mapping[str, str]
    links: tuple[Link, ...]
    refused: tuple[Link, ...] = ()
    refusals: int = 0

    def percents(self) -> dict[str, int]:
        """By cluster: what of a tag's confidence its other members inherit, in percent."""
        found: dict[str, int] = {}
        for link in self.links:
            owner = self.owners[link.one]
            found[owner] = min(found.get(owner, 100), PERCENT[link.heuristic])
        return found

    def without(self, alone: Collection[str]) -> Clusters:
        """The clusters without some addresses, and without what only they held together."""
        touched = {self.owners[address] for address in alone if address in self.owners}
        if not touched:
            return self
        kept = tuple(link for link in self.links if link.one not in alone and link.other not in alone)
        owners = {address: owner for address, owner in self.owners.items() if owner not in touched}
        heads: dict[str, str] = {}

        def head(address: str) -> str:
            while heads.setdefault(address, address) != address:
                address = heads[address]
            return address

        loose = [link for link in kept if self.owners[link.one] in touched]
        for link in loose:
            heads[head(link.other)] = head(link.one)
        owners |= {address: head(address) for link in loose for address in (link.one, link.other)}
        return Clusters(owners, kept, self.refused, self.refusals)
