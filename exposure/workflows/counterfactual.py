"""The use ``trace --counterfactual``: the smallest sets of tags without which a verdict would not stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from exposure.attribution.editions import Standing
from exposure.attribution.resolve import resolve
from exposure.measure.verdict import at_least
from exposure.model.policy import Policy
from exposure.model.results import Report, Section
from exposure.model.settings import MIN_BOUNDARY_CONFIDENCE
from exposure.model.tags import SubjectKind
from exposure.model.verdicts import Dependence, TagSet, TagUsed, Verdict
from exposure.store.store import Store
from exposure.workflows.labels import Snapshot
from exposure.workflows.trace.options import TraceOptions
from exposure.workflows.trace.run import answer
from exposure.workflows.trace.views import Views

MAX_TAGS = 14
"""Tags, those behind the largest rows, of which sets are tried."""
MAX_SIZE = 3
MAX_TRIES = 60
"""Answers that are computed anew at the most."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A tag behind the rows of a verdict, and how much of the subject hangs on it at the most."""

    tag: TagUsed
    key: tuple[str, str, str]
    share: float


class _Without(Views):
    """A store in which some tags were never said."""

    def __init__(self, snapshot: Snapshot, gone: frozenset[tuple[str, str, str]]) -> None:
        self._snapshot, self._gone = snapshot, gone

    def labels(self, store: Store, options: TraceOptions, bounds: Mapping[str, int], together: Sequence[str] = ()) -> Snapshot:
        """The snapshot resolved without them; clusters stay as they are."""
        before = self._snapshot
        kept = [one for group in before.standings.values() for one in group if _key(one) not in self._gone]
        labels = resolve(
            kept,
            roles=before.roles,
            actors=before.actors,
            hubs=before.labels.hubs,
            owners=before.labels.owners,
            seeds_from_designation=before.labels.seeds_from_designation,
        )
        return replace(before, labels=replace(labels, inherited=before.labels.inherited))


class _Keeping(Views):
    """A store, with the snapshot kept."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None

    def labels(self, store: Store, options: TraceOptions, bounds: Mapping[str, int], together: Sequence[str] = ()) -> Snapshot:
        """As the store has them."""
        self.snapshot = super().labels(store, options, bounds, together)
        return self.snapshot


def counterfactual(store: Store, subject: str, options: TraceOptions) -> Report:
    """An answer whose verdicts say on which tags they stand.

    Sets of up to three tags are tried, smallest first and those behind the largest rows first; each try is a whole new answer.
    A tag is one list's (or the user's) statement about one address, coin, transaction or asset.

    Raises
    ------
    InputError
        As `exposure.workflows.trace.trace`.
    """
    keeping = _Keeping()
    report = answer(store, subject, options, keeping)
    assert keeping.snapshot is not None
    snapshot = keeping.snapshot
    verdicts = []
    for place, (verdict, policy) in enumerate(zip(report.verdicts, options.policies, strict=True)):
        if verdict.action == "allow":
            verdicts.append(verdict)
            continue

        def milder(gone: frozenset[tuple[str, str, str]], place: int = place, verdict: Verdict = verdict) -> bool:
            again = answer(store, subject, options, _Without(snapshot, gone))
            return not at_least(again.verdicts[place].action, verdict.action)

        verdicts.append(replace(verdict, depends=_search(_candidates(report, verdict, policy, snapshot), milder)))
    return replace(report, verdicts=tuple(verdicts))


_Milder = Callable[[frozenset[tuple[str, str, str]]], bool]


def _search(every: Sequence[_Candidate], milder: _Milder) -> Dependence:
    candidates = every[:MAX_TAGS]
    found: list[TagSet] = []
    keys: list[frozenset[tuple[str, str, str]]] = []
    tries = 0
    for size in range(1, min(MAX_SIZE, len(candidates)) + 1):
        if found:
            break
        for some in combinations(candidates, size):
            if tries == MAX_TRIES:
                return Dependence(tuple(found), len(candidates), complete=False)
            tries += 1
            gone = frozenset(one.key for one in some)
            if gone not in keys and milder(gone):
                keys.append(gone)
                found.append(TagSet(tuple(one.tag for one in some)))
    return Dependence(tuple(found), len(candidates), complete=len(every) <= MAX_TAGS)


def _candidates(report: Report, verdict: Verdict, policy: Policy, snapshot: Snapshot) -> list[_Candidate]:
    """The tags behind what the policy looked at, those behind the largest rows first."""
    shares: dict[tuple[SubjectKind, str], float] = {}
    for section in report.sections:
        if section.rule == policy.rule:
            for kind, subject, share in _subjects(section, snapshot):
                shares[kind, subject] = max(shares.get((kind, subject), 0.0), share)
    found = {
        _key(standing): _Candidate(_used(standing), _key(standing), share)
        for (kind, subject), share in shares.items()
        for standing in snapshot.standings.get((kind, subject), ())
    }
    fired = {row.name for one in verdict.fired for row in one.rows}
    return sorted(found.values(), key=lambda one: (one.tag.entity not in fired, -one.share, one.key))


def _subjects(section: Section, snapshot: Snapshot) -> Iterator[tuple[SubjectKind, str, float]]:
    """What is tagged behind the rows of a section: the seeds' addresses, coins, transactions and assets, and the subject."""
    for row in section.exposures:
        for seed in row.seeds:
            for kind in (SubjectKind.ADDRESS, SubjectKind.TX, SubjectKind.COIN, SubjectKind.ASSET):
                for name in _members(seed.address, snapshot) if kind is SubjectKind.ADDRESS else [seed.address]:
                    if (kind, name) in snapshot.standings:
                        yield kind, name, row.share
    for own in section.own:
        for name in _members(own.address, snapshot):
            if (SubjectKind.ADDRESS, name) in snapshot.standings:
                yield SubjectKind.ADDRESS, name, 1.0


def _members(address: str, snapshot: Snapshot) -> Iterable[str]:
    """An address with the others of its cluster, on whose tag it may stand."""
    owner = snapshot.labels.owners.get(address)
    if owner is None:
        return [address]
    return sorted({address, *(member for member, of in snapshot.labels.owners.items() if of == owner)})


def _key(standing: Standing) -> tuple[str, str, str]:
    tag = standing.tag
    return f"{tag.kind.value}:{tag.subject}", standing.statement.list_name, f"{tag.category.value}:{tag.entity}"


def _used(standing: Standing) -> TagUsed:
    tag = standing.tag
    return TagUsed(
        tag.subject,
        tag.entity,
        tag.category.value,
        standing.statement.list_name,
        tag.confidence,
        tag.confidence < MIN_BOUNDARY_CONFIDENCE or tag.unvetted,
    )
