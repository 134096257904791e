"""The report as flat rows, one a part of the account: for CSV, Parquet, JSON lines and data frames."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence

from exposure.model.results import Attributed, Bound, Designated, Exposure, Own, Report, Section, Unresolved
from exposure.units import day, exact_coins, iso

Cell = str | int | float | None
Row = dict[str, Cell]

_TYPES = {"tx_n": "int64", "hops": "int64", "epoch": "int64", "share": "double", "usd": "double", "jpy": "double"} | {
    f"{kind}_{end}": "double" for kind in ("interval", "bracket") for end in ("lower", "upper")
}

_WORDS = ("category", "entity", "name", "kind", "status", "note")

COLUMNS = (
    "chain",
    "asset",
    "symbol",
    "address",
    "tx",
    "tx_n",
    "direction",
    "rule",
    "part",
    "category",
    "entity",
    "name",
    "kind",
    "hops",
    "epoch",
    "amount",
    "coins",
    "share",
    "usd",
    "jpy",
    "first_at",
    "last_at",
    "status",
    "interval_lower",
    "interval_upper",
    "bracket_lower",
    "bracket_upper",
    "note",
)
"""Columns of every row, in order. ``amount``: base units as text; ``coins``: the same in whole coins, exact, as text.

``part``: seed, service, mint, held, fee, burn, unresolved; their amounts sum to the subject's (not under poison). A row of
part ``own`` flags the subject's own tag and has no amount. Interval and bracket are shares, of the row's whole category.
"""


def rows(report: Report) -> Iterator[Row]:
    """Every part of every section as a row of `COLUMNS`: own flags first, then exposures, attributed, unresolved."""
    for section in report.sections:
        bounds = {bound.category: bound for bound in section.bounds}
        for own in section.own:
            yield _row(section, part="own", category=own.category, entity=own.entity, name=own.address, status=status(own))
        for exposure in section.exposures:
            yield _exposure_row(section, exposure, bounds.get(exposure.category))
        for part in section.attributed:
            yield _attributed_row(section, part)
        for unknown in section.unresolved:
            yield _unresolved_row(section, unknown)


def status(row: Exposure | Own) -> str:
    """Designations of a row in one cell: ``US on_or_after 2022-04-05, now listed; JP before 2022-07-05, now listed``."""
    return "; ".join(_status(one) for one in row.regimes)


def to_csv(report: Report) -> str:
    """The rows as CSV with a header. Cells that a spreadsheet would run as a formula get a leading apostrophe."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows(report):
        writer.writerow({name: harmless(cell) for name, cell in row.items()})
    return out.getvalue()


def to_jsonl(report: Report) -> str:
    """The rows as JSON lines, ASCII only."""
    return "".join(json.dumps(row, ensure_ascii=True, allow_nan=False) + "\n" for row in rows(report))


def to_parquet(report: Report) -> bytes:
    """The rows as a Parquet file in memory. Amounts stay text: their sums may pass what a decimal column holds."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"int64": pa.int64(), "double": pa.float64()}
    schema = pa.schema([pa.field(name, types.get(_TYPES.get(name, ""), pa.string())) for name in COLUMNS])
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows(report)), schema=schema), sink)
    return sink.getvalue()


def _row(section: Section, **cells: Cell) -> Row:
    subject = section.subject
    base: Row = {
        "chain": subject.chain,
        "asset": subject.asset,
        "symbol": subject.symbol,
        "address": subject.address,
        "tx": subject.tx,
        "tx_n": subject.n,
        "direction": section.direction,
        "rule": section.rule,
    }
    base |= dict.fromkeys(_WORDS, "")
    return {name: cells.get(name, base.get(name)) for name in COLUMNS}


def _exposure_row(section: Section, exposure: Exposure, bound: Bound | None) -> Row:
    return _row(
        section,
        part="seed",
        category=exposure.category,
        entity=exposure.entity,
        name=_joined([seed.address for seed in exposure.seeds]) or exposure.seed,
        kind=exposure.kind,
        hops=exposure.hops,
        epoch=exposure.epoch,
        amount=str(exposure.amount),
        coins=exact_coins(exposure.amount, section.subject.decimals),
        share=exposure.share,
        usd=exposure.usd,
        jpy=exposure.jpy,
        first_at=None if exposure.first_at is None else iso(exposure.first_at),
        last_at=None if exposure.last_at is None else iso(exposure.last_at),
        status=status(exposure),
        interval_lower=bound.lower_share if bound else None,
        interval_upper=bound.upper_share if bound else None,
        bracket_lower=bound.bracket_lower_share if bound else None,
        bracket_upper=bound.bracket_upper_share if bound else None,
    )


def _attributed_row(section: Section, part: Attributed) -> Row:
    return _row(
        section,
        part=part.kind,
        category=part.category,
        entity=part.entity,
        name=part.name,
        hops=part.hops,
        amount=str(part.amount),
        coins=exact_coins(part.amount, section.subject.decimals),
        share=part.share,
        usd=part.usd,
        jpy=part.jpy,
    )


def _unresolved_row(section: Section, part: Unresolved) -> Row:
    return _row(
        section,
        part="unresolved",
        category=part.reason,
        name=part.name,
        hops=part.hops,
        amount=str(part.amount),
        coins=exact_coins(part.amount, section.subject.decimals),
        share=part.share,
        usd=part.usd,
        jpy=part.jpy,
        note=part.settles,
    )


def _joined(addresses: Sequence[str], limit: int = 20) -> str:
    more = len(addresses) - limit
    return " ".join(addresses[:limit]) + (f" and {more} more" if more > 0 else "")


def _status(one: Designated) -> str:
    listed = f" {day(one.listed_on)}" if one.listed_on is not None else ""
    if one.address_listed_on is not None and one.address_listed_on != one.listed_on:
        listed += f" (address {'by ' if one.on_or_before else ''}{day(one.address_listed_on)})"
    return f"{one.regime} {one.at_time}{listed}, now {one.now}"


def harmless(cell: Cell) -> Cell:
    """Names come from outside: a spreadsheet must not take one for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell
