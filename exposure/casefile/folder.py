"""A case folder: its files, the manifest with their hashes, and its id. Whoever hands one over is not trusted.

The manifest names every file with its SHA-256; the case id is the SHA-256 of the manifest. The HTML pages print the id, so
they are hashed with zeros in its place. The id also stands in a file of its own: of manifest, report and that file one may be
changed, and the other two say which.
"""

from __future__ import annotations

import ctypes
import glob
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exposure.casefile import signature
from exposure.casefile.strict_json import strict
from exposure.errors import InputError
from exposure.text import shown

FORM = "exposure.case/1"
MANIFEST, IDENTITY, REPORT, FACTS = "manifest.json", "case-id.txt", "report.html", "facts.html"
SIGNATURE = signature.NAME
NO_ID = "0" * 64
MAX_FILES = 64
MAX_FILE_BYTES = 2**30
MAX_TEXT_BYTES = 256 * 2**20
"""Of a file that is not a table: it is held many times over once it is read."""
MAX_MANIFEST_BYTES = 16 * 2**20
MAX_CASE_BYTES = 4 * 2**30
"""Of all files together, which are held at once."""

_OLD = ".old"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,60}\.[a-z]{2,8}")
_PRINTED = re.compile(rb'<code id="case-id">([0-9a-f]{64})</code>')


@dataclass(frozen=True, slots=True)
class Case:
    """A case as read: its id, its manifest (``octets``: as it stands) and its files.

    ``faults`` name every file that is not what the manifest says.
    """

    id: str
    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]
    faults: tuple[str, ...]
    octets: bytes = b""

    @property
    def signature(self) -> bytes | None:
        """The signature file; None if the case is not signed."""
        return self.files.get(SIGNATURE)


