"""The traced flow for graphs and pictures: who sent what to whom, and who they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

from exposure.model.labels import Labels
from exposure.model.results import Flow, Party
from exposure.taint.reference.lots import FOLLOWED, Lot, Run, is_beyond
from exposure.workflows.trace.matter import Matter

MAX_FLOW = 20_000
"""Transfers of the traced flow that a section keeps, largest first."""


def flow(matter: Matter, runs: Mapping[int, Run], max_hops: int | None) -> tuple[Flow, ...]:
    """The transfers of the traced flow with what they carry, in order; past the limit all is unresolved, as in the account."""
    rows: dict[str, Flow] = {}
    for sub in matter.subledgers:
        run = runs[id(sub)]
        refs = sub.feeding if matter.direction == "source" else run.received.keys()
        for ref in refs & run.received.keys():
            lots = run.received[ref]
            if matter.direction == "destination":
                lots = tuple(lot for lot in lots if lot.origin == FOLLOWED)
            if lots and ref in sub.moved and ref not in rows:
                moved = sub.moved[ref]
                carried = _carried(matter, lots, max_hops)
                rows[ref] = Flow(ref, moved.tx, moved.time, moved.block, moved.sender, moved.receiver, moved.amount, carried)
    kept = sorted(rows.values(), key=lambda row: (-row.amount, row.ref))[:MAX_FLOW]
    return tuple(sorted(kept, key=lambda row: (row.block, row.time, row.ref)))


def _carried(matter: Matter, lots: Sequence[Lot], max_hops: int | None) -> dict[str, int]:
    """What lots carry by category and kind, in whole units; for pictures, so without the care that sums need."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for origin, hop, amount in lots:
        if origin != FOLLOWED and is_beyond(hop, max_hops):
            key = "unresolved"
        elif origin.kind == "seed":
            seed = matter.seeds.get(origin.name)  # compiled poison calls a flag from beyond the limit so, whosever it is
            key = "followed" if origin == FOLLOWED else "unresolved" if seed is None else seed.category
        else:
            key = origin.kind
        sums[key] += Decimal(amount)
    return {key: round(amount) for key, amount in sorted(sums.items()) if round(amount)}


def parties(matter: Matter, labels: Labels) -> tuple[Party, ...]:
    """Everybody in the traced flow, with the role they have in this run."""
    addresses = {
        address
        for sub in matter.subledgers
        for moved in sub.moved.values()
        for address in (moved.sender, moved.receiver)
        if address is not None
    }
    return tuple(_party(address, labels, matter.subject.address) for address in sorted(addresses))


def _party(address: str, labels: Labels, subject: str | None) -> Party:
    owner = labels.owner(address)
    if address == subject:
        return Party(address, "subject")
    seed = labels.seeds.get(owner)
    if seed is not None:
        return Party(address, "seed", seed.category, seed.entity)
    for role, services in (("boundary", labels.boundaries), ("pass_through", labels.pass_through)):
        service = services.get(owner)
        if service is not None:
            return Party(address, role, service.category, service.entity)
    return Party(address, "hub" if owner in labels.hubs else "ordinary")
