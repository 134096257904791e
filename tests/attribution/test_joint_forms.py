"""Joint transactions are told by their form, the same by the definition and by its compiled twin; ordinary ones are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.attribution.clusters import kernels
from exposure.model import joint
from exposure.model.joint import Form, form, form_of

NOW = 1_700_000_000


def many(prefix: str, amounts: list[int]) -> list[tuple[str | None, int | None]]:
    return [(f"{prefix}{n}", amount) for n, amount in enumerate(amounts)]


def paid(amounts: list[int]) -> list[tuple[str | None, int]]:
    return [(f"out{n}", amount) for n, amount in enumerate(amounts)]


FORMS = {
    Form.WHIRLPOOL: (many("in", [1_000_000, 1_000_302, 1_000_302, 1_000_302, 1_000_000]), paid([1_000_000] * 5)),
    Form.WASABI: (many("in", [25_000_000] * 12), paid([9_931_232] * 11 + [15_000_000 + n for n in range(11)] + [400_001])),
    Form.WASABI2: (
        many("in", [7_000_000 + n for n in range(60)]),
        paid([5_000_000] * 8 + [3**13] * 7 + [2**22] * 9 + [1_000_000] * 11 + [777_001, 123_457]),
    ),
    Form.JOINMARKET: (many("in", [31, 47, 55, 90]), paid([20_000_000] * 4 + [11_001_000, 27_010_000, 35_050_000, 70_900_000])),
    Form.EQUAL: (many("in", [5_000_000, 6_000_000]), paid([4_000_000, 4_000_000, 900_000])),
    Form.PAYJOIN: (many("in", [900_000, 5_000_000]), paid([1_000_000, 4_899_000])),
}


@pytest.mark.parametrize("wanted", FORMS, ids=lambda one: one.name)
def test_each_form_is_recognised(wanted):
    inputs, outputs = FORMS[wanted]
    assert form(inputs, outputs, NOW) is wanted


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        (many("in", [100_000, 200_000]), paid([250_000, 49_000])),
        (many("in", [100_000]), paid([30_000, 30_000, 30_000])),
        ([("a", 50), ("a", 60), ("a", 70)], paid([30_000, 30_000, 30_000, 5])),
        (many("in", [100_000, 200_000, 300_000]), [("x", 30_000), ("x", 30_000), ("x", 30_000), ("y", 7), ("z", 8)]),
        (many("in", [100_000, 200_000, 300_000]), paid([2_000, 2_000, 2_000, 500_000])),
        (many("in", [10**6, 10**6]), paid([1_000_000 + 7 * n for n in range(40)])),
    ],
    ids=["payment and change", "one sender", "one address signs", "one receiver", "dust", "payout with different amounts"],
)
def test_what_one_owner_does_is_not_joint(inputs, outputs):
    assert form(inputs, outputs, NOW) is Form.PLAIN


def test_before_payjoin_was_proposed_there_was_none():
    inputs, outputs = FORMS[Form.PAYJOIN]
    assert form(inputs, outputs, joint.PAYJOIN_SINCE - 1) is Form.PLAIN


AMOUNT = st.sampled_from([100_000, 1_000_000, 5_000_000, 9_900_000, 2_000, 3**12, 700_001, 12_345_678])
SIDE = st.lists(st.tuples(st.integers(-1, 30), AMOUNT), min_size=1, max_size=26)


@given(SIDE, SIDE, st.sampled_from([joint.PAYJOIN_SINCE - 1, NOW]))
def test_the_compiled_form_says_the_same(inputs, outputs, time):
    given = tuple(np.array(part) for side in (inputs, outputs) for part in zip(*side, strict=True))
    alone = form_of(*given, time)
    found = np.zeros(1, np.int64)
    kernels.forms(
        np.zeros(len(inputs) + len(outputs), np.int64),
        np.array([0] * len(inputs) + [1] * len(outputs), np.uint8),
        np.concatenate([given[0], given[2]]).astype(np.int32),
        np.concatenate([given[1], given[3]]),
        np.full(len(inputs) + len(outputs), time),
        found,
    )
    assert found[0] == alone
