"""The use ``trace --compare``: one question asked twice, and item by item why the answers differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from exposure.attribution.editions import Standing
from exposure.casefile.evidence import Evidence
from exposure.casefile.folder import Case
from exposure.model.comparison import Change, Comparison, FigureChange
from exposure.model.labels import Labels, Seed
from exposure.model.ledger import UtxoTx
from exposure.model.results import Report, Section
from exposure.model.sentences import Sentence
from exposure.model.tags import SubjectKind
from exposure.model.verdicts import Verdict
from exposure.reporting.words import short
from exposure.store.origins import origins
from exposure.store.store import Store
from exposure.units import clock, day
from exposure.workflows.case.reading import evidence_of, options_of, rests_on, store_of, subject_of
from exposure.workflows.case.record import Recording, Replaying
from exposure.workflows.case.sources import blocks_of
from exposure.workflows.cluster_changes import cluster_changes, members_of
from exposure.workflows.effects import Effect, account, effect_of
from exposure.workflows.labels import Snapshot
from exposure.workflows.trace.options import TraceOptions
from exposure.workflows.trace.run import answer
from exposure.workflows.trace.views import Views

MAX_ITEMS = 500

_Party = tuple[str, str, Seed | None]
"""Role, category with entity, and the seed if it is one."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """A report with what it rests on."""

    report: Report
    evidence: Evidence
    snapshot: Snapshot
    labels: Labels
    options: TraceOptions
    met: frozenset[str] = field(init=False)
    judged: frozenset[str] = field(init=False)
    """Addresses that it came to, and owners of which it asked whether they are hubs."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "met", frozenset(self.evidence.addresses()))
        object.__setattr__(self, "judged", frozenset(owner for _, _, owner in self.evidence.judged))


def compare(store: Store, subject: str, options: TraceOptions, moment: int | None) -> Report:
    """The answer as of the options, with what differs in the answer as of another moment.

    Parameters
    ----------
    store, subject, options
        As in `exposure.workflows.trace.trace`.
    moment
        Unix seconds: ledger and labels as of then; None: all that is stored now.

    Raises
    ------
    InputError
        If the subject did not exist at one of the two moments.
    """
    before = _answered(store, subject, options)
    after = _answered(store, subject, replace(options, as_of=moment, labels_as_of=moment))
    return _beside(before, after, _of_ledger(store, before, after))


def compare_case(store: Store, case: Case, options: TraceOptions) -> Report:
    """What a case says, with what differs in the answer that the store gives now (with these options).

    Raises
    ------
    InputError
        If the case or its question cannot be read.
    """
    evidence, asked, subject = evidence_of(case), options_of(case), subject_of(case)
    views = Replaying(evidence)
    with store_of(case) as rows:
        report = answer(rows, subject, asked, views)
        snapshot = views.labels(rows, asked, {})
        _take_rows(rows, case, evidence)
    before = _Answer(report, evidence, snapshot, evidence.labels, asked)
    after = _answered(store, subject, options)
    return _beside(before, after, [*_of_settings(asked, options), *_of_rows(before, after)])


def _take_rows(rows: Store, case: Case, evidence: Evidence) -> None:
    """Give evidence the rows of its case, which lie in a store: what is in them is not new."""
    histories = {chain: Views().history(rows, chain, rows.last_block(chain) or 0) for chain in rows.chains()}
    for chain, tx, _ in rests_on(case):
        found = histories[chain].transaction(tx)
        if isinstance(found, UtxoTx):
            evidence.txs[chain, tx] = found
        elif found is not None:
            evidence.transfers.update({(chain, row.ref): row for row in found})


def _of_settings(one: TraceOptions, other: TraceOptions) -> Iterator[Change]:
    for option in fields(one):
        first, second = getattr(one, option.name), getattr(other, option.name)
        if option.name == "policies":
            first, second = ([policy.title for policy in policies] for policies in (first, second))
        if first != second:
            yield Change("settings", option.name, Sentence("changes.setting", now=_value(second), before=_value(first)))


def _value(value: object) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _of_rows(before: _Answer, after: _Answer) -> Iterator[Change]:
    """Rows that a case did not hold: behind its last block they are new transfers, before it history that it lacked."""
    had = {*before.evidence.transfers, *before.evidence.txs}
    rows = [(key, row.place.block) for key, row in after.evidence.transfers.items()]
    rows += [(key, tx.place.block) for key, tx in after.evidence.txs.items()]
    for chain, end in before.evidence.ends.items():
        fresh = [block for key, block in rows if key[0] == chain and key not in had]
        behind = sum(1 for block in fresh if block > end)
        last = _at(chain, end, before)
        if behind:
            yield Change("transfers", chain, Sentence("changes.behind_case", n=behind, last=last))
        if len(fresh) > behind:
            yield Change("history", chain, Sentence("changes.not_in_case", n=len(fresh) - behind, last=last))
    yield from _of_coverage(before, after)


