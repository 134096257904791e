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


_REPLACED = {
    "transfers": "(asset, tx, ordinal) not in (select (old_asset, old_tx, old_ordinal) from better_transfers where {mine})",
    # The copy by transaction has each transaction once: its entry goes only with a made-up hash, which names one row.
    "transfers_by_tx": "tx not in (select old_tx from better_transfers where {mine} and old_tx like 'weak:%')",
    "outputs": "(tx, n) not in (select (old_tx, old_n) from better_outputs where {mine})",
    "inputs": "(tx, n) not in (select (old_tx, old_n) from better_inputs where {mine})",
    "inputs_by_coin": "(spent_tx, spent_n, tx) not in (select (spent_tx, spent_n, old_tx) from better_inputs where {mine})",
}


def replaced(
    engine: query.Engine, folder: Path, before: Sequence[Part], table: str, *, hash_name: str
) -> tuple[list[Part], list[Part], list[Part]]:
    """Parts without the rows that `exposure.store.better` has something better for; the result as that of `above`.

    Cost: a part that may hold such rows is looked through, and one that does is written again.
    """
    spans = query.rows(engine, f"select old_chain, min(old_block), max(old_block) from better_{table} group by 1")
    span = {str(chain): (int(str(first)), int(str(last))) for chain, first, last in spans}
    remaining: list[Part] = []
    rewritten: list[Part] = []
    gone: list[Part] = []
    for part in before:
        first, last = span.get(part.chain, (1, 0))
        outside = part.first_block is None or part.last_block is None or part.last_block < first or last < part.first_block
        if BY_NAME[part.layout].table != table or outside:
            remaining.append(part)
            continue
        condition = _REPLACED.get(part.layout, _REPLACED[table]).format(mine="old_chain = $chain")
        count = query.number(
            engine,
            f"select count(*) from read_parquet($files) where {condition}",
            {"files": [str(part_path(folder, part))], "chain": part.chain},
        )
        if count == part.rows:
            remaining.append(part)
            continue
        gone.append(part)
        if count:
            rewritten += _rewritten(engine, folder, part, condition, {"chain": part.chain}, hash_name)
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
