"""The store: a folder of ledger rows, seen one version at a time."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from exposure.errors import InputError
from exposure.model.assets import AssetInfo, asset_info
from exposure.model.schemas import TABLES
from exposure.store import catalogue, parts, versions
from exposure.store.parts import Part

if TYPE_CHECKING:  # annotations only: screening opens a store and needs neither Arrow nor the query engine
    from exposure.store.lookup import Lookup
    from exposure.store.writer import Writer


class PastImport(NamedTuple):
    """What the catalogue keeps of one import. ``files``: (name, SHA-256, bytes)."""

    id: str
    time: int
    version: int
    files: tuple[tuple[str, str, int], ...]
    options: dict[str, str]
    summary: dict[str, int]


class Store:
    """A store, opened at its newest version; a writer that commits meanwhile does not change what this handle sees.

    Use it in a ``with`` block, or call `close`. `refresh` moves on to the newest version.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()
        self._connection = catalogue.connect(self.path)
        self._held: int | None = None
        self._temporary = False
        self._lookups: dict[tuple[str, str, tuple[str, ...]], Lookup] = {}
        self.version = 0
        try:
            self.refresh()
        except BaseException:
            self._connection.close()
            raise

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open an existing store.

        Raises
        ------
        StoreError
            If there is none, or it is damaged, or written by a newer version of the program.
        """
        return cls(path)

    @staticmethod
    def exists(path: str | Path) -> bool:
        """Whether a folder is a store."""
        return catalogue.is_store(Path(path))

    @classmethod
    def create(cls, path: str | Path) -> Self:
        """Make an empty store in a new or empty folder, and open it."""
        catalogue.create(Path(path))
        return cls(path)

    @classmethod
    def open_or_create(cls, path: str | Path) -> Self:
        """Open the store in a folder; make one if the folder is new or empty."""
        return cls.open(path) if catalogue.is_store(Path(path)) else cls.create(path)

    @classmethod
    def in_memory(cls) -> Self:
        """A store that is gone when it is closed: a private temporary folder."""
        folder = Path(tempfile.mkdtemp(prefix="exposure-"))
        try:
            store = cls.create(folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        store._temporary = True
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the version and the catalogue; a second call does nothing."""
        versions.release_version(self._held)
        self._held = None
        self._connection.close()
        if self._temporary:
            shutil.rmtree(self.path, ignore_errors=True)
            self._temporary = False

    def refresh(self) -> int:
        """Move on to the newest version; its number."""
        while True:
            version = catalogue.current_version(self._connection)
            held = versions.hold_version(self.path, version)
            # A writer may have dropped parts of it in between: then they may be swept, and we take the newer one.
            if catalogue.current_version(self._connection) == version:
                break
            versions.release_version(held)
        versions.release_version(self._held)
        self._held, self.version = held, version
        self._lookups.clear()
        return version

    @contextlib.contextmanager
    def writer(self, source: str, *, complete: bool = False) -> Iterator[Writer]:
        """The store's one writer.

        Parameters
        ----------
        source : str
            Id of the import or fetch; stored with each row.
        complete : bool
            Declares that with this import the store holds every movement of the assets in it, from the first one on.
            Rejected rows and rows of unknown status void that, and coverage says so.

        Raises
        ------
        StoreError
            If another process writes to the store.
        """
        from exposure.store.writer import open_writer

        if not source or len(source) > 128:
            raise InputError("an import needs an id of 1 to 128 characters")
        with open_writer(self.path, source, complete=complete) as writer:
            yield writer
        self.refresh()

    @property
    def connection(self) -> catalogue.Connection:
        """The catalogue, for reading."""
        return self._connection

    def parts(self, layout: str, chain: str | None = None) -> list[Part]:
        """Part files of a layout in this version, oldest first; of one chain, if given."""
        found = parts.list_parts(self._connection, self.version, layout)
        return [part for part in found if chain is None or part.chain == chain]

    def lookup(self, layout: str, chain: str, columns: tuple[str, ...] = ()) -> Lookup:
        """Look-ups in a layout of a chain in this version; opened once. ``columns``: those to read, else all."""
        from exposure.store.lookup import Lookup

        key = (layout, chain, columns)
        if key not in self._lookups:
            self._lookups[key] = Lookup(self.path, layout, self.parts(layout, chain), columns or None)
        return self._lookups[key]

    def chains(self) -> list[str]:
        """Names of the chains of which the store holds rows, sorted."""
        return sorted({part.chain for part in self._ledger_parts()})

    def last_block(self, chain: str) -> int | None:
        """Highest block (or second, for a ledger without blocks) with a stored row; None if there is none."""
        return max(
            (part.last_block for part in self._ledger_parts() if part.chain == chain and part.last_block is not None),
            default=None,
        )

    def head_time(self, chain: str) -> int | None:
        """Latest time of a stored row in unix seconds; None if there is none."""
        return max(
            (part.last_time for part in self._ledger_parts() if part.chain == chain and part.last_time is not None),
            default=None,
        )

    def time_ordered(self, chain: str) -> bool:
        """Whether the chain's rows have times instead of block numbers."""
        return any(part.time_order for part in self._ledger_parts() if part.chain == chain)

    def counts(self) -> dict[str, int]:
        """Number of rows by table."""
        return {table: sum(part.rows for part in self.parts(table)) for table in TABLES}

    def imports(self) -> list[PastImport]:
        """Past imports, oldest first."""
        cursor = self._connection.execute("select id, time, version, files, options, summary from imports order by time, id")
        return [
            PastImport(
                str(row[0]),
                row[1],
                row[2],
                tuple((f[0], f[1], f[2]) for f in json.loads(row[3])),
                json.loads(row[4]),
                json.loads(row[5]),
            )
            for row in cursor
        ]

    def fact(self, key: str) -> str | None:
        """A fact about the whole store, such as ``synthetic``; None if it was never stated."""
        return catalogue.fact(self._connection, key)

    def asset_info(self, asset: str) -> AssetInfo:
        """Symbol and decimals of an asset: what an import said, else what is well known."""
        row = self._connection.execute("select symbol, decimals from assets where asset = ?", (asset,)).fetchone()
        known = asset_info(asset)
        return known if row is None or known.decimals else AssetInfo(str(row[0]), int(row[1]), known.usd_peg)

    def _ledger_parts(self) -> list[Part]:
        return [
            part
            for part in parts.list_parts(self._connection, self.version)
            if part.layout in ("transfers", "outputs", "inputs")
        ]
