"""The workbook of Japan's Ministry of Finance: a sheet for each programme, addresses in free text of any column.

The first rows of a sheet are its title; the header is the row with 告示日付 (day of notification). Dates are Western or of
a Japanese era, as text, as a date, or as the number of a day. Formulas have no place in the official workbook: what a cell
shows would then depend on who opens it, so they are reported and not used.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, BinaryIO, cast

from exposure.attribution.lists.dates import japanese_day
from exposure.attribution.lists.listing import Entry, distinct, parsed_list
from exposure.attribution.opening import MAX_UNPACKED
from exposure.errors import AttributionError
from exposure.model.tags import MAX_TEXT, ParsedList, Problem
from exposure.text import shown

if TYPE_CHECKING:  # only named in signatures
    from exposure.attribution.opening import Bounded

NAME = "MOF Japan"
REGIME = "JP"
SOURCE = "Ministry of Finance of Japan, list of persons subject to asset freeze"

DATE = "告示日付"
_ENGLISH, _JAPANESE, _NUMBER = "英語", "日本語", "告示番号"
MAX_CELLS = 2_000_000
MAX_HEADER_ROW = 40
MAX_WORKBOOK = 64 << 20
_EXCEL_EPOCH = datetime(1899, 12, 30, tzinfo=UTC)


def parse_japan(stream: Bounded, name: str) -> ParsedList:
    """Read the workbook: one tag for each address in the cells of a row.

    Returns
    -------
    ParsedList
        The programme is the text above the header (else the sheet's title). ``published`` is None: the workbook states no
        day of its own.

    Raises
    ------
    AttributionError
        If it is no workbook, no sheet has the header, or openpyxl is not installed.
    """
    formulas: list[Problem] = []
    parsed = parsed_list(_entries(stream, name, formulas), name=NAME, form="japan", regime=REGIME, source=SOURCE)
    return ParsedList(
        **{field: getattr(parsed, field) for field in ("name", "kind", "form", "tags", "published", "regime", "rows")},
        problems=(*parsed.problems, *formulas),
    )


def _entries(stream: Bounded, name: str, formulas: list[Problem]) -> Iterator[Entry]:
    try:
        import openpyxl
    except ImportError as error:
        raise AttributionError(
            f"{name}: a workbook needs openpyxl, which is not installed; `pip install 'chain-exposure[lists]'`"
        ) from error
    content = stream.whole(MAX_WORKBOOK)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl remarks on styles that nobody reads here
            _refuse_bomb(content, name)
            book = openpyxl.load_workbook(content, read_only=True, data_only=False, keep_links=False)
            sheets = 0
            for sheet in book.worksheets:
                header: list[str] | None = None
                for entry_or_header in _sheet(sheet, name, formulas):
                    if isinstance(entry_or_header, Entry):
                        yield entry_or_header
                    else:
                        header = entry_or_header
                sheets += header is not None
            book.close()
    except AttributionError:
        raise
    except Exception as error:  # openpyxl meets a damaged workbook with any exception there is
        raise AttributionError(f"{name}: not readable as a workbook ({shown(error)}); get it again") from error
    if not sheets:
        raise AttributionError(f"{name}: no sheet has a header with {DATE}; get the ministry's workbook")


def _refuse_bomb(content: BinaryIO, name: str) -> None:
    with zipfile.ZipFile(content) as archive:
        size = sum(member.file_size for member in archive.infolist())
    content.seek(0)
    if size > MAX_UNPACKED // 16:
        raise AttributionError(f"{name}: unpacks to {size:,} bytes, which no workbook of this list does; it was not read")


def _sheet(sheet: object, name: str, formulas: list[Problem]) -> Iterator[Entry | list[str]]:
    title = str(getattr(sheet, "title", "")).strip()
    section = ""
    above: dict[str, list[object]] = {}
    header: list[str] | None = None
    cells = 0
    for number, row in enumerate(sheet.iter_rows(), 1):  # type: ignore[attr-defined]  # a read-only sheet; stubs know another class
        cells += len(row)
        if cells > MAX_CELLS:
            raise AttributionError(f"{name}: the sheet {shown(title, 40)} has more than {MAX_CELLS:,} cells; it was not read")
        where = f"sheet {shown(title, 40)}, row {number}"
        if header is None:
            texts = [_text(cell.value) for cell in row]
            if number <= MAX_HEADER_ROW and any(DATE in "".join(text.split()) for text in texts):
                header = ["".join(text.split()) for text in texts]
                yield header
            elif not section:
                section = " ".join(" / ".join(distinct(texts)).split())[:MAX_TEXT]
            continue
        fields: dict[str, list[object]] = {}
        for column, cell in zip(header, row, strict=False):
            value = cast("object", cell.value)
            if getattr(cell, "data_type", "") == "f" or (isinstance(value, str) and value.startswith("=")):
                formulas.append(Problem(where, shown(value), "a cell holds a formula: it is not used", dropped=True))
            elif value is not None:
                fields.setdefault(column, []).append(value)
        if any(_text(value) for values in fields.values() for value in values):
            above = _under(above, fields)
            yield _entry(fields | above, section or title, where)


def _under(above: dict[str, list[object]], fields: dict[str, list[object]]) -> dict[str, list[object]]:
    """Day and number of the notification that hold for a row: its own, or, where both cells are empty (one cell merged over
    several rows), those of the row above."""
    own = {column: values for column, values in fields.items() if DATE in column or _NUMBER in column}
    return own or above


def _entry(fields: dict[str, list[object]], section: str, where: str) -> Entry:
    def first(part: str) -> object:
        return next((values[0] for column, values in fields.items() if part in column), None)

    names = [" ".join(_text(first(part)).split()) for part in (_ENGLISH, _JAPANESE)]
    number = " ".join(_text(first(_NUMBER)).split())
    return Entry(
        where=where,
        entity=next(filter(None, names), where),
        reference=f"{number} {names[0] or names[1]}".strip() if number else "",
        programmes=(section,) if section else (),
        listed_on=_day(first(DATE)),
        texts=distinct(_text(value) for values in fields.values() for value in values),
    )


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _day(value: object) -> int | None:
    """Unix seconds of a cell's day: a date, the number of a day, or text."""
    if isinstance(value, datetime | date):
        return int(datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp())
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not 1 <= value <= 200_000:
            return None
        return int((_EXCEL_EPOCH + timedelta(days=int(value))).timestamp())
    return japanese_day(_text(value))
