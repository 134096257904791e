"""Rows of a stored table in canonical order, for an index: read straight through where parts follow each other, else sorted."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from exposure.errors import StoreError
from exposure.store import query
from exposure.store.ahead import ahead
from exposure.store.layouts import BY_NAME, order_by
from exposure.store.parts import Part, part_path

BATCH = 1 << 16


def in_order(parts: Sequence[Part]) -> list[Part] | None:
    """The parts of a table in an order in which their rows are in canonical order; None if no such order is sure.

    Parts of one run follow each other. Runs may overlap: they are sorted among each other only if no block is in two.
    """
    runs: dict[str, list[Part]] = {}
    for part in parts:
        runs.setdefault(part.run, []).append(part)
    ascending = sorted(runs.values(), key=lambda run: run[0].first_block or 0)
    for run, following in zip(ascending, ascending[1:], strict=False):
        if max(part.last_block or 0 for part in run) >= (following[0].first_block or 0):
            return None
    return [part for run in ascending for part in run]


def rows(
    folder: Path, table: str, parts: Sequence[Part], columns: Sequence[str], coded: Sequence[str], engine: query.Engine
) -> Generator[pa.RecordBatch]:
    """Some columns of a table's parts in canonical order; ``coded`` ones may come as dictionaries.

    Reading goes on in a thread of its own while a batch is looked at.
    """
    straight = in_order(parts)
    if straight is not None:
        return ahead(_read(folder, straight, columns, coded))
    names = ", ".join(f'"{name}"' for name in columns)
    sql = f"select {names} from read_parquet($files) {order_by(BY_NAME[table])}"
    files: query.Parameters = {"files": [str(part_path(folder, part)) for part in parts]}
    return ahead(query.stream(engine, sql, files), engine.interrupt)


def _read(folder: Path, parts: Sequence[Part], columns: Sequence[str], coded: Sequence[str]) -> Iterator[pa.RecordBatch]:
    for part in parts:
        path = part_path(folder, part)
        try:
            with pq.ParquetFile(path, read_dictionary=list(coded), page_checksum_verification=True) as file:
                yield from file.iter_batches(BATCH, columns=list(columns))
        except (pa.ArrowException, OSError) as error:
            raise StoreError(f"{path} is damaged ({error}): restore the store from a copy, or import again") from error
