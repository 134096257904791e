"""Whether the hubs and clusters of a case follow from what it holds, and which of them have to be taken as given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exposure.attribution.clusters import Heuristic
from exposure.casefile.evidence import Evidence
from exposure.model.assets import chain as chain_of
from exposure.model.labels import Category
from exposure.model.ledger import UtxoTx
from exposure.text import shown
from exposure.tracing.hubs import verdict
from exposure.workflows.case.check import Check
from exposure.workflows.case.record import Replaying
from exposure.workflows.trace.options import TraceOptions


def hubs(evidence: Evidence, views: Replaying, options: TraceOptions) -> Check:
    """Hubs follow from what was counted of them, and what was counted follows from the rows, where these are all there.

    ``views``: what the rows and prices of the folder say. On a UTXO chain, and of a hub, the folder has only the transactions
    of the flow: these can count less than the ledger, and never more.
    """
    labels, threshold = evidence.labels, options.hub_counterparties
    found = {owner for (_, _, owner), one in evidence.judged.items() if verdict(one, threshold) is not None}
    lifted = {labels.owner(address) for address in options.expanded}
    odd = (found - lifted) ^ set(labels.hubs)
    if odd:
        return Check("hubs", False, f"what was counted of {shown(min(odd), 80)} does not make it what the figures take it for")
    dust = next((asset for asset, limit in evidence.dust.items() if views.dusts.get(asset) != limit), None)
    if dust is not None:
        return Check("hubs", False, f"the prices do not make the dust limit of {shown(dust, 80)} what decisions.json says")
    unsaid = next(iter(set(evidence.judged) ^ set(views.recounted)), None)
    if unsaid is not None:
        return Check("hubs", False, f"{shown(unsaid[2], 80)} was judged and is not in decisions.json, or the other way round")
    given = []
    for key, one in evidence.judged.items():
        other = views.recounted[key]
        hub = verdict(one, threshold) is not None and key[2] not in lifted
        whole = chain_of(key[0]).ledger != "utxo" and not hub
        if (whole and other != one) or other.counterparties > one.counterparties:
            return Check(
                "hubs", False, f"the rows of {shown(key[2], 80)} count {other.counterparties:,}, not {one.counterparties:,}"
            )
        if other != one:
            given.append(f"{shown(key[2], 80)} with {one.counterparties:,} counterparties ({'a hub' if hub else 'no hub'})")
    if not evidence.judged:
        return Check("hubs", True, "none were used, and nobody was judged")
    again = len(evidence.judged) - len(given)
    said = (
        f"{len(labels.hubs):,} hubs by what was counted; of {len(evidence.judged):,} owners judged {again:,} are counted again"
    )
    return Check("hubs", True, said, tuple(given))


def clusters(evidence: Evidence, txs: Mapping[str, UtxoTx], together: Sequence[str] = ()) -> Check:
    """Clusters are held together by their links, and links of common spending by the transactions in the folder.

    ``txs``: those of UTXO chains, by hash. ``together``: addresses of one customer, as whoever asked said.
    """
    labels = evidence.labels
    own = {name for name, one in labels.boundaries.items() if one.category == Category.OWN_INSTITUTION.value}
    stated = {address: owner for address, owner in labels.owners.items() if owner not in own}
    heads: dict[str, str] = {}

    def head(address: str) -> str:
        while heads.setdefault(address, address) != address:
            address = heads[address]
        return address

    seen, given = 0, []
    for address in together:
        if address in stated and together[0] in stated:
            heads[head(address)] = head(together[0])
    for link in evidence.links:
        if stated.get(link.one) is None or stated[link.one] != stated.get(link.other):
            return Check(
                "clusters", False, f"{shown(link.one, 80)} is linked to {shown(link.other, 80)}, and in no cluster with it"
            )
        heads[head(link.other)] = head(link.one)
        tx = txs.get(link.tx)
        if tx is None or link.heuristic not in (Heuristic.CO_SPEND, Heuristic.CO_SPEND_PAYJOIN):
            given.append(f"{shown(link.one, 80)} with {shown(link.other, 80)} ({link.heuristic.value})")
        elif not {link.one, link.other} <= {spend.address for spend in tx.inputs} or tx.joint:
            return Check("clusters", False, f"{shown(link.tx, 80)} does not spend from {shown(link.one, 80)} with the other")
        else:
            seen += 1
    groups: dict[str, set[str]] = {}
    for address, owner in stated.items():
        groups.setdefault(owner, set()).add(head(address))
    loose = next((owner for owner, those in groups.items() if len(those) > 1), None)
    if loose is not None:
        return Check("clusters", False, f"the links do not hold the cluster {shown(loose, 80)} together")
    if not groups:
        return Check("clusters", True, "none were used")
    said = (
        f"{len(groups):,} clusters with {len(evidence.links):,} links, of which {seen:,} follow from transactions in the folder"
    )
    return Check("clusters", True, said, tuple(given))
