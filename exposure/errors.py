"""Errors. One root, a few families; each says what is wrong, where, and what to do about it.

The command line prints ``str(error)`` and exits with ``error.exit_code``; it never prints a traceback for one of these.
"""

from __future__ import annotations

from typing import ClassVar


class ExposureError(Exception):
    """Root of every error this package raises on purpose."""

    exit_code: ClassVar[int] = 1


class InputError(ExposureError):
    """Something the user typed or handed over is wrong: an address, an option, a file's form."""

    exit_code: ClassVar[int] = 2


class SourceError(ExposureError):
    """Something asked for could not be had: a source failed, a budget was spent, rows were rejected."""

    exit_code: ClassVar[int] = 4


class StoreError(ExposureError):
    """The store folder is missing, damaged, locked or of another version."""


class AttributionError(ExposureError):
    """A list, tag or edition cannot be read or used."""


class EngineError(ExposureError):
    """A computation found its own result to be inconsistent (conservation broken, a negative part)."""
