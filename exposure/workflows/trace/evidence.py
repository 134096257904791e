"""What stands behind a figure: paths, the seeds' addresses, and when the value left (or reached) them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from exposure.model.sentences import Sentence
from exposure.model.settings import Rule, Settings
from exposure.taint.reference.lots import FOLLOWED, Lot, Lots, Origin, Run, is_beyond
from exposure.tracing.paths import MarkedRun, Trail, Trails, Ways, largest
from exposure.tracing.paths.flags import shortest
from exposure.tracing.paths.marked import TooManyWays
from exposure.workflows.trace.ledgers import Subledger, Touched

Row = tuple[str, int | None, int]
"""What an exposure row is about: name of the seed, epoch, hops."""

MAX_ADDRESSES = 25
"""Addresses of one seed and epoch that are told apart by row; past it a row names all that sent anything within the cone."""

NO_PATHS = Sentence("notes.no_paths")
_SIGN = "\x1f"


@dataclass(slots=True)
class Touch:
    """By which addresses, and when, value of one row left its seed (or reached it)."""

    addresses: set[str] = field(default_factory=set)
    first_at: int | None = None
    last_at: int | None = None

    def add(self, address: str, time: int) -> None:
        """Take one transfer in."""
        self.addresses.add(address)
        self.first_at = time if self.first_at is None else min(self.first_at, time)
        self.last_at = time if self.last_at is None else max(self.last_at, time)


@dataclass(slots=True)
class Evidence:
    """Trails by category, with how many there are (None: not counted), and the touches of each row."""

    trails: dict[str, list[tuple[Trail, Subledger]]] = field(default_factory=lambda: defaultdict(list))
    found: int | None = 0
    touches: dict[Row, Touch] = field(default_factory=lambda: defaultdict(Touch))
    notes: list[str] = field(default_factory=list)

    def with_more(self, touched: Touched) -> Evidence:
        """The same with all touches there are, where trails were looked for in a part of what bears on the figure."""
        for row, those in touched.items():
            for address, time in those:
                self.touches[row].add(address, time)
        return replace(self, found=None)

    def take(self, category: str, trails: Trails, sub: Subledger) -> None:
        """Add the trails of one category found in one part of the ledger."""
        self.trails[category] += [(trail, sub) for trail in trails.largest]
        self.found = None if self.found is None or trails.found is None else self.found + trails.found


def source_evidence(
    sub: Subledger, run: Run, refs: Sequence[str], settings: Settings, category_of: Mapping[str, str], *, limit: int
) -> Evidence:
    """Paths and touches behind what some transfers carry."""
    evidence = Evidence()
    found = [lot for ref in refs for lot in run.received[ref] if _counts(lot, settings)]
    categories = sorted({category_of[lot.origin.name] for lot in found})
    if not found:
        return evidence
    if settings.rule in (Rule.HAIRCUT, Rule.POISON):
        ways = sub.ways(run)
        search = largest if settings.rule is Rule.HAIRCUT else shortest
        for category in categories:
            trails = search(ways, refs, _is_of(category, category_of), limit=limit, max_hops=settings.max_hops)
            evidence.take(category, trails, sub)
        _touch(evidence, sub, ways, run, refs, settings, found)
        return evidence
    marks = MarkedRun(settings.max_hops)
    try:
        marked = sub.figure(settings, False, marks.mark)
    except TooManyWays:
        evidence.found = None
        evidence.notes.append(NO_PATHS)
        _touch(evidence, sub, sub.ways(run), run, refs, settings, found)
        return evidence
    trails_found = marks.trails(lot for ref in refs for lot in marked.received[ref])
    for category in categories:
        own = [trail for trail in trails_found if category_of[trail.origin.name] == category]
        evidence.take(category, Trails(tuple(own[:limit]), len(own)), sub)
    for trail in trails_found:
        first = trail.refs[0]
        row = trail.origin.name, trail.origin.epoch, trail.hop
        evidence.touches[row].add(sub.start(first, trail.origin), sub.moved[first].time)
    return evidence


def destination_evidence(sub: Subledger, run: Run, settings: Settings, evidence: Evidence, *, limit: int) -> None:
    """Paths and touches behind where one transfer's value went; adds to ``evidence``."""
    arrived = {
        ref: [lot for lot in run.received.get(ref, ()) if lot.origin == FOLLOWED and _counts(lot, settings)]
        for ref in sub.reached
    }
    arrived = {ref: lots for ref, lots in arrived.items() if lots}
    for ref, lots in arrived.items():
        seed, moved = sub.reached[ref], sub.moved[ref]
        for lot in lots:
            evidence.touches[seed.name, seed.epoch(moved.time), lot.hop].add(moved.receiver or "", moved.time)
    if not arrived:
        return
    by_category: dict[str, list[str]] = defaultdict(list)
    for ref in arrived:
        by_category[sub.reached[ref].category].append(ref)
    marks = MarkedRun(settings.max_hops)
    marked: Run | None = None
    if settings.rule not in (Rule.HAIRCUT, Rule.POISON):
        try:
            marked = sub.figure(settings, False, marks.mark)
        except TooManyWays:
            evidence.found = None
            evidence.notes.append(NO_PATHS)
            return
    if marked is not None:
        for category, refs in sorted(by_category.items()):
            own = [trail for trail in marks.trails(lot for ref in refs for lot in marked.received[ref]) if trail.refs]
            evidence.take(category, Trails(tuple(own[:limit]), len(own)), sub)
        return
    ways = sub.ways(run)
    search = largest if settings.rule is Rule.HAIRCUT else shortest
    for category, refs in sorted(by_category.items()):
        trails = search(ways, refs, lambda origin: origin == FOLLOWED, limit=limit, max_hops=settings.max_hops)
        evidence.take(category, trails, sub)


