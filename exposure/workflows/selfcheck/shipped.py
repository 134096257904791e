"""The worked cases that come with the package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path


@contextmanager
def shipped_cases() -> Iterator[Path]:
    """Path of the package's own file of worked cases, wherever the package lies."""
    with as_file(files("exposure") / "data" / "worked_cases.json") as path:
        yield path
