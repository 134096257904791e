"""Addresses that somebody wants to look behind: they are followed as ordinary ones although they count as hubs.

That changes one thing only: what leaves such an address is no longer unresolved as "hub" but has the composition of its pot.
Parties and services stay what their tags say they are, and the hop limit stays where it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from exposure.errors import InputError
from exposure.model.labels import Labels
from exposure.model.sentences import Sentence
from exposure.text import shown

Told = dict[str, str | None]
"""Owners that were let through, with why they would have been hubs (None: they are none)."""


def owners_of(expanded: Sequence[str], labels: Labels) -> dict[str, str]:
    """Owner of each address, with the address.

    Raises
    ------
    InputError
        If one is a party or service, of which no history says more.
    """
    found = {}
    for address in expanded:
        owner = labels.owner(address)
        kinds: tuple[Mapping[str, object], ...] = (labels.seeds, labels.boundaries, labels.pass_through)
        known = next((kind[owner] for kind in kinds if owner in kind), None)
        if known is not None:
            category = getattr(known, "category", "")
            entity = getattr(known, "entity", "")
            raise InputError(
                f"--expand {shown(address, 80)}: it is tagged as {shown(f'{category} {entity}'.strip(), 100)}, so what leaves "
                "it is attributed to that, and what came in says nothing more; retract or correct the tag if it is wrong"
            )
        found[owner] = address
    return found


def warnings(expanded: Mapping[str, str], told: Told, max_hops: int | None) -> Iterator[str]:
    """What became of each."""
    for owner, address in expanded.items():
        name = shown(address, 80)
        why = told.get(owner)
        if why is not None:
            yield Sentence("notes.expanded", who=name, why=why)
        elif owner in told:
            yield Sentence("notes.expanded_no_hub", who=name)
        else:
            key = "notes.expanded_not_met" if max_hops is None else "notes.expanded_not_met_within"
            yield Sentence(key, who=name, **({} if max_hops is None else {"hops": max_hops}))
