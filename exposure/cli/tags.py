"""``exposure tags``: lists in, own tags, and who says what about an address."""

from __future__ import annotations

from pathlib import Path

import click

from exposure.cli.options import format_option, open_store, output_option, quiet_option, store_option
from exposure.cli.tags_oracle import oracle
from exposure.cli.tags_review import diff, lint
from exposure.cli.tags_update import update

FORMS = (
    "auto",
    "ofac",
    "ofac-simple",
    "uk",
    "uk-csv",
    "eu",
    "un",
    "japan",
    "israel",
    "opensanctions",
    "opensanctions-holdings",
    "holdings",
    "tagpack",
    "csv",
)


@click.group(no_args_is_help=True)
def tags() -> None:
    """Sanctions lists and tags: import them, add your own, show who says what, explain why an address is what it is."""


def _moment(text: str | None) -> int | None:
    """The last second that an ``--as-of`` includes."""
    from exposure.units import to_unix

    return None if text is None else to_unix(text, end_of_day=True)


IMPORT_EPILOG = """\b
Forms (--as): ofac           OFAC SDN list, SDN_ADVANCED.XML; ofac-simple: SDN.XML
              uk, uk-csv     UK Sanctions List, XML or CSV
              eu, un         EU consolidated list, XML 1.1; UN consolidated list, XML
              japan          workbook of Japan's Ministry of Finance
              israel         Israel's seizure orders, CSV
              opensanctions  OpenSanctions entities, JSON lines
              opensanctions-holdings  of the same file, who holds what below listed parties
              holdings       own form of holdings, CSV: owner, owned, share, from, to, source
              tagpack        GraphSense TagPack or actor pack, YAML
              csv            own form; columns address, category, entity, confidence, source,
                             note, regime, programme, listed_on, delisted_on, ground, ...
Files may be packed (gzip, bzip2, zip). Every edition is kept, with its hash and day.

\b
Examples:
  exposure tags import SDN_ADVANCED.XML
  exposure tags import packs/*.yaml actors/graphsense.actorpack.yaml
  exposure tags import our_list.csv --published 2024-03-01 --list "our list"

\b
Exit codes: 0 done; 1 a list cannot be read (nothing was changed); 4 rows were rejected,
or an edition is held until `exposure tags accept`.
"""


@tags.command("import", epilog=IMPORT_EPILOG)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--as", "form", type=click.Choice(FORMS), default="auto", show_default=True, help="Form of the files.")
@click.option("--published", metavar="DATE", help="Day of the edition, where the file states none.")
@click.option("--list", "name", metavar="NAME", help="Name of the list over its editions, where the file's own will not do.")
@click.option("--accept", "accepted", is_flag=True, help="Let the edition count even if it would be held.")
@format_option("table", "json")
@output_option
@store_option
def import_(
    files: tuple[Path, ...],
    form: str,
    published: str | None,
    name: str | None,
    accepted: bool,
    format_: str,
    output: Path | None,
    store: Path | None,
) -> int:
    """Read list FILES and keep each as an edition. Importing the same file twice changes nothing."""
    from exposure.cli import tags_text
    from exposure.cli.output import emit
    from exposure.units import to_unix
    from exposure.workflows import tags as workflow

    options = workflow.ImportOptions(form, None if published is None else to_unix(published), name, accepted)
    with open_store(store, create=True) as opened:
        imported = workflow.import_lists(opened, files, options)
    emit(tags_text.imported_json(imported) if format_ == "json" else tags_text.imported_table(imported), output)
    return 4 if any(one.dropped or one.waits for one in imported) else 0


@tags.command(
    epilog="\b\nExamples:\n  exposure tags show 0x098b716b8aaf21512996dc57eb0615e2383e2f96\n"
    "  exposure tags show 12QtD5BFwRsdNsAZY76UVE1xyCGNTojH9h --as-of 2022-04-05 --format json"
)
@click.argument("address")
@click.option("--as-of", metavar="DATE", help="What was known on this day.")
@format_option("table", "json")
@output_option
@store_option
def show(address: str, as_of: str | None, format_: str, output: Path | None, store: Path | None) -> None:
    """Who says what about ADDRESS, since when; as it stands in the list; programme, status, source.

    ADDRESS may also be a coin (TX:N), a transaction, or an asset (CHAIN/CONTRACT).
    """
    from exposure.cli import tags_text
    from exposure.cli.output import emit
    from exposure.workflows import tags as workflow

    with open_store(store) as opened:
        found = workflow.show(opened, address, as_of=_moment(as_of))
        emit(tags_text.shown_json(found) if format_ == "json" else tags_text.shown_table(found), output)


