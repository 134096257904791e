"""``exposure import``: ledgers and prices from files into the store."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exposure.cli.options import format_option, quiet_option, store_option

if TYPE_CHECKING:  # annotations only: the workflow is imported when the command runs
    from exposure.workflows.ingest import ImportSummary

_WIDTH = 100
_REJECTED = 4

EPILOG = """\b
Forms, recognised by content unless --form names one:
  own            CSV or Parquet with the columns tx, tx_index, index, block, time, from, to,
                 amount, fee, asset, status, memo, or others given with --map; for UTXO chains
                 two files, outputs (tx, n, block, tx_index, time, address, amount)
                 and inputs (tx, n, spent_tx, spent_n)
  ethereum-etl   transactions, receipts, blocks, token_transfers, traces: what there is of them
  bitcoin-etl    transactions as JSON lines
  aws            Parquet of the AWS public blockchain data
  raw-blocks     block files of a Bitcoin node, or single blocks
  prices         asset, date or time, currency, price; or date, price with --asset, --currency
  assets         asset, symbol, decimals: what tokens are called
gzip, bz2 and zip are unpacked on the way; - is standard input.

\b
--map COLUMN=FIELD[:FORMAT], or a TOML file of "COLUMN" = "FIELD:FORMAT". Formats:
  tx, from, to, asset    hexbytes (bytes as \\x.., 0x.. or bare digits)
  amount, fee            ether, gwei, decimals=N; none: base units (wei, satoshis)
  time                   unix, ms, iso, or a pattern such as %d.%m.%Y %H:%M

\b
Examples:
  exposure import transactions.csv.gz receipts.csv.gz blocks.csv.gz traces.csv.gz
  exposure import blk00000.dat blk00001.dat
  exposure import --chain bitcoin --whole-ledger outputs.csv inputs.csv
  exposure import --chain ethereum --map block_time=time:iso --map from=from:hexbytes \\
      --map to=to:hexbytes --map total_eth=amount:ether ledger.csv --dry-run
  exposure import --asset bitcoin/native --currency usd --map Close=price btc-usd.csv
  zcat part-*.json.gz | exposure import -