def _at(chain: str, block: int, answer: _Answer) -> Sentence:
    """A block in words: of a ledger without block numbers, which is ordered by the second, its time."""
    if any(end.chain == chain and end.by_time for end in answer.report.as_of):
        return Sentence("changes.at_time", time=clock(block))
    return Sentence("changes.at_block", block=block)


def _beside(before: _Answer, after: _Answer, of_ledger: Iterable[Change]) -> Report:
    found = [*_items(before, after), *of_ledger]
    items = sorted(found, key=lambda one: (-(abs(one.share) if one.share else 0.0), one.kind, one.about))
    return replace(
        before.report,
        comparison=Comparison(
            before=_words(before),
            after=_words(after),
            figures=tuple(_figures(before.report, after.report)),
            items=tuple(items[:MAX_ITEMS]),
            verdicts=tuple(
                _verdict(one, other) for one, other in zip(before.report.verdicts, after.report.verdicts, strict=False)
            ),
        ),
    )


def _verdict(one: Verdict, other: Verdict) -> Sentence:
    before, after = (Sentence(f"actions.{verdict.action}") for verdict in (one, other))
    return Sentence("changes.verdict", policy=one.policy, before=before, after=after)


def _answered(store: Store, subject: str, options: TraceOptions) -> _Answer:
    recording = Recording()
    report = answer(store, subject, options, recording)
    assert recording.snapshot is not None
    return _Answer(report, recording.evidence, recording.snapshot, recording.labels_used, options)


def _words(one: _Answer) -> Sentence:
    ends = tuple(
        Sentence("changes.end_by_time", chain=end.chain, time=clock(end.time))
        if end.by_time
        else Sentence("changes.end", chain=end.chain, block=end.block, day=day(end.time))
        for end in one.report.as_of
    )
    lists = len(one.report.run.editions)
    return Sentence("changes.rests_on", day=day(one.report.run.label_time), n=lists, ends=ends)


def _figures(before: Report, after: Report) -> Iterator[FigureChange]:
    others = {account(section): section for section in after.sections}
    for number, section in enumerate(before.sections):
        other = others.get(account(section))
        if other is None:
            continue
        one, two = _shares(section), _shares(other)
        for category in sorted({*one, *two}):
            if abs(one.get(category, 0.0) - two.get(category, 0.0)) > 1e-9:
                yield FigureChange(number, category, min(one.get(category, 0.0), 1.0), min(two.get(category, 0.0), 1.0))


def _shares(section: Section) -> dict[str, float]:
    sums: dict[str, float] = defaultdict(float)
    total = section.subject.amount or 1
    poison = section.rule == "poison"
    for row in section.exposures:
        sums[row.category] = max(sums[row.category], row.amount / total) if poison else sums[row.category] + row.amount / total
    for part in section.attributed:
        sums[part.kind] += part.amount / total
    for lost in section.unresolved:
        sums["unresolved"] += lost.amount / total
    return sums


def _items(before: _Answer, after: _Answer) -> Iterator[Change]:
    addresses = before.met | after.met
    one, two = before.labels, after.labels
    yield from cluster_changes(
        addresses,
        one,
        two,
        before.evidence,
        after.evidence,
        lambda seeds, owners: effect_of(before.report, after.report, seeds=seeds, owners=owners),
    )
    mates = members_of(one, addresses), members_of(two, addresses)
    for address in sorted(addresses):
        moved = mates[0][one.owner(address)] != mates[1][two.owner(address)]
        yield from _of_address(address, before, after, moved=moved)
    yield from _of_things(before, after)


def _of_address(address: str, before: _Answer, after: _Answer, *, moved: bool) -> Iterator[Change]:
    """``moved``: other addresses have its owner now, which has an item of its own."""
    one, two = before.labels, after.labels
    first, second = _party(one, one.owner(address)), _party(two, two.owner(address))
    effect = _effect(address, SubjectKind.ADDRESS, (first, second), before, after)
    if first is None and second is not None and _is_no_news(address, second, before, after):
        yield _reached(address, second, after, effect)
    elif (first is None) != (second is None) or (first and second and first[:2] != second[:2]):
        if not moved or any((SubjectKind.ADDRESS, address) in answer.snapshot.standings for answer in (before, after)):
            yield _relabelled(address, SubjectKind.ADDRESS, first, second, before, after)
    elif first and second:
        yield from _relisted(address, first[2], second[2], effect)
        if effect.share and (address in before.met) != (address in after.met):
            yield _reached(address, second, after if address in after.met else before, effect, late=address in after.met)
    hub_before, hub_after = one.hubs.get(one.owner(address)), two.hubs.get(two.owner(address))
    if (hub_before is None) != (hub_after is None):
        said = Sentence("changes.hub", why=hub_after) if hub_after is not None else Sentence("changes.no_hub", why=hub_before)
        # An answer knows hubs only of those that it came to.
        if one.owner(address) in before.judged and two.owner(address) in after.judged:
            yield Change("hub", address, said, "", None, *effect)


