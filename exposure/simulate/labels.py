"""The label snapshot that the lists of an economy resolve to: whoever is, or ever was, named in them."""

from __future__ import annotations

from exposure.model.labels import DEFAULT_ROLES, Labels, Role, Seed, Service
from exposure.simulate.cast import Cast, Party
from exposure.simulate.lists import listed_addresses


def _named_addresses(party: Party) -> list[str]:
    if party.listing is not None:
        return sorted({address for edition in (0, 1) for _, address in listed_addresses(party, edition)})
    return [*party.wallet.addresses, party.account.address]


def snapshot(cast: Cast) -> Labels:
    """Labels of a run, with the names that the truth uses. Unlisted addresses of listed parties are not in it."""
    seeds: dict[str, Seed] = {}
    boundaries: dict[str, Service] = {}
    pass_through: dict[str, Service] = {}
    for party in cast.parties:
        role = DEFAULT_ROLES[party.category]
        for address in _named_addresses(party):
            if role is Role.SEED:
                seeds[address] = Seed(party.name, party.category, party.name)
            else:
                into = boundaries if role is Role.BOUNDARY else pass_through
                into[address] = Service(party.name, party.category, party.name)
    thefts = {tx: Seed(entity, "stolen_funds", entity) for _, tx, entity in cast.thefts}
    return Labels(seeds=seeds, boundaries=boundaries, pass_through=pass_through, tx_seeds=thefts)
