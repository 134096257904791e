"""The trace benchmark compares like with like: networkx's figures and SQL's cone are those of the search."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import trace_large
from benchmarks.cones import cone
from exposure.model.settings import Rule
from exposure.taint.kernels import shares


@pytest.mark.parametrize(("ledger", "transfers"), [("lately", 9_500), ("spread", 12_000)])
def test_the_same_figures_and_cones_whatever_is_asked(tmp_path: Path, ledger: str, transfers: int) -> None:
    kind = trace_large.KINDS[ledger]
    chosen = Namespace(deposits=6, seed=1, rules="haircut,fifo", scenarios="stops,E500,F", cold=2, compared=3)
    with trace_large.built(tmp_path / "made", kind, transfers) as (world, took):
        text = trace_large.shown(world, chosen, took)
        rows = [line for line in text.splitlines() if line.startswith("| ")]
        assert sum(line.endswith("| yes |") for line in rows) == 3 and not any("| NO |" in line for line in rows)
        assert {line.split(" | ")[0] for line in rows} >= {"| stops, haircut", "| E500, fifo", "| F, haircut", "| F"}
        search = world.search("F")
        for deposit in trace_large.deposits(world, 4, 2):
            found = search.trace(deposit.pot, deposit.at, Rule.HAIRCUT, trace_large.HOPS)
            one = cone(world.ends, search.marks, deposit.pot, deposit.at, trace_large.HOPS, keep=10**6)
            assert one.rows is not None and one.transfers == len(one.rows) and deposit.row in one.rows
            assert set(found.lacking.pot.tolist()) <= set(one.covered.tolist())
            assert set(found.origins.row[found.origins.row >= 0].tolist()) <= set(one.rows.tolist())
    with trace_large.built(tmp_path / "made", kind, transfers) as (again, said):
        assert said == took and np.array_equal(again.seeds, world.seeds)
        assert shares.mark(again.search("stops").marks, int(again.services[0])) == shares.STOPS
