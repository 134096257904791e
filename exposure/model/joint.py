"""Transactions that several owners made together (CoinJoin, payjoin), recognised by their form alone.

`form_of` is the one definition: it is called as it stands for single transactions, and compiled for whole ledgers
(`exposure.attribution.clusters.kernels`), so it keeps to loops over arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import numpy as np


class Form(IntEnum):
    """What a transaction looks like. ``EQUAL`` and ``PAYJOIN`` are possible only: they link nobody, and are not marked."""

    PLAIN = 0
    WHIRLPOOL = 1
    WASABI = 2
    WASABI2 = 3
    JOINMARKET = 4
    EQUAL = 5
    PAYJOIN = 6


NAMES = {
    Form.WHIRLPOOL: "Whirlpool",
    Form.WASABI: "Wasabi 1",
    Form.WASABI2: "Wasabi 2",
    Form.JOINMARKET: "JoinMarket",
    Form.EQUAL: "equal outputs of several owners",
    Form.PAYJOIN: "possible payjoin",
}
MARKED = (Form.WHIRLPOOL, Form.WASABI, Form.WASABI2, Form.JOINMARKET)
"""The forms in which every output is a hop."""

DUST = 2_730
PAYJOIN_SINCE = 1_533_081_600
"""2018-08-01: the first proposal; before, an input that was not needed says nothing."""
# Plain numbers for the compiled form, which knows no enumerations.
PLAIN, WHIRLPOOL, WASABI, WASABI2, JOINMARKET, EQUAL, PAYJOIN = (int(form) for form in Form)
POOLS = np.array([100_000, 1_000_000, 5_000_000, 50_000_000])
"""Whirlpool's pools, in satoshi."""
DENOMINATIONS = np.array(
    sorted(
        {
            value
            for value in (
                *(2**n for n in range(41)),
                *(k * 3**n for k in (1, 2) for n in range(27)),
                *(k * 10**n for k in (1, 2, 5) for n in range(13)),
            )
            if 5_000 <= value <= 2_000 * 10**8
        }
    )
)
"""Wasabi 2's standard denominations: powers of two, of three (once and twice), of ten (once, twice, five times)."""


def form_of(sources: Any, inputs: Any, targets: Any, outputs: Any, time: int) -> int:
    """The form of one transaction.

    Parameters
    ----------
    sources, inputs
        Number and satoshi of the address of each input, integer arrays; -1 where it is not known.
    targets, outputs
        The same of each output.
    time
        Unix seconds.
    """
    if len(inputs) < 2 or len(outputs) < 2:
        return PLAIN
    alike = True
    for n in range(1, len(sources)):
        alike = alike and sources[n] >= 0 and sources[n] == sources[0]
    if alike:
        return PLAIN
    if len(outputs) == 2:
        # An input that neither output needed may be the receiver's own.
        if time < PAYJOIN_SINCE:
            return PLAIN
        least = inputs.min()
        return PAYJOIN if 0 <= least <= outputs.min() else PLAIN
    if len(outputs) <= 16:  # most transactions: no need to sort anything
        alike = False
        for n in range(len(outputs)):
            for m in range(n):
                alike = alike or outputs[n] == outputs[m]
        if not alike:
            return PLAIN
    ids = np.sort(sources)
    owners = 0  # addresses that sign; an unknown one counts as one of its own
    for n in range(len(ids)):
        if ids[n] < 0 or n == 0 or ids[n] != ids[n - 1]:
            owners += 1
    values = np.sort(outputs)
    common, repeats, run, standard = 0, 0, 0, 0
    for n in range(len(values)):
        run = run + 1 if n > 0 and values[n] == values[n - 1] else 1
        if values[n] > DUST and run >= repeats:
            common, repeats = values[n], run
        place = np.searchsorted(DENOMINATIONS, values[n])
        if place < len(DENOMINATIONS) and DENOMINATIONS[place] == values[n]:
            standard += 1
    if repeats < 2:
        return PLAIN
    paid = np.sort(targets[outputs == common])
    receivers = 0  # several payments of one amount to one address are no mixing
    for n in range(len(paid)):
        if paid[n] < 0 or n == 0 or paid[n] != paid[n - 1]:
            receivers += 1
    repeats = min(repeats, receivers)
    if 5 <= len(inputs) <= 10 and len(inputs) == len(outputs) and repeats == owners == len(inputs):
        least = inputs.min()
        for pool in POOLS:
            if common == pool and (least >= pool or least < 0):
                return WHIRLPOOL
    if repeats >= 10 and owners >= repeats and 8_000_000 <= common <= 12_000_000:
        return WASABI
    if len(inputs) >= 20 and len(outputs) >= 20 and owners >= 10 and repeats >= 2 and 10 * standard >= 6 * len(outputs):
        return WASABI2
    if repeats >= 3 and owners >= repeats and 2 * repeats - 1 <= len(outputs) <= 2 * repeats:
        return JOINMARKET
    if repeats >= 2 and owners >= repeats and (len(outputs) <= 2 * repeats or repeats >= 5):
        return EQUAL
    return PLAIN


def form(inputs: Sequence[tuple[str | None, int | None]], outputs: Sequence[tuple[str | None, int]], time: int) -> Form:
    """`form_of` for addresses as texts: (address, satoshi) of each input and output, None where it is not known."""
    if len(inputs) < 2 or len(outputs) < 2:
        return Form.PLAIN
    numbers: dict[str, int] = {}

    def number(address: str | None) -> int:
        return -1 if address is None else numbers.setdefault(address, len(numbers))

    return Form(
        form_of(
            np.array([number(address) for address, _ in inputs]),
            np.array([-1 if amount is None else amount for _, amount in inputs]),
            np.array([number(address) for address, _ in outputs]),
            np.array([amount for _, amount in outputs]),
            time,
        )
    )
