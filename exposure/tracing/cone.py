"""The ancestral cone of a subject on an account chain: the part of the ledger that can bear on its figures.

The figures of a subject come from the *forward* rule, run over this part alone. What a transfer carries depends on its
sender's pot at that place: on every movement of that pot before it, and, for each inflow among these, on its own
sender's pot at *its* place. So the search goes backward from pot to pot and ends at seeds, services, hubs and mints,
whose outflows have a composition of their own.

Reach. With a limit of N hops, a part of transfer x counts for the subject only if it arrives with at most ``reach(x)``
hops: N for the subject itself, one less for each transfer in between. What x carries has at least one hop (a reported
theft: none), so a sender whose transfers have reach 0 need not be looked at: all it sent is "beyond". This holds for
tiho too: there the parts that will be beyond at the subject (tainted ones of too many hops, unresolved ones, attributed
ones of too many hops) are neighbours in the order in which lots leave, so it does not matter which of them left.
"""

from __future__ import annotations

import heapq
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from exposure.model.labels import Labels
from exposure.model.ledger import Kind, Transfer
from exposure.model.ports import AccountHistory
from exposure.model.settings import Rule, Settings
from exposure.taint.reference.lots import BEYOND, Origin
from exposure.taint.reference.origins import active, owner_origin
from exposure.tracing.memory import order_of

Pot = tuple[str, str]
HubOf = Callable[[str], str | None]
"""Says why an untagged owner is a hub, or None. It must answer the same for the whole run."""

BUDGET = Origin("unresolved", "budget")
UNLIMITED = sys.maxsize
"""Reach without a hop limit; it does not shrink."""


def no_hubs(_owner: str) -> str | None:
    """Nobody is a hub but those the label snapshot names."""
    return None


@dataclass(frozen=True, slots=True)
class Cone:
    """A part of an account ledger that gives a subject the same figures as the whole.

    ``transfers`` are in canonical order. ``given``: composition imposed on transfers whose sender was not looked at.
    ``labels``: the snapshot with the hubs found on the way. ``pots``: those that were read, in order of their discovery.
    ``transactions``: distinct ones in ``transfers``. ``refused``: transfers left out for the budget, or as their sender's pot
    is one of ``too_long``, which were not to be read. ``feeding``: the transfers whose composition was asked for; the others
    only make pots smaller.
    """

    transfers: tuple[Transfer, ...]
    given: Mapping[str, Origin]
    labels: Labels
    pots: tuple[Pot, ...]
    transactions: int
    refused: tuple[str, ...] = ()
    feeding: frozenset[str] = frozenset()
    too_long: tuple[Pot, ...] = ()


def initial_reach(settings: Settings) -> int:
    """Reach of the subject itself. Poison has no limit: a flag that came by a long way is no flag of its own where the same
    flag also came by a short one, so all ways must be known.
    """
    return UNLIMITED if settings.max_hops is None or settings.rule is Rule.POISON else settings.max_hops


def one_less(reach: int) -> int:
    """Reach one hop further back."""
    return reach if reach == UNLIMITED else reach - 1


def moves(transfer: Transfer, labels: Labels) -> bool:
    """Whether a transfer moves value from one owner to another."""
    if transfer.failed or not transfer.amount:
        return False
    if transfer.sender is None or transfer.receiver is None:
        return True
    return labels.owner(transfer.sender) != labels.owner(transfer.receiver)


def members_of(labels: Labels) -> Callable[[str], Sequence[str]]:
    """A function from an owner to its addresses."""
    members: dict[str, list[str]] = defaultdict(list)
    for address, owner in labels.owners.items():
        members[owner].append(address)
    for owner, addresses in members.items():
        if owner not in labels.owners and owner not in addresses:
            addresses.append(owner)
    return lambda owner: sorted(members.get(owner, (owner,)))


