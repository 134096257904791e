"""What of a subject moved between owners, and which part of a transaction is one's own institution's deposit.

Subjects are found by address; who owns what is known when the labels are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from exposure.errors import InputError
from exposure.model.labels import Category, Labels
from exposure.model.ledger import Coin, Transfer
from exposure.text import shown
from exposure.workflows.trace.subjects import Ledgers, Target, made_by

Row = Transfer | Coin


def between_owners(found: Sequence[Target], ledgers: Ledgers, labels: Labels) -> list[Target]:
    """The accounts asked for, without change and moves inside a cluster.

    A whole transaction that pays a deposit address of one's own institution is asked about for that deposit alone. One
    output that was named stays, whoever it goes to: a coin has a composition also inside a cluster.

    Raises
    ------
    InputError
        If nothing is left: all of it moved inside one cluster.
    """
    targets = [_without_inside(target, ledgers, labels) for target in _own_deposits(found, ledgers, labels)]
    left = [target for target in targets if target.source or target.destination]
    if not left:
        who = shown(found[0].tx or found[0].address or "")
        step = ": name an output as TX:N" if _is_of_coins(found[0]) else ", so there is nothing to trace"
        raise InputError(f"{who} moved value only among addresses of one owner{step}")
    return left


def _receiver(target: Target, row: Row, ledgers: Ledgers) -> str:
    if isinstance(row, Transfer):
        return row.receiver or ""
    return made_by(ledgers.history(target.chain), row).outputs[row.n].address


def _senders(target: Target, row: Row, ledgers: Ledgers, labels: Labels) -> set[str]:
    if isinstance(row, Transfer):
        return {row.sender} if row.sender is not None else set()
    made = made_by(ledgers.history(target.chain), row)
    return set() if labels.is_joint(made) else {spend.address for spend in made.inputs if spend.address is not None}


def _is_inside(target: Target, row: Row, ledgers: Ledgers, labels: Labels) -> bool:
    owner = labels.owner(_receiver(target, row, ledgers))
    return owner in {labels.owner(address) for address in _senders(target, row, ledgers, labels)}


def _is_of_coins(target: Target) -> bool:
    return any(isinstance(row, Coin) for row in (*target.source, *target.destination))


def _without_inside(target: Target, ledgers: Ledgers, labels: Labels) -> Target:
    if (target.kind == "deposit" and _is_of_coins(target)) or not labels.owners:
        return target
    source = tuple(row for row in target.source if not _is_inside(target, row, ledgers, labels))
    destination = tuple(row for row in target.destination if not _is_inside(target, row, ledgers, labels))
    return _narrowed(replace(target, source=source, destination=destination), ledgers)


def _own_deposits(found: Sequence[Target], ledgers: Ledgers, labels: Labels) -> Sequence[Target]:
    """Of whole transactions the parts that pay one's own institution from outside, if there are any."""
    if any(target.tx is None for target in found) or not labels.boundaries:
        return found
    rows = {row for target in found for row in (*target.source, *target.destination)}
    if len(rows) < 2:
        return found
    kept = []
    for target in found:
        own = {row for row in rows if _is_own_deposit(target, row, ledgers, labels)}
        source = tuple(row for row in target.source if row in own)
        destination = tuple(row for row in target.destination if row in own)
        if source or destination:
            kept.append(_narrowed(replace(target, source=source, destination=destination), ledgers))
    return kept or found


def _is_own_deposit(target: Target, row: Row, ledgers: Ledgers, labels: Labels) -> bool:
    if isinstance(row, Transfer) and row not in (*target.source, *target.destination):
        return False
    service = labels.boundaries.get(labels.owner(_receiver(target, row, ledgers)))
    own = service is not None and service.category == Category.OWN_INSTITUTION.value
    return own and not _is_inside(target, row, ledgers, labels)


def _narrowed(target: Target, ledgers: Ledgers) -> Target:
    """A transaction of which one output is left is that deposit."""
    rows = {*target.source, *target.destination}
    row = next(iter(rows), None)
    if target.kind != "transaction" or len(rows) != 1 or not isinstance(row, Coin):
        return target
    return replace(target, kind="deposit", address=_receiver(target, row, ledgers), n=row.n)
