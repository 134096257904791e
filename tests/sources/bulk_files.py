"""Making files for the tests of bulk import, and reading them back through the readers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from exposure.sources.bulk.batches import Findings, ReadOptions, Reject
from exposure.sources.bulk.containers import opened
from exposure.sources.bulk.forms import FORMS, recognise
from exposure.sources.bulk.mapping import read_mapping

A, B, C, D, E = ("0x" + letter * 40 for letter in "abcde")
TOKEN = "0x" + "7" * 40
ZERO = "0x" + "0" * 40
NOON = 1_600_000_000


def tx(number: int) -> str:
    """An EVM transaction hash."""
    return f"0x{number:064x}"


def btx(number: int) -> str:
    """A Bitcoin transaction hash."""
    return f"{number:064x}"


class Read(NamedTuple):
    """What a reader gave: rows by table, rejects, findings."""

    rows: dict[str, list[dict]]
    rejects: list[Reject]
    findings: Findings

    @property
    def transfers(self) -> list[dict]:
        return self.rows.get("transfers", [])


def write(path: Path, *lines: str) -> Path:
    """A text file of these lines."""
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def read(paths: Iterable[Path | str], form: str = "auto", columns: Sequence[str] = (), **options) -> Read:
    """Read files as an import does, without a store."""
    rejects: list[Reject] = []
    findings = Findings(rejects.append)
    told = ReadOptions(columns=read_mapping(columns), **options)
    rows: dict[str, list[dict]] = {}
    with opened([str(path) for path in paths]) as files:
        names = {recognise(file, told) if form == "auto" else form for file in files.members}
        assert len(names) == 1, names
        for batch in FORMS[names.pop()].read(files.members, told, findings):
            rows.setdefault(batch.table, []).extend(batch.rows.to_pylist())
    return Read(rows, rejects, findings)
