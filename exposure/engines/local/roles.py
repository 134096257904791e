"""Who is who in a numbered ledger: the label snapshot as arrays by pot. Groups of origins are categories here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from exposure.model.labels import Labels, Seed
from exposure.taint.kernels.layout import NONE

ALWAYS = int(np.iinfo(np.int64).min)
NEVER = int(np.iinfo(np.int64).max)


class Groups(NamedTuple):
    """Numbers of the groups: seeds' categories, missing history, hubs and conversions, attributed."""

    categories: tuple[str, ...]

    @property
    def unknown(self) -> int:
        """Value of unknown origin that may carry a seed's label: shortfalls, missing history."""
        return len(self.categories)

    @property
    def blind(self) -> int:
        """Value out of hubs and conversions."""
        return len(self.categories) + 1

    @property
    def known(self) -> int:
        """Value from services, and newly minted value."""
        return len(self.categories) + 2

    @property
    def number(self) -> int:
        """How many groups there are."""
        return len(self.categories) + 3


class Theft(NamedTuple):
    """A stolen transaction or coin: its group, the time from which it counts, and its name, whatever its number."""

    group: int
    since: int
    name: str = ""


class Roles(NamedTuple):
    """``owner``: pot by pot, the pot that stands for its owner. ``group`` and ``since`` (by owner's pot): the origin that it
    is (`NONE`: an ordinary address) and from when. The same by asset, where an asset is a seed."""

    groups: Groups
    owner: NDArray[np.int32]
    group: NDArray[np.int32]
    since: NDArray[np.int64]
    asset_group: NDArray[np.int32]
    asset_since: NDArray[np.int64]

    def at(self, pots: NDArray[Any], times: NDArray[np.int64]) -> NDArray[np.int32]:
        """The origins that owners' pots are at some times; `NONE` for pot -1."""
        place = np.maximum(pots, 0)
        active = (pots >= 0) & (times >= self.since[place])
        return np.where(active, self.group[place], np.int32(NONE))


def groups_of(labels: Labels) -> Groups:
    """Groups for the seeds of a snapshot."""
    every: tuple[Mapping[Any, Seed], ...] = (labels.seeds, labels.coin_seeds, labels.tx_seeds, labels.asset_seeds)
    return Groups(tuple(sorted({seed.category for seeds in every for seed in seeds.values()})))


def starts(seed: Seed, labels: Labels) -> int:
    """Unix second from which a seed is one."""
    return seed.dates[0] if labels.seeds_from_designation and seed.dates else ALWAYS


def roles_of(
    labels: Labels, names: Iterable[tuple[NDArray[Any], pa.Array, pa.Array]], assets: tuple[str, ...], pots: int
) -> Roles:
    """The roles of a ledger's pots.

    Parameters
    ----------
    names
        (pots, assets, addresses) in batches; those of labelled addresses are enough.
    assets, pots
        The ledger's assets, and how many pots it has.
    """
    groups = groups_of(labels)
    owner = np.arange(pots, dtype=np.int32)
    group = np.full(pots, NONE, np.int32)
    since = np.full(pots, ALWAYS, np.int64)
    subjects = {*labels.seeds, *labels.boundaries, *labels.hubs, *labels.pass_through, *labels.owners, *labels.owners.values()}
    wanted = pa.array(sorted(subjects), pa.string())
    stands: dict[tuple[str, str], int] = {}
    for numbers, of, addresses in names:
        for place in np.flatnonzero(pc.is_in(addresses, wanted).to_numpy(zero_copy_only=False)).tolist():
            pot, who = int(numbers[place]), labels.owner(addresses[place].as_py())
            head = stands.setdefault((who, of[place].as_py()), pot)
            owner[pot] = head
            if head == pot:
                group[pot], since[pot] = _role(who, labels, groups)
    asset_group = np.full(max(len(assets), 1), NONE, np.int32)
    asset_since = np.full(max(len(assets), 1), ALWAYS, np.int64)
    for place, asset in enumerate(assets):
        if asset in labels.asset_seeds:
            seed = labels.asset_seeds[asset]
            asset_group[place], asset_since[place] = groups.categories.index(seed.category), starts(seed, labels)
    return Roles(groups, owner, group, since, asset_group, asset_since)


def _role(owner: str, labels: Labels, groups: Groups) -> tuple[int, int]:
    seed = labels.seeds.get(owner)
    if seed is not None:
        return groups.categories.index(seed.category), starts(seed, labels)
    if owner in labels.boundaries:
        return groups.known, ALWAYS
    if owner in labels.hubs or owner in labels.pass_through:
        return groups.blind, ALWAYS
    return NONE, ALWAYS


def with_hubs(roles: Roles, hubs: NDArray[np.int64]) -> Roles:
    """The roles with some more owners' pots as hubs; whoever has a tag is none."""
    group = roles.group.copy()
    group[hubs] = roles.groups.blind
    return roles._replace(group=group)