class PotReader:
    """Movements of whole pots, each read once: those of all addresses of an owner, in canonical order."""

    def __init__(self, history: AccountHistory, labels: Labels) -> None:
        self._history = history
        self._members = members_of(labels)
        self._pots: dict[Pot, tuple[Transfer, ...]] = {}
        self._places: dict[Pot, dict[str, int]] = {}

    def movements(self, pot: Pot) -> tuple[Transfer, ...]:
        """Every stored movement of a pot."""
        if pot not in self._pots:
            rows = {row.ref: row for address in self._members(pot[0]) for row in self._history.movements(address, pot[1])}
            self._pots[pot] = tuple(sorted(rows.values(), key=order_of))
        return self._pots[pot]

    longest = sys.maxsize
    """Movements past which a pot is not to be read."""

    def too_long(self, pot: Pot) -> bool:
        """Whether a pot is not to be read, as more than any budget; here, none is."""
        return False

    def place(self, pot: Pot, transfer: Transfer) -> int:
        """Position of a transfer among the movements of its sender's pot."""
        if pot not in self._places:
            self._places[pot] = {row.ref: n for n, row in enumerate(self.movements(pot))}
        return self._places[pot][transfer.ref]


def account_cone(
    reader: PotReader,
    subjects: Sequence[Transfer],
    labels: Labels,
    settings: Settings,
    *,
    hub_of: HubOf = no_hubs,
    whole: bool = False,
) -> Cone:
    """The cone of some transfers.

    Parameters
    ----------
    reader
        Histories of pots, bounded by the as-of place.
    subjects
        The transfers whose composition is asked for.
    settings
        ``max_hops`` bounds how far back the search goes; ``max_transactions`` how many distinct transactions it may
        take in, largest transfers first. What did not fit is given the origin ``budget``.
    hub_of
        Decides about untagged senders.
    whole
        Whether a part of the cone is of no use: the search ends with the first transfer that does not fit.

    Notes
    -----
    Cost: every movement of a pot is looked at once for each reach under which the pot is needed (at most N times).
    """
    search = _Search(reader, labels, settings, hub_of)
    for transfer in subjects:
        search.want(transfer, initial_reach(settings))
    search.exhaust(whole=whole)
    return search.cone(subjects)


