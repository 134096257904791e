"""The catalogue: one small SQLite file that names the parts of each version and holds coverage, imports, editions, tags.

A store is a folder. Rows lie in immutable Parquet parts; this file says which of them belong to which version, so a new
version appears by one transaction and a kill at any time leaves the last one. Readers never wait (WAL). Long work (an
import) holds the writer's lock, a file lock that the system releases when its holder dies; short work (a tag) only
takes SQLite's own write lock.

Modules that keep tables of their own in here export ``DDL: str`` of idempotent statements (``create table if not
exists ...``) and are named in `DDL_MODULES`.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exposure.errors import StoreError
from exposure.store.at_rest import copied, may_be_written

if TYPE_CHECKING:  # annotations only
    from sqlite3 import Cursor

FILE_NAME = "catalogue.sqlite"
LOCK_NAME = "writer.lock"
_UNBORN = FILE_NAME + ".new"
APPLICATION_ID = 0x45585053  # "EXPS": what tells a catalogue from any other SQLite file
BUSY_SECONDS = 10.0

DDL_MODULES = ("exposure.store.tags", "exposure.store.holdings", "exposure.store.fetches", "exposure.store.looks")
"""Modules whose ``DDL`` is executed with the migrations; one that is not installed yet is passed over."""

MIGRATIONS: tuple[str, ...] = (
    # 1: the first catalogue
    """
    create table meta (key text primary key, value text not null) without rowid;
    create table versions (
        version integer primary key,
        created_at integer not null,
        source text not null
    );
    create table parts (
        id integer primary key,
        file text not null,
        layout text not null,
        chain text not null,
        run text not null,
        first_key text, last_key text,
        rows integer not null,
        bytes integer not null,
        first_block integer, last_block integer,
        first_time integer, last_time integer,
        time_order integer not null default 0,
        hash text not null,
        added_in integer not null references versions (version),
        dropped_in integer references versions (version)
    );
    create index parts_by_layout on parts (layout, chain);
    create table imports (
        id text primary key,
        time integer not null,
        version integer not null references versions (version),
        files text not null,
        options text not null,
        summary text not null
    ) without rowid;
    create table coverage (
        id integer primary key,
        chain text not null,
        address text not null,
        asset text not null,
        from_block integer, to_block integer,
        complete integer not null,
        oldest_missing integer not null default 0,
        opening text,
        reason text not null,
        source text not null,
        added_in integer not null references versions (version)
    );
    create index coverage_by_address on coverage (chain, address, asset);
    create table assets (
        asset text primary key,
        symbol text not null,
        decimals integer not null,
        source text not null
    ) without rowid;
    insert into versions (version, created_at, source) values (0, 0, 'empty');
    """,
)


class _Rows(sqlite3.Cursor):
    """A cursor whose errors are sentences: damage may show only when a row is read."""

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except (sqlite3.Error, UnicodeDecodeError):
            with _sentences(self.connection.folder):  # type: ignore[attr-defined]  # only a `Connection` makes these
                raise

    def fetchone(self) -> Any:
        return next(self, None)

    def fetchall(self) -> list[Any]:
        return list(self)


class Connection(sqlite3.Connection):
    """A connection whose errors are sentences: what is wrong with which store, and what to do."""

    folder: Path = Path()

    def execute(self, sql: str, parameters: object = (), /) -> Cursor:
        """As sqlite3's, with `StoreError` for a locked, full or damaged catalogue."""
        with _sentences(self.folder):
            return self.cursor(_Rows).execute(sql, parameters)  # type: ignore[arg-type]  # whatever sqlite3 binds

    def executemany(self, sql: str, rows: Iterable[object], /) -> Cursor:
        """As sqlite3's, with `StoreError` for a locked, full or damaged catalogue."""
        with _sentences(self.folder):
            return super().executemany(sql, rows)  # type: ignore[arg-type]  # whatever sqlite3 binds


