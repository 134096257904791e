"""Wallets and options as people write them: lists in files, the names of rules, times."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from exposure.errors import InputError
from exposure.model.settings import Rule
from exposure.sources.address_lists import BATCH, USUAL_COLUMNS, Listed, read_addresses
from exposure.sources.bulk.containers import members
from exposure.sources.bulk.text_lines import lines
from exposure.workflows.rescore.options import RescoreOptions
from exposure.workflows.trace_options import Moment, trace_options


def read_wallets(path: str | Path, *, column: str | None = None) -> Iterator[Sequence[Listed]]:
    """The wallets of a file, as `exposure.sources.address_lists.read_addresses` reads them; and JSON lines (``.jsonl``).

    Raises
    ------
    InputError
        If the file cannot be read, or the column is not found.
    """
    if not str(path).endswith((".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")):
        yield from read_addresses(path, column=column)
        return
    for member in members(str(path)):
        with member.open() as stream:
            batch: list[Listed] = []
            for line in lines(stream):
                if line.text.strip() or line.fault:
                    batch.append(
                        Listed(line.number, line.text, line.fault) if line.fault else _of(line.number, line.text, column)
                    )
                if len(batch) == BATCH:
                    yield batch
                    batch = []
            yield batch


def _of(number: int, text: str, column: str | None) -> Listed:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return Listed(number, text[:80], "is not a line of JSON")
    for name in (column,) if column is not None else USUAL_COLUMNS:
        if isinstance(row, dict) and isinstance(row.get(name), str):
            return Listed(number, row[name].strip())
    return Listed(number, text[:80], f"has no {column or 'address'}")


def listed(wallets: object) -> Iterator[Sequence[Listed]]:
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
    batch: list[Listed] = []
    texts: Iterable[object] = [wallets] if isinstance(wallets, str) else wallets  # type: ignore[assignment]  # checked here
    for line, text in enumerate(texts, 1):
        if not isinstance(text, str):
            raise InputError(f"wallet {line} is {type(text).__name__}, not an address as text")
        batch.append(Listed(line, text))
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch


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
