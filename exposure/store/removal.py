"""Rows that a new version sees no more: parts never change, so a part that holds some of them is written again without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from exposure.store import query
from exposure.store.layouts import BY_NAME, order_by
from exposure.store.part_files import write_run
from exposure.store.parts import Part, part_path


def above(
    engine: query.Engine, folder: Path, before: Sequence[Part], heights: Mapping[str, int], *, hash_name: str
) -> tuple[list[Part], list[Part], list[Part]]:
    """Parts without the rows of a chain above a block.

    Parameters
    ----------
    before : sequence of Part
        The parts of the version so far.
    heights : dict
        By chain, the last block that stays.

    Returns
    -------
    (list of Part, list of Part, list of Part)
        The parts that remain, the new ones among them, and those that are gone.
    """
    remaining: list[Part] = []
    rewritten: list[Part] = []
    gone: list[Part] = []
    for part in before:
        height = heights.get(part.chain)
        if height is None or part.last_block is None or part.last_block <= height:
            remaining.append(part)
            continue
        gone.append(part)
        if part.first_block is not None and part.first_block > height:
            continue
        rewritten += _rewritten(engine, folder, part, "block <= $height", {"height": height}, hash_name)
    return remaining + rewritten, rewritten, gone


def _rewritten(
    engine: query.Engine, folder: Path, part: Part, condition: str, parameters: query.Parameters, hash_name: str
) -> list[Part]:
    """A part's rows that meet a condition (a constant of this module), as new parts."""
    layout = BY_NAME[part.layout]
    # Hashes are made again: the part may come from another version of the engine.
    hashes = {name: expression for name, expression in layout.columns.items() if expression.startswith("hash(")}
    columns = ", ".join(f'{hashes.get(name, _quoted(name))} as "{name}"' for name in layout.columns)
    batches = query.stream(
        engine,
        f"select {columns} from read_parquet($files) where {condition} {order_by(layout)}",
        {"files": [str(part_path(folder, part))], **parameters},
    )
    return write_run(folder, layout, part.chain, batches, hash_name=hash_name)


def _quoted(name: str) -> str:
    return f'"{name}"'