@tags.command(
    epilog="\b\nExamples:\n  exposure tags explain 0x098b716b8aaf21512996dc57eb0615e2383e2f96 --as-of 2022-04-05\n"
    "  exposure tags explain 12QtD5BFwRsdNsAZY76UVE1xyCGNTojH9h --clusters exploration"
)
@click.argument("address")
@click.option("--as-of", metavar="DATE", help="With what was known on this day, and the ledger up to then.")
@click.option(
    "--clusters",
    "method",
    type=click.Choice(["none", "evidence", "exploration"]),
    default="evidence",
    show_default=True,
    help="Also say who shares its owner in the stored ledgers, and what it inherits from them.",
)
@format_option("table", "json")
@output_option
@store_option
def explain(address: str, as_of: str | None, method: str, format_: str, output: Path | None, store: Path | None) -> None:
    """Why ADDRESS is a seed, a boundary or ordinary: every tag, the order, the winner; holdings; its cluster.

    A trace and a screening count clusters only where they are asked to (their own --clusters).
    """
    from exposure.attribution.clusters import Method
    from exposure.cli import tags_text
    from exposure.cli.output import emit
    from exposure.workflows import tags as workflow

    with open_store(store) as opened:
        found = workflow.show(opened, address, as_of=_moment(as_of), clusters=Method(method))
        emit(tags_text.explained_json(found) if format_ == "json" else tags_text.explained(found), output)


@tags.command(
    epilog="\b\nExamples:\n  exposure tags hubs\n  exposure tags hubs --chain ethereum --counterparties 500 --format json"
)
@click.option("--chain", metavar="CHAIN", help="Only this chain.")
@click.option("--counterparties", type=int, metavar="N", help="More than so many make a hub.  [default: 1000]")
@click.option(
    "--clusters",
    "method",
    type=click.Choice(["none", "evidence", "exploration"]),
    default="none",
    show_default=True,
    help="Join addresses of one owner first.",
)
@format_option("table", "json")
@output_option
@store_option
def hubs(
    chain: str | None, counterparties: int | None, method: str, format_: str, output: Path | None, store: Path | None
) -> None:
    """Untagged addresses of the stored ledgers that behave like services, with the figures that made them so."""
    from exposure import config
    from exposure.attribution.clusters import Method
    from exposure.cli import hubs_text
    from exposure.cli.output import emit
    from exposure.workflows.hubs import hubs_of

    settings = config.load({"hub_counterparties": counterparties} if counterparties is not None else {})
    with open_store(store) as opened:
        found = hubs_of(
            opened, chain=chain, threshold=settings.hub_counterparties, dust_usd=settings.dust_usd, method=Method(method)
        )
    emit(hubs_text.as_json(found) if format_ == "json" else hubs_text.as_table(found, settings.hub_counterparties), output)


@tags.command(
    epilog="\b\nExamples:\n  exposure tags owners 'FICTION TRADING OU'\n"
    "  exposure tags owners NK-2b3c --as-of 2024-03-18 --format json"
)
@click.argument("entity")
@click.option("--as-of", metavar="DATE", help="With the lists of this day.")
@format_option("table", "json")
@output_option
@store_option
def owners(entity: str, as_of: str | None, format_: str, output: Path | None, store: Path | None) -> None:
    """Who owns ENTITY (a name, or its id in a list), whom it owns, and whether that makes it a listed party's.

    Holdings come from `exposure tags import` of a CSV (owner,owned,share,from,to,source) or of OpenSanctions' entities.
    """
    from exposure.cli import owners_text
    from exposure.cli.output import emit
    from exposure.workflows.ownership import owners_of

    with open_store(store) as opened:
        found = owners_of(opened, entity, as_of=_moment(as_of))
    emit(owners_text.as_json(found) if format_ == "json" else owners_text.as_table(found), output)


