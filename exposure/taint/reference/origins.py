"""Who makes value new: the origin of what leaves a seed, a service, a hub or nowhere; None for an ordinary address."""

from __future__ import annotations

from exposure.model.labels import Labels, Seed
from exposure.taint.reference.lots import Origin


def seed_origin(seed: Seed, time: int) -> Origin:
    """The origin of what leaves a seed at ``time``."""
    return Origin("seed", seed.name, seed.epoch(time))


def active(seed: Seed | None, labels: Labels, time: int) -> Seed | None:
    """The seed, unless ``seeds_from_designation`` makes it ordinary before its first date."""
    if seed is not None and labels.seeds_from_designation and seed.dates and time < seed.dates[0]:
        return None
    return seed


def owner_origin(labels: Labels, owner: str, time: int, *, following: bool = False) -> Origin | None:
    """The origin that an owner is at ``time``; None if it is an ordinary address.

    ``following``: only the subject's value counts as taint, so a seed is an end like any service.
    """
    seed = labels.seed_at(owner, time)
    if seed is not None:
        return Origin("service", owner) if following else seed_origin(seed, time)
    if owner in labels.seeds:  # listed later: an ordinary address until its first designation, whatever else it is
        return None
    if owner in labels.boundaries:
        return Origin("service", owner)
    if owner in labels.hubs:
        return Origin("unresolved", f"hub:{owner}")
    if owner in labels.pass_through:
        return Origin("unresolved", f"conversion:{owner}")
    return None
