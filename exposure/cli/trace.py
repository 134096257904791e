"""``exposure trace``: where a deposit's value came from, or where it went."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exposure.cli.options import format_option, quiet_option, store_option, tz_option

if TYPE_CHECKING:  # annotations only: a command imports what it needs when it runs
    from collections.abc import Callable, Iterator, Sequence
    from datetime import tzinfo

    from rich.text import Text

    from exposure.config import Config
    from exposure.model.results import Deposit, Report
    from exposure.reporting.fail_on import Condition, Judged
    from exposure.store.store import Store
    from exposure.workflows.trace.options import TraceOptions

EPILOG = """\b
SUBJECT is one of
  ADDRESS            all it received, and where what it sent went
  TX                 a transaction: its outputs except change, each receiver and asset
  TX:N               one output (Bitcoin), or the N-th transfer of a transaction
  ADDRESS@TIME[#n]   the n-th deposit of an address at that time, where no hash is known
  ADDRESS ADDRESS    several addresses of one customer, as one subject

\b
Examples:
  exposure trace 4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b:0
  exposure trace 0x8576acc5c05d6ce88f4e49bf65bdf0c62f91353c --chain ethereum --rule all
  exposure trace 0x8576acc5c05d6ce88f4e49bf65bdf0c62f91353c --list
  exposure trace --customer addresses.txt --policy jp --window 30
  exposure trace bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq --fetch --max-calls 100
  exposure trace TX:1 --as-of 2024-03-18 --labels-as-of 2022-04-04 --format json -o report.json
  exposure trace TX:1 --fail-on sanctioned:1% --fail-on mixer:10%
  exposure trace TX:1 --policy jp --fail-on hold
  exposure trace TX:1 --as-of 2024-03-03 --labels-as-of 2024-03-03 --compare now
  exposure trace TX:1 --policy jp --str facts.html
  exposure trace TX:1 --policy jp --out case-4711
  exposure trace --case case-4711 --hops 7 --note "asked the customer on 2 April"
  exposure trace --case case-4711 --max-calls 200
  exposure trace --case case-4711 --expand 0x8576acc5c05d6ce88f4e49bf65bdf0c62f91353c

\b
A trace asks nobody, except with --fetch, with --case and --max-calls, or for a subject that the
store does not know on a chain for which a source is set up. It says which host learned of what.

\b
Exit codes: 0 done; 2 wrong input; 3 a --fail-on condition holds;
4 something asked for could not be had (the budget was spent, a source failed).
"""


@click.command(epilog=EPILOG)
@click.argument("subjects", metavar="[SUBJECT]...", nargs=-1)
@click.option(
    "--customer",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    multiple=True,
    help="Addresses of one customer, as one subject: one a line, or a column of a CSV. Repeatable.",
)
@click.option("--chain", metavar="CHAIN", help="Chain of the subject, where its form leaves it open (0x...).")
@click.option("--asset", metavar="ASSET", help="Only this asset: native, a contract, a known symbol, or CHAIN/CONTRACT.")
@click.option("--hops", metavar="N", help="Greatest number of hops, or `unlimited`.  [default: 5]")
@click.option("--rule", metavar="RULE", help="haircut, fifo, lifo, tiho, poison, or all.  [default: haircut]")
@click.option(
    "--direction",
    type=click.Choice(["source", "destination", "both"]),
    help="Where value came from, where it went.  [default: source; both for an address]",
)
@click.option("--since", metavar="TIME", help="Only the subject's own transfers from this time on.")
@click.option("--until", metavar="TIME", help="Only the subject's own transfers up to this time (a day: its end).")
@click.option("--window", metavar="DAYS", help="Days before the end that stand beside an address's history.  [default: 90]")
@click.option("--paths", metavar="K", help="The K paths with the largest amounts.  [default: 14; the screen shows 3]")
@click.option("--as-of", metavar="TIME", help="The ledger as it was at this time.")
@click.option(
    "--compare",
    metavar="TIME",
    help="Say what differs if ledger and labels are of this time (`now`: as stored), and why; with --case: since the case.",
)
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
@click.option(
    "--expand",
    metavar="ADDRESS",
    multiple=True,
    help="Look behind this address: follow it as an ordinary one although it counts as a hub. Repeatable.",
)
@click.option("--engine", metavar="NAME", help="What computes; `reference` is the plain definition.")
@click.option("--fetch", is_flag=True, help="Fetch what the answer lacks, what most of the value hangs on first.")
@click.option("--source", metavar="SOURCE", help="Where it asks; default: the first source that serves the chain.")
@click.option("--max-calls", metavar="N", help="Requests that it may take.  [default: 500]")
@click.option("--tolerance", metavar="SHARE", help="Share of the value that may hang on missing histories.  [default: 0.01]")
@click.option(
    "--hub-counterparties", metavar="N", help="An untagged address with more counterparties is a hub.  [default: 1000]"
)
@click.option("--offline", is_flag=True, default=None, help="Never use the network.")
@click.option("--max-transactions", metavar="N", help="Stop after so many transactions, largest value first.")
@click.option(
    "--policy", metavar="NAME|FILE", multiple=True, help="Judge by jp, us-ofac, eu, uk, strict or a TOML file. Repeatable."
)
@click.option(
    "--fail-on",
    metavar="ACTION|CATEGORY[:SHARE%]",
    multiple=True,
    help="Exit with 3 at or above this: review, hold, block (with --policy), or a category. Repeatable.",
)
@click.option(
    "--counterfactual", is_flag=True, help="With --policy: the smallest sets of tags without which the verdict would not stand."
)
@click.option("--list", "list_", is_flag=True, help="Only list the deposits of an address, as subjects to trace.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Keep the answer and its evidence in this new folder: a case."
)
@click.option(
    "--case",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Go on with the case in this folder: its subject, its options.",
)
@click.option(
    "--str",
    "facts",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write the facts for a suspicious transaction report, in Japanese and English (HTML).",
)
@click.option("--note", metavar="TEXT", multiple=True, help="A note for the case, or ADDRESS: TEXT. Repeatable.")
@click.option(
    "--sign",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="KEYFILE",
    help="With --out or --case: sign it by this private Ed25519 key (PEM or OpenSSH).",
)
@format_option("table", "json", "jsonl", "csv", "parquet", "html")
@click.option("--lang", type=click.Choice(["en", "ja"]), help="Language of an HTML report.  [default: en]")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the result to this file.")
@tz_option
@quiet_option
@store_option
def trace(
    subjects: tuple[str, ...],
    customer: tuple[Path, ...],
    window: str | None,
    paths: str | None,
    format_: str,
    output: Path | None,
    out: Path | None,
    case: Path | None,
    compare: str | None,
    counterfactual: bool,
    facts: Path | None,
    note: tuple[str, ...],
    sign: Path | None,
    list_: bool,
    fetch: bool,
    source: str | None,
    fail_on: tuple[str, ...],
    **given: str | bool | Path | tuple[str, ...] | None,
) -> int:
    """Where did SUBJECT's value come from, or go? How much touches listed parties, in how many hops, by which paths."""
    from exposure import config
    from exposure.cli.case import More, compared, keep, place, question, typed
    from exposure.cli.output import steps
    from exposure.cli.subjects import subject_typed, whole
    from exposure.errors import InputError
    from exposure.reporting.fail_on import fail_on as read_condition
    from exposure.units import zone
    from exposure.workflows import trace as workflow
    from exposure.workflows.trace_options import moment, trace_options

    if format_ == "table" and output is not None and output.suffix.lower() in (".html", ".htm"):
        format_ = "html"
    if format_ in ("parquet", "html") and (output is None or str(output) == "-") and sys.stdout.isatty():
        raise InputError(f"{format_} is not for a terminal: add -o FILE")
    if format_ == "html" and list_:
        raise InputError("a list of deposits has no HTML form: use table, json, jsonl, csv or parquet")
    for file in (output, facts):
        if file is not None and not file.absolute().parent.is_dir():  # said before the work, not after
            raise InputError(f"cannot write {file}: its folder does not exist")
    more = More(note, sign)
    subject = place(out, case, subject_typed(subjects, customer), more)
    settings = config.load({name: given.pop(name) for name in _SETTINGS})
    conditions = [read_condition(text, policy=bool(given["policy"])) for text in fail_on]
    options = trace_options(
        hops=settings.hops,
        rule=settings.rule,
        engine=settings.engine,
        offline=settings.offline,
        max_transactions=settings.max_transactions,
        hub_counterparties=settings.hub_counterparties,
        dust_usd=settings.dust_usd,
        tz=settings.tz,
        window=whole(window, "--window", "a number of days"),
        paths=whole(paths, "--paths", "a number of paths"),
        **given,  # type: ignore[arg-type]  # the texts of the remaining options, read and checked there
    )
    if compare is not None and (out is not None or more != More()):
        raise InputError("a case holds one answer: leave out --compare, or write the comparison by -o report.html")
    if counterfactual and (not options.policies or compare is not None or out is not None or case is not None):
        raise InputError("--counterfactual asks on what a verdict stands: it needs --policy, and neither a case nor --compare")
    fetch = fetch or (case is not None and compare is None and typed("max_calls"))
    if list_ and (fetch or case is not None):
        raise InputError("--list is of the deposits of an ADDRESS as they are stored: `exposure fetch` fetches them")
    if fetch and case is not None and compare is not None:
        raise InputError("--compare leaves a case as it is: fetch with --case alone, then compare")
    asked = question(subject, options, case)
    subject, options = asked.subject, asked.options
    until = None if compare in (None, "now") else moment(compare, settings.tz, end=True)
    may_fetch = not list_ and case is None
    with _opened(settings, subject, options, source, create=fetch, may_fetch=may_fetch) as (store, unasked):
        told = _fetched(store, subject, options, settings, source, format_) if fetch or unasked else _as_it_is
        if list_:
            deposits = workflow.deposits(store, subject, options)
            _emit_deposits(subject, deposits, format_, output, zone(settings.tz))
            return 0
        folder = out or (case if compare is None else None)
        if folder is not None:
            report = keep(store, asked, folder, settings, more, told)
        elif compare is not None and case is not None:
            report = compared(store, asked, until)
        elif counterfactual:
            from exposure.workflows.counterfactual import counterfactual as without

            report = told(without(store, subject, options))
        elif compare is not None:
            from exposure.workflows import compare as comparing

            report = told(comparing.compare(store, subject, options, until))
        else:
            with steps(quiet=settings.quiet) as advance:
                report = told(workflow.trace(store, subject, options, told=advance))
    if facts is not None:
        from exposure.cli.output import emit
        from exposure.reporting.page.facts import facts_page

        emit(facts_page(report), facts)
    _emit_report(report, format_, output, zone(settings.tz), settings.lang, options.max_paths if paths else None)
    return _exit_code(report, conditions)


_SETTINGS = (
    *("store", "hops", "rule", "engine", "offline", "max_transactions", "tz", "lang", "quiet", "max_calls", "tolerance"),
    "hub_counterparties",
)


def _as_it_is(report: Report) -> Report:
    return report


@contextlib.contextmanager
def _opened(
    settings: Config, subject: str, options: TraceOptions, source: str | None, *, create: bool, may_fetch: bool
) -> Iterator[tuple[Store, bool]]:
    """The store, and whether the trace fetches without having been told to; a new store where something is to be fetched."""
    from exposure.store.store import Store
    from exposure.workflows.trace.unasked import fetches_unasked

    if not Store.exists(settings.store):
        unasked = may_fetch and fetches_unasked(None, subject, options, settings, source)
        with (Store.open_or_create if create or unasked else Store.open)(settings.store) as store:
            yield store, unasked
        return
    with Store.open(settings.store) as store:
        yield store, may_fetch and fetches_unasked(store, subject, options, settings, source)


def _fetched(
    store: Store, subject: str, options: TraceOptions, settings: Config, source: str | None, format_: str
) -> Callable[[Report], Report]:
    """Fetch what the trace lacks, telling of each history; what to add to the report."""
    from exposure.cli.fetch import asked_lines, step_line
    from exposure.cli.output import status
    from exposure.net.calls import Calls
    from exposure.workflows.fetch.asking import Step
    from exposure.workflows.fetch.tracing import fetch_for_trace, told

    def each(step: Step) -> None:
        if not settings.quiet:
            click.echo(step_line(step), err=True)

    calls = Calls(offline=settings.offline, max_calls=settings.max_calls)
    said = format_ == "table"  # a report on the screen says by itself who learned of what
    try:
        with status(quiet=settings.quiet) as tell:
            done = fetch_for_trace(store, subject, options, settings, calls, source=source, progress=tell, each=each)
    except BaseException:
        said = False
        raise
    finally:
        for line in () if said else asked_lines(calls.made_by_host, calls.asked):
            click.echo(line, err=True)
    return lambda report: told(report, done)


def _emit_report(report: Report, format_: str, output: Path | None, tz: tzinfo, lang: str, paths: int | None) -> None:
    from exposure.cli.output import console, emit
    from exposure.reporting import rows
    from exposure.reporting.json_report import report_to_json
    from exposure.reporting.screen import screen

    if format_ == "table":
        terminal = console().width if output is None and sys.stdout.isatty() else 100
        _draw(screen(report, zone=tz, terminal=terminal, paths=paths), output)
        return
    if format_ == "html":
        from exposure.reporting.page import page

        emit(page(report, lang=lang, zone=tz), output)
        return
    if format_ == "parquet":
        emit(rows.to_parquet(report), output)
        return
    forms = {"json": report_to_json, "jsonl": rows.to_jsonl, "csv": rows.to_csv}
    emit(forms[format_](report), output)


def _emit_deposits(subject: str, deposits: Sequence[Deposit], format_: str, output: Path | None, tz: tzinfo) -> None:
    from exposure.cli.output import emit
    from exposure.reporting import deposits as forms

    if format_ == "table":
        _draw(forms.screen(subject, deposits, zone=tz), output)
        return
    if format_ == "parquet":
        emit(forms.to_parquet(deposits), output)
        return
    written = {"json": forms.to_json, "jsonl": forms.to_jsonl, "csv": forms.to_csv}
    emit(written[format_](deposits), output)


def _draw(text: Text, output: Path | None) -> None:
    """Onto the terminal in colour, or as plain text into a file or pipe."""
    from exposure.cli.output import console, emit

    if output is None and sys.stdout.isatty():
        console().print(text, soft_wrap=True)
    else:
        emit(text.plain, output)


def _exit_code(report: Report, conditions: Sequence[Condition | Judged]) -> int:
    """3 before 4 before 0; each reason is said on stderr."""
    from exposure.reporting.fail_on import met

    reasons = met(report, conditions)
    for sentence in reasons:
        click.echo(f"fail-on: {sentence}", err=True)
    if reasons:
        return 3
    return 4 if report.incomplete_answer else 0
