"""Writing a new version: put aside, sift, sort into parts, and swap in by one transaction.

Until that transaction nothing of an import is visible; after a kill at any moment the last version stands, and the next
writer deletes what was left lying about.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from exposure.errors import InputError
from exposure.model.schemas import TABLES
from exposure.model.sentences import Sentence
from exposure.store import (
    better,
    catalogue,
    compaction,
    coverage,
    declarations,
    dedup,
    part_files,
    parts,
    query,
    removal,
    versions,
)
from exposure.store.ahead import ahead
from exposure.store.coverage import ANY, Coverage
from exposure.store.dedup import Outcome
from exposure.store.layouts import Layout, copies, order_by, select
from exposure.store.parts import Part
from exposure.store.staging import Staging

if TYPE_CHECKING:  # annotations only
    import pyarrow as pa

Advance = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """What the catalogue keeps of an import. ``files``: (name, SHA-256, bytes)."""

    files: Sequence[tuple[str, str, int]] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    summary: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Committed:
    """What came of a commit; counts of rows by table. ``conflicts``: (table, key, reason), at most 10,000 a table."""

    version: int
    stored: dict[str, int]
    duplicate: dict[str, int]
    rejected: dict[str, int]
    conflicts: list[tuple[str, str, str]]


class Writer:
    """The one writer of a store; from `Store.writer`. Leaving it without `commit` leaves nothing."""

    def __init__(self, folder: Path, connection: catalogue.Connection, source: str, *, complete: bool) -> None:
        self._folder = folder
        self._connection = connection
        self._source = source
        self._complete = complete
        self._work = folder / parts.STAGING / secrets.token_hex(8)
        self._work.mkdir(mode=0o700)
        self._staging = Staging(self._work, source)
        self._coverage: list[Coverage] = []
        self._voids: dict[tuple[str, str], str] = {}
        self._facts: dict[str, str] = {}
        self._assets: dict[str, tuple[str, int]] = {}
        self._above: dict[str, int] = {}
        self._steps: list[Callable[[catalogue.Connection, int], None]] = []
        self._committed = False

    def append(self, table: str, batch: pa.Table | pa.RecordBatch) -> None:
        """Put rows aside: any order, any number of times, duplicates allowed.

        Parameters
        ----------
        table : str
            ``transfers``, ``outputs``, ``inputs`` or ``prices``.
        batch : Table or RecordBatch
            Columns of that table in `exposure.model.schemas`; nullable ones and ``source`` may be left out.

        Raises
        ------
        InputError
            If a row breaks a rule of the table: nothing of the batch is kept, the writer stays usable.
        """
        if table not in TABLES:
            raise InputError(f"no table {table!r}: use one of {', '.join(TABLES)}")
        self._staging.append(TABLES[table], batch)

    def declare(self, rows: Sequence[Coverage]) -> None:
        """Declare coverage that comes with this import."""
        self._coverage += [row._replace(source=row.source or self._source) for row in rows]

    def void(self, chain: str, reason: str, asset: str = ANY) -> None:
        """Take back this import's whole-ledger declaration for an asset (or all of the chain), and say why."""
        self._voids.setdefault((chain, asset), reason)

    def state_fact(self, key: str, value: str) -> None:
        """State a fact about the whole store with this import, such as ``synthetic``."""
        self._facts[key] = value

    def together(self, step: Callable[[catalogue.Connection, int], None]) -> None:
        """Have the catalogue changed in the same transaction as the rows appear in: ``step(connection, version)``."""
        self._steps.append(step)

    def remove_above(self, chain: str, height: int) -> None:
        """Have this version see no row of a chain above a block: the chain was reorganised there."""
        self._above[chain] = height

    def describe_asset(self, asset: str, symbol: str, decimals: int) -> None:
        """Say what people call a token; the first description of an asset stays."""
        self._assets[asset] = (symbol[:32], decimals)

    def commit(self, record: ImportRecord | None = None, advance: Advance = lambda what, done, total: None) -> Committed:
        """Make the rows a new version of the store.

        If every row was there already and nothing else is new, the version stays as it is.

        ``advance``: told what is being sorted, and how many of its rows are written.

        Raises
        ------
        InputError
            If rows with and without block numbers would mix in one chain.
        StoreError
            If the disk is full or the store is damaged; the last version stays.
        """
        if self._committed:
            raise InputError("this import was committed already: begin another")
        staged = self._staging.finish()
        version = catalogue.current_version(self._connection)
        added: list[Part] = []
        with query_engine(self._folder, self._work) as engine:
            hash_name = dedup.hash_name(engine)
            before = parts.list_parts(self._connection, version)
            before, rewritten, outdated = removal.above(engine, self._folder, before, self._above, hash_name=hash_name)
            for table in staged:
                self._require_one_time_order(engine, table, before)
            for table in staged:
                own = [part for part in before if part.layout == table]
                stored = dedup.Stored(
                    _paths(self._folder, [part for part in own if part.hash == hash_name]),
                    _paths(self._folder, [part for part in own if part.hash != hash_name]),
                )
                dedup.sift(engine, table, str(self._staging.path(table)), stored)
            dedup.drop_double_spenders(engine, {table: str(self._staging.path(table)) for table in staged})
            for table in staged:
                before, new, old = self._improve(engine, table, before, added, hash_name)
                rewritten, outdated = [*rewritten, *new], [*outdated, *old]
            outcomes = {table: dedup.outcome(engine, table, str(self._staging.path(table))) for table in staged}
            covered = self._declarations(engine, outcomes, [*before, *added])
            for table, outcome in outcomes.items():
                if outcome.stored:
                    added += self._write_table(engine, table, hash_name, advance)
            merged, dropped = compaction.merge(engine, self._folder, before, added, hash_name=hash_name)
        result = Committed(
            self._swap(added, [*rewritten, *merged], [*outdated, *dropped], covered, version, record or ImportRecord()),
            {table: outcome.stored for table, outcome in outcomes.items()},
            {table: outcome.duplicate for table, outcome in outcomes.items()},
            {table: outcome.rejected for table, outcome in outcomes.items()},
            [conflict for outcome in outcomes.values() for conflict in outcome.conflicts],
        )
        self._committed = True
        versions.sweep(self._folder, self._connection, result.version)
        return result

    def close(self) -> None:
        """Delete what was put aside."""
        self._staging.discard()
        with contextlib.suppress(OSError):
            self._work.rmdir()

    def _improve(
        self, engine: query.Engine, table: str, before: Sequence[Part], added: list[Part], hash_name: str
    ) -> tuple[list[Part], list[Part], list[Part]]:
        """Put rows that the store and this import know better together in the place of stored ones; see `removal.above`."""
        own = [part for part in before if part.layout == table]
        path = str(self._staging.path(table))
        weak = better.weakly_named(engine, path) if table == "transfers" else []
        for chain in weak:
            self._facts[f"{better.WEAK_NAMES}:{chain}"] = "yes"
        if table == "prices" or not own:
            return list(before), [], []
        chains = declarations.chains(engine, path)
        known = any(catalogue.fact(self._connection, f"{better.WEAK_NAMES}:{chain}") for chain in chains)
        files = _paths(self._folder, [part for part in own if part.chain in chains])
        if not files:
            return list(before), [], []
        joined = better.join_known(engine, table, path, files, self._work, names_differ=bool(weak) or known)
        if joined is None:
            return list(before), [], []
        remaining, rewritten, gone = removal.replaced(engine, self._folder, before, table, hash_name=hash_name)
        rows = f"(select * from read_parquet($staged) where {_chain_is(table)})"
        for chain in chains:
            for layout in copies(table):
                ordered = sorted_rows(engine, layout, rows, {"staged": [joined], "chain": chain})
                with contextlib.closing(ordered) as batches:
                    added += part_files.write_run(self._folder, layout, chain, batches, hash_name=hash_name)
        Path(joined).unlink()
        return remaining, rewritten, gone

    def _rows(self, table: str, *, left_out: bool) -> str:
        """SQL of the staged rows of a table that are new; one chain (parameter) at a time."""
        kept = f"and seq not in (select seq from drops_{table})" if left_out else ""
        return f"(select * exclude (seq) from read_parquet($staged) where {_chain_is(table)} {kept})"

    def _write_table(self, engine: query.Engine, table: str, hash_name: str, advance: Advance) -> Iterator[Part]:
        staged = [str(self._staging.path(table))]
        rows = self._rows(table, left_out=query.number(engine, f"select count(*) from drops_{table}") > 0)
        chains = [""]
        if table != "prices":
            found = query.rows(
                engine,
                f"select distinct chain from read_parquet($staged) where seq not in (select seq from drops_{table}) order by 1",
                {"staged": staged},
            )
            chains = [str(row[0]) for row in found]
        for chain in chains:
            for layout in copies(table):
                ordered = sorted_rows(engine, layout, rows, {"staged": staged, "chain": chain})
                with contextlib.closing(ordered) as batches:
                    told = _told(batches, f"sorting {chain} {layout.name}".replace("_", " "), advance)
                    yield from part_files.write_run(self._folder, layout, chain, told, hash_name=hash_name)

    def _require_one_time_order(self, engine: query.Engine, table: str, before: Sequence[Part]) -> None:
        if table == "prices":
            return
        found = query.rows(
            engine,
            "select chain, bool_or(flags & 16 != 0), bool_and(flags & 16 != 0) from read_parquet($staged) group by chain",
            {"staged": [str(self._staging.path(table))]},
        )
        for chain, some, every in found:
            stored = {part.time_order for part in before if part.chain == chain and part.layout in TABLES}
            if some != every or stored - {bool(some)}:
                raise InputError(
                    f"rows with block numbers and rows with times only cannot stand in one ledger ({chain}), since they "
                    "have no common order: import them into separate stores"
                )

    def _declarations(self, engine: query.Engine, outcomes: Mapping[str, Outcome], before: Sequence[Part]) -> list[Coverage]:
        """Coverage rows of this import: the explicit ones, the whole-ledger ones unless voided, and contradictions."""
        staged = {table: str(self._staging.path(table)) for table in outcomes if table != "prices"}
        for table, path in staged.items():
            if outcomes[table].rejected:
                for chain in declarations.chains(engine, path):
                    self.void(chain, str(Sentence("stored.conflicting", n=outcomes[table].rejected)))
        if not self._complete:
            stored = {table: path for table, path in staged.items() if outcomes[table].stored}
            return self._coverage + declarations.contradicted(engine, self._connection, stored, self._source)
        for chain, asset, count in declarations.unknown_status(
            engine, staged, _paths(self._folder, [part for part in before if part.layout == "transfers"])
        ):
            self.void(chain, str(Sentence("stored.unknown_status", n=count)), asset)
        return self._coverage + declarations.whole(engine, staged, before, self._voids, self._source)

    def _swap(
        self,
        added: Sequence[Part],
        merged: Sequence[Part],
        dropped: Sequence[Part],
        covered: Sequence[Coverage],
        version: int,
        record: ImportRecord,
    ) -> int:
        connection = self._connection
        with catalogue.transaction(connection):
            now = int(time.time())
            connection.execute("insert into versions values (?, ?, ?)", (version + 1, now, self._source))
            news = coverage.declare(connection, version + 1, covered)
            if added or news or dropped:
                # A part that was merged at once into another never belonged to a version.
                fresh = [part for part in (*added, *merged) if part not in dropped]
                parts.add_parts(connection, version + 1, fresh, [part for part in dropped if part not in added])
                version += 1
            else:
                connection.execute("delete from versions where version = ?", (version + 1,))
            for step in self._steps:
                step(connection, version)
            for key, value in self._facts.items():
                catalogue.state_fact(connection, key, value)
            for asset, (symbol, decimals) in self._assets.items():
                connection.execute(
                    "insert into assets values (?, ?, ?, ?) on conflict (asset) do nothing",
                    (asset, symbol, decimals, self._source),
                )
            connection.execute(
                "insert into imports values (?, ?, ?, ?, ?, ?) on conflict (id) do update set time = excluded.time, "
                "version = excluded.version, files = excluded.files, options = excluded.options, summary = excluded.summary",
                (
                    self._source,
                    now,
                    version,
                    json.dumps([list(file) for file in record.files]),
                    json.dumps(dict(record.options), sort_keys=True),
                    json.dumps(dict(record.summary), sort_keys=True),
                ),
            )
        return version


