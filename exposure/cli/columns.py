"""Plain tables of a fixed width: what the smaller commands print. Every cell goes through `exposure.text.shown`."""

from __future__ import annotations

from collections.abc import Sequence

from exposure.text import shown

WIDTH = 100
_GAP = 2


def table(header: Sequence[str], rows: Sequence[Sequence[object]], *, most: Sequence[int], indent: int = 0) -> list[str]:
    """Lines of a table with its header, at most 100 columns wide.

    Parameters
    ----------
    header, rows
        Texts of the cells. Columns of whole numbers stand on the right.
    most
        Greatest width of each column where not everything fits; what is longer is cut and ends in ``...``; 0 for the
        last: what is left. Their sum with the gaps of two and the indent must fit the width: the caller's promise.
    indent
        Spaces before each line.
    """
    from rich.cells import cell_len

    whole = [[_fit(str(cell), WIDTH) for cell in row] for row in rows]
    natural = [max(cell_len(row[at]) for row in [list(header), *whole]) for at in range(len(header))]
    cells = whole
    if indent + sum(natural) + _GAP * (len(header) - 1) > WIDTH:
        room = WIDTH - indent - sum(min(size, wide) + _GAP for size, wide in zip(natural[:-1], most, strict=False))
        limits = [*most[:-1], most[-1] or room]
        cells = [[_fit(str(cell), max(wide, 4)) for cell, wide in zip(row, limits, strict=True)] for row in rows]
    right = [bool(rows) and all(isinstance(row[at], int) for row in rows) for at in range(len(header))]
    wide = [max(cell_len(row[at]) for row in [list(header), *cells]) for at in range(len(header))]
    lines = []
    for row in [list(header), *cells]:
        parts = []
        for cell, size, to_right in zip(row, wide, right, strict=True):
            pad = " " * (size - cell_len(cell))
            parts.append(pad + cell if to_right else cell + pad)
        lines.append((" " * indent + (" " * _GAP).join(parts)).rstrip())
    return lines


def _fit(text: str, width: int) -> str:
    """Outside text, safe and at most so many cells wide (a Chinese letter takes two)."""
    from rich.cells import cell_len

    limit = width
    while cell_len(shown(text, limit)) > width:
        limit -= 1
    return shown(text, limit)


def wrapped(text: str, *, indent: int = 0, hanging: int | None = None) -> list[str]:
    """A sentence in lines of at most 100 columns; ``hanging``: indent of the lines behind the first.

    The text is taken as safe: names in it went through `shown` where the sentence was made.
    """
    from rich.cells import cell_len

    lines: list[str] = []
    line = " " * indent
    fresh = True
    for word in text.split(" "):
        if not fresh and cell_len(line) + 1 + cell_len(word) > WIDTH:
            lines.append(line)
            line, fresh = " " * (indent if hanging is None else hanging), True
        line += word if fresh else f" {word}"
        fresh = False
        while cell_len(line) > WIDTH:  # a word longer than a line is broken hard
            cut = _fitting(line)
            lines.append(line[:cut])
            line = " " * (indent if hanging is None else hanging) + line[cut:]
    return [*lines, line]


def _fitting(line: str) -> int:
    """Number of characters of a line that fit the width."""
    from rich.cells import cell_len

    cut = WIDTH
    while cell_len(line[:cut]) > WIDTH:
        cut -= 1
    return cut
