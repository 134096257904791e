"""Ledgers that are already in memory, a pandas frame or a networkx graph, on the same way in as files.

They are written out as text, exactly, and read by the importer: so every check, rejection and identity is the same, and a
frame means what the CSV file of it would mean.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from exposure.errors import InputError
from exposure.model.labels import Category
from exposure.store.store import Store
from exposure.text import shown
from exposure.workflows.ingest import ImportOptions, ImportSummary, ingest
from exposure.workflows.tags import OwnTag, add_tag

if TYPE_CHECKING:  # annotations only
    import networkx as nx
    import pandas as pd

EDGE_FIELDS = ("tx", "tx_index", "index", "block", "time", "amount", "fee", "asset", "status", "memo", "kind")
"""Edge attributes that are read; they are named as the fields of the own form."""

NOWHERE = frozenset({"(minted)", "(burned or fee)"})
"""Node names that stand for no address, as the graphs of this package have them."""


def load_frames(
    frames: Sequence[pd.DataFrame], options: ImportOptions, store: Store, *, allow_rejects: bool = False
) -> ImportSummary:
    """Import frames as if each were a CSV file, all as one version.

    Raises
    ------
    InputError
        If a frame cannot be read, or rows are rejected and that was not allowed: then nothing is stored.
    """
    with TemporaryDirectory(prefix="exposure-") as folder:
        paths = [Path(folder) / f"frame-{number}.csv" for number in range(1, len(frames) + 1)]
        for frame, path in zip(frames, paths, strict=True):
            write_frame(frame, path)
        return _load(paths, options, store, allow_rejects)


def load_graph(graph: nx.Graph[str], options: ImportOptions, store: Store) -> ImportSummary:
    """Import a directed graph's edges as transfers, and its nodes' categories as tags of one's own.

    Raises
    ------
    InputError
        If the graph lacks what `write_graph` asks for, a node is no address, or an edge is rejected.
    """
    with TemporaryDirectory(prefix="exposure-") as folder:
        path = Path(folder) / "graph.csv"
        labels = write_graph(graph, path)
        summary = _load([path], options, store, False)
    for address, category, entity in labels:
        own = OwnTag(address, Category(category), entity or address, "graph", "category of the node in the graph it came from")
        add_tag(store, own)
    return summary


def _load(paths: Sequence[Path], options: ImportOptions, store: Store, allow_rejects: bool) -> ImportSummary:
    """Look first where rows may not be rejected, then store."""
    if not allow_rejects:
        looked = ingest(paths, replace(options, dry_run=True), store=None)
        if looked.rejected:
            reasons = "; ".join(f"row {one.line - 1}: {one.reason}" for one in looked.rejects[:3])
            raise InputError(f"{looked.rejected:,} of the rows cannot be used, and nothing was stored: {reasons}")
    return ingest(paths, options, store=store)


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as CSV with exact values: integers and decimals in full, floats as Python prints them, times in ISO.

    Raises
    ------
    InputError
        If the frame is empty, or two columns share a name.
    """
    names = [str(name) for name in frame.columns]
    if len(set(names)) < len(names):
        raise InputError("two columns of the frame have the same name: rename one")
    if not len(frame):
        raise InputError("the frame has no rows")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(_texts(row) for row in frame.itertuples(index=False, name=None))


def write_graph(graph: nx.Graph[str], path: Path) -> list[tuple[str, str, str]]:
    """Write the edges of a directed graph as transfers of the own form; what the nodes say comes back.

    Every edge needs ``amount`` (base units) and ``time``; its ends are addresses. The other `EDGE_FIELDS` are taken where
    an edge has them; without ``tx`` a transfer is known by its content alone.

    Returns
    -------
    list
        (address, category, entity) of every node that has a category.

    Raises
    ------
    InputError
        If the graph is undirected or empty, or an edge lacks what it needs.
    """
    if not graph.is_directed():
        raise InputError("the graph is undirected: value moves from one address to another, so give a DiGraph or MultiDiGraph")
    edges = list(graph.edges(data=True))
    if not edges:
        raise InputError("the graph has no edges")
    used = [field for field in EDGE_FIELDS if any(field in attributes for _, _, attributes in edges)]
    for field in ("amount", "time"):
        bare = next((ends for *ends, attributes in edges if attributes.get(field) is None), None)
        if bare is not None:
            raise InputError(f"the edge from {shown(bare[0], 60)} to {shown(bare[1], 60)} has no {field}: every edge needs one")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["from", "to", *used])
        for sender, receiver, attributes in edges:
            writer.writerow(_texts([_end(sender), _end(receiver), *(attributes.get(field) for field in used)]))
    return _labels({str(node): attributes for node, attributes in graph.nodes(data=True)})


def _labels(nodes: Mapping[str, Mapping[str, object]]) -> list[tuple[str, str, str]]:
    known = {str(category) for category in Category}
    labels = []
    for address, attributes in nodes.items():
        category = str(attributes.get("category") or "")
        if not category:
            continue
        if category not in known:
            raise InputError(f"node {shown(address, 60)} is of no known category: {shown(category, 40)}")
        labels.append((str(address), category, str(attributes.get("entity") or "")))
    return labels


def _end(node: object) -> str:
    return "" if node in NOWHERE else str(node)


def _texts(cells: Iterable[object]) -> list[str]:
    return [_text(cell) for cell in cells]


def _text(cell: object) -> str:
    """One value as the importer reads it; what is missing in any of pandas' ways is empty."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)) or type(cell).__name__ in ("NAType", "NaTType"):
        return ""
    if isinstance(cell, bytes):
        return f"0x{cell.hex()}"
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    item = getattr(cell, "item", None)  # numpy scalars
    if callable(item):
        return _text(item())
    return str(cell)
