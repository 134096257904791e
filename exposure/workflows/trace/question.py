"""One question on its way: its ledgers, what has been read for them, and the accounts under each rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from exposure.engines.registry import Engine
from exposure.measure.account import RISK, Part, categories
from exposure.model.assets import AssetInfo
from exposure.model.labels import Labels, Seed
from exposure.model.ledger import Coin, Transfer
from exposure.model.provenance import LedgerEnd
from exposure.model.results import OneWay, Section, Subject
from exposure.model.sentences import Sentence
from exposure.model.settings import CONSERVING, DEFAULT_MAX_TRANSACTIONS, Rule, Settings
from exposure.store.histories import StoredAccountHistory, StoredUtxoHistory
from exposure.store.store import Store
from exposure.taint.reference.lots import Origin, Run
from exposure.tracing.bracket import Arc, bracket, bracket_of, carrying
from exposure.tracing.cone import HubOf
from exposure.tracing.hubs import Seen, account_hubs, lifted, utxo_hubs, verdict
from exposure.tracing.paths import Ways
from exposure.workflows.labels import Snapshot
from exposure.workflows.seen_hubs import SeenHubs
from exposure.workflows.trace import expanded
from exposure.workflows.trace.indexed import RULES as INDEXED
from exposure.workflows.trace.indexed import Indexed, Told, untold
from exposure.workflows.trace.ledgers import AccountLedger, Moved, Subledger, UtxoLedger
from exposure.workflows.trace.matter import Matter, own_flags
from exposure.workflows.trace.options import TraceOptions
from exposure.workflows.trace.own_coins import counted_from_spending
from exposure.workflows.trace.sections import section
from exposure.workflows.trace.subjects import Ledgers, Target, made_by
from exposure.workflows.trace.views import Views
from exposure.workflows.trace.worth import Worth

BRACKET_TRANSACTIONS = 5_000
"""Transactions of a deposit's whole ancestry, without hop limit, up to which its bracket is computed."""
FOLLOWED_SHARE = 5
"""All transfers of one address together may take this part (a fifth) of the budget, as each is followed by itself."""

Ledger = AccountLedger | UtxoLedger


def end_of(store: Store, ledgers: Ledgers, chain: str, options: TraceOptions, views: Views) -> LedgerEnd:
    """Up to where a question sees a chain's ledger."""
    head = store.head_time(chain) or 0
    time = views.end_time(chain, head if options.as_of is None else min(head, options.as_of))
    return LedgerEnd(chain, ledgers.history(chain).as_of, time)


def moved_row(ledgers: Ledgers, chain: str, row: Transfer | Coin) -> Moved:
    """A subject's transfer or coin as evidence shows it."""
    if isinstance(row, Transfer):
        return Moved(row.ref, row.tx, row.time, row.place.block, row.sender, row.receiver, row.amount, row.flags)
    made = made_by(ledgers.history(chain), row)
    sender = next((spend.address for spend in made.inputs if spend.address is not None), None)
    output = made.outputs[row.n]
    return Moved(str(row), row.tx, made.time, made.place.block, sender, output.address, output.amount)


@dataclass(frozen=True, slots=True)
class _Bracket:
    """At least and at most by category, or why not."""

    values: dict[str, tuple[int, int]]
    why_none: str = ""
    cuts: dict[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)


