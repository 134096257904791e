"""Lines of a fixed width: columns, and pieces that flow with a hanging indent. Knows nothing of what they say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from rich.cells import cell_len, set_cell_size
from rich.text import Text

WIDTH = 100
"""Columns of the screen. Every line fits; the table uses all of them."""
NARROW = 80
"""Columns of a small terminal, for which the table goes without its last column."""

_WIDTH: ContextVar[int] = ContextVar("width", default=WIDTH)


def width() -> int:
    """Columns for which lines are laid out here."""
    return _WIDTH.get()


@contextmanager
def laid_out_for(terminal: int) -> Iterator[None]:
    """Lines fit a terminal of so many columns: `WIDTH` of them, or `NARROW` if there are fewer."""
    token = _WIDTH.set(WIDTH if terminal >= WIDTH else NARROW)
    try:
        yield
    finally:
        _WIDTH.reset(token)


_SPACE = re.compile(r" (?!%)")  # a number stays with its per cent

Piece = tuple[str, str]
"""Text that stays on one line if it can, and its style."""


def flow(head: Text, pieces: Iterable[Piece], *, indent: int, gap: str = "  ") -> list[Text]:
    """Lay pieces behind a head, ``gap`` between them; what does not fit goes on at ``indent`` on the next line.

    The head is padded to ``indent``. A piece longer than a whole line is broken at spaces, or hard where it has none.
    """
    lines = [head]
    head.pad_right(max(indent - head.cell_len, 0))
    most = width()
    fresh = True
    for text, style in pieces:
        for number, part in enumerate(_broken(text, most - indent)):
            line = lines[-1]
            space = 0 if fresh else cell_len(gap)
            if number or line.cell_len + space + cell_len(part) > most:
                line.rstrip()
                line = Text(" " * indent)
                lines.append(line)
                space = 0
            line.append(gap[:space])
            line.append(part, style)
            fresh = False
    lines[-1].rstrip()
    return lines


def columns(cells: Sequence[tuple[str, int, str]]) -> Text:
    """One line of cells (text, width, style); a negative width is right-aligned. Cells that are too long are cut."""
    line = Text()
    for text, width, style in cells:
        size = abs(width)
        body = set_cell_size(text, size) if cell_len(text) > size else text
        pad = " " * (size - cell_len(body))
        line.append(pad + body if width < 0 else body + pad, style)
    line.rstrip()
    return line


def _broken(text: str, width: int) -> list[str]:
    """A piece in parts that each fit ``width`` cells: whole if it fits, else at spaces, else hard."""
    parts: list[str] = []
    line = ""
    for word in _SPACE.split(text) if cell_len(text) > width else [text]:
        joined = f"{line} {word}" if line else word
        if cell_len(joined) <= width:
            line = joined
            continue
        if line:
            parts.append(line)
        line = word
        while cell_len(line) > width:
            head = _head(line, width)
            parts.append(head)
            line = line[len(head) :]
    return [*parts, line] if line or not parts else parts


def _head(text: str, width: int) -> str:
    """The longest beginning that fits, at least one character."""
    used = 0
    for place, character in enumerate(text):
        used += cell_len(character)
        if used > width:
            return text[: max(place, 1)]
    return text
