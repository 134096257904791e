"""Trails under poison: a flag has no amount of its own, so its way is the shortest one, the one it has its hops from."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from exposure.taint.reference.lots import Lot, Origin, is_beyond
from exposure.tracing.paths.shared import Ways
from exposure.tracing.paths.trail import Trail, Trails


def shortest(
    ways: Ways, subjects: Iterable[str], wanted: Callable[[Origin], bool], *, limit: int, max_hops: int | None
) -> Trails:
    """For each flag of each subject one of its shortest ways, the largest transfers first. Amounts are the subject's."""
    trails: list[Trail] = []
    for ref in subjects:
        flags = {lot for lot in ways.lots(ref) if lot.origin.kind == "seed" and wanted(lot.origin)}
        for flag in sorted(flags, key=lambda lot: (lot.hop, lot.origin.name, lot.origin.epoch or 0)):
            if not is_beyond(flag.hop, max_hops):
                trails.append(Trail(_way(ways, ref, flag), flag.origin, flag.hop, ways.amount(ref)))
    trails.sort(key=lambda trail: (-trail.amount, trail.hop, trail.refs))
    return Trails(tuple(trails[:limit]), len(trails))


def _way(ways: Ways, subject: str, flag: Lot) -> tuple[str, ...]:
    """Back along transfers that carry the flag, each with the fewest hops, until it begins."""
    refs, ref, hop = [subject], subject, flag.hop
    while (flag.origin, hop) not in ways.begins(ref):
        before = _before(ways, ref, flag.origin, hop)
        if before is None:
            break
        ref, hop = before
        refs.append(ref)
    return tuple(reversed(refs))


def _before(ways: Ways, ref: str, origin: Origin, hop: int) -> tuple[str, int] | None:
    found = [
        (ways.amount(feeder.ref), feeder.ref, lot.hop)
        for feeder in ways.feeders(ref)
        for lot in ways.lots(feeder.ref)
        if lot.origin == origin and (lot.hop + 1 if feeder.hop else max(lot.hop, 1)) == hop
    ]
    if not found:
        return None
    _, name, at = max(found)
    return name, at
