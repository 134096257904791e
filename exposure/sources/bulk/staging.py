"""A place on disk for what must be seen whole before it can be read: joins, and ranks within a block or transaction.

Rows go into temporary Parquet files and come back through queries that spill to disk, so memory stays bounded.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from exposure.errors import SourceError
from exposure.text import shown

MEMORY = "512MB"
_BATCH_ROWS = 50_000


def _unplaceable(error: duckdb.Error | OSError) -> SourceError:
    first = shown(str(error).partition("\n")[0], 200)
    return SourceError(
        f"the files could not be brought into order ({first}): free space for temporary files, or import fewer at once"
    )


class Staging:
    """Named temporary tables. Use as a context manager: the folder goes with it."""

    def __init__(self, work: Path | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="exposure-staging-", dir=work)
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._connection: duckdb.DuckDBPyConnection | None = None

    def __enter__(self) -> Staging:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for writer in self._writers.values():
            with contextlib.suppress(OSError):  # thrown away anyway; a full disk fails here a second time
                writer.close()
        if self._connection is not None:
            self._connection.close()
        self._folder.cleanup()

    def add(self, name: str, rows: pa.Table) -> None:
        """Append rows to a table; all of one table have one schema. Names are ours, never a user's."""
        try:
            if name not in self._writers:
                self._writers[name] = pq.ParquetWriter(self._path(name), rows.schema, compression="lz4")
            self._writers[name].write_table(rows)
        except OSError as error:
            raise _unplaceable(error) from error

    def query(self, sql: str) -> Iterator[pa.Table]:
        """Rows of a query over the tables, in chunks. Nothing can be added after the first query."""
        cursor = self._open().cursor()
        try:
            relation = cursor.sql(sql)
            # The method was renamed between two major versions of DuckDB.
            reader = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader
            for batch in reader(_BATCH_ROWS):
                if batch.num_rows:
                    yield pa.Table.from_batches([batch])
        except duckdb.InterruptException as error:
            raise KeyboardInterrupt from error
        except duckdb.Error as error:
            raise _unplaceable(error) from error
        except RuntimeError as error:
            # Ctrl-C ends the engine's query, not Python: the engine has two ways to say so.
            if "interrupt" in str(error).lower():
                raise KeyboardInterrupt from error
            raise
        finally:
            cursor.close()

    def rows(self, name: str) -> Iterator[pa.Table]:
        """Rows of a table in the order in which they were added, in chunks."""
        self._open()
        with pq.ParquetFile(self._path(name), pre_buffer=False) as file:
            for batch in file.iter_batches(_BATCH_ROWS, use_threads=False):
                yield pa.Table.from_batches([batch])

    def value(self, sql: str) -> object:
        """First value of a query."""
        try:
            row = self._open().cursor().execute(sql).fetchone()
        except duckdb.Error as error:
            raise _unplaceable(error) from error
        return row[0] if row else None

    def _path(self, name: str) -> Path:
        return Path(self._folder.name) / f"{name}.parquet"

    def _open(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            try:
                for writer in self._writers.values():
                    writer.close()
            except OSError as error:
                raise _unplaceable(error) from error
            folder = Path(self._folder.name)
            connection = duckdb.connect(
                config={
                    "autoinstall_known_extensions": "false",
                    "autoload_known_extensions": "false",
                    "memory_limit": MEMORY,
                    "threads": "2",
                    "temp_directory": str(folder / "spill"),
                }
            )
            for name in self._writers:
                path = str(self._path(name)).replace("'", "''")
                connection.execute(f"create view {name} as select * from read_parquet('{path}')")
            self._connection = connection
        return self._connection
