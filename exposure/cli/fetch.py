"""``exposure fetch``: histories of addresses from nodes and explorers into the store."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exposure.cli.options import format_option, quiet_option, store_option

if TYPE_CHECKING:  # annotations only: the workflow is imported when the command runs
    from exposure.config import Config
    from exposure.net.calls import Calls
    from exposure.workflows.fetch import FetchOptions, FetchSummary, Outcome, Plan
    from exposure.workflows.fetch.asking import Step

_WIDTH = 100
_NOT_ALL = 4

EPILOG = """\b
Sources: esplora (Bitcoin, no key), core (one's own Bitcoin node), electrum; etherscan (a free key),
blockscout, node (EVM chains); trongrid (no key), tron-node. Hosts and keys are settings: exposure
config show. Nothing but the addresses that are fetched goes to a host.

\b
Examples:
  exposure fetch bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq
  exposure fetch --dry-run bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq
  exposure fetch --since 2024-01-01 --max-calls 2000 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa
  exposure fetch --chain ethereum 0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed
  exposure fetch --chain ethereum 0x5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060
  exposure fetch --for bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq --hops 3
  exposure fetch --second-source electrum bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq

\b
A command that was stopped, by whatever, goes on where it was when it is given again.
Exit codes: 0 done; 2 wrong input; 4 not everything could be had, or two sources differ.
"""


@click.command("fetch", epilog=EPILOG, context_settings={"max_content_width": 100})
@click.argument("addresses", metavar="ADDRESS...", nargs=-1)
@click.option("--chain", metavar="CHAIN", help="Chain of the addresses, where their form does not say it.")
@click.option("--source", metavar="SOURCE", help="Where to ask; default: the first source that serves the chain.")
@click.option("--second-source", metavar="SOURCE", help="Ask there too, and report where the two differ.")
@click.option("--since", metavar="BLOCK|TIME", help="Fetch from this block height or UTC time on; default: from the beginning.")
@click.option("--until", metavar="BLOCK|TIME", help="Fetch up to this block or time; default: the newest final block.")
@click.option(
    "--blocks", metavar="A-B", help="Fetch everything in these blocks from a node, instead of addresses; with --chain."
)
@click.option("--max-calls", type=int, metavar="N", help="Requests to make at the most (default: the setting max_calls).")
@click.option("--max-rows", type=click.IntRange(1), metavar="N", help="Stop an address after this many rows.")
@click.option("--restart", is_flag=True, help="Begin again instead of going on; rows that are stored stay.")
@click.option(
    "--for",
    "subject",
    metavar="SUBJECT",
    help="Fetch what a trace of this subject (address, transaction, TX:N) lacks, largest share first, instead of ADDRESSes.",
)
@click.option("--hops", metavar="N", help="With --for: how far the trace goes back (default: the setting hops).")
@click.option(
    "--hub-counterparties", metavar="N", help="With --for: how many counterparties a hub has more than.  [default: 1000]"
)
@click.option("--prices", is_flag=True, help="Fetch prices too: of what the addresses moved, on the days of their transfers.")
@click.option("--dry-run", is_flag=True, help="Say how many calls and how much time it would take; store nothing.")
@click.option("--offline", is_flag=True, default=None, help="Never use the network: then a fetch fails.")
@store_option
@format_option("table", "json")
@quiet_option
def fetch(
    addresses: tuple[str, ...],
    chain: str | None,
    source: str | None,
    second_source: str | None,
    since: str | None,
    until: str | None,
    blocks: str | None,
    max_calls: int | None,
    max_rows: int | None,
    restart: bool,
    subject: str | None,
    hops: str | None,
    hub_counterparties: str | None,
    prices: bool,
    dry_run: bool,
    offline: bool | None,
    store: Path | None,
    format_: str,
    quiet: bool | None,
) -> int:
    """Fetch the histories of ADDRESSes into the store, up to the newest final block.

    Each history is stored with what is known of its completeness: the source is asked for the balance too, and the
    movements must sum to it. What is stored already is not fetched again. Single transactions of Bitcoin are fetched by their
    hash.
    """
    from dataclasses import replace

    from exposure import config
    from exposure.cli.output import emit, status
    from exposure.errors import InputError
    from exposure.net.calls import Calls
    from exposure.store.store import Store
    from exposure.workflows.fetch import FetchOptions
    from exposure.workflows.fetch import fetch as run
    from exposure.workflows.fetch.prices import fetch_prices

    settings = config.load(
        {
            "store": store,
            "quiet": quiet,
            "max_calls": max_calls,
            "offline": offline,
            "hops": hops,
            "hub_counterparties": hub_counterparties,
        }
    )
    if blocks is not None:
        first, dash, last = blocks.partition("-")
        if not (dash and first.isdecimal() and last.isdecimal()) or since or until:
            raise InputError("--blocks takes two heights, such as 100-200, and stands instead of --since and --until")
        since, until = first, last
    options = FetchOptions(chain, source, second_source, max_rows, since, until, blocks is not None, restart, dry_run)
    calls = Calls(offline=settings.offline, max_calls=settings.max_calls)
    if subject is not None:
        if addresses or blocks or dry_run or second_source or prices:
            raise InputError("--for stands alone: without ADDRESSes, --blocks, --dry-run, --second-source and --prices")
        return _fetch_for(subject, options, settings, calls, format_)
    with status(quiet=settings.quiet) as tell:
        opened = Store.in_memory() if dry_run else Store.open_or_create(settings.store)
        with opened as kept:
            summary = run(addresses, options, store=kept, config=settings, calls=calls, progress=tell)
            if prices and not dry_run:
                pairs = [(outcome.chain, outcome.address) for outcome in summary.outcomes]
                notes = (*summary.notes, *fetch_prices(kept, pairs, settings, calls))
                made, asked, version = calls.made_by_host, calls.asked, kept.version
                summary = replace(summary, notes=notes, calls=made, asked=asked, version=version)
    emit(_as_json(summary) if format_ == "json" else "\n".join(_as_text(summary)))
    return 0 if summary.whole else _NOT_ALL


def _fetch_for(subject: str, options: FetchOptions, settings: Config, calls: Calls, format_: str) -> int:
    """Fetch what a trace of a subject lacks, and say what each history settled."""
    import json
    from dataclasses import asdict, replace

    from exposure.cli.output import emit, status
    from exposure.model.assets import chain as chain_of
    from exposure.model.settings import Direction
    from exposure.store.store import Store
    from exposure.workflows.fetch.demand import fetch_for
    from exposure.workflows.trace import TraceOptions

    traced = TraceOptions(
        chain=None if options.chain is None else chain_of(options.chain).name,
        hops=settings.hops,
        direction=Direction.SOURCE,
        hub_counterparties=settings.hub_counterparties,
    )
    with status(quiet=settings.quiet) as tell, Store.open_or_create(settings.store) as kept:
        done = fetch_for(subject, options, traced, store=kept, config=settings, calls=calls, progress=tell)
    if format_ == "json":
        told = json.loads(_as_json(done.summary)) | {"steps": [asdict(step) for step in done.steps], "left": done.left}
        emit(json.dumps(told, indent=2, ensure_ascii=False))
        return _NOT_ALL if done.ended else 0
    lines = [step_line(step) for step in done.steps]
    lines.append(f"left     {done.left:.2%} of the value still hangs on missing histories")
    lines += [line for one in done.summary.outcomes if one.reason for line in _outcome(one)]
    lines += list(_as_text(replace(done.summary, outcomes=())))
    emit("\n".join(lines))
    return _NOT_ALL if done.ended else 0


def step_line(step: Step) -> str:
    """What hung on a history, and what came of asking for it."""
    from exposure.text import shown

    calls = f"{step.calls:,} call" + ("" if step.calls == 1 else "s")
    why = f": {shown(step.why, 200)}" if step.why else ""
    return f"{step.state:<9} {step.share:7.2%} hung on {shown(step.name, 90)} ({calls}){why}"


def asked_lines(calls: Mapping[str, int], asked: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Which host learned of which addresses."""
    from exposure.text import counted, shown

    for host, made in calls.items():
        learned = asked.get(host, ())
        named = f"; it learned of {', '.join(shown(one, 90) for one in learned)}" if learned else ""
        yield from _wrapped(f"asked    {host}: {counted(made, 'call')}{named}")


def _as_json(summary: FetchSummary) -> str:
    import json
    from dataclasses import asdict

    document = {
        "outcomes": [asdict(one) for one in summary.outcomes],
        "plans": [asdict(one) for one in summary.plans],
        "differences": [asdict(one) for one in summary.differences],
        "notes": list(summary.notes),
        "calls": dict(summary.calls),
        "asked": {host: list(subjects) for host, subjects in summary.asked.items()},
        "version": summary.version,
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _as_text(summary: FetchSummary) -> Iterator[str]:
    from exposure.text import shown

    for plan in summary.plans:
        yield from _plan(plan)
    for outcome in summary.outcomes:
        yield from _outcome(outcome)
    for difference in summary.differences:
        yield from _wrapped(f"differs  {difference.address}: {difference.what}")
    for note in summary.notes:
        yield from _wrapped(f"note     {shown(note, 500)}")
    yield from asked_lines(summary.calls, summary.asked)
    if summary.version is not None:
        yield f"store    version {summary.version}"


def _plan(plan: Plan) -> Iterator[str]:
    from exposure import units
    from exposure.text import counted

    calls = "an unknown number of calls" if plan.calls is None else counted(plan.calls, "call")
    time = "" if plan.seconds is None else f", about {units.duration(plan.seconds)}"
    least = "at least " if plan.at_least else ""
    yield from _wrapped(
        f"plan     {plan.address} on {plan.chain} from {plan.source}: {least}"
        f"{counted(plan.transactions, 'transaction')}, {calls}{time}"
    )


def _outcome(outcome: Outcome) -> Iterator[str]:
    from exposure.text import counted

    span = f"blocks {outcome.first:,} to {outcome.last:,}"
    if outcome.state == "known":
        yield from _wrapped(f"known    {outcome.address} on {outcome.chain}: {span} are stored already")
        return
    yield from _wrapped(
        f"{outcome.state:<8} {outcome.address} on {outcome.chain} from {outcome.source}: "
        + (
            f"{span}, {counted(outcome.read, 'row')} read, {outcome.stored:,} new"
            if outcome.read or not outcome.reason
            else "nothing read"
        )
    )
    if outcome.balance:
        yield from _wrapped(f"balance  {outcome.balance}")
    if outcome.reason:
        yield from _wrapped(f"not all  {outcome.reason}")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, subsequent_indent=" " * 9, break_on_hyphens=False, break_long_words=False)
