"""One shape for both kinds of ledger: the part of one that a subject's figures depend on, ready for any rule.

What differs between account and UTXO chains ends here; accounts, intervals, paths and rows are made of this alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from exposure.engines.registry import Engine
from exposure.measure.account import (
    Account,
    destination_of_coin,
    destination_of_transfer,
)
from exposure.measure.account import source as source_of
from exposure.model.labels import Labels, Seed
from exposure.model.ledger import Coin, Incomplete, Transfer, UtxoTx
from exposure.model.ports import AccountHistory, UtxoHistory
from exposure.model.results import Coverage
from exposure.model.sentences import Sentence
from exposure.model.settings import Rule, Settings
from exposure.taint.reference import account as account_reference
from exposure.taint.reference import utxo as utxo_reference
from exposure.taint.reference.gaps import declared as declared_stretches
from exposure.taint.reference.gaps import find_gaps
from exposure.taint.reference.lots import FOLLOWED, Mark, Origin, Run
from exposure.taint.reference.origins import active, owner_origin
from exposure.text import shown
from exposure.tracing.bracket import Arc, account_arcs, utxo_arcs
from exposure.tracing.cone import HubOf, Pot, PotReader, account_cone, members_of
from exposure.tracing.forward import UtxoReach, account_reach, utxo_reach, without_refused
from exposure.tracing.paths import Ways
from exposure.tracing.paths.ways import AccountWays, UtxoWays
from exposure.tracing.utxo_cone import UtxoCone, utxo_cone
from exposure.workflows.trace.own_coins import own_ends_lifted
from exposure.workflows.trace.words import SPENT_TOO_MUCH

Touched = Mapping[tuple[str, int | None, int], Sequence[tuple[str, int]]]
"""By seed, epoch and hop: addresses by which value left it (or reached it), with times."""


class Moved(NamedTuple):
    """A transfer or coin as evidence shows it. ``sender`` None: minted; ``receiver`` None: burned or a fee."""

    ref: str
    tx: str
    time: int
    block: int
    sender: str | None
    receiver: str | None
    amount: int
    flags: int = 0


@dataclass(frozen=True, slots=True)
class Subledger:
    """What one subject's figures depend on, and how to compute them.

    ``moved``: its transfers or coins by ref. ``figure(settings, strict, mark)`` runs a rule; ``account(run, ref, settings)``
    reads off the account of one of the subject's transfers. ``start(ref, origin)`` names the address, coin, transaction or
    asset by which value of an origin began to move with ``ref``. ``reached``: transfers that a seed received (destination).
    ``feeding``: the transfers whose composition matters. ``refused``: how much the budget left out. ``gaps``: incomplete
    histories it uses. ``touched``: by seed, epoch and hop the addresses by which value began to move, and when, where that is
    known for more than is in ``moved``; ``evidence`` is then the part in which paths are looked for, with its own figures, and
    ``note`` says so. ``unread``: why histories were left out whatever the budget, or empty; ``why_refused``: why what
    the budget left out was not read off an index.
    """

    labels: Labels
    moved: Mapping[str, Moved]
    transactions: int
    refused: int
    gaps: tuple[Coverage, ...]
    figure: Callable[[Settings, bool, Mark | None], Run]
    account: Callable[[Run, str, Settings], Account]
    ways: Callable[[Run], Ways]
    start: Callable[[str, Origin], str]
    arcs: Callable[[str], list[Arc]] | None = None
    reached: Mapping[str, Seed] = field(default_factory=dict)
    feeding: frozenset[str] = frozenset()
    touched: Callable[[Rule], Touched] | None = None
    evidence: Subledger | None = None
    note: str = ""
    unread: str = ""
    why_refused: str = ""


class AccountLedger:
    """An account chain's history as one question sees it."""

    def __init__(
        self,
        chain: str,
        history: AccountHistory,
        labels: Labels,
        engine: Engine,
        hubs: Callable[[str], HubOf],
        reader: PotReader | None = None,
    ) -> None:
        self.chain, self.history, self.labels, self.engine = chain, history, labels, engine
        self._hubs = hubs
        self._reader = reader or PotReader(history, labels)
        self._members = members_of(labels)

    @property
    def reader(self) -> PotReader:
        """Pots, each read once for all questions."""
        return self._reader

    def source(self, subjects: Sequence[Transfer | Coin], settings: Settings, *, whole: bool = False) -> Subledger:
        """All that bears on where some transfers of one asset came from; ``whole``: a part of it is of no use."""
        wanted = [row for row in subjects if isinstance(row, Transfer)]
        hubs = self._hubs(wanted[0].asset)
        cone = account_cone(self._reader, wanted, self.labels, settings, hub_of=hubs, whole=whole)
        gaps = self._gaps(cone.pots)
        rows = _detached(cone.transfers, cone.given)
        by_ref = {row.ref: row for row in cone.transfers}

        def figure(options: Settings, strict: bool, mark: Mark | None) -> Run:
            incomplete = gaps if strict else None
            if mark is not None:
                return account_reference.run(rows, cone.labels, options, incomplete=incomplete, given=cone.given, mark=mark)
            return self.engine.account(rows, cone.labels, options, incomplete=incomplete, given=cone.given)

        return Subledger(
            labels=cone.labels,
            moved={row.ref: _moved(row) for row in cone.transfers},
            transactions=cone.transactions,
            refused=len(cone.refused),
            gaps=tuple(self.coverage(gap) for gap in gaps),
            figure=figure,
            account=lambda run, ref, options: source_of(run.received[ref], options.max_hops),
            ways=lambda run: AccountWays(cone.transfers, cone.given, cone.labels, run),
            start=lambda ref, origin: _account_start(cone.labels, by_ref[ref], origin),
            feeding=cone.feeding,
            unread=self._unread(cone.too_long),
            arcs=lambda ref: account_arcs(cone.transfers, cone.labels, ref, given=cone.given),
        )

    def _unread(self, pots: Sequence[Pot]) -> str:
        if not pots:
            return ""
        return Sentence("no_bounds.long_history", who=shown(pots[0][0], 80), n=len(pots), most=self._reader.longest)

    def destination(self, subject: Transfer | Coin, settings: Settings, *, of: str | None = None) -> Subledger:
        """All that bears on where a transfer's value went (``of`` says nothing new here: a transfer has one sender)."""
        assert isinstance(subject, Transfer)
        reach = account_reach(self._reader, subject, self.labels, settings, hub_of=self._hubs(subject.asset))
        gaps = self._gaps(reach.pots)
        rows = _detached(reach.transfers, reach.given)

        def figure(options: Settings, strict: bool, mark: Mark | None) -> Run:
            incomplete = gaps if strict else None
            if mark is not None:
                return account_reference.run(
                    rows,
                    reach.labels,
                    options,
                    incomplete=incomplete,
                    given=reach.given,
                    follow=subject.ref,
                    mark=mark,
                )
            return self.engine.account(
                rows, reach.labels, options, incomplete=incomplete, given=reach.given, follow=subject.ref
            )

        def account(run: Run, _ref: str, options: Settings) -> Account:
            found = destination_of_transfer(run, reach.transfers, reach.labels, options.max_hops)
            cut = [lot for lot in run.received[subject.ref] if lot.origin != FOLLOWED]  # by an engine that counts coarser
            found |= source_of(cut, options.max_hops)
            refused = ((pot[0], lots) for pot, lots in run.held.items() if pot in reach.refused)
            return without_refused(found, refused, options.max_hops)

        return Subledger(
            labels=reach.labels,
            moved={row.ref: _moved(row) for row in reach.transfers},
            transactions=reach.transactions,
            refused=len(reach.refused),
            gaps=tuple(self.coverage(gap) for gap in gaps),
            figure=figure,
            account=account,
            ways=lambda run: AccountWays(reach.transfers, reach.given, reach.labels, run, subject=subject.ref),
            start=lambda ref, _origin: subject.sender or "",
            reached=_reached(reach.labels, ((row.ref, row.receiver, row.time) for row in reach.transfers)),
        )

    def _gaps(self, pots: Iterable[Pot]) -> list[Incomplete]:
        """Pots that coverage declares incomplete, and those whose whole stored history shows that something is missing."""
        found: list[Incomplete] = []
        for owner, asset in pots:
            members = self._members(owner)
            declared = [gap for gap in (self.history.incomplete(address, asset) for address in members) if gap is not None]
            if declared:
                found += [*declared, *self._proven((owner, asset), members[0], declared)]
            elif self._falls_short((owner, asset)):
                found.append(Incomplete(members[0], asset, reason=SPENT_TOO_MUCH))
        return found

    def _falls_short(self, pot: Pot) -> bool:
        balance, owner = 0, pot[0]
        becomes_seed = owner in self.labels.seeds  # a pot up to its designation: what leaves it later is not drawn from it
        for row in self._reader.movements(pot):
            sender = None if row.sender is None else self.labels.owner(row.sender)
            receiver = None if row.receiver is None else self.labels.owner(row.receiver)
            if sender == receiver:
                continue
            if receiver == owner:
                balance += row.amount
            elif not becomes_seed or owner_origin(self.labels, owner, row.time) is None:
                balance -= row.amount
                if balance < 0:
                    return True
        return False

    def _proven(self, pot: Pot, address: str, declared: Sequence[Incomplete]) -> list[Incomplete]:
        """Gaps that a shortfall proves where coverage declares a later one, or none, since the last known balance.

        The shortfall may lie behind the deposit, so that the traced part of the ledger does not show it.
        """
        rows = self._reader.movements(pot)
        stated = declared_stretches(declared, self.labels, lifo=False)[pot]
        proven = find_gaps(rows, self.labels, openings={}, incomplete=declared, rule=Rule.FIFO).stretches[pot]
        found = []
        for place, (before, after) in enumerate(zip(stated, proven, strict=True)):
            if after.gap == before.gap:
                continue
            if place:
                found.append(Incomplete(address, pot[1], since=after.start, reason=SPENT_TOO_MUCH))
                continue
            known = stated[1] if len(stated) > 1 else None
            until, balance = (None, None) if known is None else (known.start, known.balance)
            found.append(Incomplete(address, pot[1], until=until, balance=balance, reason=SPENT_TOO_MUCH))
        return found

    def coverage(self, gap: Incomplete) -> Coverage:
        """A gap as a report names it."""
        return Coverage(
            self.chain,
            gap.address,
            gap.asset,
            complete=False,
            reason=gap.reason,
            from_block=None if gap.until is None else gap.until.block,
            to_block=None if gap.since is None else gap.since.block,
        )


