"""``exposure screen``: is this address itself listed?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from exposure.cli.options import format_option, output_option, quiet_option, store_option

if TYPE_CHECKING:  # annotations only: a command imports what it needs when it runs
    from collections.abc import Sequence

    from exposure.attribution.clusters import Method
    from exposure.reporting.fail_on import Condition
    from exposure.store.store import Store
    from exposure.workflows.screen import Screening

EPILOG = """\b
FILE holds one address a line, or is CSV or Parquet with a column of addresses; packed or not; - is
standard input. Only tags are looked at: own tags and lists, as of today or of a day. Where an
address's money came from is the question of `exposure trace`.

\b
Examples:
  exposure screen 0x098b716b8aaf21512996dc57eb0615e2383e2f96
  exposure screen customers.csv --column deposit_address --fail-on sanctioned
  exposure screen wallets.parquet --format csv -o hits.csv --rejects rejects.csv
  cut -f2 wallets.tsv | exposure screen - --format jsonl

\b
Exit codes: 0 done; 2 wrong input; 3 a --fail-on category was hit; 4 rows of a file are no addresses.
"""


@click.command(epilog=EPILOG)
@click.argument("inputs", metavar="ADDRESS|FILE...", nargs=-1, required=True)
@click.option("--column", metavar="NAME", help="Column that holds the addresses.  [default: address, wallet, account, ...]")
@click.option("--as-of", metavar="DATE", help="Tags as they were known on this day.")
@click.option(
    "--clusters",
    "method",
    type=click.Choice(["none", "evidence", "exploration"]),
    default="none",
    show_default=True,
    help="Also say what an address is through its cluster in the stored ledgers.",
)
@click.option("--fail-on", metavar="CATEGORY", multiple=True, help="Exit with 3 if an address resolves to this. Repeatable.")
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write rows that are no addresses to this CSV file, with line and reason.",
)
@format_option("table", "json", "jsonl", "csv")
@output_option
@quiet_option
@store_option
def screen(
    inputs: tuple[str, ...],
    column: str | None,
    as_of: str | None,
    method: str,
    fail_on: tuple[str, ...],
    rejects: Path | None,
    format_: str,
    output: Path | None,
    quiet: bool | None,
    store: Path | None,
) -> int:
    """Is this ADDRESS itself listed or tagged? Any number of addresses, or a FILE of them. No history, no network."""
    from exposure import config
    from exposure.attribution.clusters import Method
    from exposure.cli import screen_text
    from exposure.cli.output import emit
    from exposure.reporting.fail_on import condition
    from exposure.store.store import Store
    from exposure.units import to_unix

    conditions = [condition(text) for text in fail_on]
    moment = None if as_of is None else to_unix(as_of, end_of_day=True)
    with Store.open(config.load({"store": store}).store) as opened:
        screenings = _screened(opened, inputs, column, moment, Method(method))
    for warning in screenings[0][1].warnings:
        click.echo(f"warning: {warning}", err=True)
    forms = {
        "table": screen_text.table_of,
        "json": screen_text.json_of,
        "jsonl": screen_text.jsonl_of,
        "csv": screen_text.csv_of,
    }
    emit(forms[format_](screenings), output)
    _say_rejects(screenings, rejects, quiet=bool(quiet))
    return _exit_code(screenings, conditions)


def _screened(
    store: Store, inputs: Sequence[str], column: str | None, as_of: int | None, method: Method
) -> list[tuple[str, Screening]]:
    """Addresses typed together, then each file: name of the input (empty for typed ones) and its result."""
    from exposure.errors import InputError
    from exposure.sources.address_lists import read_addresses
    from exposure.workflows.screen import screen as run
    from exposure.workflows.screen import screen_listed

    files = [text for text in inputs if text == "-" or _is_file(text)]
    typed = [text for text in inputs if text not in files]
    found: list[tuple[str, Screening]] = []
    if typed:
        result = run(store, typed, as_of=as_of, clusters=method)
        for wrong in result.rejected:
            raise InputError(f"{_why(wrong.text, wrong.reason)}")
        found.append(("", result))
    found += [(name, screen_listed(store, read_addresses(name, column=column), as_of=as_of, clusters=method)) for name in files]
    return found


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # longer than any name may be, or with a zero byte
        return False


def _why(text: str, reason: str) -> str:
    """The full sentence for a typed address, with the right one where a single character is off."""
    from exposure.errors import InputError
    from exposure.model.addresses import parse

    try:
        parse(text)
    except InputError as error:
        reason = str(error)
    looks_like_file = "/" in text or "." in text
    return f"{reason}{'; and there is no file of that name' if looks_like_file else ''}"


def _say_rejects(screenings: Sequence[tuple[str, Screening]], rejects: Path | None, *, quiet: bool) -> None:
    from exposure.cli import screen_text
    from exposure.cli.output import emit

    if rejects is not None:
        emit(screen_text.rejects_csv(screenings), rejects)
    if not quiet:
        for line in screen_text.rejects_lines(screenings):
            click.echo(line, err=True)


def _exit_code(screenings: Sequence[tuple[str, Screening]], conditions: Sequence[Condition]) -> int:
    """3 before 4 before 0."""
    wanted = {str(one.category) for one in conditions}
    counts = {category: sum(hit.category == category for _, found in screenings for hit in found.hits) for category in wanted}
    for category, count in sorted(counts.items()):
        if count:
            click.echo(f"fail-on: {category}: {count:,} of the addresses", err=True)
    if any(counts.values()):
        return 3
    return 4 if any(found.rejected for _, found in screenings) else 0
