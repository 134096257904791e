"""Cells and tables of the page: plain values that the template draws. Whatever comes from outside is made safe here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import NamedTuple
from urllib.parse import quote

from exposure.model.assets import CHAINS
from exposure.text import shown
from exposure.units import clock

MAX_TEXT = 300
_LINKABLE = re.compile(r"[A-Za-z0-9]{8,120}")


class Cell(NamedTuple):
    """One cell. ``href``: an explorer's page. ``kind``: text, word, number, time, or code, which has a button to copy it."""

    text: str
    kind: str = "text"
    href: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table. ``note`` stands above it, ``more`` counts the rows left out."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    more: int = 0


def text(value: object) -> Cell:
    """Words from anywhere."""
    return Cell(shown(value, MAX_TEXT))


def word(value: str) -> Cell:
    """A word of our own, or a day: it stays on one line."""
    return Cell(shown(value, 60), "word")


def moment(time: int, zone: tzinfo) -> Cell:
    """A time; a day is not broken over lines."""
    return Cell(clock(time, zone), "time")


def number(value: str) -> Cell:
    """A figure, to the right."""
    return Cell(value, "number")


def address(value: str | None, chain: str, missing: str = "") -> Cell:
    """An address, whole, with its explorer page."""
    if not value:
        return Cell(missing)
    known = CHAINS.get(chain)
    return _code(value, known.explorer_address if known is not None else "")


def transaction(value: str | None, chain: str) -> Cell:
    """A transaction's hash, whole, with its explorer page."""
    if not value:
        return Cell("")
    known = CHAINS.get(chain)
    return _code(value, known.explorer_tx if known is not None else "")


def code(value: str) -> Cell:
    """A hash without a page."""
    return _code(value, "")


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[Cell]], *, most: int, note: str = "") -> Table:
    """A table of at most so many rows."""
    kept = tuple(tuple(row) for row in rows[:most])
    return Table(title, tuple(head), kept, note, max(len(rows) - most, 0))


def _code(value: str, page: str) -> Cell:
    whole = shown(value, 200)
    href = page + quote(value, safe="") if page and _LINKABLE.fullmatch(value) else ""
    return Cell(whole, "code", href)