class UtxoLedger:
    """A UTXO chain's history as one question sees it."""

    def __init__(self, chain: str, history: UtxoHistory, labels: Labels, engine: Engine, hub_of: HubOf) -> None:
        self.chain, self.history, self.labels, self.engine = chain, history, labels, engine
        self._hub_of = hub_of

    def source(self, subjects: Sequence[Transfer | Coin], settings: Settings) -> Subledger:
        """All that bears on where some coins came from."""
        wanted = [coin for coin in subjects if isinstance(coin, Coin)]
        cone = utxo_cone(self.history, wanted, self.labels, settings, hub_of=self._hub_of)

        def figure(options: Settings, strict: bool, mark: Mark | None) -> Run:
            if mark is not None:
                return utxo_reference.run(cone.txs, cone.labels, options, strict=strict, given=cone.given, mark=mark)
            return self.engine.utxo(cone.txs, cone.labels, options, strict=strict, given=cone.given)

        return Subledger(
            labels=cone.labels,
            moved=_moved_coins(cone.txs),
            transactions=cone.transactions,
            refused=len(cone.refused),
            gaps=self._gaps(cone.txs, cone.given),
            figure=figure,
            account=lambda run, ref, options: source_of(run.received[ref], options.max_hops),
            ways=lambda run: UtxoWays(cone.txs, cone.labels, run),
            start=_utxo_start(cone),
            feeding=cone.feeding,
            arcs=lambda ref: utxo_arcs(cone.txs, cone.labels, ref, given=cone.given),
        )

    def destination(self, subject: Transfer | Coin, settings: Settings, *, of: str | None = None) -> Subledger:
        """All that bears on where a coin's value went; ``of``: the address whose coin it is, if that is the question."""
        assert isinstance(subject, Coin)
        owner = None if of is None else self.labels.owner(of)
        labels = self.labels if owner is None else own_ends_lifted(self.labels, owner)

        def hub_of(other: str) -> str | None:
            return None if other == owner else self._hub_of(other)

        reach = utxo_reach(self.history, subject, labels, settings, hub_of=hub_of)
        followed = str(subject)
        unknown = self._perhaps_spent(reach)

        def figure(options: Settings, strict: bool, mark: Mark | None) -> Run:
            if mark is not None:
                run = utxo_reference.run(reach.txs, reach.labels, options, strict=strict, follow=followed, mark=mark)
            else:
                run = self.engine.utxo(reach.txs, reach.labels, options, strict=strict, follow=followed)
            return _without_unknown(run, reach, unknown) if strict else run

        def account(run: Run, _ref: str, options: Settings) -> Account:
            found = destination_of_coin(run, reach.txs, reach.labels, options.max_hops)
            outputs = {tx.tx: tx.outputs for tx in reach.txs}
            refused = (
                (reach.labels.owner(outputs[coin.tx][coin.n].address), run.held.get((str(coin), ""), ()))
                for coin in reach.refused
            )
            return without_refused(found, refused, options.max_hops)

        moved = _moved_coins(reach.txs)
        return Subledger(
            labels=reach.labels,
            moved=moved,
            transactions=reach.transactions,
            refused=len(reach.refused),
            gaps=(*self._gaps(reach.txs[1:], {}, spends_only=True), *dict.fromkeys(unknown.values())),
            figure=figure,
            account=account,
            ways=lambda run: UtxoWays(reach.txs, reach.labels, run, subject=followed),
            start=lambda ref, _origin: moved[followed].sender or "",
            reached=_reached(reach.labels, ((row.ref, row.receiver, row.time) for row in moved.values())),
        )

    def _perhaps_spent(self, reach: UtxoReach) -> dict[Coin, Coverage]:
        """Coins that no stored transaction spends, at addresses whose history is not whole, with what is missing."""
        asset = f"{self.chain}/native"
        outputs = {tx.tx: tx.outputs for tx in reach.txs}
        reasons: dict[str, str | None] = {}
        found: dict[Coin, Coverage] = {}
        for coin in sorted(reach.lying, key=str):
            address = outputs[coin.tx][coin.n].address
            if address not in reasons:
                reasons[address] = self.history.incomplete(address)
            reason = reasons[address]
            if reason is not None:
                found[coin] = Coverage(self.chain, address, asset, complete=False, reason=reason)
        return found

    def _gaps(self, txs: Iterable[UtxoTx], given: Mapping[str, Origin], *, spends_only: bool = False) -> tuple[Coverage, ...]:
        """Transactions with an input of unknown value, and inputs whose own transaction is not stored."""
        asset = f"{self.chain}/native"
        known = {tx.tx for tx in txs}
        found: dict[str, str] = {}
        for tx in txs:
            if not tx.complete:
                found.setdefault(tx.tx, "the values of some of its inputs are not known")
            if spends_only:
                continue
            for spend in tx.inputs:
                if spend.amount is None or spend.coin.tx in known or str(spend.coin) in given:
                    continue
                owner = None if spend.address is None else self.labels.owner(spend.address)
                if owner is None or owner_origin(self.labels, owner, tx.time) is None:
                    found.setdefault(spend.coin.tx, "this transaction is not stored")
        return tuple(Coverage(self.chain, tx, asset, complete=False, reason=reason) for tx, reason in found.items())