def create(folder: Path) -> None:
    """Make an empty store in ``folder`` (made too, 0700; files 0600).

    Raises
    ------
    StoreError
        If the folder holds anything already, or cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A store of its own: never scattered among someone's files. What a killed `create` left is no obstacle.
        for path in folder.iterdir():
            if not path.name.startswith(_UNBORN):
                raise StoreError(f"cannot make a store in {folder}: the folder is not empty; name a new or empty folder")
            path.unlink()
        folder.chmod(0o700)
        _touch_private(folder / _UNBORN)
        with contextlib.closing(_open(folder, _UNBORN)) as connection:
            connection.execute(f"pragma application_id = {APPLICATION_ID}")
            _migrate(connection)
            connection.execute("pragma journal_mode = wal")
        # Whole or not there: a catalogue appears under its name with its tables in it.
        (folder / _UNBORN).rename(folder / FILE_NAME)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(f"cannot make a store in {folder}: {reason}; name a folder you may write to") from error


def is_store(folder: Path) -> bool:
    """Whether ``folder`` holds a catalogue file (which `connect` may still find damaged)."""
    return (folder / FILE_NAME).is_file()


def connect(folder: Path, *, write: bool = False) -> Connection:
    """Open the catalogue of a store; migrates an older one first.

    Transactions are explicit: see `transaction`. Without ``write`` every statement that changes something fails.

    Parameters
    ----------
    folder : Path
        The store's folder.
    write : bool
        Whether statements may change the catalogue.

    Raises
    ------
    StoreError
        If there is no store, the file is damaged, is not ours, or was written by a newer version of this program.
    """
    if not is_store(folder):
        raise StoreError(f"no store in {folder}: import something first, or name another folder with --store")
    connection = _open(folder)
    try:
        application = int(connection.execute("pragma application_id").fetchone()[0])
        if application != APPLICATION_ID:
            raise StoreError(
                f"{folder / FILE_NAME} is not a catalogue of this program (application id {application}); name another folder"
            )
        _migrate(connection)
        if not write:
            connection.execute("pragma query_only = on")
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def transaction(connection: Connection) -> Iterator[Connection]:
    """One write transaction: all of it or nothing. Waits up to ten seconds for another writer's short transaction."""
    connection.execute("begin immediate")
    try:
        yield connection
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise


@contextlib.contextmanager
def writer_lock(folder: Path, purpose: str) -> Iterator[None]:
    """Hold the store's writer lock; the system releases it when the holder ends, however it ends.

    Raises
    ------
    StoreError
        If another process writes to the store; the sentence says which, since when, and what for.
    """
    import fcntl

    path = folder / LOCK_NAME
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StoreError(f"cannot lock the store {folder}: {error.strerror or error}; it must be writable to import") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(f"the store {folder} is being written to {_holder(descriptor)}: wait until that ends") from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps({"pid": os.getpid(), "since": int(time.time()), "purpose": purpose}).encode())
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def current_version(connection: Connection) -> int:
    """Number of the newest version; 0 is the empty store."""
    (found,) = connection.execute("select max(version) from versions").fetchone()
    if not isinstance(found, int):
        raise StoreError(f"the catalogue of {connection.folder} names no version: restore it from a copy, or import again")
    return found


