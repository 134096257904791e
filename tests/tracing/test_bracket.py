"""What no choice of rule can change."""

from __future__ import annotations

from exposure.model.labels import Labels, Seed, Service
from exposure.model.ledger import LAST_INDEX, Kind, Place, Transfer
from exposure.tracing.bracket import account_arcs, bracket_of

LABELS = Labels(
    seeds={"S": Seed("sanctioned", "sanctioned"), "R": Seed("ransomware", "ransomware")},
    boundaries={"K": Service("K", "exchange")},
)


def pays(ref: str, tx: int, sender: str, receiver: str | None, amount: int, *, index: int = 0) -> Transfer:
    kind = Kind.FEE if index == LAST_INDEX else Kind.VALUE
    return Transfer(ref, str(tx), Place(tx, 0, index), 0, sender, receiver, "E", amount, kind)


def bracket(rows: list[Transfer], subject: str, *wanted: str) -> dict[str, tuple[int, int]]:
    amount = next(row.amount for row in rows if row.ref == subject)
    return bracket_of(account_arcs(rows, LABELS, subject), amount, LABELS, wanted)


def test_a_fee_that_overspends_a_pot_lets_nothing_in_before_the_payment() -> None:
    rows = [pays("t1", 1, "S", "A", 5), pays("t2", 2, "A", "D", 5), pays("fee", 2, "A", None, 1, index=LAST_INDEX)]
    assert bracket(rows, "t2", "sanctioned") == {"sanctioned": (5, 5)}


def test_a_shortfall_of_simultaneous_payments_may_be_in_any_of_them() -> None:
    rows = [pays("t1", 1, "S", "A", 5), pays("t2", 2, "A", "B", 4), pays("t3", 2, "A", "C", 6, index=1)]
    assert bracket(rows, "t2", "sanctioned") == {"sanctioned": (0, 4)}
    assert bracket(rows, "t3", "sanctioned") == {"sanctioned": (1, 5)}


def test_an_inflow_between_payments_parts_them() -> None:
    rows = [
        pays("t1", 1, "S", "A", 5),
        pays("t2", 2, "A", "B", 4),
        pays("t3", 2, "K", "A", 9, index=1),
        pays("t4", 2, "A", "C", 9, index=2),
    ]
    assert bracket(rows, "t2", "sanctioned") == {"sanctioned": (4, 4)}
    assert bracket(rows, "t4", "sanctioned") == {"sanctioned": (0, 1)}


def test_value_on_two_ways_is_counted_once() -> None:
    """S's 4 go to A; A pays B 4 and C 4 of its 8; both pay D, which passes 6 on: at most 4 of them are S's."""
    rows = [
        pays("t1", 1, "S", "A", 4),
        pays("t2", 2, "K", "A", 4),
        pays("t3", 3, "A", "B", 4),
        pays("t4", 4, "A", "C", 4),
        pays("t5", 5, "B", "D", 4),
        pays("t6", 6, "C", "D", 4),
        pays("t7", 7, "D", "E", 6),
    ]
    assert bracket(rows, "t7", "sanctioned", "ransomware") == {"sanctioned": (2, 4), "ransomware": (0, 0)}


def test_what_ends_at_a_service_comes_back_as_the_services_own() -> None:
    rows = [pays("t1", 1, "S", "K", 5), pays("t2", 2, "K", "A", 5), pays("t3", 3, "A", "D", 5)]
    assert bracket(rows, "t3", "sanctioned") == {"sanctioned": (0, 0)}
