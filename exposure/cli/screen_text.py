"""What ``exposure screen`` prints: a table, JSON, JSON lines, CSV; and the rows that are no addresses."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from exposure.cli.columns import table, wrapped
from exposure.cli.tags_text import designated, lists
from exposure.measure.status import headline
from exposure.reporting.rows import harmless
from exposure.text import counted, shown
from exposure.units import day
from exposure.workflows.screen import Hit, Screening

SCHEMA = "exposure.screening/1"
MAX_ROWS = 200
MAX_REJECTS = 10

COLUMNS = (
    "input",
    "line",
    "address",
    "category",
    "role",
    "entity",
    "country",
    "standing",
    "regimes",
    "confidence",
    "sources",
    "tags",
) + ("checked", "through", "text")

Screenings = Sequence[tuple[str, Screening]]


def table_of(screenings: Screenings) -> str:
    """Hits first, then how many were screened, and the lists with their ages."""
    lines: list[str] = []
    hits = [(name, hit) for name, found in screenings for hit in found.hits]
    if len(hits) == 1 and sum(found.screened for _, found in screenings) == 1:
        lines += _one(hits[0][1])
    elif hits:
        rows = [(_place(name, hit.line), hit.address, hit.category, hit.standing, hit.entity) for name, hit in hits[:MAX_ROWS]]
        lines += table(("at", "address", "category", "now", "entity"), rows, most=(9, 42, 14, 8, 0))
        if len(hits) > MAX_ROWS:
            lines.append(f"and {len(hits) - MAX_ROWS:,} more; `--format csv` has all")
        lines.append("")
    lines += _summary(screenings)
    found = screenings[0][1]
    lines += ["", "LISTS", *(lists(found.editions, found.official) or ["  none"])]
    return "\n".join(lines)


def _one(hit: Hit) -> list[str]:
    """Everything about a single address."""
    lines = [f"{shown(hit.address, 98)}"]
    entity = f"  {shown(hit.entity, 60)}" if hit.entity else ""
    country = f"  {shown(hit.country, 30)}" if hit.country else ""
    lines += wrapped(
        f"{hit.category}{entity}{country}   ({hit.role.replace('_', ' ')}, confidence {hit.confidence})", hanging=2
    )
    for row in hit.regimes:
        lines += wrapped(designated(row), indent=2, hanging=4)
    lines += wrapped(f"said by {'; '.join(shown(name, 60) for name in hit.sources)}", indent=2, hanging=4)
    if hit.tags > 1:
        lines.append(f"  {hit.tags} tags in all: `exposure tags show` has them")
    if hit.through:
        lines += wrapped(
            f"through its cluster: the tag is on {shown(hit.through, 100)}; `exposure tags cluster` says why", indent=2
        )
    if not hit.checked:
        lines += wrapped("found as it stands in the list: its chain is not read, so no checksum was tested", indent=2)
    return [*lines, ""]


def _summary(screenings: Screenings) -> list[str]:
    screened = sum(found.screened for _, found in screenings)
    rejected = sum(len(found.rejected) for _, found in screenings)
    hits = sum(len(found.hits) for _, found in screenings)
    risks = sum(found.risks for _, found in screenings)
    what = counted(screened, "address", "addresses")
    as_of = day(screenings[0][1].as_of)
    text = f"{what} screened as of {as_of}: {risks:,} with a risk tag, {hits - risks:,} with another tag"
    if rejected:
        text += f", {rejected:,} rejected as no addresses"
    if not risks:
        text += ". No risk tag is no clean bill: nothing is said about where an address's money came from"
    return wrapped(text)


def _place(name: str, line: int) -> str:
    short = name.rpartition("/")[2]
    return f"{short}:{line}" if len(f"{short}:{line}") <= 9 else str(line)


def json_of(screenings: Screenings) -> str:
    """One object: hits, rejected rows, lists, warnings."""
    first = screenings[0][1]
    return json.dumps(
        {
            "schema": SCHEMA,
            "as_of": first.as_of,
            "screened": sum(found.screened for _, found in screenings),
            "hits": [_hit(name, hit) for name, found in screenings for hit in found.hits],
            "rejected": [{"input": name, **asdict(row)} for name, found in screenings for row in found.rejected],
            "editions": [asdict(edition) for edition in first.editions],
            "warnings": list(first.warnings),
            "tags_digest": first.tags_digest,
        },
        indent=2,
    )


def jsonl_of(screenings: Screenings) -> str:
    """One hit a line."""
    return "".join(json.dumps(_hit(name, hit)) + "\n" for name, found in screenings for hit in found.hits)


def _hit(name: str, hit: Hit) -> dict[str, object]:
    return {"input": name, **asdict(hit), "standing": hit.standing, "headline": headline(hit.regimes)}


def csv_of(screenings: Screenings) -> str:
    """One hit a row; no cell starts a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name, found in screenings:
        for hit in found.hits:
            cells = {
                **asdict(hit),
                "input": name,
                "standing": hit.standing,
                "regimes": "; ".join(designated(row) for row in hit.regimes),
                "sources": "; ".join(hit.sources),
                "checked": "yes" if hit.checked else "no",
            }
            writer.writerow([harmless(cells[column]) for column in COLUMNS])
    return out.getvalue()


def rejects_csv(screenings: Screenings) -> str:
    """Rows that are no addresses, with line and reason; no cell starts a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("input", "line", "text", "reason"))
    for name, found in screenings:
        for row in found.rejected:
            writer.writerow([harmless(cell) for cell in (name, row.line, shown(row.text, 300), row.reason)])
    return out.getvalue()


def rejects_lines(screenings: Screenings) -> Iterator[str]:
    """The first rejected rows of each input, and how many there are."""
    for name, found in screenings:
        for row in found.rejected[:MAX_REJECTS]:
            yield f"rejected: {shown(name, 100)}, line {row.line}: {row.reason}"
        if len(found.rejected) > MAX_REJECTS:
            yield f"rejected: {shown(name, 100)}: {counted(len(found.rejected), 'row')} in all; --rejects FILE writes them"
