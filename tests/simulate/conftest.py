"""Small economies, run once and only read."""

from __future__ import annotations

import pytest
from economies import Ran, ran

from exposure.simulate.sizes import plan


@pytest.fixture(scope="session", params=[1, 2, 3])
def economy_run(request: pytest.FixtureRequest) -> Ran:
    """A small economy of several seeds."""
    return ran(plan("small", request.param))


@pytest.fixture(scope="session")
def first_economy() -> Ran:
    """The economy of the shipped fixture."""
    return ran(plan("small", 1))
