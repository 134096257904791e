"""What one deposit carries on a large store: read off the trace index, where its cone would be too large to hold.

Used where the budget of transactions is spent, so that nothing is left out: these are the figures that the reference would
give, had it the time. What the search is not made for (thefts, clusters of untagged addresses,
seeds from their designation on, listed assets, gaps that begin somewhere) goes the usual way: `Unfit`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exposure.engines.local.ancestry import ASKS, NAMED, ORDINARY, STOPS, Ancestry, Search, Unfit, marked
from exposure.engines.local.hubs import counterparties
from exposure.model.labels import Labels
from exposure.model.ledger import Incomplete, Kind, Transfer
from exposure.model.ports import AccountHistory
from exposure.model.settings import Rule
from exposure.taint.kernels import shares
from exposure.taint.kernels.ends import PLACE, SENT
from exposure.taint.reference.lots import BEYOND, Lot, Lots, Origin
from exposure.taint.reference.origins import owner_origin
from exposure.tracing.cone import members_of
from exposure.tracing.hubs import account_hubs
from exposure.workflows.trace.index import Index
from exposure.workflows.trace.ledgers import Touched
from exposure.workflows.trace.words import SPENT_TOO_MUCH

MOST_DECLARED = 20_000
"""Addresses with coverage of their own, past which the search is not used."""
MINTED = Origin("mint", "")


class Carried(NamedTuple):
    """What one transfer carries. ``touched``: by which addresses value of a seed began to move, and when. ``gaps``: incomplete
    histories that bear on it. ``looked``: movements that were read."""

    lots: Lots
    touched: Touched
    gaps: tuple[Incomplete, ...]
    looked: int


class Large:
    """One asset of a large ledger under one label snapshot.

    Parameters
    ----------
    threshold, dust
        What makes a hub; see `exposure.tracing.hubs`.
    declared
        Addresses with coverage of their own.
    looked
        Hubs by a first look at their history, of which too little is stored to count; with its words.

    Raises
    ------
    Unfit
        If nothing of this snapshot can be searched.
    """

    def __init__(
        self,
        index: Index,
        history: AccountHistory,
        labels: Labels,
        asset: str,
        *,
        threshold: int,
        dust: int,
        declared: Sequence[str] = (),
        looked: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        if asset in labels.asset_seeds:
            raise Unfit("the asset itself is listed")
        if len(declared) > MOST_DECLARED:
            raise Unfit("too many histories have coverage of their own")
        self.hubs: dict[str, str] = {}
        self._index, self._history, self._labels, self._asset = index, history, labels, asset
        self._threshold, self._dust, self._declared, self._looked = threshold, dust, declared, looked
        self._members = members_of(labels)
        self._several = account_hubs(index.counterparties, labels, asset, threshold=threshold, dust=dust)
        self._unfit = self._not_searched()
        self._joined = self._joined_pots()
        self._judged: dict[int, int] = {}
        self._figure = self._search(np.empty(0, np.int64), frozenset())
        self._strict: dict[bool, tuple[Search, frozenset[int]]] = {}

    def carried(self, subject: Transfer, rule: Rule, max_hops: int | None, *, strict: bool = False) -> Carried:
        """What a transfer carries under one of haircut, fifo and lifo; ``strict``: all that leaves a gap is unresolved.

        Raises
        ------
        Unfit
            If the search is not made for what it met.
        """
        search, leaks = self._stricter(rule) if strict else (self._figure, frozenset[int]())
        if subject.sender is None:
            return Carried((Lot(MINTED, 1, subject.amount),), {}, (), 0)
        ((_, pot),) = self._index.pots([subject.sender], self._asset)
        if search.stops(pot):
            origin = self._origin(pot, subject.time)
            named = {(origin.name, origin.epoch, 1): [(subject.sender, subject.time)]} if origin.kind == "seed" else {}
            return Carried((Lot(origin, 1, subject.amount),), named, self._gaps([pot], leaks), 1)
        found = search.trace(pot, self._place(search, subject, pot), rule, max_hops)
        return self._named(found, leaks, max_hops)

    def reason(self, owner: str) -> str | None:
        """Why an owner is a hub, or None: as `exposure.tracing.hubs.account_hubs`, from the index."""
        members = self._members(owner)
        if len(members) > 1:
            return self._several(owner) or next((self._looked[one] for one in members if one in self._looked), None)
        for _, pot in self._index.pots([owner], self._asset):
            if self._is_hub(pot):
                return self.hubs[owner]
        return None

    def length(self, owner: str) -> int:
        """Movements of an owner's pot."""
        return sum(len(self._index.run(pot)) for _, pot in self._index.pots(self._members(owner), self._asset))

    def _not_searched(self) -> frozenset[int]:
        """Pots with which the search cannot deal: of thefts, of untagged clusters, of seeds with a beginning.

        Of a theft both ends: stolen value has no hop yet where it arrives, so it counts one transfer further back than the
        search goes, and its payer would not be met.
        """
        labels, members = self._labels, self._members
        names = [
            address
            for address in {*labels.owners, *labels.owners.values()}
            if owner_origin(labels, labels.owner(address), 0) is None and len(members(labels.owner(address))) > 1
        ]
        if labels.seeds_from_designation:
            names += [owner for owner, seed in labels.seeds.items() if seed.dates]
            names += [address for address, owner in labels.owners.items() if owner in labels.seeds]
        for tx in labels.tx_seeds:
            for row in self._history.transaction(tx):
                if row.asset == self._asset and row.kind is not Kind.FEE:
                    if row.sender is None:
                        raise Unfit("newly minted value is reported stolen")
                    names.append(row.sender)
                    if row.receiver is not None and owner_origin(labels, labels.owner(row.receiver), row.time) is None:
                        names.append(row.receiver)
        return frozenset(pot for _, pot in self._index.pots(sorted(set(names)), self._asset))

    def _search(self, leaks: NDArray[np.int64], unfit: frozenset[int]) -> Search:
        """A search; ``leaks``: pots out of which all is unresolved; ``unfit``: more pots with which it cannot deal."""
        index, labels = self._index, self._labels
        marks = marked(index.ledger.pots)
        looked = {pot for _, pot in index.pots(sorted(self._looked), self._asset)}
        asks = np.union1d(index.longer_than(self._threshold), np.array(sorted(self._unfit | unfit | looked), np.int64))
        shares.put(marks, leaks, STOPS)
        shares.put(marks, asks, ASKS)
        known = sorted({*labels.seeds, *labels.boundaries, *labels.hubs, *labels.pass_through, *labels.owners})
        stops: dict[int, list[int]] = {STOPS: [], NAMED: []}
        for address, pot in index.pots(known, self._asset):
            owner = labels.owner(address)
            if pot not in self._unfit and owner_origin(labels, owner, 0) is not None:
                stops[NAMED if owner in labels.seeds else STOPS].append(pot)
        for what, pots in stops.items():
            shares.put(marks, np.array(pots, np.int64), what)
        leaking = frozenset(np.intersect1d(leaks, asks).tolist())

        def judge(pot: int) -> int:
            if pot in self._unfit or pot in unfit:
                raise Unfit("it met a theft, a cluster, or a gap that begins somewhere")
            return STOPS if self._is_hub(pot) or pot in leaking else ORDINARY

        return Search(index.ends.ends, index.ends.firsts, marks, judge)

    def _is_hub(self, pot: int) -> bool:
        if pot not in self._judged:
            run = self._index.run(pot)
            number = counterparties(run, self._one_of_owner(run["other"]), threshold=self._threshold, dust=self._dust)
            why = f"{number:,} counterparties" if number is not None else self._looked.get(self._owner(pot))
            self._judged[pot] = ORDINARY if why is None else STOPS
            if why is not None:
                self.hubs[self._owner(pot)] = why
        return self._judged[pot] == STOPS

    def _one_of_owner(self, pots: NDArray[np.int32]) -> NDArray[np.int32]:
        """One pot for all those of an owner, as they are one counterparty."""
        joined, first = self._joined
        if not len(joined):
            return pots
        place = np.minimum(np.searchsorted(joined, pots), len(joined) - 1)
        return np.where(joined[place] == pots, first[place], pots)

    def _joined_pots(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The pots of clusters, ascending, and one pot of the cluster for each."""
        owners = self._labels.owners
        found = self._index.pots(sorted({*owners, *owners.values()}), self._asset)
        first: dict[str, int] = {}
        of_owner = {pot: first.setdefault(self._labels.owner(address), pot) for address, pot in found}
        joined = np.array(sorted(of_owner), np.int32)
        return joined, np.array([of_owner[pot] for pot in joined.tolist()], np.int32)

    def _owner(self, pot: int) -> str:
        return self._labels.owner(str(self._index.ledger.addresses(np.array([pot]))[0].as_py()))

    def _stricter(self, rule: Rule) -> tuple[Search, frozenset[int]]:
        """The search behind the interval, and the pots out of which all is unresolved."""
        lifo = rule is Rule.LIFO
        if lifo not in self._strict:
            general = self._history.incomplete("", self._asset)
            if general is not None and not _from_the_beginning(general, lifo=lifo):
                raise Unfit("histories have gaps that begin somewhere")
            short = set(self._index.lacking().tolist())
            leaks = short if general is None else set(range(self._index.ledger.pots))
            unfit = set()
            for address, pot in self._index.pots(list(self._declared), self._asset):
                gap = self._history.incomplete(address, self._asset)
                if gap is None:
                    if pot not in short:  # what falls short is not whole, whatever is declared
                        leaks.discard(pot)
                elif _from_the_beginning(gap, lifo=lifo):
                    leaks.add(pot)
                else:
                    unfit.add(pot)
            some = np.array(sorted(leaks - unfit), np.int64)
            self._strict[lifo] = self._search(some, frozenset(unfit)), frozenset(leaks)
        return self._strict[lifo]

    def _place(self, search: Search, subject: Transfer, pot: int) -> int:
        """Where a transfer stands in its payer's run."""
        index = self._index
        other = -2 if subject.kind is Kind.FEE else -1
        if subject.receiver is not None:
            ((_, other),) = index.pots([subject.receiver], self._asset)
        (tx,) = index.ledger.hashes([subject.tx])
        run, amount = index.run(pot), (subject.amount & (2**64 - 1), subject.amount >> 64)
        places = [
            at
            for at in search.find(pot, index.rows_of(subject.place.block))
            if run[at]["at"] & SENT
            and (int(run[at]["low"]), int(run[at]["high"])) == amount
            and int(run[at]["other"]) == other
            and int(index.ledger.columns["tx"][int(run[at]["row"] & PLACE)]) == tx
        ]
        if len(places) > 1:  # the same movement several times in one transaction: by its turn
            same = [row.ref for row in self._history.transaction(subject.tx) if _alike(row, subject)]
            places = places[same.index(subject.ref) :]
        return places[0]

    def _origin(self, pot: int, time: int) -> Origin:
        owner = self._owner(pot)
        origin = owner_origin(self._labels, owner, time)
        if origin is not None:
            return origin
        return Origin("unresolved", f"hub:{owner}" if self._judged.get(pot) == STOPS else f"incomplete:{owner}")

    def _gaps(self, pots: Sequence[int], leaks: frozenset[int]) -> tuple[Incomplete, ...]:
        found = []
        for pot in pots:
            if pot in leaks and self._judged.get(pot) != STOPS:
                address = str(self._index.ledger.addresses(np.array([pot]))[0].as_py())
                if owner_origin(self._labels, self._labels.owner(address), 0) is None:
                    gap = self._history.incomplete(address, self._asset)
                    found.append(gap or Incomplete(address, self._asset, reason=SPENT_TOO_MUCH))
        return tuple(found)

    def _named(self, found: Ancestry, leaks: frozenset[int], max_hops: int | None) -> Carried:
        """Lots under the names that the reference gives, added up."""
        ledger, labels = self._index.ledger, self._labels
        sums: dict[tuple[Origin, int], Any] = defaultdict(int)
        touched: dict[tuple[str, int | None, int], dict[str, list[int]]] = defaultdict(dict)
        pots = np.unique(np.concatenate([found.origins.pot, found.lacking.pot])).astype(np.int64)
        pots = pots[pots >= 0]
        owners = dict(zip(pots.tolist(), map(labels.owner, ledger.addresses(pots).to_pylist()), strict=True))
        names = dict(zip(pots.tolist(), ledger.addresses(pots).to_pylist(), strict=True))
        seeds = np.array([pot for pot in pots.tolist() if owners[pot] in labels.seeds], np.int64)
        of_seeds = np.isin(found.origins.pot, seeds)
        for pot, row, hop, amount in zip(*(column[of_seeds].tolist() for column in found.origins), strict=True):
            time = int(ledger.columns["time"][row])
            origin = self._origin(pot, time)
            sums[origin, hop] += amount
            times = touched[origin.name, origin.epoch, hop].setdefault(names[pot], [time, time])
            times[:] = min(times[0], time), max(times[1], time)
        others = (column[~of_seeds] for column in (found.origins.pot, found.origins.hop, found.origins.amount))
        for pot, hop, amount in _added(*others):
            sums[MINTED if pot < 0 else self._origin(pot, 0), hop] += amount
        for pot, hop, amount in _added(*found.lacking):
            sums[Origin("unresolved", f"shortfall:{owners[pot]}"), hop] += amount
        if found.beyond:
            sums[BEYOND, (max_hops or 0) + 1] += found.beyond
        lots = tuple(Lot(origin, hop, amount) for (origin, hop), amount in sums.items())
        ends = {row: [(name, time) for name, times in by.items() for time in times] for row, by in touched.items()}
        return Carried(lots, ends, self._gaps([pot for pot in pots.tolist() if pot in leaks], leaks), found.looked)


def _added(pots: NDArray[Any], hops: NDArray[Any], amounts: NDArray[Any]) -> Iterable[tuple[int, int, Any]]:
    """Amounts added up by pot and hop; whole numbers are left for the caller to add, exactly."""
    if amounts.dtype == object or not len(pots):
        return zip(pots.tolist(), hops.tolist(), amounts.tolist(), strict=True)
    most = int(hops.max()) + 1
    keys, place = np.unique(pots.astype(np.int64) * most + hops, return_inverse=True)
    totals = np.bincount(place, amounts)
    return zip((keys // most).tolist(), (keys % most).tolist(), totals.tolist(), strict=True)


def _from_the_beginning(gap: Incomplete, *, lifo: bool) -> bool:
    """Whether all that ever left a pot is unresolved."""
    return gap.since is None and gap.until is None and not (lifo and gap.oldest)


def _alike(row: Transfer, other: Transfer) -> bool:
    def said(one: Transfer) -> tuple[Any, ...]:
        return one.asset, one.sender, one.receiver, one.amount, one.kind is Kind.FEE, one.failed, one.place.block

    return said(row) == said(other)