def _effect(subject: str, kind: SubjectKind, parties: Iterable[_Party | None], before: _Answer, after: _Answer) -> Effect:
    seeds = {party[2].name for party in parties if party is not None and party[2] is not None}
    owners = {before.labels.owner(subject), after.labels.owner(subject)}
    used = {subject, *owners} if kind is SubjectKind.ADDRESS else None
    return effect_of(before.report, after.report, seeds=seeds, owners=owners, used=used)


def _is_no_news(address: str, party: _Party, before: _Answer, after: _Answer) -> bool:
    """Whether a tag that the earlier answer does not have was there by its day: a case knows labels only of what it came to."""
    if address in before.met:
        return False
    _, since = _first_said(after.snapshot, SubjectKind.ADDRESS, _bearer(address, party[1], after), party[1])
    return since is not None and since <= before.report.run.label_time


def _reached(address: str, party: _Party, answer: _Answer, effect: Effect, *, late: bool = True) -> Change:
    """An address with a label to which only one of the answers came; what led there, or no longer does, is another item."""
    source, since = _first_said(answer.snapshot, SubjectKind.ADDRESS, _bearer(address, party[1], answer), party[1])
    said = Sentence("changes.reached" if late else "changes.left", what=_said_of(party[1]))
    return Change("reached", address, said, source, since, *effect)


def _party(labels: Labels, owner: str) -> _Party | None:
    """Role and category with entity, and the seed if it is one; None for an ordinary address."""
    seed = labels.seeds.get(owner)
    if seed is not None:
        return "seed", f"{seed.category} {seed.entity}".strip(), seed
    for role, services in (("service", labels.boundaries), ("passed through", labels.pass_through)):
        service = services.get(owner)
        if service is not None:
            return role, f"{service.category} {service.entity}".strip(), None
    return None


def _relabelled(
    subject: str,
    kind: SubjectKind,
    first: _Party | None,
    second: _Party | None,
    before: _Answer,
    after: _Answer,
) -> Change:
    if second is None:
        assert first is not None
        bearer = _bearer(subject, first[1], before) if kind is SubjectKind.ADDRESS else subject
        source, since = _last_said(before.snapshot, kind, bearer, after)
        said = Sentence("changes.untagged", what=_said_of(first[1]))
    else:
        bearer = _bearer(subject, second[1], after) if kind is SubjectKind.ADDRESS else subject
        source, since = _first_said(after.snapshot, kind, bearer, second[1])
        if first is None:
            said = Sentence("changes.tagged", what=_said_of(second[1]))
        else:
            said = Sentence("changes.retagged", what=_said_of(second[1]), before=_said_of(first[1]))
    if bearer != subject:
        said = Sentence("changes.through", said=said, who=short(bearer))
    return Change("label", subject, said, source, since, *_effect(subject, kind, (first, second), before, after))


def _bearer(address: str, said: str, answer: _Answer) -> str:
    """The address whose own tag says so: of a cluster perhaps another member."""
    standings = answer.snapshot.standings
    members = sorted(members_of(answer.labels, [address])[answer.labels.owner(address)] - {address})
    for one in (address, *members):
        if any(said.startswith(standing.tag.category.value) for standing in standings.get((SubjectKind.ADDRESS, one), ())):
            return one
    return address


def _said_of(party: str) -> Sentence | str:
    """Category and entity in words."""
    category, _, entity = party.partition(" ")
    named = Sentence(f"categories.{category}")
    return Sentence("changes.party", category=named, entity=entity) if entity else named


def _first_said(snapshot: Snapshot, kind: SubjectKind, subject: str, said: str) -> tuple[str, int | None]:
    """The edition, or own tag, that first said so."""
    standings = snapshot.standings.get((kind, subject), ())
    same = [one for one in standings if said.startswith(one.tag.category.value)] or list(standings)
    if not same:
        return "", None
    one = min(same, key=lambda standing: standing.first_seen or 0)
    return _source(one), one.first_seen


def _source(one: Standing) -> str:
    editions = one.statement.editions
    return _edition(one.statement.list_name, editions[0]) if editions else one.statement.list_name


