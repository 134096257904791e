"""Law 4: forward over the whole ledger and backward over the cone give the same figures."""

from __future__ import annotations

import os
from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from random_ledgers import account_ledgers, utxo_ledgers

from exposure.model.labels import Labels
from exposure.model.ledger import Coin, Transfer, UtxoTx
from exposure.model.settings import Rule, Settings
from exposure.taint.reference import account, utxo
from exposure.taint.reference.lots import Lot
from exposure.tracing.cone import PotReader, account_cone, moves
from exposure.tracing.memory import MemoryAccountHistory, MemoryUtxoHistory
from exposure.tracing.utxo_cone import utxo_cone

LAW = settings(
    max_examples=int(os.environ.get("EXPOSURE_LAW_EXAMPLES", "50")),
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # these ledgers are small as they come, and shrinking them takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
LIMITS = st.sampled_from([None, 0, 1, 2, 3, 5])


def parts(lots: tuple[Lot, ...], options: Settings, *, collisions: bool) -> dict[tuple[object, ...], object]:
    """A composition as figures print it: past the limit all is "beyond"; tiho splits its unresolved part by no reason."""
    found: dict[tuple[object, ...], object] = defaultdict(lambda: 0)
    for origin, hop, amount in lots:
        key: tuple[object, ...] = (*origin, hop)
        if origin.name == "beyond" or (options.max_hops is not None and hop > options.max_hops):
            key = ("unresolved", "beyond")
        if options.rule is Rule.TIHO and key[0] == "unresolved":
            key = ("unresolved",)
        if collisions and (key[0] in ("unresolved", "seed")):
            key = ("collided",)
        found[key] = amount if options.rule is Rule.POISON else found[key] + amount
    return {key: amount for key, amount in found.items() if amount}


def agree(whole: dict[tuple[object, ...], object], cone: dict[tuple[object, ...], object], amount: int) -> None:
    """Order rules and poison exactly, haircut to what the reference checks itself by."""
    for key in whole.keys() | cone.keys():
        left, right = whole.get(key, 0), cone.get(key, 0)
        if isinstance(left, Decimal) or isinstance(right, Decimal):
            assert abs(Decimal(left) - Decimal(right)) <= Decimal(amount) * Decimal("1e-12"), (key, whole, cone)
        else:
            assert left == right, (key, whole, cone)


@pytest.mark.parametrize("rule", list(Rule))
@LAW
@given(ledger=account_ledgers(), max_hops=LIMITS)
def test_backward_tracing_gives_the_figures_of_the_whole_account_ledger(
    rule: Rule, ledger: tuple[list[Transfer], Labels], max_hops: int | None
) -> None:
    transfers, labels = ledger
    options = Settings(rule=rule, max_hops=max_hops)
    whole = account.run(transfers, labels, options)
    reader = PotReader(MemoryAccountHistory(transfers), labels)
    for subject in [transfer for transfer in transfers if moves(transfer, labels)][-6:]:
        cone = account_cone(reader, [subject], labels, options)
        run = account.run(cone.transfers, cone.labels, options, given=cone.given)
        agree(
            parts(whole.received[subject.ref], options, collisions=whole.collisions > 0),
            parts(run.received[subject.ref], options, collisions=whole.collisions > 0),
            subject.amount,
        )


@pytest.mark.parametrize("rule", list(Rule))
@LAW
@given(ledger=utxo_ledgers(), max_hops=LIMITS)
def test_backward_tracing_gives_the_figures_of_the_whole_utxo_ledger(
    rule: Rule, ledger: tuple[list[UtxoTx], Labels], max_hops: int | None
) -> None:
    txs, labels = ledger
    options = Settings(rule=rule, max_hops=max_hops)
    whole = utxo.run(txs, labels, options)
    history = MemoryUtxoHistory(txs)
    for tx in txs[-3:]:
        for n, output in enumerate(tx.outputs):
            cone = utxo_cone(history, [Coin(tx.tx, n)], labels, options)
            run = utxo.run(cone.txs, cone.labels, options, given=cone.given)
            agree(
                parts(whole.received[f"{tx.tx}:{n}"], options, collisions=whole.collisions > 0),
                parts(run.received.get(f"{tx.tx}:{n}", ()), options, collisions=whole.collisions > 0),
                output.amount,
            )