@tags.command(
    epilog="\b\nExamples:\n  exposure tags cluster 12QtD5BFwRsdNsAZY76UVE1xyCGNTojH9h\n"
    "  exposure tags cluster bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq --clusters exploration --format json\n"
    "  exposure tags cluster 12QtD5BFwRsdNsAZY76UVE1xyCGNTojH9h --format addresses -o members.txt\n"
    "  exposure trace --customer members.txt --clusters evidence"
)
@click.argument("address")
@click.option("--chain", metavar="CHAIN", help="Only this chain.")
@click.option(
    "--clusters",
    "method",
    type=click.Choice(["evidence", "exploration"]),
    default="evidence",
    show_default=True,
    help="By which heuristics: those that stand as evidence, or also guesses at change.",
)
@click.option("--as-of", metavar="DATE", help="With the lists of this day, and the ledger up to then.")
@format_option("table", "json", "addresses")
@output_option
@store_option
def cluster(
    address: str, chain: str | None, method: str, as_of: str | None, format_: str, output: Path | None, store: Path | None
) -> None:
    """Which addresses share an owner with ADDRESS, by which heuristic and transaction, and what tags it inherits.

    With --format addresses only the addresses, one a line: `exposure trace --customer FILE` takes them as one subject.
    """
    from exposure.attribution.clusters import Method
    from exposure.cli import cluster_text
    from exposure.cli.output import emit
    from exposure.workflows.cluster_of import cluster_of

    with open_store(store) as opened:
        found = cluster_of(opened, address, Method(method), chain=chain, as_of=_moment(as_of))
    forms = {"table": cluster_text.as_table, "json": cluster_text.as_json, "addresses": cluster_text.as_addresses}
    emit(forms[format_](found), output)


@tags.command(
    epilog="\b\nExample:\n  exposure tags add 12QtD5BFwRsdNsAZY76UVE1xyCGNTojH9h --category scam \\\n"
    '    --entity "Fiction Invest" --source "police report 12/2024" --note "paid in by two victims"'
)
@click.argument("address")
@click.option("--category", required=True, metavar="CATEGORY", help="Such as sanctioned, mixer, stolen_funds, exchange.")
@click.option("--entity", required=True, metavar="NAME", help="Who it belongs to.")
@click.option("--source", required=True, metavar="TEXT", help="Where that is from: a link, a document.")
@click.option("--note", required=True, metavar="TEXT", help="Why it is said.")
@click.option("--confidence", metavar="0-100", help="How sure it is.  [default: 90]")
@click.option("--ground", metavar="GROUND", default="", help="Why it is russia_linked: operator, location, mining_region, ...")
@quiet_option
@store_option
def add(
    address: str,
    category: str,
    entity: str,
    source: str,
    note: str,
    confidence: str | None,
    ground: str,
    quiet: bool | None,
    store: Path | None,
) -> None:
    """Add a tag of your own on ADDRESS (or TX:N, a transaction, CHAIN/CONTRACT). It is kept with its time."""
    from exposure.attribution.lists.own import category_named, confidence_of
    from exposure.cli import tags_text
    from exposure.cli.output import emit
    from exposure.workflows import tags as workflow

    sure = workflow.OWN_CONFIDENCE if confidence is None else confidence_of(confidence)
    own = workflow.OwnTag(address, category_named(category), entity, source, note, sure, ground)
    with open_store(store, create=True) as opened:
        said, new = workflow.add_tag(opened, own)
    if not quiet:
        emit(tags_text.added(said, new))


@tags.command(epilog='\b\nExample:\n  exposure tags retract 3 --reason "the report was withdrawn"')
@click.argument("number", type=int)
@click.option("--reason", required=True, metavar="TEXT", help="Why it is taken back.")
@quiet_option
@store_option
def retract(number: int, reason: str, quiet: bool | None, store: Path | None) -> None:
    """Take back your own tag NUMBER (see `tags show`). It is kept, marked, and counts for the days before."""
    from exposure.cli import tags_text
    from exposure.cli.output import emit
    from exposure.workflows import tags as workflow

    with open_store(store) as opened:
        said = workflow.retract(opened, number, reason)
    if not quiet:
        emit(tags_text.retracted(said))


@tags.command(epilog="\b\nExamples:\n  exposure tags editions\n  exposure tags editions --format json")
@format_option("table", "json")
@output_option
@store_option
def editions(format_: str, output: Path | None, store: Path | None) -> None:
    """Every kept edition of every list, with its day, hash and state."""
    from exposure.cli import tags_text
    from exposure.cli.output import emit
    from exposure.workflows import tags as workflow

    with open_store(store) as opened:
        found = workflow.list_editions(opened)
    emit(tags_text.editions_json(found) if format_ == "json" else tags_text.editions_table(found), output)


@tags.command(epilog="\b\nExample:\n  exposure tags accept ofac-sdn-20251119-2f29a781")
@click.argument("edition")
@quiet_option
@store_option
def accept(edition: str, quiet: bool | None, store: Path | None) -> None:
    """Let a held EDITION count, after you have looked at it."""
    from exposure.cli import tags_text
    from exposure.cli.output import emit
    from exposure.workflows import tags as workflow

    with open_store(store) as opened:
        found = workflow.accept(opened, edition)
    if not quiet:
        emit(tags_text.accepted(found))


for command in (diff, lint, update, oracle):
    tags.add_command(command)
