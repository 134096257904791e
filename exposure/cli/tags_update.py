"""``exposure tags update``: official lists from where they are published."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exposure.cli.options import format_option, open_store, output_option, quiet_option, store_option

if TYPE_CHECKING:  # annotations only: a command imports what it needs when it runs
    from exposure.workflows.list_update import Updated

EPILOG = """\b
Lists: ofac, uk, eu, un, japan (taken without names), ofac-simple; `--sources FILE`, or the
setting list_sources, changes their addresses and adds others (docs/tags.md).
A download that breaks off goes on at the next call. What shrinks or is old is held.

\b
Examples:
  exposure tags update
  exposure tags update ofac eu --format json
  exposure tags update --sources my_lists.toml ours

\b
Exit codes: 0 done; 4 a list could not be had, rows were rejected, or an edition is held.
"""


@click.command(epilog=EPILOG)
@click.argument("names", nargs=-1)
@click.option("--sources", type=click.Path(path_type=Path), help="File that says where lists are published.")
@click.option("--accept", "accepted", is_flag=True, help="Let an edition count even if it would be held.")
@click.option("--offline", is_flag=True, default=None, help="Use no network: then this command can do nothing.")
@format_option("table", "json")
@output_option
@quiet_option
@store_option
def update(
    names: tuple[str, ...],
    sources: Path | None,
    accepted: bool,
    offline: bool | None,
    format_: str,
    output: Path | None,
    quiet: bool | None,
    store: Path | None,
) -> int:
    """Get official lists (NAMES; without: the usual ones) from where they are published, and keep each as an edition."""
    from exposure import config
    from exposure.attribution.list_sources import list_sources
    from exposure.cli.output import emit, progress
    from exposure.net.calls import Calls
    from exposure.net.http import Client
    from exposure.workflows import list_update

    settings = config.load({"store": store, "offline": offline, "quiet": quiet})
    wanted = list_update.chosen(list_sources(sources or settings.list_sources), names)
    client = Client(Calls(offline=settings.offline, max_calls=settings.max_calls))
    try:
        with open_store(store, create=True) as opened, progress("lists", quiet=settings.quiet) as advance:
            updated = list_update.update_lists(
                opened, wanted, client, accept=accepted, told=lambda _, got, total: advance(got, total)
            )
    finally:
        client.close()
    emit(_json(updated) if format_ == "json" else _table(updated), output)
    return 4 if list_update.faults(updated) else 0


def _table(updated: Sequence[Updated]) -> str:
    from exposure.cli.columns import wrapped
    from exposure.cli.tags_text import imported_table
    from exposure.text import shown

    imported = [one.imported for one in updated if one.imported is not None]
    lines = [imported_table(imported)] if imported else []
    for one in updated:
        if one.unchanged:
            lines += wrapped(f"{one.name}: nothing newer than the edition that was got last")
        elif one.fault:
            lines += wrapped(f"{one.name}: not updated, the last edition stays: {shown(one.fault, 400)}", hanging=2)
    return "\n".join(lines)


def _json(updated: Sequence[Updated]) -> str:
    rows = [
        {
            "name": one.name,
            "unchanged": one.unchanged,
            "fault": one.fault or None,
            "bytes": one.bytes_got,
            "edition": asdict(one.imported.edition) if one.imported else None,
            "known": one.imported.known if one.imported else None,
            "problems": [asdict(problem) for problem in one.imported.problems] if one.imported else [],
        }
        for one in updated
    ]
    return json.dumps({"schema": "exposure.tags-update/1", "lists": rows}, indent=2, ensure_ascii=True)
