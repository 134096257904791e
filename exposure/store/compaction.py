"""Merging small parts into larger ones, so that a look-up has few files to search however many imports there were."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from exposure.store import parts, query
from exposure.store.layouts import LAYOUTS, Layout, order_by
from exposure.store.parts import Part

MAX_RUNS = 8
"""A layout of a chain is merged when it has more sorted runs than this."""

_GROWTH = 4


def merge(engine: query.Engine, folder: Path, before: Sequence[Part], added: Sequence[Part]) -> tuple[list[Part], list[Part]]:
    """Merge where a layout of a chain has too many runs.

    Returns
    -------
    (list of Part, list of Part)
        Parts written, and the parts that they replace.
    """
    merged: list[Part] = []
    dropped: list[Part] = []
    for chain in sorted({part.chain for part in added}):
        for layout in LAYOUTS:
            present = [part for part in (*before, *added) if part.layout == layout.name and part.chain == chain]
            chosen = to_merge(present)
            if chosen:
                merged += _merge_parts(engine, folder, layout, chain, chosen)
                dropped += chosen
    return merged, dropped


def to_merge(present: Sequence[Part]) -> list[Part]:
    """Which parts to merge: the smallest runs, up to where the next is much larger, so that each row is rewritten rarely."""
    runs: dict[str, list[Part]] = {}
    for part in present:
        runs.setdefault(part.run, []).append(part)
    if len(runs) <= MAX_RUNS:
        return []
    ascending = sorted(runs.values(), key=lambda run: (sum(part.rows for part in run), run[0].run))
    chosen: list[Part] = []
    for count, run in enumerate(ascending):
        total = sum(part.rows for part in chosen)
        if count >= 2 and len(ascending) - count < MAX_RUNS and sum(part.rows for part in run) > _GROWTH * total:
            break
        chosen += run
    return chosen


def _merge_parts(engine: query.Engine, folder: Path, layout: Layout, chain: str, chosen: Sequence[Part]) -> list[Part]:
    columns = ", ".join(f'"{name}"' for name in layout.columns)
    batches = query.stream(
        engine,
        f"select {'distinct ' if layout.distinct else ''}{columns} from read_parquet($files) {order_by(layout)}",
        {"files": [str(parts.part_path(folder, part)) for part in chosen]},
    )
    return parts.write_run(folder, layout, chain, batches)
