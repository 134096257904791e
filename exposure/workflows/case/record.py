"""Views that keep what a question reads, and views that give it again later, with nothing else behind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from exposure.attribution.clusters import Clusters, Link
from exposure.attribution.resolve import digest_of
from exposure.casefile.evidence import Evidence, bearing
from exposure.model.assets import AssetInfo, asset_info
from exposure.model.labels import Category, Labels
from exposure.model.ledger import Incomplete, Transfer, UtxoTx
from exposure.model.policy import role_of
from exposure.model.tags import Statement
from exposure.store import tags as stored
from exposure.store.coverage import ANY
from exposure.store.histories import StoredAccountHistory, StoredUtxoHistory
from exposure.store.prices import Price
from exposure.store.store import Store
from exposure.tracing.cone import HubOf
from exposure.tracing.hubs import Counted, verdict
from exposure.workflows.labels import Snapshot, used
from exposure.workflows.ownership import LIST as HOLDINGS
from exposure.workflows.trace.options import TraceOptions
from exposure.workflows.trace.views import H, History, PriceSource, Views

MAX_LINK_TXS = 2_000
"""Transactions that link addresses to clusters, of each chain, that a case holds beside those of the flow."""
NOT_IN_CASE = "the case does not hold its history"


class _KeptAccounts(StoredAccountHistory):
    """A history that keeps what it answered."""

    def __init__(self, store: Store, chain: str, as_of: int, evidence: Evidence) -> None:
        super().__init__(store, chain, as_of)
        self.plain = StoredAccountHistory(store, chain, as_of)
        self._evidence = evidence

    def movements(self, address: str, asset: str) -> Sequence[Transfer]:
        """See `AccountHistory.movements`."""
        return self._kept(super().movements(address, asset))

    def transaction(self, tx: str) -> Sequence[Transfer]:
        """See `AccountHistory.transaction`."""
        return self._kept(super().transaction(tx))

    def incomplete(self, address: str, asset: str) -> Incomplete | None:
        """See `AccountHistory.incomplete`."""
        found = super().incomplete(address, asset)
        self._evidence.gaps[self.chain, address, asset] = found
        return found

    def _kept(self, rows: Sequence[Transfer]) -> Sequence[Transfer]:
        self._evidence.transfers.update({(self.chain, row.ref): row for row in rows})
        return rows


class _KeptCoins(StoredUtxoHistory):
    """A history that keeps what it answered."""

    def __init__(self, store: Store, chain: str, as_of: int, evidence: Evidence) -> None:
        super().__init__(store, chain, as_of)
        self.plain = StoredUtxoHistory(store, chain, as_of)
        self._evidence = evidence

    def transaction(self, tx: str) -> UtxoTx | None:
        """See `UtxoHistory.transaction`."""
        found = super().transaction(tx)
        if found is not None:
            self._evidence.txs[self.chain, tx] = found
        return found

    def incomplete(self, address: str) -> str | None:
        """See `UtxoHistory.incomplete`."""
        reason = super().incomplete(address)
        gap = None if reason is None else Incomplete(address, ANY, reason=reason)
        self._evidence.gaps[self.chain, address, ANY] = gap
        return reason


class _KeptPrices:
    """Prices that keep what they answered."""

    def __init__(self, prices: PriceSource, evidence: Evidence) -> None:
        self._prices, self._evidence = prices, evidence

    def price_at(self, asset: str, currency: str, time: int) -> Price | None:
        """See `PriceSource.price_at`."""
        found = self._prices.price_at(asset, currency, time)
        self._evidence.prices[asset, currency, time] = found
        return found


class Recording(Views):
    """A store, with everything kept that the figures hang on. ``evidence`` is whole once the question is answered."""

    indexed = False

    def __init__(self) -> None:
        self.evidence = Evidence()
        self.snapshot: Snapshot | None = None
        self.labels_used = Labels()
        self._links: dict[str, tuple[Link, ...]] = {}
        self._store: Store | None = None
        self._as_of: int | None = None

    def history(self, store: Store, chain: str, as_of: int) -> History:
        """A history that keeps what it answers."""
        plain = super().history(store, chain, as_of)
        kept = _KeptCoins if isinstance(plain, StoredUtxoHistory) else _KeptAccounts
        return kept(store, chain, as_of, self.evidence)

    def unrecorded(self, history: H) -> H:
        """The history beneath: a hub's thousands of transfers are no evidence of where value came from."""
        plain: H = history.plain if isinstance(history, _KeptAccounts | _KeptCoins) else history
        return plain

    def prices(self, store: Store) -> PriceSource:
        """Prices that keep what they answer."""
        return _KeptPrices(super().prices(store), self.evidence)

    def end_time(self, chain: str, time: int) -> int:
        """As the store has it, kept."""
        self.evidence.end_times[chain] = time
        return time

    def dust(self, asset: str, limit: int) -> int:
        """As the store's prices make it, kept."""
        self.evidence.dust[asset] = limit
        return limit

    def judged(self, chain: str, asset: str, owner: str, found: Counted) -> None:
        """Keep what was counted."""
        self.evidence.judged[chain, asset, owner] = found

    def clusters(self, store: Store, chain: str, options: TraceOptions, found: Snapshot, as_of: int) -> Clusters:
        """As the ledger has them; what holds them together is kept for those that bear on the evidence."""
        every = super().clusters(store, chain, options, found, as_of)
        self._links[chain] = every.links
        return every

    def asset_info(self, store: Store, asset: str) -> AssetInfo:
        """As the store has it, kept."""
        found = super().asset_info(store, asset)
        self.evidence.assets[asset] = (found.symbol, found.decimals)
        return found

    def labels(self, store: Store, options: TraceOptions, bounds: Mapping[str, int], together: Sequence[str] = ()) -> Snapshot:
        """As the store has them."""
        self._store, self._as_of = store, options.labels_as_of
        return super().labels(store, options, bounds, together)

    def finished(self, labels: Snapshot, with_hubs: Labels, ends: Mapping[str, int]) -> None:
        """Keep what of the labels bears on what was read, and the tags behind it."""
        assert self._store is not None
        self.snapshot, self.labels_used = labels, with_hubs
        evidence = self.evidence
        evidence.labels = replace(bearing(with_hubs, evidence), notes=(), digest=with_hubs.digest)
        evidence.label_time, evidence.ends = labels.as_of, dict(ends)
        self._keep_links()
        connection = self._store.connection
        subjects = sorted({*_subjects(evidence.labels), *stored.services(connection)})
        said = stored.statements(connection, as_of=self._as_of, subjects=subjects)
        evidence.statements = (*map(_without_customer, said), *_of_holdings(labels, set(subjects)))
        evidence.editions = tuple(stored.editions(connection, as_of=self._as_of, accepted=True))
        used_actors = {said.tag.actor for said in evidence.statements}
        evidence.actors = {key: actor for key, actor in labels.actors.items() if key in used_actors}

    def _keep_links(self) -> None:
        """The links of the clusters that bear on the evidence, and the first transactions that they follow from."""
        assert self._store is not None
        owners = self.evidence.labels.owners
        own = {name for name, one in self.evidence.labels.boundaries.items() if one.category == Category.OWN_INSTITUTION}
        kept: list[Link] = []
        for chain, links in self._links.items():
            used = [
                link for link in links if owners.get(link.one, "") == owners.get(link.other) and owners[link.one] not in own
            ]
            kept += used
            history = super().history(self._store, chain, self.evidence.ends[chain])
            for tx in list(dict.fromkeys(link.tx for link in used))[:MAX_LINK_TXS]:
                self._keep_transaction(history, tx)
        self.evidence.links = tuple(kept)

    def _keep_transaction(self, history: History, tx: str) -> None:
        found = history.transaction(tx)
        if isinstance(found, UtxoTx):
            self.evidence.txs[history.chain, tx] = found
        elif found is not None:
            self.evidence.transfers.update({(history.chain, row.ref): row for row in found})


