"""The paths that the rules used, side by side: what each rule carried along each of them."""

from __future__ import annotations

from collections.abc import Sequence

from exposure.model.results import Path, Section

Row = tuple[Path, tuple[float | None, ...]]
"""A path, and by rule the share of the subject carried along it; None where the rule lists it not."""


def paths_by_rule(sections: Sequence[Section]) -> list[Row]:
    """Every listed path once, the one that any rule gives most first.

    Parameters
    ----------
    sections
        One subject, asset and direction by several rules.

    Notes
    -----
    Each rule lists its largest paths only (`Section.paths_found` counts all), so None is "not among its largest".
    """
    places: dict[tuple[object, ...], tuple[Path, list[float | None]]] = {}
    for place, section in enumerate(sections):
        for path in section.paths:
            key = (path.seed, tuple(step.ref for step in path.steps))
            _, shares = places.setdefault(key, (path, [None] * len(sections)))
            shares[place] = (shares[place] or 0.0) + path.share
    rows = [(path, tuple(None if share is None else min(share, 1.0) for share in shares)) for path, shares in places.values()]
    return sorted(rows, key=lambda row: (-max(share or 0.0 for share in row[1]), row[0].hops, row[0].steps[0].ref))


def way_of(path: Path) -> list[str]:
    """The intermediaries of a path, in the order in which the value passed them."""
    return [step.receiver for step in path.steps[:-1] if step.receiver]
