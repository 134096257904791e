"""Answering one question: find the subject, resolve the labels, trace each account under each rule, write the record."""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import closing
from dataclasses import asdict, replace

import exposure
from exposure.attribution.resolve import with_hubs
from exposure.engines.registry import engine
from exposure.measure.verdict import judge
from exposure.model.provenance import Question
from exposure.model.provenance import Run as RunRecord
from exposure.model.results import Deposit, Report
from exposure.model.sentences import Sentence
from exposure.model.settings import Direction
from exposure.model.verdicts import PolicyUsed
from exposure.store.store import Store
from exposure.workflows.reorganised import told_of
from exposure.workflows.trace import expanded
from exposure.workflows.trace.indexed import Told, untold
from exposure.workflows.trace.money import money_totals
from exposure.workflows.trace.options import TraceOptions
from exposure.workflows.trace.owners import between_owners
from exposure.workflows.trace.question import Tracing, end_of, moved_row
from exposure.workflows.trace.subjects import Ledgers, deposits_of, targets
from exposure.workflows.trace.views import Views

STORE = Views()


def answer(store: Store, text: str, options: TraceOptions, views: Views = STORE, told: Told = untold) -> Report:
    """See `exposure.workflows.trace.trace`; ``views``: where to look, by default the store itself."""
    started = time.monotonic()
    now = int(time.time())
    chosen = engine(options.engine)
    ledgers = Ledgers(store, options, views)
    found = targets(store, text, options, ledgers)
    bounds = {target.chain: ledgers.history(target.chain).as_of for target in found}
    labels = views.labels(store, options, bounds, found[0].addresses)
    found = between_owners(found, ledgers, labels.labels)
    question = Tracing(store, options, ledgers, labels, chosen, views, told)
    with closing(question):
        sections = [made for target in found for made in question.sections(target)]
    used = with_hubs(labels.labels, {**labels.labels.hubs, **question.hubs})
    chains = dict.fromkeys(target.chain for target in found)
    views.finished(labels, used, bounds)
    report = Report(
        question=Question(
            subject=text.strip(),
            rules=tuple(rule.value for rule in options.rules),
            direction=(options.direction or (Direction.BOTH if found[0].kind == "address" else Direction.SOURCE)).value,
            max_hops=options.hops,
            since=options.since,
            until=options.until,
            chain=options.chain,
            asset=options.asset,
            labels_as_of=options.labels_as_of,
            seeds_from="designation" if options.seeds_from_designation else "always",
            clusters=options.clusters.value,
            max_transactions=options.max_transactions,
            engine=options.engine,
            expanded=options.expanded,
            hub_counterparties=options.hub_counterparties,
            dust_usd=options.dust_usd,
            window_days=options.window_days if found[0].kind == "address" else None,
        ),
        as_of=tuple(end_of(store, ledgers, chain, options, views) for chain in chains),
        sections=tuple(sections),
        run=RunRecord(
            version=exposure.__version__,
            engine=chosen.name,
            store_version=store.version,
            label_digest=used.digest,
            label_time=labels.as_of,
            settings_digest=_digest(options),
            created_at=now,
            seconds=round(time.monotonic() - started, 3),
            editions=labels.editions,
            counts=question.counts(),
            synthetic=store.fact("synthetic") is not None,
            policies=tuple(PolicyUsed(one.name, one.version, one.digest, dict(one.roles)) for one in options.policies),
        ),
        warnings=(
            *labels.warnings,
            *told_of(store, {chain: bounds[chain] for chain in chains}),
            *(Sentence("notes.unmoved", who=address) for address in found[0].unmoved),
            *expanded.warnings(question.expanded, question.let_through, options.hops),
        ),
        incomplete_answer=tuple(dict.fromkeys(question.missing)),
        money=tuple(money_totals(sections)),
    )
    return replace(report, verdicts=tuple(judge(report, policy) for policy in options.policies))


def listed(store: Store, address: str, options: TraceOptions) -> tuple[Deposit, ...]:
    """See `exposure.workflows.trace.deposits`."""
    ledgers = Ledgers(store, options, STORE)
    if not store.chains():
        targets(store, address, options, ledgers)  # says that the store is empty
    rows = []
    for chain, asset, row in deposits_of(address, options, ledgers):
        moved = moved_row(ledgers, chain, row)
        info = store.asset_info(asset)
        rows.append(
            Deposit(
                moved.ref,
                chain,
                asset,
                info.symbol,
                info.decimals,
                moved.amount,
                moved.time,
                moved.block,
                moved.tx,
                moved.sender,
            )
        )
    return tuple(rows)


def _digest(options: TraceOptions) -> str:
    """SHA-256 over the options that a figure depends on: of a policy the roles that it changes."""
    chosen = {key: value for key, value in asdict(options).items() if key not in ("engine", "offline", "policies")}
    if options.roles:
        chosen["roles"] = options.roles
    return hashlib.sha256(json.dumps(chosen, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
