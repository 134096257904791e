"""Merging small parts into larger ones, so that a look-up has few files to search however many imports there were."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from exposure.store import parts, query
from exposure.store.layouts import BY_NAME, LAYOUTS, Layout
from exposure.store.parts import Part

if TYPE_CHECKING:  # annotations only
    import duckdb

MAX_PARTS = 8
"""A layout of a chain is merged when it has more parts than this."""

_GROWTH = 4


def merge(
    engine: duckdb.DuckDBPyConnection, folder: Path, before: Sequence[Part], added: Sequence[Part]
) -> tuple[list[Part], list[Part]]:
    """Merge where there are too many parts.

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
                part = _merge_parts(engine, folder, layout, chain, chosen)
                if part is not None:
                    merged.append(part)
                    dropped += chosen
    return merged, dropped


def to_merge(present: Sequence[Part]) -> list[Part]:
    """Which parts to merge: the smallest, up to where the next is much larger, so that each row is rewritten rarely."""
    if len(present) <= MAX_PARTS:
        return []
    ascending = sorted(present, key=lambda part: (part.rows, part.file))
    total, count = 0, 0
    for count, part in enumerate(ascending):
        if count >= 2 and len(ascending) - count < MAX_PARTS and part.rows > _GROWTH * total:
            return ascending[:count]
        total += part.rows
    return ascending[: count + 1]


def _merge_parts(
    engine: duckdb.DuckDBPyConnection, folder: Path, layout: Layout, chain: str, chosen: Sequence[Part]
) -> Part | None:
    columns = ", ".join(f'"{name}"' for name in BY_NAME[layout.name].columns)
    order = ", ".join(f'"{name}"' for name in layout.order)
    batches = query.stream(
        engine,
        f"select {'distinct ' if layout.distinct else ''}{columns} from read_parquet($files) order by {order}",
        {"files": [str(parts.part_path(folder, part)) for part in chosen]},
    )
    return parts.write_part(folder, layout, chain, batches)