def _without_customer(said: Statement) -> Statement:
    """Whose deposit address it is concerns nobody who reads a case."""
    if said.tag.category is not Category.OWN_INSTITUTION:
        return said
    return replace(said, tag=replace(said.tag, reference=""))


def _of_holdings(labels: Snapshot, subjects: set[str]) -> Iterator[Statement]:
    """What followed from holdings, as a statement with its reason: the holdings themselves are not in a case."""
    for (_, subject), those in labels.standings.items():
        for standing in those if subject in subjects else ():
            if standing.statement.list_name == HOLDINGS:
                yield replace(standing.statement, editions=(), added_at=standing.first_seen or 0)


def _subjects(labels: Labels) -> set[str]:
    """Everything that a snapshot says something of, with the members of its clusters."""
    groups: Iterable[Mapping[object, object]] = (
        labels.seeds,
        labels.coin_seeds,
        labels.tx_seeds,
        labels.asset_seeds,
        labels.boundaries,
        labels.pass_through,
        labels.owners,
    )  # type: ignore[assignment]  # mappings of different keys, of which only the text is taken
    return {str(key) for group in groups for key in group} | labels.joint


class _GivenAccounts(StoredAccountHistory):
    """The history that a case holds, up to the block of its run."""

    def __init__(self, store: Store, chain: str, as_of: int, evidence: Evidence) -> None:
        super().__init__(store, chain)
        self.as_of, self._evidence = as_of, evidence

    def incomplete(self, address: str, asset: str) -> Incomplete | None:
        """What coverage answered in the run."""
        unknown = Incomplete(address, asset, reason=NOT_IN_CASE)
        return self._evidence.gaps.get((self.chain, address, asset), unknown)


