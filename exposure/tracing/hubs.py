"""Hubs: untagged owners with very many counterparties, which are very likely services nobody has named yet.

An owner is a hub if it has more than ``threshold`` distinct counterparties, both directions, in transfers above the dust
limit, unless nine tenths of the value it sends goes to at most three others (then it is a collector that feeds somebody
else's pot, such as a deposit address). Counted in the asset under trace and over the whole stored history up to the
as-of place, so that an owner is a hub for a whole run or not at all. Other assets do not count: whoever wants to hide
behind a hub of his own making would only have to mint a worthless token and scatter it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from exposure.model.labels import Labels
from exposure.model.ports import UtxoHistory
from exposure.tracing.cone import HubOf, members_of
from exposure.tracing.utxo_cone import owners_in

COLLECTED = 0.9
"""Share of the value sent that makes a collector, if at most `FEW` others get it."""
FEW = 3


class Counted(NamedTuple):
    """What makes an owner a hub or not: distinct counterparties, value sent to others, and the part of it that few got.

    ``seen``: where the figures are from, if not from all of his stored history; words that follow the number.
    """

    counterparties: int
    sent: int
    to_few: int
    seen: str = ""


Met = Callable[[str, str, int], tuple[Iterable[str], Mapping[str, int]]]
"""Of an address, an asset and an amount: who paid the address more than that at a time, and how much each got whom it paid so.
Fees, mints and burns have no other side."""

Seen = Callable[[str, Counted], None]
"""Told of every owner that was judged, with what was counted."""


def counted(received_from: Iterable[str], sent_to: Mapping[str, int]) -> Counted:
    """Figures of an owner. ``sent_to``: value sent, by counterparty."""
    largest = sorted(sent_to.values(), reverse=True)[:FEW]
    return Counted(len(set(received_from) | set(sent_to)), sum(sent_to.values()), sum(largest))


def verdict(found: Counted, threshold: int) -> str | None:
    """Why an owner of these figures is a hub, or None."""
    if found.counterparties <= threshold or (found.sent and found.to_few >= COLLECTED * found.sent):
        return None
    return f"{found.counterparties:,} counterparties{found.seen}"


def unseen(_owner: str, _found: Counted) -> None:
    """Nobody wants to know."""


def account_hubs(met: Met, labels: Labels, asset: str, *, threshold: int, dust: int, seen: Seen = unseen) -> HubOf:
    """Hub detection on an account chain. ``dust``: base units; only transfers above it make a counterparty."""
    members = members_of(labels)

    def judge(owner: str) -> str | None:
        payers: set[str] = set()
        paid: dict[str, int] = defaultdict(int)
        for address in members(owner):
            came_from, went_to = met(address, asset, dust)
            payers.update(map(labels.owner, came_from))
            for receiver, amount in went_to.items():
                paid[labels.owner(receiver)] += amount
        payers.discard(owner)
        paid.pop(owner, None)
        found = counted(payers, paid)
        seen(owner, found)
        return verdict(found, threshold)

    return _remembered(judge)


def utxo_hubs(history: UtxoHistory, labels: Labels, *, threshold: int, dust: int, seen: Seen = unseen) -> HubOf:
    """Hub detection on a UTXO chain. Cost: two transactions are read for each coin of each owner that is asked about."""
    members = members_of(labels)

    def judge(owner: str) -> str | None:
        payers: set[str] = set()
        paid: dict[str, int] = defaultdict(int)
        spenders: set[str] = set()
        for address in members(owner):
            for coin in history.coins(address):
                made = history.transaction(coin.tx)
                if made is not None and made.outputs[coin.n].amount > dust:
                    payers |= owners_in(made, labels) - {owner}
                spender = history.spender(coin)
                if spender is not None:
                    spenders.add(spender)
        for name in spenders:
            spent = history.transaction(name)
            if spent is None:
                continue
            for output in spent.outputs:
                receiver = labels.owner(output.address)
                if receiver != owner and output.amount > dust:
                    paid[receiver] += output.amount
        found = counted(payers, paid)
        seen(owner, found)
        return verdict(found, threshold)

    return _remembered(judge)


def lifted(judge: HubOf, owners: Collection[str], told: dict[str, str | None]) -> HubOf:
    """Hub detection that lets some owners through; ``told`` takes what they would have been."""

    def ask(owner: str) -> str | None:
        if owner not in owners:
            return judge(owner)
        told[owner] = judge(owner) or told.get(owner)  # in one asset it may be a hub, in another not
        return None

    return ask


def _remembered(judge: HubOf) -> HubOf:
    """Each owner is judged once."""
    known: dict[str, str | None] = {}

    def ask(owner: str) -> str | None:
        if owner not in known:
            known[owner] = judge(owner)
        return known[owner]

    return ask