def write(
    folder: Path,
    files: Mapping[str, bytes],
    manifest: Mapping[str, Any],
    *,
    replacing: str | None = None,
    sign: Callable[[bytes], bytes] | None = None,
) -> str:
    """Write a case whole or not at all; its id. ``replacing``: the id of the case that is there and whose place it takes.

    ``sign`` makes the signature file of the manifest; None: the case is not signed.

    Whoever is killed on the way leaves the case as it was, or the new one, and `settle` clears up behind him.

    Raises
    ------
    InputError
        If the place is taken, or cannot be written.
    """
    hashes = {name: _named(content) for name, content in sorted(files.items())}
    text = json.dumps({**manifest, "form": FORM, "files": hashes}, indent=1, sort_keys=True, ensure_ascii=True) + "\n"
    octets = text.encode("ascii")
    identity = _digest(octets)
    whole = {**files, MANIFEST: octets, IDENTITY: f"{identity}\n".encode()}
    if sign is not None:
        whole[SIGNATURE] = sign(octets)
    for name in (REPORT, FACTS):
        if name in files:
            whole[name] = files[name].replace(NO_ID.encode(), identity.encode())
    if replacing is None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is there already: name a new folder, or go on with it by --case {folder}")
    if replacing is not None and _digest(_content(folder, MANIFEST, MAX_MANIFEST_BYTES)) != replacing:
        raise InputError(f"the case {folder} was changed by somebody else meanwhile: nothing was written; try again")
    beside = folder.parent / f"{_beside(folder)}{secrets.token_hex(4)}.part"
    try:
        beside.mkdir(mode=0o700, parents=True)
        for name, content in whole.items():
            with os.fdopen(os.open(beside / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        _put(beside, folder)
    except OSError as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise InputError(f"cannot write the case {folder}: {error.strerror or error}") from error
    return identity


def settle(folder: Path) -> None:
    """Put right what a writer left who was killed: the last whole case stands in its place, half a one is cleared away."""
    left = sorted(folder.parent.glob(f"{glob.escape(_beside(folder))}*.part*")) if folder.parent.is_dir() else []
    old = [place for place in left if place.name.endswith(_OLD) and (place / MANIFEST).is_file()]
    if old and not folder.exists():
        old[0].rename(folder)
    for place in left:
        shutil.rmtree(place, ignore_errors=True)


def _beside(folder: Path) -> str:
    """How the names of folders begin in which a case is made ready."""
    return f".{folder.name[:80]}."


def _put(beside: Path, folder: Path) -> None:
    """Move a finished folder into its place; what was there goes when the new one stands.

    Where the system cannot exchange two folders in one step, there is no case in the place between the two: whoever is
    killed there has it back by `settle`.
    """
    before = None
    if folder.exists():
        if _exchanged(beside, folder):
            shutil.rmtree(beside, ignore_errors=True)
            return
        before = folder.parent / f"{beside.name}{_OLD}"
        folder.rename(before)
    try:
        beside.rename(folder)
    except OSError:
        if before is not None:
            before.rename(folder)
        raise
    if before is not None:
        shutil.rmtree(before, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Give two folders each other's name in one step; False where the system cannot."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):
        return False
    at, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return bool(rename(at, os.fsencode(one), at, os.fsencode(other), exchange) == 0)


def read(folder: Path) -> Case:
    """Read a case, each file once, without following a link, and compare it with its manifest.

    Raises
    ------
    InputError
        If it is no case folder, or has more or larger files than a case has.
    """
    names = _names(folder)
    if MANIFEST not in names:
        raise InputError(f"{folder} is no case folder: it has no {MANIFEST}")
    octets = _content(folder, MANIFEST, MAX_MANIFEST_BYTES)
    identity = _digest(octets)
    manifest, faults = _manifest(octets)
    limits = {name: MAX_FILE_BYTES if name.endswith(".parquet") else MAX_TEXT_BYTES for name in names if name != MANIFEST}
    contents = {name: _content(folder, name, most) for name, most in limits.items()}
    listed = manifest.get("files", {})
    told = contents.get(IDENTITY, b"").decode("ascii", "replace").strip()
    printed = _PRINTED.search(contents.get(REPORT, b""))
    printed_id = printed.group(1).decode() if printed is not None else None
    faults += _identity_faults(identity, told, printed_id, contents.get(IDENTITY, b""))
    if not any(fault.startswith(MANIFEST) for fault in faults):
        faults += _file_faults(listed, contents, {REPORT: printed_id or identity, FACTS: identity})
    return Case(identity, manifest, contents, tuple(dict.fromkeys(faults)), octets)


def _file_faults(listed: Mapping[str, Any], contents: Mapping[str, bytes], printed: Mapping[str, str]) -> list[str]:
    """Files that are not what a manifest in order says of them."""
    faults = []
    for name, expected in listed.items():
        if name not in contents:
            faults.append(f"{shown(name, 80)} is missing")
            continue
        content = contents[name]
        if name in printed:
            content = content.replace(printed[name].encode(), NO_ID.encode())
        if expected != _named(content):
            faults.append(f"{name} is not the file that the manifest names")
    extra = [name for name in contents if name not in listed and name not in (IDENTITY, SIGNATURE)]
    return faults + [f"{shown(name, 80)} is not in the manifest" for name in sorted(extra)]


def _identity_faults(identity: str, told: str, printed: str | None, content: bytes) -> list[str]:
    """Which of manifest, printed id and id file is not what the others say."""
    if content != f"{told}\n".encode() or not re.fullmatch(r"[0-9a-f]{64}", told):
        return [f"{IDENTITY} is not the id of a case"]
    witnesses = [identity, told, *([printed] if printed is not None else [])]
    if len(set(witnesses)) == 1:
        return []
    if told == printed or printed is None:
        return [f"{MANIFEST} is not that of the case {told}"]
    if identity == told:
        return [f"{REPORT} prints another case id"]
    return [f"{IDENTITY} is not the id of this case"]


def _manifest(octets: bytes) -> tuple[dict[str, Any], list[str]]:
    try:
        manifest = strict(octets)
    except (ValueError, RecursionError):
        return {}, [f"{MANIFEST} cannot be read"]
    if not isinstance(manifest, dict) or manifest.get("form") != FORM:
        return {}, [f"{MANIFEST} is not of the form {FORM}"]
    files = manifest.get("files")
    if not isinstance(files, dict) or not all(isinstance(one, dict) and _NAME.fullmatch(name) for name, one in files.items()):
        return {}, [f"{MANIFEST} names files that a case cannot have"]
    return manifest, []


def _names(folder: Path) -> list[str]:
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise InputError(f"cannot read the case {folder}: {error.strerror or error}") from error
    if len(entries) > MAX_FILES:
        raise InputError(f"{folder} holds {len(entries):,} files; a case has at most {MAX_FILES}")
    odd = [entry.name for entry in entries if not entry.is_file(follow_symlinks=False) or not _NAME.fullmatch(entry.name)]
    if odd:
        raise InputError(
            f"{folder} holds {shown(odd[0], 80)}, which no case has: links, folders and other names are not followed"
        )
    size = sum(entry.stat(follow_symlinks=False).st_size for entry in entries)
    if size > MAX_CASE_BYTES:
        raise InputError(f"{folder} holds {size:,} bytes; a case has at most {MAX_CASE_BYTES:,}")
    return sorted(entry.name for entry in entries)


def _content(folder: Path, name: str, most: int) -> bytes:
    try:
        handle = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise InputError(f"cannot read {name} of the case: {error.strerror or error}") from error
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise InputError(f"{name} of the case is no regular file")
        content = b"" if about.st_size > most else file.read(most + 1)  # it may grow while it is read
    if max(len(content), about.st_size) > most:
        raise InputError(f"{name} of the case is larger than {most:,} bytes")
    return content


def _named(content: bytes) -> dict[str, str | int]:
    """What a manifest says of a file."""
    return {"sha256": _digest(content), "bytes": len(content)}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
