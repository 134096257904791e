"""Several addresses of one customer as one subject: they are one owner, as whoever asks knows.

What moves among them is no inflow and takes no hop, as inside a cluster. Deposit addresses of one's own institution belong to
the institution, whoever the customer is: what came to them counts, and they are not joined with the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from exposure.attribution.resolve import resolve
from exposure.model.labels import Category, Labels
from exposure.workflows.labels import Snapshot


def joined(found: Snapshot, addresses: Sequence[str]) -> Snapshot:
    """A snapshot in which some addresses have one owner, with all that shares a cluster with them."""
    labels = found.labels
    mine = {labels.owner(address) for address in addresses if not _is_own_institution(labels, address)}
    if len(mine) < 2:
        return found
    head = min(address for address in addresses if labels.owner(address) in mine)
    owners = {address: head if owner in mine else owner for address, owner in labels.owners.items()}
    owners |= {address: head for address in addresses if labels.owner(address) in mine}
    made = resolve(
        (standing for those in found.standings.values() for standing in those),
        roles=found.roles,
        actors=found.actors,
        hubs=labels.hubs,
        owners=owners,
        seeds_from_designation=labels.seeds_from_designation,
        notes=labels.notes,
    )
    return replace(found, labels=replace(made, inherited={**made.inherited, **labels.inherited}))


def _is_own_institution(labels: Labels, address: str) -> bool:
    service = labels.boundaries.get(labels.owner(address))
    return service is not None and service.category == Category.OWN_INSTITUTION.value
