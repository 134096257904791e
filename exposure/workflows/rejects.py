"""The file of rejected rows: written beside the store's data, whole or not at all, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import os
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from exposure.errors import StoreError

if TYPE_CHECKING:  # annotations only
    from typing import TextIO

MAX_WRITTEN = 1_000_000
"""Rows written out; further ones are only counted."""

EXAMPLES = 10
_COLUMNS = ("table", "file", "line", "reason", "text")


class Rejected(Protocol):
    """What is written of a rejected row."""

    @property
    def table(self) -> str: ...
    @property
    def file(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def reason(self) -> str: ...
    @property
    def text(self) -> str: ...


def formula_safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: what starts like one gets an apostrophe before it."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


class RejectsFile:
    """Counts rejected rows and writes them to ``folder/rejects-<import>.csv``; None as folder only counts.

    As a context manager: on an error the file goes; `keep` gives it its name.
    """

    def __init__(self, folder: Path | None, import_id: str) -> None:
        self.counts: Counter[str] = Counter()
        self.examples: list[Rejected] = []
        self._path = folder / f"rejects-{import_id}.csv" if folder else None
        self._file: TextIO | None = None

    def __enter__(self) -> RejectsFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None and self._path is not None:
            self._file.close()
            self._part.unlink(missing_ok=True)

    @property
    def total(self) -> int:
        """Number of rejected rows."""
        return self.counts.total()

    @property
    def _part(self) -> Path:
        assert self._path is not None
        return self._path.with_name(self._path.name + ".part")

    def add(self, row: Rejected) -> None:
        """Count a row and write it out."""
        self.counts[row.table] += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(row)
        if self._path is None or self.total > MAX_WRITTEN:
            return
        try:
            if self._file is None:
                self._path.parent.mkdir(mode=0o700, exist_ok=True)
                handle = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # nobody else's from the start
                self._file = os.fdopen(handle, "w", encoding="utf-8", newline="")
                csv.writer(self._file).writerow(_COLUMNS)
            cells = (row.table, row.file, row.line, row.reason, row.text)
            csv.writer(self._file).writerow([formula_safe(str(cell).encode("utf-8", "replace").decode()) for cell in cells])
        except OSError as error:
            raise StoreError(f"cannot write {self._part}: {error.strerror or error}") from error

    def keep(self) -> Path | None:
        """Give the file its name; the path, or None if nothing was rejected."""
        if self._file is None or self._path is None:
            return None
        self._file.close()
        self._file = None
        self._part.replace(self._path)
        return self._path