class Tracing:
    """One question's histories, labels and prices, and what has been read for it."""

    def __init__(
        self,
        store: Store,
        options: TraceOptions,
        ledgers: Ledgers,
        labels: Snapshot,
        chosen: Engine,
        views: Views,
        told: Told = untold,
    ) -> None:
        self._store, self._options, self._histories, self._labels, self._engine = store, options, ledgers, labels, chosen
        self._views = views
        self._prices = views.prices(store)
        self._ledgers: dict[str, Ledger] = {}
        self.expanded = expanded.owners_of(options.expanded, labels.labels)
        self.let_through: expanded.Told = {}
        self.hubs: dict[str, str] = {}
        self.missing: list[str] = []
        self._indexed = Indexed(store, labels.labels, chosen, options, told)
        self.close = self._indexed.close
        self._txs: set[tuple[str, str]] = set()
        self._rows = 0

    def counts(self) -> dict[str, int]:
        """What was looked at."""
        return {"transactions": len(self._txs), "hubs": len(self.hubs)}

    def sections(self, target: Target) -> list[Section]:
        """Every account of one subject: by direction, then by rule."""
        made: list[Section] = []
        if target.source:
            made += self._source(target)
        if target.destination:
            made += self._destination(target)
        return made

    def _settings(self, rule: Rule, max_hops: int | None, max_transactions: int) -> Settings:
        return Settings(rule, max_hops, max_transactions=max_transactions, engine=self._engine.name)

    def _ledger(self, chain: str) -> Ledger:
        if chain not in self._ledgers:
            history, labels = self._histories.history(chain), self._labels.labels
            options = self._options
            if isinstance(history, StoredUtxoHistory):
                native, plain = f"{chain}/native", self._views.unrecorded(history)
                hubs = utxo_hubs(
                    plain,
                    labels,
                    threshold=options.hub_counterparties,
                    dust=self._dust(chain, native),
                    seen=self._seen(chain, native),
                )
                seen = SeenHubs(self._store, plain, options.hub_counterparties)
                hubs = seen.beside(hubs, native, labels, self._seen(chain, native))
                self._ledgers[chain] = UtxoLedger(chain, history, labels, self._engine, self._decided(chain, native, hubs))
            else:
                self._ledgers[chain] = self._account_ledger(chain, history, labels)
        return self._ledgers[chain]

    def _account_ledger(self, chain: str, history: StoredAccountHistory, labels: Labels) -> AccountLedger:
        judges: dict[str, Callable[[str], str | None]] = {}
        plain = self._views.unrecorded(history)
        seen = SeenHubs(self._store, plain, self._options.hub_counterparties)

        def hubs(asset: str) -> Callable[[str], str | None]:
            if asset not in judges:
                hubs_of_asset = account_hubs(
                    self._indexed.counterparties(plain) if self._views.indexed else plain.counterparties,
                    labels,
                    asset,
                    threshold=self._options.hub_counterparties,
                    dust=self._dust(chain, asset),
                    seen=self._seen(chain, asset),
                )
                hubs_of_asset = seen.beside(hubs_of_asset, asset, labels, self._seen(chain, asset))
                judges[asset] = self._decided(chain, asset, hubs_of_asset)
            return judges[asset]

        return AccountLedger(chain, history, labels, self._engine, hubs)

    def _decided(self, chain: str, asset: str, hubs: HubOf) -> HubOf:
        """Hub detection, with those let through whom the user wants to look behind."""
        found = self._views.hub_of(chain, asset, self._options.hub_counterparties, hubs)
        return lifted(found, self.expanded, self.let_through) if self.expanded else found

    def _seen(self, chain: str, asset: str) -> Seen:
        return lambda owner, found: self._views.judged(chain, asset, owner, found)

    def _dust(self, chain: str, asset: str) -> int:
        return self._views.dust(asset, self._priced_dust(chain, asset))

    def _priced_dust(self, chain: str, asset: str) -> int:
        """The dust limit in base units, by the last price there is; without one nothing is dust."""
        end = end_of(self._store, self._histories, chain, self._options, self._views).time
        price = self._prices.price_at(asset, "usd", end)
        if price is None or not price.value:
            return 0
        return int(self._options.dust_usd / price.value * 10 ** self._views.asset_info(self._store, asset).decimals)

    def _taken(self, target: Target, sub: Subledger) -> Subledger:
        """Note what was read, and what the budget left out."""
        self._txs |= {(target.chain, moved.tx) for moved in sub.moved.values()}
        self.hubs.update({owner: why for owner, why in sub.labels.hubs.items() if owner not in self._labels.labels.hubs})
        if sub.refused:
            most, why = self._options.max_transactions, sub.why_refused
            said = Sentence("notes.budget_spent_all", most=most, n=sub.refused, why=why) if why else None
            self.missing.append(said or Sentence("notes.budget_spent", most=most, n=sub.refused))
        return sub

    def _source(self, target: Target) -> list[Section]:
        options, ledger = self._options, self._ledger(target.chain)
        settings = self._settings(Rule.HAIRCUT, options.hops, options.max_transactions)
        refs = [_ref(row) for row in target.source]
        held, read = self._parts(target, ledger, settings)
        used = {rule: read[0] if read is not None and rule in INDEXED else held for rule in options.rules}
        for sub in {id(sub): sub for sub in used.values()}.values():
            self._taken(target, sub)
        if read is not None:
            ledger = read[1]
        brackets = self._bracket(target, refs, ledger) if any(rule in CONSERVING for rule in options.rules) else _Bracket({})
        made = []
        for rule, sub in used.items():
            matter = self._matter(target, "source", [(ref, sub) for ref in refs])
            notes = (*matter.notes, sub.note) if sub.note else matter.notes
            matter = replace(matter, notes=notes, brackets=brackets.values, no_bracket=brackets.why_none, cuts=brackets.cuts)
            this = self._for_poison(target, matter, refs) if rule is Rule.POISON else matter
            made.append(section(this, replace(settings, rule=rule), max_paths=options.max_paths))
        return made

    def _parts(
        self, target: Target, ledger: Ledger, settings: Settings
    ) -> tuple[Subledger, tuple[Subledger, AccountLedger] | None]:
        """What the budget allows to hold of what bears on a subject; where that is not all, what the trace index gives."""
        history, why = self._histories.history(target.chain), self._why_not_indexed()
        if isinstance(ledger, UtxoLedger) or isinstance(history, StoredUtxoHistory):
            return ledger.source(target.source, settings), None
        held, rules = None, set(self._options.rules)
        all_held = self._engine.name == "local" and self._rows_of(target.chain) <= settings.max_transactions
        if why or not (all_held and rules <= INDEXED):  # else nothing may be left out, and it may be too much to be held
            held = ledger.source(target.source, settings, whole=not why and rules <= INDEXED)
            if not held.refused:
                return held, None
        if not why:
            wanted = [row for row in target.source if isinstance(row, Transfer)]
            looked = self._looked(history, target.asset)
            read = self._indexed.part(history, self._dust(target.chain, target.asset), wanted, settings, looked)
            if not isinstance(read, Sentence):
                return read[0] if held is None else replace(held, why_refused=Sentence("no_index.rules")), read
            held, why = None, read
        return replace(held or ledger.source(target.source, settings), why_refused=why), None

    def _why_not_indexed(self) -> str:
        """Why no figure of this question is read off a trace index, or nothing."""
        if not INDEXED & set(self._options.rules):
            return Sentence("no_index.rules")
        if self._options.max_transactions < DEFAULT_MAX_TRANSACTIONS:
            return Sentence("no_index.own_budget", most=DEFAULT_MAX_TRANSACTIONS)
        if self.expanded:
            return Sentence("no_index.expanded")
        return "" if self._views.indexed else Sentence("no_index.kept")

    def _rows_of(self, chain: str) -> int:
        return sum(part.rows for part in self._store.parts("transfers", chain))

    def _looked(self, history: StoredAccountHistory, asset: str) -> dict[str, str]:
        """Hubs of an asset by a first look at their history."""
        threshold = self._options.hub_counterparties
        seen = SeenHubs(self._store, history, threshold)
        found = {address: seen.counted(address, asset) for address, named in seen.named() if named == asset}
        return {address: verdict(one, threshold) or "" for address, one in found.items() if one is not None}

    def _for_poison(self, target: Target, matter: Matter, refs: Sequence[str]) -> Matter:
        """Poison's figures hang on ways of any length; where they are too many, the ways within the limit must do."""
        budget = min(BRACKET_TRANSACTIONS, self._options.max_transactions)
        settings = self._settings(Rule.POISON, self._options.hops, budget)
        sub = self._ledger(target.chain).source(target.source, settings)
        if not sub.refused:
            return replace(matter, parts=tuple((ref, sub) for ref in refs))
        return replace(matter, notes=(*matter.notes, Sentence("notes.poison_budget", most=budget)))

    def _destination(self, target: Target) -> list[Section]:
        options, ledger = self._options, self._ledger(target.chain)
        own = target.kind == "address" and isinstance(ledger, UtxoLedger)
        hops = options.hops if not own or options.hops is None else options.hops + 1  # see own_coins
        settings = self._settings(Rule.HAIRCUT, hops, options.max_transactions)
        parts: dict[str, Subledger] = {}
        spent, left, allowed = 0, 0, options.max_transactions // FOLLOWED_SHARE
        largest_first = sorted(target.destination, key=lambda row: -moved_row(self._histories, target.chain, row).amount)
        for row in largest_first:
            if spent > allowed:
                left += 1
                parts[_ref(row)] = _unfollowed(moved_row(self._histories, target.chain, row), self._labels.labels)
                continue
            moved = moved_row(self._histories, target.chain, row)
            sub = self._taken(target, ledger.destination(row, settings, of=moved.receiver if own else None))
            spent += sub.transactions
            parts[_ref(row)] = sub
        if left:
            self.missing.append(Sentence("notes.following_spent", n=len(parts), most=allowed))
        matter = self._matter(target, "destination", [(_ref(row), parts[_ref(row)]) for row in target.destination])
        matter = replace(matter, no_bracket=Sentence("no_bounds.source_only"), own_hops=int(own))
        made = [section(matter, replace(settings, rule=rule), max_paths=options.max_paths) for rule in options.rules]
        return made if not own else [counted_from_spending(each, options.hops) for each in made]

    def _matter(self, target: Target, direction: OneWay, parts: Sequence[tuple[str, Subledger]]) -> Matter:
        labels = self._labels.labels
        info = self._views.asset_info(self._store, target.asset)
        worth = Worth(self._prices, target.asset, info.decimals)
        rows = [sub.moved[ref] for ref, sub in parts]
        return Matter(
            subject=_subject(target, rows, info, worth),
            direction=direction,
            parts=tuple(parts),
            seeds=_seeds(labels),
            worth=worth,
            own=own_flags(target.own_addresses, labels, self._labels.as_of),
            now=self._labels.as_of,
            no_interval=self._why_no_interval(target),
            window_days=self._options.window_days if target.kind == "address" else None,
            window_end=self._window_end(target.chain),
        )

    def _window_end(self, chain: str) -> int:
        end = end_of(self._store, self._histories, chain, self._options, self._views).time
        return end if self._options.until is None else min(end, self._options.until)

    def _why_no_interval(self, target: Target) -> str:
        """An address needs its own history whole; a deposit does not."""
        history = self._histories.history(target.chain)
        for address in target.own_addresses if target.kind == "address" else ():
            if isinstance(history, StoredUtxoHistory):
                reason = history.incomplete(address)
            else:
                gap = history.incomplete(address, target.asset)
                reason = None if gap is None else gap.reason
            if reason is not None and target.addresses:
                return Sentence("no_bounds.customers_history", who=address, why=reason)
            if reason is not None:
                return Sentence("no_bounds.own_history", why=reason)
        return ""

    def _bracket(self, target: Target, refs: Sequence[str], ledger: Ledger) -> _Bracket:
        """The bracket of one deposit, over its ancestry without hop limit."""
        if len(refs) != 1:
            return _Bracket({}, Sentence("no_bounds.one_deposit"))
        budget = min(BRACKET_TRANSACTIONS, self._options.max_transactions)
        settings = self._settings(Rule.HAIRCUT, None, budget)
        sub = ledger.source(target.source, settings)
        if sub.refused or sub.arcs is None:
            allowed = "ancestry" if budget == BRACKET_TRANSACTIONS else "ancestry_budget"
            return _Bracket({}, sub.unread or Sentence(f"no_bounds.{allowed}", most=budget))
        amount, arcs = sub.moved[refs[0]].amount, sub.arcs(refs[0])
        names = categories(sub.labels)
        present = sorted({names[name] for name in _origins(arcs)})
        values = bracket_of(arcs, amount, sub.labels, present)
        risk = dict.fromkeys(names, RISK)
        cuts = {category: carrying(arcs, names, category) for category in present}
        return _Bracket({**values, **bracket(arcs, amount, risk, [RISK])}, cuts=cuts)


