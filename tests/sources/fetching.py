"""Fetching in tests: settings that name a server on loopback, a clock that does not wait, and what a store holds."""

from __future__ import annotations

import contextlib
from typing import Any

import pyarrow.parquet as pq

from exposure import config
from exposure.net.calls import Calls
from exposure.store import coverage
from exposure.store.parts import part_path
from exposure.store.store import Store
from exposure.workflows.fetch import FetchOptions, FetchSummary, fetch


class Waits:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def fetched(
    store: Store, addresses: str | list[str], environ: dict[str, str], *, max_calls: int = 10_000, **options: Any
) -> FetchSummary:
    """Fetch with options; time does not pass."""
    waits = Waits()
    calls = Calls(max_calls=max_calls, clock=waits.clock, sleep=waits.sleep)
    named = [addresses] if isinstance(addresses, str) else addresses
    with contextlib.ExitStack():
        return fetch(named, FetchOptions(**options), store=store, config=config.load(environ=environ), calls=calls)


def content(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table and every declaration, sorted: what two stores must share to be equal."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for table in ("transfers", "outputs", "inputs"):
        rows: list[tuple[Any, ...]] = []
        for part in store.parts(table):
            columns = pq.read_table(part_path(store.path, part)).to_pydict()
            names = sorted(name for name in columns if not name.endswith("_key"))
            rows += zip(*(columns[name] for name in names), strict=True)
        found[table] = sorted(rows, key=repr)
    found["coverage"] = sorted(
        (tuple(row) for chain in store.chains() for row in coverage.everything(store.connection, store.version, chain)),
        key=repr,
    )
    return found
