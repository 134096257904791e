"""Engines by name. An engine changes where a rule runs, never what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from exposure.errors import InputError
from exposure.taint.reference.lots import Run


@dataclass(frozen=True, slots=True)
class Engine:
    """How an engine runs a rule over a ledger; both functions are called as those of `exposure.taint.reference`."""

    name: str
    account: Callable[..., Run]
    utxo: Callable[..., Run]


def _reference() -> Engine:
    from exposure.taint.reference import account, utxo

    return Engine("reference", account.run, utxo.run)


def _local() -> Engine:
    from exposure.engines import local  # numba takes a second to import

    return Engine("local", local.account, local.utxo)


ENGINES = {"reference": _reference, "local": _local}


def engine(name: str) -> Engine:
    """The engine of a name.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    try:
        return ENGINES[name]()
    except KeyError:
        raise InputError(f"unknown engine {name!r}: use one of {', '.join(ENGINES)}") from None
