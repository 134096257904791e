"""Accounts sum to their subject; intervals widen by what is not known."""

from __future__ import annotations

from decimal import Decimal

import pytest

from exposure.errors import EngineError
from exposure.measure.account import Part, added, check, interval, poison_interval, source
from exposure.model.settings import Rule
from exposure.taint.reference.lots import Lot, Origin

S, M, K = Origin("seed", "S", 0), Origin("seed", "M", 0), Origin("service", "K")
HUB = Origin("unresolved", "hub:H")
CATEGORY = {"S": "sanctioned", "M": "mixer"}
LOTS = (Lot(S, 2, 3), Lot(M, 1, 2), Lot(K, 2, 4), Lot(HUB, 1, 1))


def test_every_origin_past_the_limit_is_beyond() -> None:
    assert source(LOTS, 1) == {Part("unresolved", "beyond", None, None): 7, Part("seed", "M", 0, 1): 2, Part(*HUB, 1): 1}


def test_accounts_add_up_line_by_line() -> None:
    one = source(LOTS, None)
    assert sum(added([one, one]).values()) == 20


def test_an_account_that_does_not_sum_is_refused() -> None:
    check(source(LOTS, None), 10, what="t1")
    with pytest.raises(EngineError, match="t1 sums to 10, not to 11"):
        check(source(LOTS, None), 11, what="t1")
    check({Part("mint", "", None, 1): Decimal("9.9999999999999999")}, 10, what="t1")
    with pytest.raises(EngineError):
        check({Part("mint", "", None, 1): Decimal("9.9999999")}, 10, what="t1")


def test_the_upper_end_adds_what_is_unresolved_and_what_is_mixed() -> None:
    found = interval(source(LOTS, None), Rule.FIFO, CATEGORY, ["scam"])
    assert found == {"sanctioned": (3, 6), "mixer": (2, 3), "scam": (0, 3)}


def test_tiho_has_one_interval_for_all_risk() -> None:
    assert interval(source(LOTS, None), Rule.TIHO, CATEGORY, ["scam"]) == {"risk": (5, 6)}


def test_poison_counts_whole_transfers_by_flag() -> None:
    strict = [(10, (Lot(S, 2, 10), Lot(K, 1, 10))), (5, (Lot(HUB, 1, 5),)), (2, (Lot(M, 1, 2),)), (1, (Lot(K, 1, 1),))]
    found = poison_interval(strict, None, CATEGORY, ["sanctioned", "mixer", "scam"])
    assert found == {"sanctioned": (10, 17), "mixer": (2, 7), "scam": (0, 7)}
