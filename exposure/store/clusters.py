"""Links between addresses, kept beside a version of a ledger: found once for each version, method and set of tags."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from exposure.store import query
from exposure.store.parts import part_path
from exposure.store.store import Store

if TYPE_CHECKING:  # an annotation only: the index is compiled code
    from exposure.store.numbered import Numbered

FOLDER = "clusters"
SCHEMA = pa.schema([(name, pa.string()) for name in ("cluster", "one", "other", "heuristic", "tx", "reason")])
"""A row for each merge; ``cluster`` is null and ``reason`` is not for one that was refused."""


def load(store: Store, key: str) -> tuple[pa.Table, dict[str, str]] | None:
    """The rows kept under a key, with the facts beside them; None if there are none, or they cannot be read."""
    try:
        table = pq.read_table(store.path / FOLDER / f"{store.version}-{key}.parquet")
    except (OSError, pa.ArrowException):
        return None
    if not table.schema.equals(SCHEMA):
        return None
    return table, {name.decode(): value.decode() for name, value in (table.schema.metadata or {}).items()}


def keep(store: Store, key: str, table: pa.Table, facts: Mapping[str, str]) -> None:
    """Keep rows under a key; those of older versions go. Where the store cannot be written to, nothing is kept."""
    folder = store.path / FOLDER
    part = folder / f"{secrets.token_hex(8)}.part"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for old in folder.iterdir():
            if not old.name.startswith(f"{store.version}-"):
                old.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as file:
            pq.write_table(table.replace_schema_metadata(dict(facts)), file, compression="zstd")
        part.replace(folder / f"{store.version}-{key}.parquet")
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def names_of(store: Store, chain: str, numbers: Iterable[int], ledger: Numbered) -> dict[int, str]:
    """Names of transactions by the numbers under which an index has them."""
    wanted: Sequence[str] = sorted({str(number) for number in numbers})
    files = [str(part_path(store.path, part)) for part in store.parts("outputs" if ledger.utxo else "transfers", chain)]
    if not wanted or not files:
        return {}
    if not ledger.utxo:
        return dict(ledger.named(files, np.array(wanted, np.uint64)))
    engine = query.connect(store.path, Path(tempfile.gettempdir()))
    try:
        found = query.rows(
            engine,
            "select distinct hash(tx)::varchar, tx from read_parquet($files) "
            "where hash(tx)::varchar in (select unnest($wanted::varchar[]))",
            {"files": files, "wanted": wanted},
        )
    finally:
        engine.close()
    return {int(str(number)): str(tx) for number, tx in found}
