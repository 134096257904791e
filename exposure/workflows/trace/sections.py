"""From runs of a rule to one section of the report: rows, sums, interval, bracket, paths."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from exposure.measure.account import (
    RISK,
    Account,
    Bounds,
    Part,
    added,
    check,
    interval,
    poison_interval,
)
from exposure.measure.rounding import share_of, whole_units
from exposure.measure.status import status_in_epoch
from exposure.model.labels import Category, Labels, Seed
from exposure.model.ledger import Flag
from exposure.model.results import (
    Attributed,
    Bound,
    CutTransfer,
    Exposure,
    Path,
    PathStep,
    Section,
    SeedUsed,
    Totals,
    Unresolved,
)
from exposure.model.sentences import Sentence
from exposure.model.settings import CONSERVING, Rule, Settings
from exposure.taint.reference.lots import Run
from exposure.tracing.paths import Trail
from exposure.workflows.trace.evidence import Evidence, destination_evidence, source_evidence
from exposure.workflows.trace.ledgers import Moved, Subledger
from exposure.workflows.trace.matter import Matter
from exposure.workflows.trace.picture import flow, parties
from exposure.workflows.trace.unresolved import difference, lacks, unresolved
from exposure.workflows.trace.window import window
from exposure.workflows.trace.worth import Valuation

MAX_GAPS = 500
_FLAGS = (
    (Flag.WEAK_ORDER, "notes.weak_order"),
    (Flag.UNKNOWN_STATUS, "notes.unknown_status"),
    (Flag.FLOAT_AMOUNT, "notes.float_amount"),
)


def section(matter: Matter, settings: Settings, *, max_paths: int) -> Section:
    """One account under one rule, checked to sum to its subject.

    Raises
    ------
    EngineError
        If it does not.
    """
    runs = {id(sub): sub.figure(settings, False, None) for sub in matter.subledgers}
    accounts = [(sub.moved[ref], sub.account(runs[id(sub)], ref, settings)) for ref, sub in matter.parts]
    conserving = settings.rule in CONSERVING
    if conserving:
        for moved, account in accounts:
            check(account, moved.amount, what=moved.ref)
    else:  # a flagged pot may hold far more than the subject; of the subject's value at most all of it is there
        accounts = [
            (moved, {part: min(amount, moved.amount) for part, amount in account.items()}) for moved, account in accounts
        ]
    exact = added(account for _, account in accounts)
    whole = _whole(exact, matter.subject.amount, conserving=conserving)
    evidence = _evidence(matter, runs, settings, max_paths)
    labels = matter.labels
    worths = matter.worth.valuation(accounts)
    strict = _strict_accounts(matter, settings, runs)
    stricter = None if strict is None else added(account for _, account in strict)
    exposures = _with_lower_ends(_exposures(matter, whole, worths, evidence, labels), stricter, settings)
    bounds = _bounds(matter, settings, exposures, runs, stricter)
    return Section(
        subject=matter.subject,
        direction=matter.direction,
        rule=settings.rule.value,
        totals=_totals(matter.subject.amount, whole, exact, conserving=conserving),
        exposures=exposures,
        own=matter.own,
        bounds=bounds,
        attributed=_attributed(matter, whole, worths, labels),
        unresolved=unresolved(matter, whole, worths, labels, settings),
        difference=_difference(matter, strict, stricter, labels, settings),
        paths=_paths(matter, evidence, max_paths),
        paths_found=evidence.found,
        coverage=tuple(dict.fromkeys(gap for sub in matter.subledgers for gap in sub.gaps))[:MAX_GAPS],
        prices=tuple(matter.worth.used),
        window=window(matter, accounts, settings.rule),
        notes=(*matter.notes, *_bracket_note(bounds), *dict.fromkeys(evidence.notes), *_flag_notes(matter)),
        flow=flow(matter, runs, settings.max_hops),
        parties=parties(matter, labels),
        lacks=lacks(matter, exact if stricter is None else stricter),
    )


def _bracket_note(bounds: Sequence[Bound]) -> tuple[str, ...]:
    """What the bracket does not say, where value of unknown origin could be more than any rule finds."""
    if not any(b.upper is not None and b.bracket_upper is not None and b.upper > b.bracket_upper for b in bounds):
        return ()
    return (Sentence("notes.stored_only"),)


def _whole(exact: Account, total: int, *, conserving: bool) -> dict[Part, int]:
    """The account in whole base units that sum to the total; parts in one order, whatever the run's."""
    ordered = dict(sorted(exact.items(), key=lambda item: (item[0].kind, item[0].name, item[0].epoch or 0, item[0].hop or 0)))
    if not conserving:
        return {part: int(amount) for part, amount in ordered.items()}
    return whole_units(ordered, total)