class _Search:
    """The frontier of a cone: transfers whose composition is wanted, largest first, and how far each pot was read."""

    def __init__(self, reader: PotReader, labels: Labels, settings: Settings, hub_of: HubOf) -> None:
        self._reader, self._labels, self._settings, self._hub_of = reader, labels, settings, hub_of
        self._hubs: dict[str, str] = {}
        self._checked: set[str] = set()
        self._wanted: dict[str, int] = {}
        self._heap: list[tuple[int, object, int, Transfer]] = []
        self._read: dict[Pot, dict[int, int]] = {}  # pot -> reach of its inflows -> position up to which they were wanted
        self._refused: dict[str, Transfer] = {}
        self._starved: set[Pot] = set()
        self._too_long: dict[Pot, None] = {}
        self._txs: set[str] = set()
        self._examined = 0

    def want(self, transfer: Transfer, reach: int) -> None:
        """Ask for the composition of a transfer, as far as parts of at most ``reach`` hops are concerned."""
        if reach <= self._wanted.get(transfer.ref, -1) or not moves(transfer, self._labels):
            return
        self._wanted[transfer.ref] = reach
        if transfer.sender is not None and not self._fixed(transfer) and reach >= (0 if self._is_theft(transfer) else 1):
            heapq.heappush(self._heap, (-transfer.amount, order_of(transfer), -reach, transfer))

    def exhaust(self, *, whole: bool = False) -> None:
        """Follow everything wanted to its origins, or to the end of the budget (``whole``: or to the first refusal)."""
        while self._heap and not (whole and self._refused):
            _, _, negative, transfer = heapq.heappop(self._heap)
            if -negative == self._wanted[transfer.ref]:
                self._expand(transfer, -negative)

    def _fixed(self, transfer: Transfer) -> bool:
        """Whether the composition of what leaves the sender is known without its history."""
        assert transfer.sender is not None
        if active(self._labels.asset_seeds.get(transfer.asset), self._labels, transfer.time) is not None:
            return True
        owner = self._labels.owner(transfer.sender)
        if owner_origin(self._labels, owner, transfer.time) is not None or owner in self._hubs:
            return True
        if owner in self._labels.seeds or owner in self._checked:
            return False
        self._checked.add(owner)
        reason = self._hub_of(owner)
        if reason is not None:
            self._hubs[owner] = reason
        return reason is not None

    def _is_theft(self, transfer: Transfer) -> bool:
        if transfer.kind is Kind.FEE:
            return False
        return active(self._labels.tx_seeds.get(transfer.tx), self._labels, transfer.time) is not None

    def _expand(self, transfer: Transfer, reach: int) -> None:
        assert transfer.sender is not None
        pot = self._labels.owner(transfer.sender), transfer.asset
        if self._is_theft(transfer):  # a theft keeps the labels that it finds, so they are needed in full
            reach = initial_reach(self._settings)
        reach = one_less(reach)
        if self._reader.too_long(pot):
            self._refused[transfer.ref] = transfer
            self._too_long[pot] = None
            return
        levels = self._read.setdefault(pot, {})
        movements = self._reader.movements(pot)
        start = max((until for level, until in levels.items() if level >= reach), default=0)
        until = self._reader.place(pot, transfer)
        if until >= start and not self._afford({row.tx for row in movements[: until + 1]}):
            self._refused[transfer.ref] = transfer
            self._starved.add(pot)
            return
        levels[reach] = max(levels.get(reach, 0), until)
        for row in movements[start:until]:
            if row.receiver is not None and self._labels.owner(row.receiver) == pot[0]:
                self.want(row, reach)

    def _afford(self, txs: set[str]) -> bool:
        """Take some transactions into the cone, if the budget allows; what was refused has been read all the same."""
        fresh = txs - self._txs
        if self._examined > self._settings.max_transactions or len(self._txs) + len(fresh) > self._settings.max_transactions:
            self._examined += len(fresh)
            return False
        self._txs |= fresh
        return True

    def cone(self, subjects: Sequence[Transfer]) -> Cone:
        """What was found, as a ledger that the reference can run over."""
        rows = {transfer.ref: transfer for transfer in subjects}
        covered: dict[str, Transfer] = {}
        pots = tuple(pot for pot, levels in self._read.items() if levels)
        for pot in pots:
            movements, until = self._reader.movements(pot), max(self._read[pot].values())
            for row in movements[: until + 1] + self._served_with(pot, movements, until):
                rows[row.ref] = row
                if row.sender is not None and self._labels.owner(row.sender) == pot[0]:
                    covered[row.ref] = row
        given = {ref: self._outside(row) for ref, row in rows.items() if ref not in covered and self._needs_origin(row)}
        return Cone(
            tuple(sorted(rows.values(), key=order_of)),
            given,
            replace(self._labels, hubs={**self._labels.hubs, **self._hubs}),
            pots,
            len({row.tx for row in rows.values()}),
            tuple(sorted(self._refused)),
            frozenset(self._wanted),
            tuple(self._too_long),
        )

    def _served_with(self, pot: Pot, movements: tuple[Transfer, ...], last: int) -> tuple[Transfer, ...]:
        """Later outflows of the last needed transaction: tiho serves a transaction's outflows together, up to an inflow."""
        together = []
        for row in movements[last + 1 :]:
            if row.tx != movements[last].tx or (row.receiver is not None and self._labels.owner(row.receiver) == pot[0]):
                break
            together.append(row)
        return tuple(together)

    def _needs_origin(self, row: Transfer) -> bool:
        return row.sender is not None and moves(row, self._labels) and not self._fixed(row)

    def _outside(self, row: Transfer) -> Origin:
        """Why the sender of a transfer was not looked at."""
        if row.ref in self._refused:
            return BUDGET
        receiver = None if row.receiver is None else (self._labels.owner(row.receiver), row.asset)
        return BUDGET if receiver in self._starved else BEYOND
