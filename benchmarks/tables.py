"""A table of measurements: on the screen, and in a document between two markers."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
WIDTH = 100


@dataclass(slots=True)
class Grid:
    """A table; the first column is words, the others numbers. A column's name may have two lines."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def add(self, *cells: str) -> None:
        """Append a row; missing cells at its end are empty."""
        self.rows.append((*cells, *[""] * (len(self.columns) - len(cells))))


def show(grid: Grid) -> None:
    """Print a grid, at most 100 columns wide."""
    table = Table(title=grid.title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, title_justify="left")
    for place, name in enumerate(grid.columns):
        table.add_column(name, justify="right" if place else "left", no_wrap=True)
    for row in grid.rows:
        table.add_row(*row)
    Console(width=WIDTH).print(table)


def markdown(grid: Grid) -> str:
    """A grid in Markdown, its title before it."""
    lines = [" | ".join(("", *(name.replace("\n", " ") for name in grid.columns), "")).strip()]
    lines.append("|---" + "|---:" * (len(grid.columns) - 1) + "|")
    lines += [" | ".join(("", *row, "")).strip() for row in grid.rows]
    return grid.title + "\n\n" + "\n".join(lines) + "\n"


def machine() -> str:
    """The machine and the day, as a table's reader needs them."""
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{_processor()}, {os.cpu_count()} cores, {gigabytes:.0f} GB, Python {platform.python_version()}, "
        f"{datetime.now(UTC):%Y-%m-%d}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def write(name: str, text: str, document: Path = DOCUMENT) -> None:
    """Put a text between the markers ``<!-- NAME begins -->`` and ``<!-- NAME ends -->`` of a document.

    Raises
    ------
    SystemExit
        If the document has no such markers.
    """
    before, after = f"<!-- {name} begins -->\n", f"<!-- {name} ends -->"
    whole = document.read_text(encoding="utf-8")
    if whole.count(before) != 1 or whole.count(after) != 1 or whole.index(before) > whole.index(after):
        raise SystemExit(
            f"{document} has no place between {before.strip()} and {after}: put the two lines where the table belongs"
        )
    head, tail = whole.index(before) + len(before), whole.index(after)
    document.write_text(whole[:head] + "\n" + text.strip() + "\n\n" + whole[tail:], encoding="utf-8")
