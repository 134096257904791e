"""An Ed25519 signature over the manifest of a case, and so over all of it: it says who stands for the case."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exposure.errors import InputError
from exposure.text import shown

if TYPE_CHECKING:  # annotations only: an optional part
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NAME = "signature.json"
ALGORITHM = "Ed25519"
MAX_KEY_BYTES = 16_384

_HEX_KEY = re.compile(r"[0-9a-fA-F]{64}")
_MAKE = "make one by `exposure case key case.key` (or `ssh-keygen -t ed25519 -f case.key`)"


def new_key(place: Path) -> tuple[Path, str]:
    """Make a pair of keys: the private one in a file that only its owner can read, the public one beside it (``.pub``).

    Returns
    -------
    tuple
        The file of the public key, and the key as hex digits.

    Raises
    ------
    InputError
        If one of the files is there already or cannot be written, or the part that signs is not installed.
    """
    _installed()
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    beside = place.with_name(f"{place.name}.pub")
    taken = next((one for one in (place, beside) if os.path.lexists(one)), None)
    if taken is not None:
        raise InputError(f"{taken} is there already, and a key is never overwritten: name another file")
    private = Ed25519PrivateKey.generate()
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    _write_new(place, private.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain), 0o600)
    try:
        shape = serialization.PublicFormat.SubjectPublicKeyInfo
        _write_new(beside, private.public_key().public_bytes(pem, shape), 0o644)
    except InputError:
        place.unlink()  # half a pair is none, and would be in the way of the next try
        raise
    return beside, str(private.public_key().public_bytes_raw().hex())


def _write_new(place: Path, content: bytes, mode: int) -> None:
    """A file that was not there before: whoever made one of that name meanwhile, or a link, keeps it."""
    try:
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
    except OSError as error:
        raise InputError(f"cannot write the key {place}: {error.strerror or error}") from error


def signed(manifest: bytes, key: Path) -> bytes:
    """The signature file of a manifest.

    Parameters
    ----------
    manifest
        The manifest's bytes.
    key
        A private Ed25519 key in PEM or OpenSSH form, without a passphrase.

    Raises
    ------
    InputError
        If the key is none, or the part that signs is not installed.
    """
    private = private_key(key)
    public = private.public_key().public_bytes_raw()
    return _file(public.hex(), private.sign(manifest).hex())


def private_key(key: Path) -> Ed25519PrivateKey:
    """A private key from its file: to be read before the work begins whose result is to be signed.

    Raises
    ------
    InputError
        As `signed`.
    """
    _installed()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    content = _content(key)
    load = serialization.load_ssh_private_key if b"OPENSSH PRIVATE KEY" in content else serialization.load_pem_private_key
    try:
        found = load(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        reason = "it is protected by a passphrase" if "assword" in str(error) or "ncrypted" in str(error) else "it is none"
        raise InputError(f"{key} cannot be read as a private key ({reason}): {_MAKE}") from error
    if not isinstance(found, Ed25519PrivateKey):
        raise InputError(f"{key} is a key of another kind than {ALGORITHM}: {_MAKE}")
    return found


def public_key(said: str) -> str:
    """A public key as 64 hex digits, from these or from a file (PEM, or OpenSSH's one line).

    Raises
    ------
    InputError
        If it is none.
    """
    if _HEX_KEY.fullmatch(said.strip()):
        return said.strip().lower()
    _installed()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    content = _content(Path(said))
    if b"PRIVATE KEY" in content:
        raise InputError(
            f"{shown(said, 200)} is a private key: give the public one, which `exposure case key` wrote beside it (.pub)"
        )
    load: Any = serialization.load_ssh_public_key if content.startswith(b"ssh-") else serialization.load_pem_public_key
    try:
        found = load(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError(f"{shown(said, 200)} is no public key: give a PEM file, an OpenSSH line, or 64 hex digits") from error
    if not isinstance(found, Ed25519PublicKey):
        raise InputError(f"{shown(said, 200)} is a key of another kind than {ALGORITHM}")
    return str(found.public_bytes_raw().hex())


def fault(manifest: bytes, content: bytes | None, key: str | None) -> str:
    """What is wrong with the signature of a manifest; empty if nothing is.

    Parameters
    ----------
    content
        The signature file; None: there is none.
    key
        The public key whose signature it has to be, as hex digits; None: any.

    Raises
    ------
    InputError
        If there is something to check and the part that checks is not installed.
    """
    if content is None:
        return f"{NAME} is missing: the case is not signed" if key is not None else ""
    by, signature = _read(content)
    if not by:
        return f"{NAME} is no signature"
    if key is not None and by != key:
        return f"{NAME} is of another key ({by})"
    _installed()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(by)).verify(bytes.fromhex(signature), manifest)
    except (InvalidSignature, ValueError):
        return f"{NAME} is not a signature of this manifest"
    return ""


def signer(content: bytes) -> str:
    """The public key that a signature names, as hex digits; empty if it is no signature."""
    return _read(content)[0]


def is_installed() -> bool:
    """Whether signatures can be made and checked."""
    try:
        _installed()
    except InputError:
        return False
    return True


def _file(by: str, signature: str) -> bytes:
    said = {"algorithm": ALGORITHM, "public_key": by, "signature": signature, "signs": "manifest.json"}
    return (json.dumps(said, indent=1, sort_keys=True) + "\n").encode("ascii")


def _read(content: bytes) -> tuple[str, str]:
    """Key and signature; both empty unless the file is byte for byte what is written for them."""
    try:
        said = json.loads(content)
        by, signature = str(said["public_key"]), str(said["signature"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return "", ""
    sound = _HEX_KEY.fullmatch(by) and re.fullmatch(r"[0-9a-f]{128}", signature) and _file(by, signature) == content
    return (by, signature) if sound else ("", "")


def _content(key: Path) -> bytes:
    try:
        with key.open("rb") as file:
            content = file.read(MAX_KEY_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot read the key {key}: {error.strerror or error}; {_MAKE}") from error
    if len(content) > MAX_KEY_BYTES:
        raise InputError(f"{key} is too large for a key: {_MAKE}")
    return content


def _installed() -> None:
    try:
        import cryptography  # noqa: F401  # an optional part: only whether it is there
    except ImportError as error:
        raise InputError("a signature needs cryptography: pip install 'chain-exposure[sign]'") from error