def _totals(total: int, whole: Mapping[Part, int], exact: Account, *, conserving: bool) -> Totals:
    if not conserving:
        return Totals(total, None, None, None, None, None, None, sum_checked=False)
    sums = {
        kind: sum(amount for part, amount in whole.items() if _side(part) == kind) for kind in ("seed", "known", "unresolved")
    }
    return Totals(
        total,
        sums["seed"],
        sums["known"],
        sums["unresolved"],
        share_of(sums["seed"], total),
        share_of(sums["known"], total),
        share_of(sums["unresolved"], total),
        sum_checked=True,
        below_unit=sum(1 for part, amount in exact.items() if amount and not whole[part]),
    )


def _side(part: Part) -> str:
    return part.kind if part.kind in ("seed", "unresolved") else "known"


def _exposures(
    matter: Matter, whole: Mapping[Part, int], worths: Valuation, evidence: Evidence, labels: Labels
) -> tuple[Exposure, ...]:
    rows = []
    for part, amount in whole.items():
        if part.kind != "seed" or not amount or part.hop is None:
            continue
        seed = matter.seeds[part.name]
        touch = evidence.touches.get((part.name, part.epoch, part.hop))
        addresses = sorted(touch.addresses) if touch is not None else []
        usd, jpy = worths.of([part])
        rows.append(
            Exposure(
                category=seed.category,
                entity=seed.entity,
                seed=seed.name,
                kind="direct" if part.hop <= 1 else "indirect",
                hops=part.hop,
                epoch=part.epoch,
                amount=amount,
                share=share_of(amount, matter.subject.amount),
                usd=usd,
                jpy=jpy,
                first_at=None if touch is None else touch.first_at,
                last_at=None if touch is None else touch.last_at,
                seeds=tuple(_seed_used(address, seed, labels) for address in addresses),
                regimes=status_in_epoch(seed, part.epoch, matter.now),
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.amount, row.hops, row.seed, row.epoch or 0)))


def _seed_used(address: str, seed: Seed, labels: Labels) -> SeedUsed:
    own = labels.seeds.get(labels.owner(address), seed)
    return SeedUsed(address, own.sources, labels.inherited.get(address, own.confidence))


_KNOWN: dict[str, Literal["service", "mint", "held", "fee", "burn"]] = {
    kind: kind for kind in ("service", "mint", "held", "fee", "burn")
}


def _attributed(matter: Matter, whole: Mapping[Part, int], worths: Valuation, labels: Labels) -> tuple[Attributed, ...]:
    rows = []
    for part, amount in whole.items():
        if part.kind not in _KNOWN or not amount or part.hop is None:
            continue
        service = labels.boundaries.get(part.name) if part.kind == "service" else None
        usd, jpy = worths.of([part])
        rows.append(
            Attributed(
                kind=_KNOWN[part.kind],
                name=part.name,
                hops=part.hop,
                amount=amount,
                share=share_of(amount, matter.subject.amount),
                category="" if service is None else service.category,
                entity="" if service is None else service.entity,
                usd=usd,
                jpy=jpy,
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.amount, row.kind, row.name, row.hops)))


