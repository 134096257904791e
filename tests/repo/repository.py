"""What the tests of this folder look at: the repository's files and the commands."""

import pathlib
import subprocess
from collections.abc import Iterator

import click

from exposure import cli

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SKIPPED = {".venv", ".git", "build", "dist", ".demo", ".hypothesis", "__pycache__"}


def files() -> list[pathlib.Path]:
    """Files under version control; without git, all files that are not made by tools."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True)
    if listed.returncode == 0:
        found = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
        return [path for path in found if path.is_file()]
    return [
        path
        for path in ROOT.rglob("*")
        if path.is_file() and not SKIPPED & set(path.relative_to(ROOT).parts) and path.suffix != ".pyc"
    ]


def texts() -> Iterator[tuple[str, str]]:
    """(path, content) of the files that are text."""
    for path in files():
        content = path.read_bytes()
        if b"\0" not in content[:8000] and path.suffix not in {".gz", ".zip", ".bz2", ".parquet"}:
            yield str(path.relative_to(ROOT)), content.decode("utf-8")


def modules() -> list[pathlib.Path]:
    """Python files of the package, the tests and the benchmarks."""
    return [path for path in files() if path.suffix == ".py"]


def commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """(words, command) of everything that can be called, groups included."""

    def walk(words: tuple[str, ...], command: click.Command) -> Iterator[tuple[tuple[str, ...], click.Command]]:
        yield words, command
        if isinstance(command, click.Group):
            context = click.Context(command, info_name=words[-1])
            for name in command.list_commands(context):
                below = command.get_command(context, name)
                assert below is not None, f"{' '.join(words)} lists {name}, which is not there"
                yield from walk((*words, name), below)

    yield from walk(("exposure",), cli.main)
