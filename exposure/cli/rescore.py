"""``exposure rescore``: the exposure of many wallets at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exposure.cli.options import output_option, quiet_option, store_option

if TYPE_CHECKING:  # annotations only: a command imports what it needs when it runs
    import pyarrow as pa

    from exposure.workflows.rescore.run import Rescored

EPILOG = """\b
WALLETS holds one address a line, or is CSV, JSONL or Parquet with a column of addresses; - is standard
input. The result has a row for each wallet, asset, rule and category. Each ledger is gone through once
for each rule, however many wallets there are; --all scores every address of the ledgers, in passes.

\b
Examples:
  exposure rescore customers.csv -o scored.parquet
  exposure rescore wallets.csv --column deposit --rule all -o scored.csv --rejects rejects.csv
  exposure rescore wallets.parquet --chain ethereum --fail-on sanctioned:1% -o scored.jsonl
  exposure rescore customers.csv --state nightly -o scored.parquet
  exposure rescore --all --chain ethereum -o every-address.parquet

\b
Exit codes: 0 done; 2 wrong input; 3 a --fail-on condition holds; 4 rows of the file are no addresses.
"""

FORMATS = ("csv", "parquet", "jsonl")


@click.command(epilog=EPILOG)
@click.argument("wallets", required=False)
@click.option("--all", "every", is_flag=True, help="Score every address of the ledgers, instead of a list.")
@click.option("--column", metavar="NAME", help="Column that holds the addresses.  [default: address, wallet, account, ...]")
@click.option("--chain", metavar="CHAIN", help="Only this chain.")
@click.option("--asset", metavar="ASSET", help="Only this asset: native, a contract, a known symbol, or CHAIN/CONTRACT.")
@click.option("--hops", metavar="N", help="Greatest number of hops, up to 250.  [default: 5]")
@click.option("--rule", metavar="RULE", help="haircut, fifo, lifo, tiho, poison, or all.  [default: haircut]")
@click.option("--labels-as-of", metavar="TIME", help="Lists and tags as they were known at this time.")
@click.option(
    "--seeds-from",
    type=click.Choice(["always", "designation"]),
    default="always",
    show_default=True,
    help="Whether a party counts as listed for all its transfers, or from its first listing on.",
)
@click.option(
    "--clusters",
    type=click.Choice(["none", "evidence", "exploration"]),
    default="none",
    show_default=True,
    help="Join addresses of one owner: not at all, by what stands as evidence, or also by guesses at change.",
)
@click.option("--engine", metavar="NAME", help="What computes: only `local` scores whole ledgers.")
@click.option("--fail-on", metavar="CATEGORY[:SHARE%]", multiple=True, help="Exit with 3 at or above this. Repeatable.")
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write rows that are no addresses to this CSV file, with line and reason.",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep what was computed in this folder, and go on from it where only later blocks were added.",
)
@click.option("--format", "format_", type=click.Choice(FORMATS), help="Form of the result.  [default: by the file's name]")
@output_option
@quiet_option
@store_option
def rescore(
    wallets: str | None,
    every: bool,
    column: str | None,
    fail_on: tuple[str, ...],
    rejects: Path | None,
    state: Path | None,
    format_: str | None,
    output: Path | None,
    engine: str | None,
    **given: str | bool | Path | None,
) -> int:
    """Where did the value come from that each of WALLETS received? One pass over each ledger, any number of wallets."""
    from exposure import config
    from exposure.cli.output import emit, steps, written
    from exposure.errors import InputError
    from exposure.reporting.fail_on import condition
    from exposure.store.store import Store
    from exposure.workflows import rescore as workflow
    from exposure.workflows.rescore.output import Alarms, RowsFile, rejects_csv
    from exposure.workflows.rescore.rows import schema
    from exposure.workflows.rescore.wallets import read_wallets, rescore_options

    if every == (wallets is not None):
        raise InputError("name one file of wallets (- for standard input), or give --all for every address of the ledgers")
    chosen = format_ or _format(output)
    if chosen == "parquet" and (output is None or str(output) == "-") and sys.stdout.isatty():
        raise InputError("parquet is not for a terminal: add -o FILE")
    for file in (output, rejects):
        if file is not None and not file.absolute().parent.is_dir():  # said before hours of work, not after
            raise InputError(f"cannot write {file}: its folder does not exist")
    settings = config.load({name: given.pop(name) for name in ("store", "hops", "rule", "quiet")} | {"engine": engine})
    if engine is not None and settings.engine != "local":
        raise InputError(f"whole ledgers are scored by the engine local; {settings.engine} is for `exposure trace`")
    alarms = Alarms([condition(text) for text in fail_on])
    options = rescore_options(
        hops=settings.hops,
        rule=settings.rule,
        hub_counterparties=settings.hub_counterparties,
        dust_usd=settings.dust_usd,
        **given,  # type: ignore[arg-type]  # the texts of the remaining options, read and checked there
    )
    with (
        Store.open(settings.store) as store,
        written(output) as sink,
        RowsFile(sink, chosen, schema(options.hops)) as rows,
        steps(quiet=settings.quiet) as advance,
    ):

        def into(some: pa.Table) -> None:
            rows.write(some)
            alarms.see(some)

        listed = None if wallets is None else read_wallets(wallets, column=column)
        result = workflow.rescore(store, listed, options, into=into, advance=advance, state=state)
    for warning in result.warnings:
        click.echo(f"warning: {warning}", err=True)
    if rejects is not None:
        emit(rejects_csv(result.rejected), rejects)
    if not settings.quiet:
        for sentence in result.went_on:
            click.echo(f"state: {sentence}", err=True)
        _say(result)
        if result.compiled >= 1:
            click.echo(f"{result.compiled:.0f} s of it compiled the rules, once: they are kept in the cache folder", err=True)
    found = alarms.sentences()
    for sentence in found:
        click.echo(f"fail-on: {sentence}", err=True)
    if found:  # 3 wins over 4
        return 3
    return 4 if result.rejected else 0


def _format(output: Path | None) -> str:
    from exposure.errors import InputError

    if output is None or str(output) == "-":
        return "csv"
    suffix = output.suffix.lower().lstrip(".")
    if suffix in FORMATS:
        return suffix
    if suffix in ("", "null"):
        return "csv"
    raise InputError(f"{output.name}: name the form of the result with --format {', '.join(FORMATS)}")


def _say(result: Rescored) -> None:
    from exposure.text import counted, shown

    click.echo(f"{counted(result.wallets, 'wallet')}, {counted(result.count, 'row')}, run {result.run}", err=True)
    for row in result.rejected[:10]:
        click.echo(f"rejected: line {row.line:,}: {row.fault or shown(row.text, 80)}", err=True)
    if len(result.rejected) > 10:
        click.echo(f"rejected: {len(result.rejected):,} lines in all (--rejects FILE has them)", err=True)