def fact(connection: Connection, key: str) -> str | None:
    """A fact about the whole store, such as ``synthetic``; None if it was never stated."""
    row = connection.execute("select value from meta where key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def state_fact(connection: Connection, key: str, value: str) -> None:
    """State a fact about the whole store (inside a `transaction`)."""
    connection.execute("insert into meta values (?, ?) on conflict (key) do update set value = excluded.value", (key, value))


def _open(folder: Path, name: str = FILE_NAME) -> Connection:
    if may_be_written(folder):
        # `mode=rw`: never makes a file by accident; also readers need it, for the shared memory of the WAL.
        return _opened(folder, f"{(folder / name).absolute().as_uri()}?mode=rw")
    with copied(folder / name) as copy:
        return _opened(folder, f"{copy.as_uri()}?mode=ro&immutable=1")


def _opened(folder: Path, uri: str) -> Connection:
    with _sentences(folder):
        connection = sqlite3.connect(
            uri,
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            factory=Connection,
            check_same_thread=False,
        )
        connection.folder = folder
    try:
        connection.execute("pragma foreign_keys = on")
        connection.execute("pragma trusted_schema = off")
        connection.execute("pragma synchronous = full")
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: Connection) -> None:
    """Bring the tables up to date: numbered migrations, then the idempotent DDL of other modules where it changed."""
    found = int(connection.execute("pragma user_version").fetchone()[0])
    if found > len(MIGRATIONS):
        raise StoreError(
            f"the store {connection.folder} was written by a newer version of this program (catalogue {found}, "
            f"known up to {len(MIGRATIONS)}): update the program"
        )
    scripts = list(_module_scripts())
    if found == len(MIGRATIONS) and all(fact(connection, key) == digest for key, digest, _ in scripts):
        return
    with transaction(connection):
        # Read again under the lock: another process may have migrated meanwhile.
        found = int(connection.execute("pragma user_version").fetchone()[0])
        for script in MIGRATIONS[found:]:
            _run_script(connection, script)
        for key, digest, script in scripts:
            if fact(connection, key) != digest:
                _run_script(connection, script)
                _add_columns(connection, key.partition(":")[2])
                state_fact(connection, key, digest)
        connection.execute(f"pragma user_version = {len(MIGRATIONS)}")


def _module_scripts() -> Iterator[tuple[str, str, str]]:
    for name in DDL_MODULES:
        if importlib.util.find_spec(name) is None:
            continue
        script = str(importlib.import_module(name).DDL)
        yield f"ddl:{name}", hashlib.sha256(script.encode()).hexdigest(), script


def _add_columns(connection: Connection, name: str) -> None:
    """Add the columns that a module's tables got since a store was made (its ``ADDED_COLUMNS``, if it has any)."""
    for table, column, form in getattr(importlib.import_module(name), "ADDED_COLUMNS", ()):
        present = {row[1] for row in connection.execute(f"pragma table_info({table})")}
        if column not in present:
            connection.execute(f"alter table {table} add column {column} {form}")


def _run_script(connection: Connection, script: str) -> None:
    # Not `executescript`: it commits first, and a migration must be whole or not at all.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""
    if statement.strip():
        connection.execute(statement)


def _touch_private(path: Path) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _holder(descriptor: int) -> str:
    try:
        told = json.loads(os.pread(descriptor, 4096, 0))
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(int(told["since"])))
        return f"by process {int(told['pid'])} since {since} ({str(told['purpose'])[:80]})"
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        # The file says nothing useful in the instant between taking the lock and writing it.
        return "by another process"


@contextlib.contextmanager
def _sentences(folder: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        text = str(error)
        if "locked" in text or "busy" in text:
            raise StoreError(f"the catalogue of {folder} is locked by another process: try again in a moment") from error
        if "full" in text:
            raise StoreError(f"no space left for the catalogue of {folder}: the last version stays; free some space") from error
        if "disk I/O" in text:
            raise StoreError(
                f"the catalogue of {folder} cannot be read or written ({text}): the last version stays; look at the disk and "
                "its free space, and try again"
            ) from error
        if "readonly" in text or "query_only" in text:
            raise StoreError(
                f"the store {folder} cannot be written to here ({text}): copy the folder to where it can be, and name the copy"
            ) from error
        raise StoreError(f"the catalogue of {folder} cannot be used: {text}; restore it, or import again") from error
    except sqlite3.IntegrityError:
        raise  # a rule of a table was broken: for the caller, who knows what it means
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # damage may lie in the text of its own complaint
        raise StoreError(
            f"{folder / FILE_NAME} is damaged or not a catalogue ({error}): restore it from a copy, or import into a new store"
        ) from error
