"""The result as files have it, and the conditions under which it alarms."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from exposure.reporting.fail_on import Condition
from exposure.sources.address_lists import Listed
from exposure.workflows.rejects import formula_safe

_TIMES = ("first_at", "last_at")


def octets(rows: pa.Table, form: str) -> bytes:
    """The rows as ``csv``, ``jsonl`` or ``parquet``. Times are ISO in text, amounts exact base units everywhere.

    No cell of text begins like a formula: addresses, names of chains and our own words do not; what people wrote themselves
    stands in the file of rejects only.
    """
    sink = io.BytesIO()
    if form == "parquet":
        pa.parquet.write_table(rows, sink, compression="zstd")
        return sink.getvalue()
    plain = rows
    for name in rows.schema.names:
        place = rows.schema.get_field_index(name)
        if name in _TIMES:
            moments = pc.strftime(rows[name].cast(pa.timestamp("s", "UTC")), "%Y-%m-%dT%H:%M:%SZ")
            plain = plain.set_column(place, name, moments)
        elif pa.types.is_decimal(rows.schema.field(name).type):
            plain = plain.set_column(place, name, rows[name].cast(pa.string()))
    if form == "csv":
        options = pa.csv.WriteOptions(quoting_style="needed")
        pa.csv.write_csv(plain, sink, options)
        return sink.getvalue()
    for batch in plain.to_batches(max_chunksize=1 << 14):
        for row in batch.to_pylist():
            sink.write(json.dumps(row, separators=(",", ":")).encode() + b"\n")
    return sink.getvalue()


def rejects_csv(rejected: Sequence[Listed]) -> str:
    """Rejected lines with their reasons, safe to open in a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("line", "reason", "text"))
    for row in rejected:
        writer.writerow((row.line, formula_safe(row.fault), formula_safe(row.text)))
    return text.getvalue()


def met(rows: pa.Table, conditions: Sequence[Condition]) -> list[str]:
    """A sentence for each condition that holds for some wallet: by a figure, or by the wallet's own tag."""
    sentences = []
    for one in conditions:
        name = one.category.value
        found = pc.and_(pc.equal(rows["category"], name), pc.greater(rows["share"], 0.0))
        found = pc.and_kleene(found, pc.greater_equal(rows["share"], one.share))
        hit = rows.filter(pc.fill_null(pc.or_kleene(found, pc.equal(rows["own"], name)), False))
        count = pc.count_distinct(hit["wallet"]).as_py()
        if count:
            sentences.append(f"{name}: {count:,} of the wallets")
    return sentences