def _without_unknown(run: Run, reach: UtxoReach, unknown: Mapping[Coin, Coverage]) -> Run:
    """A run in which nothing is held by a coin that may be spent: what lies there is lost to the owner's missing history."""
    for coin, gap in unknown.items():
        lots = run.held.pop((str(coin), ""), ())
        owner = (reach.labels.owner(gap.address), "")
        run.lost[owner] = (*run.lost.get(owner, ()), *lots)
    return run


def _moved(row: Transfer) -> Moved:
    return Moved(row.ref, row.tx, row.time, row.place.block, row.sender, row.receiver, row.amount, row.flags)


def _moved_coins(txs: Iterable[UtxoTx]) -> dict[str, Moved]:
    """Coins by name; of several senders the one that put in most stands for all."""
    moved = {}
    for tx in txs:
        sender = _payer(tx)
        for n, output in enumerate(tx.outputs):
            ref = f"{tx.tx}:{n}"
            moved[ref] = Moved(ref, tx.tx, tx.time, tx.place.block, sender, output.address, output.amount)
    return moved


def _payer(tx: UtxoTx) -> str | None:
    """Who put in most; where no address is known the coin that was spent, since only a coinbase has no sender."""
    if tx.coinbase:
        return None
    known = [(spend.amount or 0, -n, spend.address) for n, spend in enumerate(tx.inputs) if spend.address is not None]
    if known:
        return max(known)[2]
    return str(tx.inputs[0].coin) if tx.inputs else f"{tx.tx}:in"