class _GivenCoins(StoredUtxoHistory):
    """The history that a case holds, up to the block of its run."""

    def __init__(self, store: Store, chain: str, as_of: int, evidence: Evidence) -> None:
        super().__init__(store, chain)
        self.as_of, self._evidence = as_of, evidence

    def incomplete(self, address: str) -> str | None:
        """What coverage answered in the run."""
        gap = self._evidence.gaps.get((self.chain, address, ANY), Incomplete(address, ANY, reason=NOT_IN_CASE))
        return None if gap is None else gap.reason


class _GivenPrices:
    """The prices that a case holds."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    def price_at(self, asset: str, currency: str, time: int) -> Price | None:
        """See `PriceSource.price_at`."""
        return self._evidence.prices.get((asset, currency, time))


class Replaying(Views):
    """A case's evidence in the place of a store (which holds its rows)."""

    indexed = False

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self.recounted: dict[tuple[str, str, str], Counted] = {}
        self.dusts: dict[str, int] = {}

    def history(self, store: Store, chain: str, as_of: int) -> History:
        """What the case holds of a chain."""
        end = self._evidence.ends.get(chain, as_of)
        plain = super().history(store, chain, as_of)
        given = _GivenCoins if isinstance(plain, StoredUtxoHistory) else _GivenAccounts
        return given(store, chain, end, self._evidence)

    def end_time(self, chain: str, time: int) -> int:
        """What the case says: its rows end earlier."""
        return self._evidence.end_times.get(chain, time)

    def dust(self, asset: str, limit: int) -> int:
        """What the case says; what its prices make of it is kept, to be compared."""
        self.dusts[asset] = limit
        return self._evidence.dust.get(asset, limit)

    def judged(self, chain: str, asset: str, owner: str, found: Counted) -> None:
        """Keep what the folder's rows count."""
        self.recounted[chain, asset, owner] = found

    def hub_of(self, chain: str, asset: str, threshold: int, judge: HubOf) -> HubOf:
        """By what was counted in the run; the rows of the folder are counted all the same, to be compared with it."""

        def ask(owner: str) -> str | None:
            by_rows, counted = judge(owner), self._evidence.judged.get((chain, asset, owner))
            return by_rows if counted is None else verdict(counted, threshold)

        return ask

    def prices(self, store: Store) -> PriceSource:
        """What the case holds."""
        return _GivenPrices(self._evidence)

    def asset_info(self, store: Store, asset: str) -> AssetInfo:
        """What the case holds."""
        known = asset_info(asset)
        symbol, decimals = self._evidence.assets.get(asset, (known.symbol, known.decimals))
        return AssetInfo(symbol, decimals, known.usd_peg)

    def labels(self, store: Store, options: TraceOptions, bounds: Mapping[str, int], together: Sequence[str] = ()) -> Snapshot:
        """The case's own snapshot; who is a hub in which asset is found by the way, as in the run."""
        labels, now = replace(self._evidence.labels, hubs={}), self._evidence.label_time
        newest = {edition.name: edition for edition in self._evidence.editions}
        return Snapshot(
            labels=replace(labels, digest=digest_of(labels)),
            as_of=now,
            editions=tuple(used(edition, now) for edition in newest.values()),
            official=frozenset(),
            warnings=(),
            standings={},
            actors={},
            roles=role_of(options.roles),
        )