@contextlib.contextmanager
def open_writer(folder: Path, source: str, *, complete: bool) -> Iterator[Writer]:
    """The store's writer, under the writer's lock; what an earlier, killed one left is swept first."""
    with (
        catalogue.writer_lock(folder, f"import {source}"),
        contextlib.closing(catalogue.connect(folder, write=True)) as connection,
    ):
        parts.make_folders(folder)
        versions.sweep(folder, connection, catalogue.current_version(connection))
        writer = Writer(folder, connection, source, complete=complete)
        try:
            yield writer
        finally:
            writer.close()


@contextlib.contextmanager
def query_engine(folder: Path, spill: Path) -> Iterator[query.Engine]:
    """A query engine for the length of a block."""
    engine = query.connect(folder, spill)
    try:
        yield engine
    finally:
        engine.close()


def sorted_rows(engine: query.Engine, layout: Layout, rows: str, parameters: query.Parameters) -> Generator[pa.RecordBatch]:
    """Rows of a source in a layout's columns and order; sorted in a thread of its own while others are written."""
    return ahead(query.stream(engine, f"{select(layout, rows)} {order_by(layout)}", parameters), engine.interrupt)


def _told(batches: Iterator[pa.RecordBatch], what: str, advance: Advance) -> Iterator[pa.RecordBatch]:
    """The same batches, each told when it has been taken."""
    done = 0
    advance(what, done, None)
    for batch in batches:
        yield batch
        done += batch.num_rows
        advance(what, done, None)


def _chain_is(table: str) -> str:
    return "$chain = ''" if table == "prices" else "chain = $chain"


def _paths(folder: Path, found: Sequence[Part]) -> list[str]:
    return [str(parts.part_path(folder, part)) for part in found]
