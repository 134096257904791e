"""The state of a sweep on disk, so that a run goes on where an earlier one stopped instead of beginning anew.

A folder of arrays and a manifest, which appears whole or not at all. A state is good for a ledger that begins with the very
rows that were carried out, under the same roles, gaps and wanted pots as far as these have to do with them; anything else is
refused with the reason (`Unfit`).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exposure.errors import EngineError

if TYPE_CHECKING:  # the sweep itself reads states
    from exposure.engines.local.sweep import Sweep

FORM = 2
MANIFEST = "manifest.json"
Digest = Callable[[int, int], str]
"""Digest of the first so many rows of a ledger, and of the first so many pots, which are those that the rows use."""


class Unfit(Exception):  # noqa: N818  (no error of the run: it is carried out from the beginning)
    """A saved state does not belong to what is asked; the reason as text."""


class Saved(NamedTuple):
    """A state as it was read: what its manifest says, and its arrays."""

    said: dict[str, Any]
    arrays: dict[str, NDArray[Any]]

    @property
    def rows(self) -> int:
        """Rows that were carried out."""
        return int(self.said["rows"])

    @property
    def pots(self) -> int:
        """Pots (coins, on UTXO chains) of the ledger at that time."""
        return int(self.said["pots"])

    @property
    def owners(self) -> int:
        """Pots (addresses, on UTXO chains) of the ledger at that time."""
        return int(self.said["owners"])


def save(sweep: Sweep, folder: Path, digest: Digest) -> None:
    """Write a sweep's state in place of ``folder``.

    Raises
    ------
    EngineError
        If it cannot be written; what was there before stays.
    """
    part = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}.part")
    said = {
        "form": FORM,
        "digest": digest(sweep.rows, sweep.ledger.pots),
        "rows": sweep.rows,
        "pots": sweep.pots,
        "owners": sweep.ledger.pots,
        "plain": sweep.plain,
        **sweep.asked(),
    }
    arrays = sweep.arrays()
    said |= {
        "fingerprint": sweep.fingerprint(sweep.pots, sweep.ledger.pots, sweep.first_pots),
        "sums": {name: _sum(array) for name, array in arrays.items()},
    }
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(folder.parent):
            for left in folder.parent.glob(f"{folder.name}.*.part*"):  # by a run that was killed
                shutil.rmtree(left, ignore_errors=True)
            part.mkdir(mode=0o700)
            for name, array in arrays.items():
                _write(part / f"{name}.npy", partial(np.save, arr=array, allow_pickle=False))
            _write(part / MANIFEST, lambda file: file.write(json.dumps(said).encode()))
            old = folder.with_name(f"{part.name}.old")
            if folder.exists():
                folder.replace(old)
            part.replace(folder)
            shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise EngineError(
            f"cannot save the state to {folder}: {error.strerror or error}; free some space or name another"
        ) from None


def read(folder: Path, digest: Digest, rows: int) -> Saved:
    """A state, if it belongs to a ledger of ``rows`` rows with this digest.

    Raises
    ------
    Unfit
        If there is none, it is damaged, or the ledger does not begin with its rows.
    """
    try:
        said = json.loads((folder / MANIFEST).read_text())
        if said["form"] != FORM:
            raise Unfit("it was saved by another version of this program")
        if said["rows"] > rows or said["digest"] != digest(int(said["rows"]), int(said["owners"])):
            raise Unfit("the ledger does not begin with the rows that it was saved after")
        # Mapped, so that a header that promises more than its file has is refused before memory is asked for.
        arrays: dict[str, NDArray[Any]] = {
            name: np.lib.format.open_memmap(folder / f"{name}.npy", "r") for name in said["sums"]
        }
        if any(_sum(array) != said["sums"][name] for name, array in arrays.items()):
            raise ValueError
    except FileNotFoundError:
        raise Unfit("there is none") from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise Unfit("its files are damaged") from None
    return Saved(said, arrays)


def _sum(array: NDArray[Any]) -> int:
    """Checksum of an array, its shape and type: a damaged cell would be taken for value, or for a place in memory."""
    plain = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return zlib.crc32(plain.data, zlib.crc32(repr((array.dtype.descr, array.shape)).encode()))


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One at a time saves in a folder, also of other processes; the others wait."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def fingerprint(*parts: Any) -> str:
    """Digest of arrays and plain values, in order."""
    made = hashlib.blake2b(digest_size=16)
    for part in parts:
        made.update(np.ascontiguousarray(part).data if isinstance(part, np.ndarray) else repr(part).encode())
        made.update(b"|")
    return made.hexdigest()


def _write(path: Path, put: Callable[[Any], object]) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        put(file)
        file.flush()
        os.fsync(file.fileno())