def _counts(lot: Lot, settings: Settings) -> bool:
    return lot.origin.kind == "seed" and bool(lot.amount) and not is_beyond(lot.hop, settings.max_hops)


def _is_of(category: str, category_of: Mapping[str, str]) -> Callable[[Origin], bool]:
    return lambda origin: origin.kind == "seed" and category_of.get(origin.name) == category


def _touch(
    evidence: Evidence,
    sub: Subledger,
    ways: Ways,
    run: Run,
    refs: Sequence[str],
    settings: Settings,
    found: Iterable[Lot],
) -> None:
    """Touches of rows whose ways are not all known: by address where a seed's addresses are few.

    The times are those of all transfers by which these addresses of the seed fed the cone, so they bound the row's own.
    """
    rows = {(lot.origin.name, lot.origin.epoch, lot.hop) for lot in found}
    starts = _starts(sub, ways, run, {(name, epoch) for name, epoch, _ in rows})
    several = any(1 < len({address for address, _ in those}) <= MAX_ADDRESSES for those in starts.values())
    told: dict[Row, set[str]] = defaultdict(set)
    if several and settings.rule is Rule.HAIRCUT:
        marked = sub.figure(settings, False, _by_address(sub))
        for ref in refs:
            for lot in marked.received[ref]:
                if _counts(lot, settings):
                    name, _, address = lot.origin.name.partition(_SIGN)
                    told[name, lot.origin.epoch, lot.hop].add(address)
    for row in rows:
        those = starts.get((row[0], row[1]), [])
        for address, time in those:
            if len({other for other, _ in those}) > MAX_ADDRESSES or row not in told or address in told[row]:
                evidence.touches[row].add(address, time)


def _starts(
    sub: Subledger, ways: Ways, run: Run, wanted: set[tuple[str, int | None]]
) -> dict[tuple[str, int | None], list[tuple[str, int]]]:
    """By seed and epoch: address and time of each transfer of the cone by which value left it."""
    found: dict[tuple[str, int | None], list[tuple[str, int]]] = defaultdict(list)
    for ref in sorted(sub.feeding & run.received.keys()):
        for origin, _ in ways.begins(ref):
            if (origin.name, origin.epoch) in wanted:
                found[origin.name, origin.epoch].append((sub.start(ref, origin), sub.moved[ref].time))
    return found


def _by_address(sub: Subledger) -> Callable[[str, Lots], Lots]:
    """A mark that adds to each seed the address by which its value left."""

    def mark(ref: str, lots: Lots) -> Lots:
        return tuple(
            Lot(Origin("seed", f"{origin.name}{_SIGN}{sub.start(ref, origin)}", origin.epoch), hop, amount)
            if origin.kind == "seed" and _SIGN not in origin.name
            else Lot(origin, hop, amount)
            for origin, hop, amount in lots
        )

    return mark
