"""Laws add up decimals outside of the engines, with the engines' precision."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import localcontext

import pytest

from exposure.taint.reference.pots import DIGITS


@pytest.fixture(autouse=True, scope="module")
def _long_decimals() -> Iterator[None]:
    with localcontext() as context:
        context.prec = DIGITS
        yield
