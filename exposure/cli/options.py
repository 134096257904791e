"""Options that many commands share, so that they read and mean the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:  # annotations only: a command imports what it needs when it runs
    from exposure.store.store import Store

Command = TypeVar("Command", bound=Callable[..., Any])


def store_option(command: Command) -> Command:
    """``--store``: parameter ``store``, a Path or None."""
    return click.option(
        "--store",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder of the store (default: EXPOSURE_STORE, or the user's data folder).",
    )(command)


def format_option(*formats: str) -> Callable[[Command], Command]:
    """``--format`` with the first of ``formats`` as default: parameter ``format_``."""

    def decorate(command: Command) -> Command:
        return click.option(
            "--format", "format_", type=click.Choice(formats), default=formats[0], show_default=True, help="Form of the result."
        )(command)

    return decorate


def output_option(command: Command) -> Command:
    """``-o``, ``--out``, ``--output``: parameter ``output``, a Path or None; ``-`` and None mean stdout."""
    return click.option(
        "-o",
        "--output",
        "--out",
        "output",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write the result to this file instead of the screen.",
    )(command)


def quiet_option(command: Command) -> Command:
    """``-q``, ``--quiet``: parameter ``quiet``, True or None (not given)."""
    return click.option("-q", "--quiet", is_flag=True, default=None, help="No progress and no hints.")(command)


def tz_option(command: Command) -> Command:
    """``--tz``: parameter ``tz``, a name or None."""
    return click.option("--tz", metavar="ZONE", help="Show times in this zone beside UTC, such as Asia/Tokyo.")(command)


def open_store(store: Path | None, *, create: bool = False) -> Store:
    """The store that ``--store`` or the settings name; made if it is not there and ``create`` says so."""
    from exposure import config
    from exposure.store.store import Store

    path = config.load({"store": store}).store
    return Store.open_or_create(path) if create else Store.open(path)
