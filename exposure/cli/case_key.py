"""``exposure case key``: a pair of keys to sign cases by."""

from __future__ import annotations

from pathlib import Path

import click

EPILOG = """\b
Examples:
  exposure case key case.key
  exposure trace TX:0 --out case-4711 --sign case.key
  exposure verify case-4711 --key case.key.pub
"""


@click.group(no_args_is_help=True)
def case() -> None:
    """Keys for case folders; the folders themselves are made by trace --out and checked by verify."""


@case.command(epilog=EPILOG)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def key(file: Path) -> None:
    """Make an Ed25519 key pair: the private key in FILE, the public one in FILE.pub. Neither is ever overwritten."""
    from exposure.casefile.signature import new_key

    beside, public = new_key(file)
    click.echo(
        f"Private key  {file}: readable by you alone, without a passphrase. Keep it to yourself, and a copy where it is safe\n"
        f"Public key   {beside}: {public}\n"
        f"Sign         exposure trace SUBJECT --out DIR --sign {file}\n"
        f"Check        exposure verify DIR --key {beside}\n"
        "Next         give the public key, the file or its 64 digits, to whoever checks your cases: another way than the cases"
    )
