"""Rows of a CSV text in UTF-8, each of bounded size: a file without line breaks must not fill the memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from exposure.errors import AttributionError

if TYPE_CHECKING:  # the stream is only named in a signature
    from exposure.attribution.opening import Bounded

MAX_LINE = 64 << 10
"""Longest line of a CSV list, in characters."""

MAX_BLANK = 1 << 20
"""Most characters of empty lines in a row."""


class Lines:
    """The lines of a text, each of bounded length.

    Raises
    ------
    AttributionError
        For a line that is longer than `MAX_LINE`, or is not UTF-8 (with or without a byte order mark), and for a flood of
        empty lines.
    """

    def __init__(self, stream: Bounded, name: str) -> None:
        self._text = io.TextIOWrapper(io.BufferedReader(stream), encoding="utf-8-sig", newline="")
        self._name = name
        self._number = 0
        self._blank = 0

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        self._number += 1
        try:
            line = self._text.readline(MAX_LINE)
        except UnicodeDecodeError as error:
            raise AttributionError(
                f"{self._name}: from line {self._number} on not UTF-8 text; save the file as UTF-8"
            ) from error
        if len(line) == MAX_LINE:
            raise AttributionError(
                f"{self._name}, line {self._number}: is longer than {MAX_LINE:,} characters; the file is no CSV"
            )
        if not line:
            raise StopIteration
        self._blank = self._blank + len(line) if line.isspace() else 0
        if self._blank > MAX_BLANK:
            raise AttributionError(
                f"{self._name}, line {self._number:,}: more than {MAX_BLANK:,} characters of empty lines; no list"
            )
        return line


def read_rows(stream: Bounded, name: str) -> Iterator[tuple[int, list[str]]]:
    """(line of its end, cells) of each row that is not empty.

    Raises
    ------
    AttributionError
        If the text is no CSV, or as `Lines` does.
    """
    reader = csv.reader(Lines(stream, name), strict=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise AttributionError(f"{name}, line {reader.line_num}: not readable as CSV ({error})") from error
