"""Wallets and options as people write them: lists in files, the names of rules, times."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exposure.errors import InputError
from exposure.model.addresses import parse
from exposure.model.addresses.bulk import canonical_many
from exposure.model.settings import Rule
from exposure.sources.address_lists import USUAL_COLUMNS, Column, Listed, read_columns
from exposure.sources.bulk.containers import members
from exposure.sources.bulk.text_lines import blocks, numbered_lines
from exposure.workflows.rescore.options import RescoreOptions
from exposure.workflows.trace_options import Moment, trace_options


def read_wallets(path: str | Path, *, column: str | None = None) -> Iterator[Column]:
    """The wallets of a file, as `exposure.sources.address_lists.read_columns` reads them; and JSON lines (``.jsonl``).

    Raises
    ------
    InputError
        If the file cannot be read, or the column is not found.
    """
    if not str(path).endswith((".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")):
        yield from read_columns(path, column=column)
        return
    names = (column,) if column is not None else USUAL_COLUMNS
    for member in members(str(path)):
        with member.open() as stream:
            for number, block in blocks(stream):
                yield _fast(number, block, names) or _one_by_one(number, block, names)


def _fast(number: int, block: bytes, names: Sequence[str]) -> Column | None:
    """The wallets of a block of JSON lines, read as columns; None where some line is not as most are."""
    import pyarrow.json

    schema = pa.schema([(name, pa.string()) for name in names])
    try:
        found = pyarrow.json.read_json(
            pa.BufferReader(block),
            pyarrow.json.ReadOptions(block_size=2 * len(block), use_threads=False),
            pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
        )
    except pa.ArrowException:
        return None
    texts = pc.utf8_trim_whitespace(pc.coalesce(*(found[name].combine_chunks() for name in names)))
    whole = found.num_rows == block.count(b"\n") + (not block.endswith(b"\n"))
    if not whole or texts.null_count:
        return None
    return Column(np.arange(number, number + len(texts)), texts, [])


def _one_by_one(number: int, block: bytes, names: Sequence[str]) -> Column:
    good: list[tuple[int, str]] = []
    faults: list[Listed] = []
    for line in numbered_lines(number, block):
        read = Listed(line.number, line.text, line.fault) if line.fault else _of(line.number, line.text, names)
        if read.fault:
            faults.append(read)
        elif line.text.strip():
            good.append((read.line, read.text))
    return _column(good, faults)


def _of(number: int, text: str, names: Sequence[str]) -> Listed:
    if not text.strip():
        return Listed(number, "")
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return Listed(number, text[:80], "is not a line of JSON")
    for name in names:
        if isinstance(row, dict) and isinstance(row.get(name), str):
            return Listed(number, row[name].strip())
    return Listed(number, text[:80], f"has no {names[0] if len(names) == 1 else 'address'}")


def _column(good: Sequence[tuple[int, str]], faults: list[Listed]) -> Column:
    return Column(np.array([line for line, _ in good], np.int64), pa.array([text for _, text in good], pa.string()), faults)


def listed(wallets: object) -> Iterator[Column]:
    """The wallets of a frame (a column of the usual names, or its only one) or of any number of texts.

    Raises
    ------
    InputError
        If a frame has no such column, or something is no text.
    """
    columns = getattr(wallets, "columns", None)
    if columns is not None:
        names = [str(name) for name in columns]
        usual = [name for name in names if name.lower() in USUAL_COLUMNS] or (names if len(names) == 1 else [])
        if not usual:
            raise InputError(f"the frame has no column of addresses: name one {' or '.join(USUAL_COLUMNS[:3])}")
        wallets = wallets[usual[0]]  # type: ignore[index]  # a frame, as its columns show
    texts: list[object] = [wallets] if isinstance(wallets, str) else list(wallets)  # type: ignore[call-overload]  # checked here
    for line, text in enumerate(texts, 1):
        if not isinstance(text, str):
            raise InputError(f"wallet {line} is {type(text).__name__}, not an address as text")
    yield Column(np.arange(1, len(texts) + 1), pa.array(texts, pa.string()), [])


def canonical(columns: Iterable[Column]) -> tuple[pa.Array, list[Listed]]:
    """Canonical addresses, each once, in order of first appearance; and what could not be read, in order.

    EVM addresses in lower case are told by columns; whatever else there is costs some microseconds each.
    """
    parts: list[pa.Array] = [pa.array([], pa.string())]
    rejected: list[Listed] = []
    for lines, texts, faults in columns:
        plain = pc.match_substring_regex(texts, "^0x[0-9a-f]{40}$")
        others = np.flatnonzero(~plain.to_numpy(zero_copy_only=False))
        wrong = list(faults)
        if len(others):
            known, unknown = _read(lines[others], texts.take(pa.array(others)).to_pylist())
            wrong += unknown
            texts = pc.replace_with_mask(texts, pc.invert(plain), pa.array(known, pa.string())).drop_null()
        parts.append(pc.unique(texts))
        rejected += sorted(wrong, key=attrgetter("line"))
    return pc.unique(pa.concat_arrays(parts)), rejected


def _read(lines: Any, texts: list[str]) -> tuple[list[str | None], list[Listed]]:
    """Canonical forms one by one, None for what is no address; and why not."""
    found = canonical_many(texts)
    wrong: list[Listed] = []
    for at, known in enumerate(found):
        if known is None:
            try:
                found[at] = parse(texts[at], suggest=False).canonical
            except InputError as error:
                wrong.append(Listed(int(lines[at]), texts[at], str(error)))
    return found, wrong


def rescore_options(
    *,
    chain: str | None = None,
    asset: str | None = None,
    hops: int | None = None,
    rule: str | Rule | Sequence[str | Rule] = Rule.HAIRCUT,
    labels_as_of: Moment | None = None,
    seeds_from: str = "always",
    clusters: str = "none",
    hub_counterparties: int | None = None,
    dust_usd: float | None = None,
) -> RescoreOptions:
    """The options of a rescoring from what people write; as `exposure.workflows.trace_options.trace_options`.

    Raises
    ------
    InputError
        For a name that is not known, a time that cannot be read, or no hop limit.
    """
    if hops is None:
        raise InputError("a whole ledger is scored with a hop limit: give --hops 1 to 250")
    read = trace_options(
        chain=chain,
        asset=asset,
        hops=hops,
        rule=rule,
        labels_as_of=labels_as_of,
        seeds_from=seeds_from,
        clusters=clusters,
        hub_counterparties=hub_counterparties,
        dust_usd=dust_usd,
    )
    return RescoreOptions(
        chain=read.chain,
        asset=read.asset,
        hops=hops,
        rules=read.rules,
        labels_as_of=read.labels_as_of,
        hub_counterparties=read.hub_counterparties,
        dust_usd=read.dust_usd,
        seeds_from_designation=read.seeds_from_designation,
        clusters=read.clusters,
    )
