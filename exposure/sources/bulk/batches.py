"""What every reader of a bulk file takes and gives: options in; batches of rows, rejected rows and findings out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from exposure.sources.bulk.block_runs import BlocksSeen
from exposure.sources.bulk.mapping import Mapped


class Batch(NamedTuple):
    """Rows of one stored table, with every column of its schema but ``source`` (see `exposure.model.schemas`)."""

    table: str
    rows: pa.Table


class Reject(NamedTuple):
    """A row that is not imported. ``line`` counts from 1 in text files, and is the row in Parquet files and the byte
    offset in block files. ``text`` is what the row says, as far as it was read."""

    table: str
    file: str
    line: int
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How bulk files are to be read.

    ``chain`` and ``asset`` stand for columns that the file does not have. ``columns`` maps columns of own files.
    ``height`` is that of the first block of a block file. ``currency`` is that of a price file without one. ``work`` is
    the folder for temporary files (None: the system's).
    """

    chain: str | None = None
    asset: str | None = None
    columns: tuple[Mapped, ...] = ()
    height: int | None = None
    currency: str | None = None
    work: Path | None = None


@dataclass(slots=True)
class Findings:
    """What a reader says besides rows. It is handed down and added to.

    ``voids``: (chain, asset id or ``*``) to the reasons why a declaration of completeness cannot hold.
    ``records``: rows, lines or transactions read, rejected ones among them. ``every_block``: chains whose files were
    meant to hold every block, to the length from which on a run of missing ones is worth a warning. ``descriptions``:
    asset id to symbol and decimals.
    """

    reject: Callable[[Reject], None]
    voids: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)
    records: int = 0
    every_block: dict[str, int] = field(default_factory=dict)
    blocks: dict[str, BlocksSeen] = field(default_factory=dict)
    descriptions: dict[str, tuple[str, int]] = field(default_factory=dict)
    tick: Callable[[int], None] = lambda rows: None

    def void(self, chain: str, asset: str, reason: str) -> None:
        """Say that completeness of an asset cannot be declared; each reason once."""
        reasons = self.voids.setdefault((chain, asset), [])
        if reason not in reasons:
            reasons.append(reason)

    def warn(self, sentence: str) -> None:
        """Say something the user should know, once."""
        self.warnings.setdefault(sentence)

    def see_blocks(self, chain: str, numbers: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
        """Note that these blocks are there."""
        self.blocks.setdefault(chain, BlocksSeen()).add(numbers)

    def count(self, records: int) -> None:
        """Add to the number of records read, and tell whoever shows progress."""
        self.records += records
        self.tick(records)
