"""Results to stdout or into a file, progress to stderr."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from exposure.errors import InputError

if TYPE_CHECKING:  # annotations only: rich is imported when something is drawn
    from rich.console import Console
    from rich.progress import TaskID

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
    with steps(quiet=quiet) as advance:
        yield lambda done, total: advance(description, done, total)


@contextlib.contextmanager
def steps(*, quiet: bool = False) -> Iterator[Callable[[str, int, int | None], None]]:
    """As `progress`, for work of several steps: told what is being done, each has a bar of its own with speed and time left."""
    if quiet or not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Speed(ProgressColumn):
        """Rows a second."""

        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f}/s" if task.speed else "")

    columns = (TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn(), Speed(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def advance(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                for task in tasks.values():
                    bar.update(task, visible=False)
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total, visible=True)

        yield advance


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
    with written(output) as file:
        file.write(octets)


@contextlib.contextmanager
def written(output: Path | None) -> Iterator[BinaryIO]:
    """A file to write a result into, part after part: it appears when the block ends, whole, or not at all. See `emit`.

    Raises
    ------
    InputError
        As `emit`; also where the disk is full.
    """
    if output is None or str(output) == "-":
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with _beside(output) as file:
            yield file
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror or error}") from error


@contextlib.contextmanager
def _beside(output: Path) -> Iterator[BinaryIO]:
    try:
        mode = output.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    if not stat.S_ISREG(mode):
        with output.open("wb") as file:  # /dev/null, a pipe: renaming over it would replace it; a folder raises
            yield file
        return
    handle, name = tempfile.mkstemp(prefix=f".{output.name[:100]}.", suffix=".part", dir=output.parent)  # 0600
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(output)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
