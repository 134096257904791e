"""What an import lets the store declare about completeness, and what it proves to have been declared wrongly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exposure.store import catalogue, coverage, query
from exposure.store.catalogue import Connection
from exposure.store.coverage import ANY, CONTRADICTED, Coverage
from exposure.store.parts import Part

Staged = Mapping[str, str]
"""Paths of staging files by table; never that of prices."""


def whole(
    engine: query.Engine,
    staged: Staged,
    before: Sequence[Part],
    voids: Mapping[tuple[str, str], str],
    source: str,
) -> list[Coverage]:
    """Declarations of an import that says it makes the ledger whole: one an asset in it, up to the last block stored.

    An asset that is not in the import is not declared: that no row of it came proves nothing. Where ``voids`` has a
    reason for the asset or its chain, the declaration says that it is incomplete, and why.
    """
    assets: dict[tuple[str, str], None] = {}
    last: dict[str, int] = {}
    for part in before:
        last[part.chain] = max(part.last_block or 0, last.get(part.chain, 0))
    for table, path in staged.items():
        found = query.rows(
            engine,
            f"select chain, {_asset(table)}, max(block) from read_parquet($staged) group by all order by all",
            {"staged": [path]},
        )
        for chain, asset, block in found:
            assets[str(chain), str(asset)] = None
            last[str(chain)] = max(int(str(block)), last.get(str(chain), 0))
    rows = []
    for chain, asset in assets:
        reason = _void_reason(voids, chain, asset)
        rows.append(Coverage(chain, ANY, asset, None, last[chain], not reason, reason, source))
    return rows


def unknown_status(engine: query.Engine, staged: Staged, stored: list[str]) -> list[tuple[str, str, int]]:
    """(chain, asset, rows) of which nobody knows whether they failed: among the staged rows, and the stored ones they meet."""
    if "transfers" not in staged:
        return []
    files = [staged["transfers"], *stored]
    found = query.rows(
        engine,
        "select chain, asset, count(*) from read_parquet($files, union_by_name = true) "
        "where status = 'unknown' or flags & 4 != 0 group by all order by all",
        {"files": files},
    )
    return [(str(chain), str(asset), int(str(count))) for chain, asset, count in found]


def contradicted(engine: query.Engine, connection: Connection, staged: Staged, source: str) -> list[Coverage]:
    """Declarations of whole ledgers that new rows inside their blocks prove to have been wrong.

    Parameters
    ----------
    engine : Engine
        The query engine, after the import was sifted.
    connection : Connection
        The catalogue.
    staged : dict
        Staging files of the tables that have new rows.
    source : str
        Id of the import.
    """
    version = catalogue.current_version(connection)
    rows = []
    for table, path in staged.items():
        found = query.rows(
            engine,
            f"select chain, {_asset(table)}, min(block) from read_parquet($staged) "
            f"where seq not in (select seq from drops_{table}) group by all order by all",
            {"staged": [path]},
        )
        for chain, asset, first in found:
            known = coverage.declared(connection, version, str(chain), ANY, str(asset))
            lasts = [row.to_block for row in known if row.complete]
            if any(last is None or last >= int(str(first)) for last in lasts):
                rows.append(Coverage(str(chain), ANY, str(asset), None, None, False, CONTRADICTED, source))
    return rows


def chains(engine: query.Engine, path: str) -> list[str]:
    """Chains of a staging file, sorted."""
    found = query.rows(engine, "select distinct chain from read_parquet($staged) order by 1", {"staged": [path]})
    return [str(row[0]) for row in found]


def _asset(table: str) -> str:
    # Coins of a UTXO chain are one asset, and share one fate.
    return "asset" if table == "transfers" else "'*'"


def _void_reason(voids: Mapping[tuple[str, str], str], chain: str, asset: str) -> str:
    for (voided_chain, voided_asset), reason in voids.items():
        if voided_chain == chain and (ANY in (asset, voided_asset) or voided_asset == asset):
            return reason
    return ""
