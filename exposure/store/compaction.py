"""Merging small parts into larger ones, so that a look-up has few files to search however many imports there were."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from exposure.store import query
from exposure.store.layouts import COIN_KEY, LAYOUTS, ROW_KEY, Layout, order_by
from exposure.store.part_files import write_run
from exposure.store.parts import Part, part_path

MAX_RUNS = 8
"""A layout of a chain is merged when it has more sorted runs than this."""

_GROWTH = 4


def merge(
    engine: query.Engine, folder: Path, before: Sequence[Part], added: Sequence[Part], *, hash_name: str
) -> tuple[list[Part], list[Part]]:
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
                merged += _merge_parts(engine, folder, layout, chain, chosen, hash_name)
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


def _merge_parts(
    engine: query.Engine, folder: Path, layout: Layout, chain: str, chosen: Sequence[Part], hash_name: str
) -> list[Part]:
    # Hashes are made again: the parts may come from different versions of the engine.
    hashes = {name: layout.columns[name] for name in (ROW_KEY, COIN_KEY) if name in layout.columns}
    plain = {name: f'"{name}"' for name in layout.columns}
    columns = ", ".join(f'{expression} as "{name}"' for name, expression in (plain | hashes).items())
    batches = query.stream(
        engine,
        f"select {'distinct ' if layout.distinct else ''}{columns} from read_parquet($files) {order_by(layout)}",
        {"files": [str(part_path(folder, part)) for part in chosen]},
    )
    return write_run(folder, layout, chain, batches, hash_name=hash_name)
