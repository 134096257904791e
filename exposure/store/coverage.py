"""What the store knows of its own gaps: completeness is declared, never inferred.

A row says of (chain, address, asset), each of the latter two possibly ``*``, that the blocks from ``from_block`` to
``to_block`` are whole, or that they are not, and why. Later rows override earlier ones where they overlap, so a gap
found afterwards voids a declaration, and a new declaration mends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from exposure.model.ledger import Incomplete, Place
from exposure.store.catalogue import Connection

ANY = "*"
TOKENS = "tokens"
"""``<chain>/tokens`` as asset of a row: every token of the address at once, not the chain's own coin."""

UNDECLARED = "nothing declares its history complete"
CONTRADICTED = "rows were added later inside the blocks that had been declared whole"
_END = 2**63 - 1


class Coverage(NamedTuple):
    """One declaration. ``from_block`` None: from the beginning; ``to_block`` None: without end.

    ``opening``: balance known just before ``from_block`` (base units). ``oldest_missing`` (of an incomplete row): only
    movements before the first stored one are missing.
    """

    chain: str
    address: str = ANY
    asset: str = ANY
    from_block: int | None = None
    to_block: int | None = None
    complete: bool = True
    reason: str = ""
    source: str = ""
    opening: int | None = None
    oldest_missing: bool = False


class _Stretch(NamedTuple):
    """Blocks ``first`` to ``last`` that are known to be whole."""

    first: int
    last: int
    opening: int | None


def declare(connection: Connection, version: int, rows: Iterable[Coverage]) -> int:
    """Add declarations to a version (inside a transaction); one that already stands is not added again.

    Returns
    -------
    int
        Number of rows added.
    """
    before = connection.total_changes
    connection.executemany(
        "insert into coverage (chain, address, asset, from_block, to_block, complete, reason, source, opening, "
        "oldest_missing, added_in) select :chain, :address, :asset, :from_block, :to_block, :complete, :reason, :source, "
        ":opening, :oldest_missing, :version where not exists (select 1 from coverage where chain = :chain and "
        "address = :address and asset = :asset and from_block is :from_block and to_block is :to_block and "
        "complete = :complete and reason = :reason and opening is :opening and oldest_missing = :oldest_missing)",
        [
            row._asdict()
            | {
                "complete": int(row.complete),
                "opening": _text(row.opening),
                "oldest_missing": int(row.oldest_missing),
                "version": version,
            }
            for row in rows
        ],
    )
    return connection.total_changes - before


def declared(connection: Connection, version: int, chain: str, address: str, asset: str) -> list[Coverage]:
    """Declarations that bear on an address and asset (either may be ``*``), in the order in which they count."""
    cursor = connection.execute(
        "select chain, address, asset, from_block, to_block, complete, reason, source, opening, oldest_missing "
        "from coverage where chain = ? and address in (?, '*') and asset in (?, ?, '*') and added_in <= ? "
        "order by added_in, complete desc, id",
        (chain, address, asset, tokens_of(asset), version),
    )
    return [_coverage(row) for row in cursor]


def tokens_of(asset: str) -> str:
    """The asset of rows that speak of all tokens and so of this one; the asset itself where it is no token."""
    chain, _, contract = asset.partition("/")
    return asset if contract in ("", "native") else f"{chain}/{TOKENS}"


def everything(connection: Connection, version: int, chain: str) -> list[Coverage]:
    """All declarations of a chain, in the order in which they count."""
    cursor = connection.execute(
        "select chain, address, asset, from_block, to_block, complete, reason, source, opening, oldest_missing "
        "from coverage where chain = ? and added_in <= ? order by added_in, complete desc, id",
        (chain, version),
    )
    return [_coverage(row) for row in cursor]


def gap(rows: Sequence[Coverage], address: str, asset: str, last_block: int) -> Incomplete | None:
    """How a pot is incomplete up to ``last_block``, by the declarations that bear on it; None if it is complete.

    Parameters
    ----------
    rows : sequence of Coverage
        From `declared`, in the order in which they count.
    address, asset : str
        The pot.
    last_block : int
        The as-of block; what lies beyond is of no concern.
    """
    stretches = _stretches(rows)
    incomplete = [row for row in rows if not row.complete]
    reason, oldest = (incomplete[-1].reason, incomplete[-1].oldest_missing) if incomplete else ("", False)
    if any(stretch.first <= 0 and stretch.last >= last_block for stretch in stretches):
        return None
    for stretch in stretches:
        if stretch.opening is not None and stretch.last >= last_block and stretch.first <= last_block:
            return Incomplete(
                address,
                asset,
                until=Place(stretch.first, 0, 0),
                balance=stretch.opening,
                reason=reason or f"history before block {stretch.first:,} is not stored; the balance there is known",
            )
    for stretch in stretches:
        if stretch.first <= 0:
            after = stretch.last + 1
            return Incomplete(
                address, asset, since=Place(after, 0, 0), reason=reason or f"history from block {after:,} on is not stored"
            )
    if any(stretch.last >= last_block for stretch in stretches):
        oldest = True
        reason = reason or "the beginning of its history is not stored"
    return Incomplete(address, asset, oldest=oldest, reason=reason or UNDECLARED)


def whole_up_to(rows: Sequence[Coverage], first: int) -> int:
    """Last block up to which everything from block ``first`` on is declared whole; ``first - 1`` if nothing is."""
    return max((stretch.last for stretch in _stretches(rows) if stretch.first <= first <= stretch.last), default=first - 1)


def _stretches(rows: Sequence[Coverage]) -> list[_Stretch]:
    """The stretches that are whole by the declarations, in the order in which they count."""
    stretches: list[_Stretch] = []
    for row in rows:
        first = 0 if row.from_block is None else row.from_block
        last = _END if row.to_block is None else row.to_block
        if row.complete:
            stretches = _joined(stretches, _Stretch(first, last, row.opening if row.from_block is not None else None))
        else:
            stretches = [piece for stretch in stretches for piece in _without(stretch, first, last)]
    return stretches


def _joined(stretches: list[_Stretch], new: _Stretch) -> list[_Stretch]:
    """Stretches with one more, those that touch or overlap put together."""
    kept = []
    for stretch in stretches:
        if stretch.last + 1 < new.first or new.last + 1 < stretch.first:
            kept.append(stretch)
        else:
            head = min(stretch, new, key=lambda part: (part.first, part.opening is None))
            new = _Stretch(head.first, max(stretch.last, new.last), head.opening)
    return [*kept, new]


def _without(stretch: _Stretch, first: int, last: int) -> list[_Stretch]:
    """What remains of a stretch when the blocks ``first`` to ``last`` are taken out."""
    if last < stretch.first or stretch.last < first:
        return [stretch]
    pieces = []
    if stretch.first < first:
        pieces.append(_Stretch(stretch.first, first - 1, stretch.opening))
    if last < stretch.last:
        pieces.append(_Stretch(last + 1, stretch.last, None))
    return pieces


def _coverage(row: tuple[object, ...]) -> Coverage:
    chain, address, asset, first, last, complete, reason, source, opening, oldest = row
    return Coverage(
        str(chain),
        str(address),
        str(asset),
        first if isinstance(first, int) else None,
        last if isinstance(last, int) else None,
        bool(complete),
        str(reason),
        str(source),
        int(opening) if isinstance(opening, str) else None,
        bool(oldest),
    )


def _text(amount: int | None) -> str | None:
    # 38 digits do not fit SQLite's integers.
    return None if amount is None else str(amount)