def _origins(arcs: Sequence[Arc]) -> set[str]:
    """Names of the seeds at which value starts in a network."""
    found = set()
    for arc in arcs:
        for origin in (arc.tail, arc.theft):
            if isinstance(origin, Origin) and origin.kind == "seed":
                found.add(origin.name)
    return found


def _ref(row: Transfer | Coin) -> str:
    return row.ref if isinstance(row, Transfer) else str(row)


def _seeds(labels: Labels) -> dict[str, Seed]:
    """Seeds by name."""
    every: tuple[Mapping[Any, Seed], ...] = (labels.seeds, labels.coin_seeds, labels.tx_seeds, labels.asset_seeds)
    return {seed.name: seed for seeds in every for seed in seeds.values()}


def _subject(target: Target, rows: Sequence[Moved], info: AssetInfo, worth: Worth) -> Subject:
    alone = target.kind != "address"
    return Subject(
        kind=target.kind,
        chain=target.chain,
        asset=target.asset,
        symbol=info.symbol,
        decimals=info.decimals,
        amount=sum(row.amount for row in rows),
        address=target.address,
        tx=target.tx,
        n=target.n,
        ref=rows[0].ref if len(rows) == 1 and alone else None,
        block=rows[0].block if alone else None,
        time=rows[0].time if alone else None,
        transfers=len(rows),
        usd=worth.total(rows, "usd"),
        jpy=worth.total(rows, "jpy"),
        addresses=target.addresses,
    )


def _unfollowed(moved: Moved, labels: Labels) -> Subledger:
    """A transfer that the budget did not allow to follow."""
    return Subledger(
        labels=labels,
        moved={moved.ref: moved},
        transactions=0,
        refused=0,
        gaps=(),
        figure=lambda settings, strict, mark: Run(),
        account=lambda run, ref, settings: {Part("unresolved", "budget", None, None): moved.amount},
        ways=_no_ways,
        start=lambda ref, origin: "",
    )


def _no_ways(_run: Run) -> Ways:
    raise AssertionError("a transfer that was not followed has no paths")