\b
Exit codes: 0 done; 2 wrong input, nothing stored; 4 rows were rejected, the rest is stored.
"""


@click.command("import", epilog=EPILOG, context_settings={"max_content_width": 100})
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--form",
    type=click.Choice(("auto", "own", "ethereum-etl", "bitcoin-etl", "aws", "raw-blocks", "prices", "assets")),
    default="auto",
    show_default=True,
    metavar="FORM",
    help="Form of the files: auto, own, ethereum-etl, bitcoin-etl, aws, raw-blocks, prices, assets.",
)
@click.option("--chain", metavar="CHAIN", help="Chain of files that do not say it, such as ethereum or bitcoin.")
@click.option("--asset", metavar="ASSET", help="Asset of files without such a column: native, a contract, CHAIN/CONTRACT.")
@click.option("--map", "columns", metavar="COLUMN=FIELD[:FORMAT]", multiple=True, help="What a column is; repeatable.")
@click.option("--height", metavar="N", type=click.IntRange(0, 2**31 - 1), help="Height of the first block of a block file.")
@click.option("--currency", metavar="CURRENCY", help="Currency of prices without such a column: usd or jpy.")
@click.option(
    "--whole-ledger",
    is_flag=True,
    help="Declare that with these files the store holds every movement of their assets from the first one on. Intervals rest "
    "on it. Rejected rows and unknown status void it.",
)
@click.option("--dry-run", is_flag=True, help="Read and check everything, show the first rows, store nothing.")
@store_option
@format_option("table", "json")
@quiet_option
def import_(
    files: tuple[str, ...],
    form: str,
    chain: str | None,
    asset: str | None,
    columns: tuple[str, ...],
    height: int | None,
    currency: str | None,
    whole_ledger: bool,
    dry_run: bool,
    store: Path | None,
    format_: str,
    quiet: bool | None,
) -> int:
    """Read ledgers and prices from FILEs into the store.

    All files of one command become one version of the store, or none does. Rows that are there already change nothing.
    Rows that cannot be read go to a file of rejects with line and reason; the rest is stored.
    """
    from exposure import config
    from exposure.cli.output import emit, steps
    from exposure.store.store import Store
    from exposure.workflows.ingest import ImportOptions, ingest

    settings = config.load({"store": store, "quiet": quiet})
    options = ImportOptions(form, chain, asset, columns, height, currency, whole_ledger, dry_run)
    started = time.monotonic()
    with steps(quiet=settings.quiet) as advance:
        if dry_run:
            summary = ingest(files, options, store=None, progress=advance)
        else:
            with Store.open_or_create(settings.store) as opened:
                summary = ingest(files, options, store=opened, progress=advance)
    emit(_as_json(summary) if format_ == "json" else "\n".join(_as_text(summary, time.monotonic() - started)))
    return _REJECTED if summary.rejected else 0


def _as_json(summary: ImportSummary) -> str:
    import json

    document = {
        "import": summary.import_id,
        "dry_run": summary.dry_run,
        "version": summary.version,
        "files": [{"file": name, "form": form} for name, form, _ in summary.forms],
        "records": summary.records,
        "tables": {
            count.table: {
                "read": count.read,
                "stored": count.stored,
                "duplicate": count.duplicate,
                "rejected": count.rejected,
            }
            for count in summary.tables
        },
        "rejects_file": str(summary.rejects_file) if summary.rejects_file else None,
        "rejects": [
            {"table": row.table, "file": row.file, "line": row.line, "reason": row.reason, "text": row.text}
            for row in summary.rejects
        ],
        "warnings": list(summary.warnings),
        "preview": {table: rows.to_pylist() for table, rows in summary.preview.items()},
    }
    return json.dumps(document, indent=2, default=str, ensure_ascii=False)


def _as_text(summary: ImportSummary, seconds: float) -> Iterator[str]:
    from exposure import units
    from exposure.text import counted

    titles = ", ".join(dict.fromkeys(title for _, _, title in summary.forms))
    files = f"{len(summary.forms)} file{'s' if len(summary.forms) != 1 else ''} ({titles})"
    if summary.dry_run:
        yield from _wrapped(f"Dry run, nothing is stored. {counted(summary.records, 'record')} in {files}.")
        for table, rows in summary.preview.items():
            yield from ["", f"{table}, the first {rows.num_rows} as read"]
            for number, row in enumerate(rows.to_pylist(), 1):
                yield from _row(number, table, row)
    else:
        yield from _wrapped(
            f"{counted(summary.records, 'record')} from {files} in {units.duration(seconds)}; store version {summary.version}"
        )
    yield ""
    stored = "to store" if summary.dry_run else "stored"
    yield f"  {'table':<12}{'read':>16}{stored:>16}{'duplicate':>16}{'rejected':>16}"
    for count in summary.tables:
        duplicate = "-" if summary.dry_run else f"{count.duplicate:,}"
        yield f"  {count.table:<12}{count.read:>16,}{count.stored:>16,}{duplicate:>16}{count.rejected:>16,}"
    if summary.rejects:
        yield from [
            "",
            f"Rejected: {counted(summary.rejected, 'row')}"
            + (", among them" if summary.rejected > len(summary.rejects) else ""),
        ]
        for row in summary.rejects:
            where = f"{row.file}:{row.line}" if row.file else f"{row.table} {row.text}"
            yield from _wrapped(f"{where}: {row.reason}", "  ")
        if summary.rejects_file:
            yield f"  all of them: {summary.rejects_file}"
    if summary.warnings:
        yield ""
        for sentence in summary.warnings:
            yield from _wrapped(f"note: {sentence}")


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False)


def _row(number: int, table: str, row: Mapping[str, object]) -> Iterator[str]:
    """One row as read, a field a line, under the names that ``--map`` uses."""
    from exposure import units
    from exposure.model.ledger import LAST_INDEX
    from exposure.text import shown

    head = [units.iso(_int(row["time"]))]
    if "block" in row:
        places = [row["tx_index"], *([row["index"]] if "index" in row else [])]
        place = "/".join("last" if number == LAST_INDEX else str(number) for number in places)
        head.append(f"block {row['block']}, place {place}")
    head += [str(row[name]) for name in ("kind", "status", "script", "currency") if row.get(name) is not None]
    head += ["coinbase"] if row.get("coinbase") else []
    yield from ["", f"  {number}  " + "   ".join(head)]
    for name, label in _LABELS:
        if row.get(name) is not None:
            yield f"     {label:<9}{shown(row[name], 80)}"
    if "amount" in row:
        yield f"     {'amount':<9}{_amount(row, table)}"
    flags = _flags(_int(row.get("flags") or 0))
    if flags:
        yield f"     {'flags':<9}{', '.join(flags)}"


_LABELS = (
    ("tx", "tx"),
    ("n", "n"),
    ("ordinal", "ordinal"),
    ("sender", "from"),
    ("receiver", "to"),
    ("spent_tx", "spent_tx"),
    ("spent_n", "spent_n"),
    ("address", "address"),
    ("asset", "asset"),
    ("price", "price"),
    ("memo", "memo"),
)


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value


def _amount(row: Mapping[str, object], table: str) -> str:
    from exposure import units
    from exposure.model.assets import asset_info, chain

    if row["amount"] is None:
        return "not in the file; the store takes it from the spent output"
    amount = int(str(row["amount"]))
    info = asset_info(str(row["asset"]) if table == "transfers" else chain(str(row["chain"])).native)
    if info.decimals == 0:
        return f"{amount:,} base units"
    return f"{units.coins(amount, info.decimals)} {info.symbol}"


def _flags(bits: int) -> list[str]:
    from exposure.model.ledger import Flag

    words = {
        Flag.WEAK_IDENTITY: "no hash",
        Flag.WEAK_ORDER: "order by place in the file",
        Flag.UNKNOWN_STATUS: "status unknown",
        Flag.FLOAT_AMOUNT: "amount from a float",
        Flag.TIME_ORDER: "ordered by time, no blocks",
    }
    return [word for bit, word in words.items() if bits & bit]
