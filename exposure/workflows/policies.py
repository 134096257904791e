"""Policies by name (they ship with the package) or from a file."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from exposure.errors import InputError
from exposure.measure.policy_text import MAX_BYTES, policy_from
from exposure.model.policy import Policy
from exposure.text import shown

SHIPPED = ("jp", "us-ofac", "eu", "uk", "strict")


def load_policy(name: str | Path) -> Policy:
    """The policy of a shipped name, or of a TOML file.

    Raises
    ------
    InputError
        If there is no such policy or file, or the file is not a policy.
    """
    if str(name) in SHIPPED:
        return policy_from(shipped_text(str(name)), f"{name} (shipped)")
    path = Path(name)
    try:
        if not path.is_file():
            said = shown(name, 80) or "so (the name is empty)"
            raise InputError(f"no policy is called {said}: use one of {', '.join(SHIPPED)}, or the path of a TOML file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the policy {shown(name, 80)}: {getattr(error, 'strerror', None) or error}") from error
    return policy_from(content, shown(name, 80))


def shipped_text(name: str) -> bytes:
    """The TOML text of a shipped policy."""
    return files("exposure").joinpath("data", "policies", f"{name}.toml").read_bytes()