def _difference(
    matter: Matter,
    strict: Sequence[tuple[Moved, Account]] | None,
    stricter: Account | None,
    labels: Labels,
    settings: Settings,
) -> tuple[Unresolved, ...]:
    if strict is None or stricter is None:
        return ()
    whole = _whole(stricter, matter.subject.amount, conserving=True)
    return difference(matter, whole, matter.worth.valuation(strict), labels, settings)


def _bounds(
    matter: Matter, settings: Settings, exposures: Sequence[Exposure], runs: Mapping[int, Run], stricter: Account | None
) -> tuple[Bound, ...]:
    """Interval and bracket by category; sanctions always, whatever was found."""
    found = {row.category for row in exposures} | {Category.SANCTIONED.value}
    figures: dict[str, int] = defaultdict(int)
    for row in exposures:
        figures[row.category] += row.amount
        figures[RISK] += row.amount
    brackets = matter.brackets if matter.brackets is not None and settings.rule in CONSERVING else {}
    no_bracket = matter.no_bracket if settings.rule in CONSERVING else Sentence("no_bounds.poison")
    intervals = {} if matter.no_interval else _interval(matter, settings, sorted(found | set(brackets)), runs, stricter)
    names = dict.fromkeys([*sorted(found | set(intervals) | set(brackets))])
    rows = []
    for name in names:
        if name == RISK and settings.rule is not Rule.TIHO:
            continue
        total = matter.subject.amount
        lower = upper = None
        why = matter.no_interval
        if name in intervals:
            lower, upper = math.floor(intervals[name][0]), min(math.ceil(intervals[name][1]), total)
            if settings.rule in CONSERVING:  # rounding to whole units may move a figure past its exact bound
                lower, upper = min(lower, figures[name]), max(upper, figures[name])
        elif not why:
            why = Sentence("no_bounds.tiho" if settings.rule is Rule.TIHO else "no_bounds.poison_destination")
        least, most = brackets.get(name, (0, 0) if brackets else (None, None))
        rows.append(
            Bound(
                category=name,
                lower=lower,
                upper=upper,
                lower_share=None if lower is None else share_of(lower, total),
                upper_share=None if upper is None else share_of(upper, total),
                bracket_lower=least,
                bracket_upper=most,
                bracket_lower_share=None if least is None else share_of(least, total),
                bracket_upper_share=None if most is None else share_of(most, total),
                no_interval="" if lower is not None else why,
                no_bracket="" if least is not None else no_bracket,
                cut=tuple(CutTransfer(*one) for one in matter.cuts.get(name, ())) if least is not None else (),
            )
        )
    return tuple(rows)


def _strict_runs(matter: Matter, settings: Settings, figures: Mapping[int, Run]) -> dict[int, Run]:
    """Runs in which all that leaves an incomplete pot is unresolved. Where nothing is missing that is the figure's own."""
    return {id(sub): sub.figure(settings, True, None) if sub.gaps else figures[id(sub)] for sub in matter.subledgers}


def _strict_accounts(matter: Matter, settings: Settings, figures: Mapping[int, Run]) -> list[tuple[Moved, Account]] | None:
    """The accounts under the stricter run; None where there is no interval, and under poison, which keeps no account."""
    if matter.no_interval or settings.rule is Rule.POISON:
        return None
    runs = _strict_runs(matter, settings, figures)
    accounts = []
    for ref, sub in matter.parts:
        account = sub.account(runs[id(sub)], ref, settings)
        check(account, sub.moved[ref].amount, what=f"{ref} (interval)")
        accounts.append((sub.moved[ref], account))
    return accounts


def _with_lower_ends(rows: tuple[Exposure, ...], stricter: Account | None, settings: Settings) -> tuple[Exposure, ...]:
    """What of each row is identified whatever history is missing. Tiho has one interval, for all risk together."""
    if stricter is None or settings.rule is Rule.TIHO:
        return rows
    least = {(part.name, part.epoch, part.hop): amount for part, amount in stricter.items() if part.kind == "seed"}
    return tuple(replace(row, lower=min(math.floor(least.get((row.seed, row.epoch, row.hops), 0)), row.amount)) for row in rows)


