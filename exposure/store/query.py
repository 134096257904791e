"""The query engine over the parts: DuckDB in memory, shut off from everything but the store's own folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from exposure.errors import StoreError

if TYPE_CHECKING:  # annotations only
    import pyarrow as pa

Engine = duckdb.DuckDBPyConnection
Value = str | int | bool | None | Sequence[str]
Parameters = Mapping[str, Value]

MEMORY_LIMIT = "768MB"
THREADS = 2
BATCH_ROWS = 65_536

_LOCKED_DOWN = (
    "set autoinstall_known_extensions = false",
    "set autoload_known_extensions = false",
    "set enable_external_access = false",
    "set lock_configuration = true",
)


def connect(folder: Path, spill: Path, *, memory: str = MEMORY_LIMIT) -> Engine:
    """An in-memory query engine that may read ``folder`` and spill to ``spill``, and nothing else.

    Extensions are neither loaded nor installed, and its configuration is locked.
    """
    engine = duckdb.connect(":memory:")
    engine.execute("set memory_limit = $limit", {"limit": memory})
    engine.execute("set threads = $threads", {"threads": THREADS})
    engine.execute("set preserve_insertion_order = false")
    # In a notebook without ipywidgets the bar is off and may not even be set to off.
    if engine.execute("select current_setting('enable_progress_bar')").fetchall() != [(False,)]:
        engine.execute("set enable_progress_bar = false")
    engine.execute("set temp_directory = $spill", {"spill": str(spill.absolute())})
    engine.execute("set allowed_directories = $folders", {"folders": [str(folder.absolute())]})
    for statement in _LOCKED_DOWN:
        engine.execute(statement)
    return engine


def run(engine: Engine, sql: str, parameters: Parameters | None = None) -> None:
    """Execute a statement for its effect."""
    with sentences():
        engine.execute(sql, parameters or {}).fetchall()


def rows(engine: Engine, sql: str, parameters: Parameters | None = None) -> list[tuple[object, ...]]:
    """All rows of a query, as tuples."""
    with sentences():
        found: list[tuple[object, ...]] = engine.execute(sql, parameters or {}).fetchall()
        return found


def number(engine: Engine, sql: str, parameters: Parameters | None = None) -> int:
    """The one integer that a query answers with."""
    value = rows(engine, sql, parameters)[0][0]
    assert isinstance(value, int)
    return value


def stream(engine: Engine, sql: str, parameters: Parameters | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of a query as Arrow batches, in the query's order, never all in memory."""
    with sentences():
        relation = engine.sql(sql, params=parameters or {})
        # The method was renamed between two major versions of DuckDB.
        to_reader = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader
        yield from to_reader(BATCH_ROWS)


@contextlib.contextmanager
def sentences() -> Iterator[None]:
    """Turn the query engine's errors into `StoreError`."""
    try:
        yield
    except duckdb.InterruptException as error:
        raise KeyboardInterrupt from error
    except RuntimeError as error:
        # Ctrl-C ends the engine's query, not Python: the engine has two ways to say so.
        if "interrupt" in str(error).lower():
            raise KeyboardInterrupt from error
        raise
    except duckdb.Error as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        if isinstance(error, duckdb.OutOfMemoryException):
            raise StoreError(f"the store's query ran out of memory or of space for temporary files ({first})") from error
        if isinstance(error, duckdb.IOException) and "space" in first.lower():
            raise StoreError(f"no space left in the store's folder ({first}): the last version stays; free some") from error
        raise StoreError(f"the store cannot be read or written ({first}): restore it from a copy, or import again") from error
