"""What one section of a report is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from exposure.measure.status import regimes
from exposure.model.labels import Labels, Seed
from exposure.model.results import OneWay, Own, Subject
from exposure.workflows.trace.ledgers import Subledger
from exposure.workflows.trace.worth import Worth


@dataclass(frozen=True, slots=True)
class Matter:
    """What one section is made from: the subject's transfers, each with the part of the ledger that bears on it.

    ``no_interval``: why none can be given for this subject, or empty. ``brackets``: at least and at most, by category,
    with `RISK` for all seeds together; ``no_bracket`` says why there is none. ``cuts``: the minimal cut of each category.
    ``window_days``: days before ``window_end`` that stand beside the whole history (None: no window); ``own_hops``: hops of
    the account before which the subject's own spending counts (`exposure.workflows.trace.own_coins`).
    """

    subject: Subject
    direction: OneWay
    parts: tuple[tuple[str, Subledger], ...]
    seeds: Mapping[str, Seed]
    worth: Worth
    own: tuple[Own, ...]
    now: int
    no_interval: str = ""
    brackets: Mapping[str, tuple[int, int]] | None = None
    no_bracket: str = ""
    cuts: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[str, ...] = ()
    window_days: int | None = None
    window_end: int = 0
    own_hops: int = 0

    @property
    def subledgers(self) -> list[Subledger]:
        """Each part of the ledger once."""
        return list({id(sub): sub for _, sub in self.parts}.values())

    @property
    def category_of(self) -> dict[str, str]:
        """Category of each seed by name."""
        return {name: seed.category for name, seed in self.seeds.items()}

    @property
    def labels(self) -> Labels:
        """A snapshot with the hubs of every part."""
        hubs = {owner: why for sub in self.subledgers for owner, why in sub.labels.hubs.items()}
        return replace(self.subledgers[0].labels, hubs=hubs)


def own_flags(addresses: Iterable[str], labels: Labels, now: int) -> tuple[Own, ...]:
    """What the subject's own addresses, or their clusters, are tagged as."""
    return tuple(flag for address in addresses for flag in _flags(address, labels, now))


def _flags(address: str, labels: Labels, now: int) -> tuple[Own, ...]:
    owner = labels.owner(address)
    through = "" if owner == address else owner
    seed = labels.seeds.get(owner)
    if seed is not None:
        return (
            Own(
                seed.category,
                seed.entity,
                address,
                through,
                seed.sources,
                labels.inherited.get(address, seed.confidence),
                regimes(seed.designations, None, now),
            ),
        )
    for services in (labels.boundaries, labels.pass_through):
        service = services.get(owner)
        if service is not None:
            sure = labels.inherited.get(address, service.confidence)
            return (Own(service.category, service.entity, address, through, service.sources, sure),)
    return ()