def _interval(
    matter: Matter, settings: Settings, wanted: Sequence[str], figures: Mapping[int, Run], stricter: Account | None
) -> Bounds:
    names = [name for name in wanted if name != RISK]
    if stricter is not None:
        return interval(stricter, settings.rule, matter.category_of, names)
    if matter.direction == "destination":
        return {}
    runs = _strict_runs(matter, settings, figures)
    strict = [(sub.moved[ref].amount, runs[id(sub)].received[ref]) for ref, sub in matter.parts]
    return poison_interval(strict, settings.max_hops, matter.category_of, names)


def _evidence(matter: Matter, runs: Mapping[int, Run], settings: Settings, limit: int) -> Evidence:
    if matter.direction == "source":
        sub = matter.parts[0][1]
        refs = [ref for ref, _ in matter.parts]
        if sub.evidence is None or sub.touched is None:
            return source_evidence(sub, runs[id(sub)], refs, settings, matter.category_of, limit=limit)
        part = sub.evidence  # a path may show only what its own part of the ledger says
        found = source_evidence(part, part.figure(settings, False, None), refs, settings, matter.category_of, limit=limit)
        return found.with_more(sub.touched(settings.rule))
    evidence = Evidence()
    for _, sub in matter.parts:
        destination_evidence(sub, runs[id(sub)], settings, evidence, limit=limit)
    return evidence


def _paths(matter: Matter, evidence: Evidence, limit: int) -> tuple[Path, ...]:
    """The largest trails of each category, rounded and with their steps spelled out; largest first."""
    rows = []
    for category, trails in evidence.trails.items():
        for trail, sub in sorted(trails, key=lambda entry: -entry[0].amount)[:limit]:
            rows.append(_path(matter, category, trail, sub))
    return tuple(sorted(rows, key=lambda path: (-path.amount, path.hops, path.seed, path.steps[0].ref)))


def _path(matter: Matter, category: str, trail: Trail, sub: Subledger) -> Path:
    seed = sub.reached[trail.refs[-1]] if matter.direction == "destination" else matter.seeds[trail.origin.name]
    # Under poison a way carries whole transfers, other people's value with them; of the subject it is at most all.
    carried = min(trail.amount, matter.subject.amount)
    amount = round(carried)
    hop, steps = 0, []
    first = sub.moved[trail.refs[0]]
    start = sub.start(first.ref, trail.origin)
    sender = first.sender if start in (first.ref, first.tx, matter.subject.asset) else start
    for place, ref in enumerate(trail.refs):
        moved = sub.moved[ref]
        before = sender if place == 0 else sub.moved[trail.refs[place - 1]].receiver
        same = (
            before is not None and moved.receiver is not None and sub.labels.owner(before) == sub.labels.owner(moved.receiver)
        )
        hop = max(hop, 1) if same else hop + 1
        steps.append(
            PathStep(
                ref, moved.tx, moved.time, moved.block, before, moved.receiver, moved.amount, min(amount, moved.amount), hop
            )
        )
    share = share_of(carried, matter.subject.amount)
    return Path(category, seed.entity, seed.name, amount, share, trail.hop, tuple(steps))


def _flag_notes(matter: Matter) -> list[Sentence]:
    """How many rows behind the figure have a weakness of their source; over the trace index, of those that were read."""
    read = "_read" if any(sub.evidence is not None for sub in matter.subledgers) else ""
    rows = {ref: moved for sub in matter.subledgers for ref, moved in sub.moved.items()}
    notes = []
    for bit, key in _FLAGS:
        count = sum(1 for moved in rows.values() if moved.flags & bit)
        if count:
            notes.append(Sentence(f"{key}{read}", n=count, all=len(rows)))
    return notes
