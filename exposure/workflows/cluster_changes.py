"""Which addresses came to share an owner between two answers, or no longer do, and the transaction that says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from exposure.attribution.clusters import Link
from exposure.casefile.evidence import Evidence
from exposure.model.comparison import Change
from exposure.model.labels import Category, Labels
from exposure.model.sentences import Sentence
from exposure.reporting.words import short
from exposure.workflows.effects import Effect

MAX_NAMED = 3

EffectOf = Callable[[set[str], set[str]], Effect]
"""By how much the rows of some seeds, or else of some owners, differ."""


def members_of(labels: Labels, addresses: Iterable[str]) -> dict[str, frozenset[str]]:
    """By owner of some addresses: all addresses that have it. Owners count, not their names: a cluster that grows may be
    called by another of its addresses.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for address in addresses:
        found[labels.owner(address)].add(address)
    for address, owner in labels.owners.items():
        if owner in found:
            found[owner] |= {address, owner}
    return {owner: frozenset(those) for owner, those in found.items()}


def cluster_changes(
    met: frozenset[str], one: Labels, two: Labels, before: Evidence, after: Evidence, effect_of: EffectOf
) -> Iterator[Change]:
    """One item for each union that was made or came apart, about its first address (``met``: those that were looked at)."""
    mates = members_of(one, met), members_of(two, met)
    told: set[frozenset[str]] = set()
    for address in sorted(met):
        owners = one.owner(address), two.owner(address)
        first, second = mates[0][owners[0]], mates[1][owners[1]]
        if first == second or first | second in told:  # the other side of the same union says the same
            continue
        told.add(first | second)
        seeds = {labels.seeds[owner].name for labels, owner in zip((one, two), owners, strict=True) if owner in labels.seeds}
        for key, others, labels, owner, had, lacks in (
            ("changes.joined", second - first, two, owners[1], after, before),
            ("changes.parted", first - second, one, owners[0], before, after),
        ):
            if not others:
                continue
            link = _between(others, first | second, had, lacks)
            source = "" if link is None else Sentence("changes.link", how=Sentence(f"links.{link.heuristic}"), tx=link.tx)
            named = _named(others, met, labels, owner)
            since = None if link is None or key == "changes.parted" else _time(had, link.tx)
            yield Change(
                "cluster", address, Sentence(key, who=named, n=len(others)), source, since, *effect_of(seeds, set(owners))
            )


def _between(others: frozenset[str], every: frozenset[str], had: Evidence, lacks: Evidence) -> Link | None:
    """A link that one answer had and the other had not, best one between the two sides."""
    fresh = [one for one in had.links if one not in lacks.links and {one.one, one.other} <= every]
    return min(fresh, key=lambda one: (one.one in others) == (one.other in others), default=None)


def _named(others: frozenset[str], met: frozenset[str], labels: Labels, owner: str) -> str:
    """The first of them, those that were looked at before others; of one's own institution no customer's but these."""
    service = labels.boundaries.get(owner)
    own = service is not None and service.category == Category.OWN_INSTITUTION
    some = sorted(others & met) + ([] if own else sorted(others - met))
    return ", ".join(map(short, some[:MAX_NAMED])) or short(owner)


def _time(evidence: Evidence, tx: str) -> int | None:
    coins = (row.time for (_, name), row in evidence.txs.items() if name == tx)
    return next(coins, next((row.time for row in evidence.transfers.values() if row.tx == tx), None))
