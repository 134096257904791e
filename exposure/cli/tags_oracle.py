"""``exposure tags oracle``: ask a sanctions-oracle contract on an EVM node."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exposure.cli.options import format_option, open_store, output_option, store_option

if TYPE_CHECKING:  # annotations only: a command imports what it needs when it runs
    from exposure.workflows.oracle import Asked

EPILOG = """\b
The node is that of the setting oracle_url (EXPOSURE_ORACLE_URL): it learns the addresses.
A yes names no party, no programme and no date.

\b
Example:
  exposure tags oracle 0x098b716b8aaf21512996dc57eb0615e2383e2f96 --keep

\b
Exit codes: 0 none is named; 3 one is; 1 no such contract; 4 the node could not be asked.
"""


@click.command(epilog=EPILOG)
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@click.option("--contract", metavar="ADDRESS", help="The oracle.  [default: the public one of Chainalysis]")
@click.option("--keep", is_flag=True, help="Keep each yes as a tag of your own.")
@click.option("--offline", is_flag=True, default=None, help="Use no network: then this command can do nothing.")
@format_option("table", "json")
@output_option
@store_option
def oracle(
    addresses: tuple[str, ...],
    contract: str | None,
    keep: bool,
    offline: bool | None,
    format_: str,
    output: Path | None,
    store: Path | None,
) -> int:
    """Ask a sanctions-oracle contract on an EVM node whether it names ADDRESSES (isSanctioned)."""
    from exposure import config
    from exposure.attribution.lists.oracle import CONTRACT
    from exposure.cli.output import emit
    from exposure.errors import InputError
    from exposure.net.calls import Calls
    from exposure.net.http import Client
    from exposure.workflows import oracle as workflow

    settings = config.load({"store": store, "offline": offline})
    if not settings.oracle_url:
        raise InputError("no EVM node is set: name one by EXPOSURE_ORACLE_URL or oracle_url in your settings file")
    client = Client(Calls(offline=settings.offline, max_calls=settings.max_calls))
    try:
        asked = workflow.ask(client, settings.oracle_url, addresses, contract=contract or CONTRACT)
    finally:
        client.close()
    if keep and asked.named:
        with open_store(store, create=True) as opened:
            workflow.keep(opened, asked)
    emit(_json(asked, keep) if format_ == "json" else _table(asked, keep), output)
    return 3 if asked.named else 0


def _table(asked: Asked, kept: bool) -> str:
    lines = [f"oracle {asked.contract} on chain {asked.chain_id}, block {asked.block:,}; {asked.host} was asked"]
    lines += [f"  {address}  {'SANCTIONED' if yes else 'not named'}" for address, yes in asked.sanctioned.items()]
    if kept and asked.named:
        lines.append("kept as own tags; `exposure tags show ADDRESS` prints them")
    return "\n".join([*lines, "not named is no clean bill: the contract holds a part of some lists, as of a block"])


def _json(asked: Asked, kept: bool) -> str:
    return json.dumps(
        {
            "schema": "exposure.oracle/1",
            "contract": asked.contract,
            "chain_id": asked.chain_id,
            "block": asked.block,
            "host": asked.host,
            "sanctioned": asked.sanctioned,
            "kept": kept,
        },
        indent=2,
    )
