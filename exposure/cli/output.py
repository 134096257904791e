"""Results to stdout or into a file, progress to stderr."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exposure.errors import InputError

if TYPE_CHECKING:  # annotations only: rich is imported when something is drawn
    from rich.console import Console

WIDTH = 100
"""Columns of what is drawn where no terminal says otherwise."""

Advance = Callable[[int, int | None], None]
"""Tells progress: (units done so far, units in all or None if unknown)."""


def console(*, stderr: bool = False, width: int | None = None) -> Console:
    """A rich console for stdout, or for stderr. Colours only on a terminal and without NO_COLOR; no emoji codes.

    Text from outside must have gone through `exposure.text.markup_free` before it is printed on it.
    """
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    if width is None and not stream.isatty():
        width = WIDTH
    return Console(file=stream, width=width, highlight=False, emoji=False, soft_wrap=False)


@contextlib.contextmanager
def progress(description: str, *, quiet: bool = False) -> Iterator[Advance]:
    """A bar on stderr while the block runs, or nothing if ``quiet`` or stderr is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextlib.contextmanager
def status(*, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """A line on stderr that says how far things are while the block runs; nothing if ``quiet`` or stderr is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda line: None
        return
    from exposure.text import markup_free

    with console(stderr=True).status("") as spinner:
        yield lambda line: spinner.update(markup_free(line))


def emit(content: str | bytes, output: Path | None = None) -> None:
    """Write a result to stdout (``output`` None or ``-``) or into a file.

    A file appears whole or not at all: it is written beside its place under another name, with permissions 0600, and
    renamed. What is there already is replaced, unless it is no regular file: into a device or pipe is written directly.

    Raises
    ------
    InputError
        If the folder of ``output`` is missing or cannot be written, or ``output`` is a folder.
    """
    octets = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    if isinstance(content, str) and octets and not octets.endswith(b"\n"):
        octets += b"\n"
    if output is None or str(output) == "-":
        if isinstance(content, str):
            click.echo(content, nl=not content.endswith("\n") and bool(content))
        else:
            sys.stdout.flush()
            sys.stdout.buffer.write(octets)
        return
    try:
        _write(octets, output)
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror or error}") from error


def _write(octets: bytes, output: Path) -> None:
    try:
        mode = output.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    if not stat.S_ISREG(mode):
        output.write_bytes(octets)  # /dev/null, a pipe: renaming over it would replace it; a folder raises
        return
    handle, name = tempfile.mkstemp(prefix=f".{output.name[:100]}.", suffix=".part", dir=output.parent)  # 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(output)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
