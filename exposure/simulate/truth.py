"""Both truths of each customer deposit: whose money it really was, and what each rule says on the whole ledger.

The second comes from the reference engine, run forward over everything. The first comes from nobody's engine: the economy
itself kept account (`exposure.simulate.provenance`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Context, Decimal, localcontext
from typing import TYPE_CHECKING, NamedTuple

from exposure.model.labels import Labels, Service
from exposure.model.ledger import Transfer, UtxoTx
from exposure.model.settings import Rule, Settings
from exposure.simulate.coins import CHAIN as COIN_CHAIN
from exposure.simulate.ledgers import transfer_ref
from exposure.simulate.provenance import MINED, MINTED, Sources
from exposure.simulate.world import Deposit

if TYPE_CHECKING:  # an annotation only: the engine is loaded when the rules are asked
    from exposure.taint.reference.lots import Lot

REALLY = "really"
PRINTED = Context(prec=12)
SMALLEST = Decimal("1e-6")


class TruthRow(NamedTuple):
    """One part of a deposit. ``truth``: ``really`` or a rule. ``hop`` is None for what really was, and beyond the limit.

    ``kind``: seed, service, mint or unresolved; ``entity``: who, or the reason of what is unresolved.
    """

    deposit: str
    truth: str
    kind: str
    category: str
    entity: str
    hop: int | None
    amount: str


def really(deposits: Iterable[Deposit], sources: Sources) -> Iterator[TruthRow]:
    """Whose money it was. The parts of a deposit sum to it exactly."""
    for deposit in deposits:
        for source, amount in deposit.parts:
            category, entity = sources.named[source]
            kind = "mint" if category in (MINED, MINTED) else "seed" if sources.is_dirty[source] else "service"
            yield TruthRow(deposit.id, REALLY, kind, category, entity, None, str(amount))


class WholeLedgers(NamedTuple):
    """Both ledgers from their first block, in canonical order, and what is known about addresses."""

    txs: Sequence[UtxoTx]
    transfers: Sequence[Transfer]
    labels: Labels


def by_rule(deposits: Iterable[Deposit], ledgers: WholeLedgers, settings: Settings) -> list[TruthRow]:
    """What a rule says of each deposit. Under poison categories overlap."""
    from exposure.taint.reference import account, utxo

    labels = ledgers.labels
    named = {seed.name: seed.category for seed in (*labels.seeds.values(), *labels.tx_seeds.values())}
    names = _Names(named, {**labels.boundaries, **labels.pass_through})
    coins = utxo.run(ledgers.txs, labels, settings).received
    moves = account.run(ledgers.transfers, labels, settings).received
    with localcontext(Context(prec=60)):
        return [
            row
            for deposit in deposits
            for row in _parts(deposit, settings, (coins if deposit.chain == COIN_CHAIN else moves)[_key(deposit)], names)
        ]


class _Names(NamedTuple):
    categories: dict[str, str]
    services: dict[str, Service]


def _key(deposit: Deposit) -> str:
    """Name of a deposit in a run."""
    if deposit.chain == COIN_CHAIN:
        return f"{deposit.tx}:{deposit.place}"
    return transfer_ref(deposit.tx, deposit.place)


def _parts(deposit: Deposit, settings: Settings, lots: Iterable[Lot], names: _Names) -> Iterator[TruthRow]:
    sums: dict[tuple[str, str, str, int | None], int | Decimal] = {}
    for origin, hop, amount in lots:
        part: tuple[str, str, str, int | None]
        if settings.max_hops is not None and hop > settings.max_hops:
            part = ("unresolved", "", "beyond", None)
        elif origin.kind == "seed":
            part = ("seed", names.categories[origin.name], origin.name, hop)
        elif origin.kind == "service":
            part = ("service", names.services[origin.name].category, names.services[origin.name].name, hop)
        elif origin.kind == "mint":
            part = ("mint", "", origin.name, hop)
        else:
            part = ("unresolved", "", origin.name, hop)
        # Under poison an amount is the flag's whole value: what one source carries does not add up.
        sums[part] = amount if settings.rule is Rule.POISON else sums.get(part, 0) + amount
    for part, amount in sorted(sums.items(), key=lambda item: (*item[0][:3], -1 if item[0][3] is None else item[0][3])):
        written = _written(amount)
        if written:
            yield TruthRow(deposit.id, settings.rule.value, *part, written)


def _written(amount: int | Decimal) -> str:
    """Order rules exactly; the haircut to `PRINTED` digits, parts below a millionth of a base unit left out."""
    if isinstance(amount, int):
        return str(amount)
    if amount < SMALLEST:
        return ""
    text = format(PRINTED.plus(amount), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