def _detached(transfers: Sequence[Transfer], given: Mapping[str, Origin]) -> list[Transfer]:
    """Transfers of an imposed composition without their sender, whose pot is not known up to them: a search for gaps would
    take it for overdrawn.
    """
    return [replace(row, sender=None) if row.ref in given else row for row in transfers]


def _account_start(labels: Labels, row: Transfer, origin: Origin) -> str:
    """The seed's address behind a transfer; the transaction, where it is a reported theft; the asset, where that is listed."""
    if row.sender is not None:
        seed = labels.seed_at(labels.owner(row.sender), row.time)
        if seed is not None and seed.name == origin.name:
            return row.sender
    theft = active(labels.tx_seeds.get(row.tx), labels, row.time)
    return row.tx if theft is not None and theft.name == origin.name else row.asset


def _utxo_start(cone: UtxoCone) -> Callable[[str, Origin], str]:
    txs = {tx.tx: tx for tx in cone.txs}

    def start(ref: str, origin: Origin) -> str:
        """The seed's address behind a coin; the coin or transaction itself, where it is a reported theft."""
        tx = txs[ref.rpartition(":")[0]]
        for spend in tx.inputs:
            if spend.address is not None:
                seed = cone.labels.seed_at(cone.labels.owner(spend.address), tx.time)
                if seed is not None and seed.name == origin.name:
                    return spend.address
        theft = cone.labels.tx_seeds.get(tx.tx)
        return tx.tx if theft is not None and theft.name == origin.name else ref

    return start


def _reached(labels: Labels, rows: Iterable[tuple[str, str | None, int]]) -> dict[str, Seed]:
    """The seed that each transfer (coin) reached, by ref."""
    found = {}
    for ref, receiver, time in rows:
        seed = None if receiver is None else labels.seed_at(labels.owner(receiver), time)
        if seed is not None:
            found[ref] = seed
    return found
