"""Where the indexes of a store lie. Apart from what makes them: to ask whether there is one costs no import of numba."""

from __future__ import annotations

import os
from pathlib import Path

from exposure.store.store import Store

INDEX = "index"
MANIFEST = "manifest.json"


def place_of(store: Store, chain: str) -> Path:
    """The numbered ledger of a chain in this version of a store."""
    return store.path / INDEX / f"{store.version}-{chain.replace(os.sep, '_')}"


def beside(place: Path) -> Path:
    """The trace index of a numbered ledger."""
    return place.with_name(f"{place.name}.ends")


def is_made(store: Store, chain: str) -> bool:
    """Whether a chain has both in this version of the store."""
    place = place_of(store, chain)
    return all((folder / MANIFEST).exists() for folder in (place, beside(place)))
