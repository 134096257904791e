"""Where the rows of a case came from: the imports and fetches that brought them, the files' hashes, and the replies on record.

A reply itself is not in a case. Its hash, time and address (without key) say what a server answered, so that whoever kept the
reply, or asks again, can hold it against the rows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exposure.store.fetches import Fetch, Reply
from exposure.store.origins import Origin
from exposure.store.store import PastImport
from exposure.units import iso

if TYPE_CHECKING:  # annotations only: Arrow is imported when a case is written or read
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Sources:
    """``rows`` by transaction and source; ``imports`` and ``fetches`` by the id that rows carry; ``replies`` by fetch."""

    rows: Counter[Origin] = field(default_factory=Counter)
    imports: Mapping[str, PastImport] = field(default_factory=dict)
    fetches: Mapping[str, Fetch] = field(default_factory=dict)
    replies: Mapping[str, tuple[Reply, ...]] = field(default_factory=dict)
    missing: int = 0

    @property
    def hashes(self) -> list[str]:
        """SHA-256 of every reply, sorted."""
        return sorted({reply.sha256 for those in self.replies.values() for reply in those})


def sources_to_json(sources: Sources) -> dict[str, Any]:
    """Each import and fetch, with how many rows of the case it brought."""
    counts: dict[str, int] = defaultdict(int)
    for origin, count in sources.rows.items():
        counts[origin.source] += count
    names = sorted({*counts, *sources.fetches})
    return {
        "sources": {name: {"rows": counts[name], **_told(name, sources)} for name in names},
        "transactions_not_looked_up": sources.missing,
    }


def _told(name: str, sources: Sources) -> dict[str, Any]:
    fetch = sources.fetches.get(name)
    if fetch is not None:
        return {
            "kind": "fetch",
            "chain": fetch.chain,
            "address": fetch.address,
            "source": fetch.source,
            "state": fetch.state,
            "since": fetch.since,
            "until": fetch.until,
            "at": iso(fetch.updated_at),
            "replies": len(sources.replies.get(name, ())),
        }
    past = sources.imports.get(name)
    if past is None:
        return {"kind": "unknown"}
    files = [{"name": file, "sha256": digest, "bytes": size} for file, digest, size in past.files]
    return {"kind": "import", "at": iso(past.time), "files": files}


def origins_schema() -> pa.Schema:
    """Columns of ``origins.parquet``: which source brought how many rows of which transaction."""
    import pyarrow as pa

    texts = [pa.field(name, pa.string()) for name in ("chain", "tx", "source")]
    return pa.schema([*texts, pa.field("rows", pa.int64())])


def origins_table(sources: Sources) -> pa.Table:
    """`Sources.rows` as a table."""
    rows = [{**origin._asdict(), "rows": count} for origin, count in sorted(sources.rows.items())]
    return _table(rows, origins_schema())


def replies_schema() -> pa.Schema:
    """Columns of ``replies.parquet``: each reply on record of the fetches behind a case. ``time``: unix seconds."""
    import pyarrow as pa

    texts = [pa.field(name, pa.string()) for name in ("fetch", "chain", "address", "source", "url", "sha256")]
    return pa.schema([*texts, pa.field("time", pa.int64()), pa.field("rows", pa.int64())])


def replies_table(sources: Sources) -> pa.Table:
    """`Sources.replies` as a table."""
    rows = []
    for name, those in sorted(sources.replies.items()):
        fetch = sources.fetches[name]
        said = {"fetch": name, "chain": fetch.chain, "address": fetch.address, "source": fetch.source}
        rows += [{**said, **reply._asdict()} for reply in those]
    return _table(rows, replies_schema())


def _table(rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_pylist(list(rows), schema=schema)
