"""The command line. Commands are imported when they run: ``exposure --help`` costs no more than click."""

from __future__ import annotations

import errno
import functools
import importlib
import io
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

import click

from exposure.errors import ExposureError
from exposure.text import shown

_PACKAGE = "exposure"
DISTRIBUTION = "chain-exposure"


class Entry(NamedTuple):
    """A command that is not imported yet: where it lives, and its line in the help."""

    target: str
    help: str


COMMANDS: dict[str, Entry] = {
    "trace": Entry("exposure.cli.trace:trace", "Where did a deposit's value come from (or go)?"),
    "screen": Entry("exposure.cli.screen:screen", "Is this address itself listed? No history, no network."),
    "rescore": Entry("exposure.cli.rescore:rescore", "Where did the value of many wallets come from? One pass a ledger."),
    "fetch": Entry("exposure.cli.fetch:fetch", "Histories of addresses from nodes and explorers into the store."),
    "verify": Entry("exposure.cli.verify:verify", "Recompute a case folder from its own evidence, offline."),
    "case": Entry("exposure.cli.case_key:case", "A pair of keys to sign case folders by."),
    "import": Entry("exposure.cli.import_:import_", "Read ledgers and prices from files into the store."),
    "tags": Entry("exposure.cli.tags:tags", "Sanctions lists and tags: import, show, add, explain."),
    "simulate": Entry("exposure.cli.simulate:simulate", "Write a synthetic economy whose truth is known."),
    "selfcheck": Entry("exposure.cli.selfcheck:selfcheck", "Run every rule against worked cases."),
    "config": Entry("exposure.cli.config:config", "Show every setting and where it came from."),
}

EPILOG = """\b
Examples:
  exposure simulate demo --seed 1 --size small
  exposure import demo/ethereum_transfers.csv.gz --chain ethereum
  exposure tags import sdn_advanced.xml
  exposure trace 0x8576acc5c05d6ce88f4e49bf65bdf0c62f91353c --hops 3
  exposure screen customers.csv --format csv -o hits.csv

\b
Exit codes:
  0 done   1 failure   2 wrong input   3 at or above --fail-on
  4 something asked for could not be had
"""


class Root(click.Group):
    """A group that knows its commands by name, and turns every ending into an exit code and at most one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands, in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command and return it; None if there is none of that name."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from `COMMANDS`, importing none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run, and leave with an exit code: 0 to 4 as in `EPILOG`, 130 if interrupted. Takes what click's own takes."""
        extra["standalone_mode"] = False
        extra.setdefault("prog_name", _PACKAGE)
        _settle_encoding()
        run = functools.partial(super().main, *args, **extra)
        try:
            code = _run(run)
            sys.stdout.flush()
        except BrokenPipeError:
            code = _close_quietly()
        sys.exit(code)


def _run(command: Callable[[], object]) -> int:
    """Exit code of a command; what went wrong is said on stderr."""
    try:
        result = command()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except ExposureError as error:
        _say(str(error))
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted; nothing half-written was kept")
        return 130
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise BrokenPipeError from error
        _debug()
        _say(f"{error.strerror or type(error).__name__}{f': {shown(error.filename)}' if error.filename else ''}")
        return 1
    except MemoryError:
        _say("out of memory; a smaller question (fewer hops, fewer transactions, one asset) or a larger machine is needed")
        return 1
    except Exception as error:  # noqa: BLE001  # the last resort of a command line: one sentence instead of a traceback
        _debug()
        _say(_fault(error))
        return 1
    return result if isinstance(result, int) and not isinstance(result, bool) else 0


def _fault(error: Exception) -> str:
    """What to report of an exception that nobody foresaw. Its own text may hold addresses or keys and stays out."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if f"{os.sep}{_PACKAGE}{os.sep}" in frame.filename]
    place = ""
    if frames:
        name = frames[-1].filename.rpartition(f"{os.sep}{_PACKAGE}{os.sep}")[2]
        place = f" in {_PACKAGE}/{name}, line {frames[-1].lineno}"
    return (
        f"a fault of the program: {type(error).__name__}{place} (version {_version()}); please report this line and what "
        "you typed. EXPOSURE_DEBUG=1 prints the traceback, which may show addresses"
    )


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:  # run from a folder that was never installed
        return "unknown"


def _debug() -> None:
    if os.environ.get("EXPOSURE_DEBUG") == "1":
        traceback.print_exc()


def _say(sentence: str) -> None:
    click.echo(f"error: {sentence}", err=True)


def _settle_encoding() -> None:
    """A terminal that cannot show a letter gets its escape, not an exception."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _close_quietly() -> int:
    """Whoever read our output has left: point stdout nowhere, so that closing it raises nothing more."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):  # stdout is no file (tests), or closed already
        sys.stdout = io.StringIO()
    return 1


@click.group(cls=Root, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name=DISTRIBUTION, prog_name=_PACKAGE)
def main() -> None:
    """Indirect exposure of blockchain addresses to sanctioned and Russia-linked wallets.

    Answers with amounts, shares, an interval, paths and the evidence to check them. Everything runs on this machine.
    """