def _edition(name: str, edition: str) -> Sentence:
    return Sentence("changes.edition", name=name, edition=edition)


def _last_said(snapshot: Snapshot, kind: SubjectKind, subject: str, after: _Answer) -> tuple[str, int | None]:
    """The list that said so, and the day of its edition that no longer does."""
    standings = snapshot.standings.get((kind, subject), ())
    if not standings:
        return "", None
    name = standings[0].statement.list_name
    newest = next((edition for edition in after.report.run.editions if edition.name == name), None)
    return (name, None) if newest is None else (_edition(name, newest.edition), newest.published)


def _relisted(subject: str, first: Seed | None, second: Seed | None, effect: Effect) -> Iterator[Change]:
    """Designations that one snapshot has and the other has not."""
    if first is None or second is None or first.designations == second.designations:
        return
    gone = set(first.designations) - set(second.designations)
    for one in sorted(
        set(second.designations) - gone - set(first.designations), key=lambda one: (one.regime, one.listed_on or 0)
    ):
        earlier = next((other for other in gone if other.regime == one.regime), None)
        if one.delisted_on is not None and (earlier is None or earlier.delisted_on is None):
            said = Sentence("changes.delisted", regime=one.regime)
            yield Change("listing", subject, said, second.entity, one.delisted_on, *effect)
        else:
            yield Change(
                "listing", subject, Sentence("changes.listed", regime=one.regime), second.entity, one.listed_on, *effect
            )


def _of_things(before: _Answer, after: _Answer) -> Iterator[Change]:
    """Tagged transactions, coins and assets of the evidence."""
    for kind, name in ((SubjectKind.TX, "tx_seeds"), (SubjectKind.COIN, "coin_seeds"), (SubjectKind.ASSET, "asset_seeds")):
        groups: list[dict[str, Seed]] = [
            {str(key): seed for key, seed in getattr(one.evidence.labels, name).items()} for one in (before, after)
        ]
        whole: list[dict[str, Seed]] = [
            {str(key): seed for key, seed in getattr(one.labels, name).items()} for one in (before, after)
        ]
        for key in sorted({*groups[0], *groups[1]}):
            first, second = whole[0].get(key), whole[1].get(key)
            if first == second:
                continue
            parties = [
                None if seed is None else ("seed", f"{seed.category} {seed.entity}".strip(), seed) for seed in (first, second)
            ]
            yield _relabelled(key, kind, parties[0], parties[1], before, after)


def _of_ledger(store: Store, before: _Answer, after: _Answer) -> Iterator[Change]:
    for chain, end in after.evidence.ends.items():
        start = before.evidence.ends.get(chain, end)
        low, high = sorted((start, end))
        more = sum(1 for (of, _), row in after.evidence.transfers.items() if of == chain and low < row.place.block <= high)
        more += sum(1 for (of, _), tx in after.evidence.txs.items() if of == chain and low < tx.place.block <= high)
        if start != end and more:
            said = Sentence("changes.later_blocks", n=more, first=_at(chain, low, before), last=_at(chain, high, before))
            yield Change("transfers", chain, said)
        yield from _later_imports(store, chain, before, after)
    yield from _of_coverage(before, after)


def _of_coverage(before: _Answer, after: _Answer) -> Iterator[Change]:
    for key, gap in after.evidence.gaps.items():
        earlier = before.evidence.gaps.get(key, gap)
        if (gap is None) != (earlier is None):
            said = Sentence("changes.whole") if gap is None else Sentence("changes.not_whole", why=gap.reason)
            yield Change("coverage", key[1], said, key[0])


def _later_imports(store: Store, chain: str, before: _Answer, after: _Answer) -> Iterator[Change]:
    """Rows of the evidence that came into the store after the first answer's day: on that day it could not have known them."""
    known_at = before.options.labels_as_of if before.options.labels_as_of is not None else before.options.as_of
    if known_at is None:
        return
    late = {one.id: one for one in store.imports() if one.time > known_at}
    if not late:
        return
    txs: dict[int, set[str]] = defaultdict(set)
    end = before.evidence.ends.get(chain, 0)
    for answered in (before, after):
        for block, names in blocks_of(answered.evidence).get(chain, {}).items():
            if block <= end:
                txs[block] |= names
    counts: dict[str, int] = defaultdict(int)
    for origin, count in origins(store, chain, txs).items():
        counts[origin.source] += count
    for source, count in sorted(counts.items()):
        if source in late:
            files = ", ".join(Path(name).name for name, _, _ in late[source].files) or source
            yield Change(
                "history",
                chain,
                Sentence("changes.imported_later", n=count, files=files),
                source,
                late[source].time,
            )
