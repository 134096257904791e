"""Rows of the benchmark agree with the definition, as far as each claims."""

import sys
from collections import defaultdict

import numpy as np
import pytest

from benchmarks import baselines, billion, kernels, peers, rules, tables
from benchmarks.ledgers import FEE, FIRST_ACCOUNT, SEEDS, Chunk, Shape, chunks
from benchmarks.scenarios import CATEGORIES, NONE, SCENARIOS, UNKNOWN, ledger_moves, origins, reach
from exposure.model.settings import Rule

SHAPE = Shape(3_000, 2_000)
HOPS = 5
SCENARIO = {scenario.name: scenario for scenario in SCENARIOS}


@pytest.fixture(scope="module")
def ledger():
    """A ledger in which seeds pay more often than they usually do, so that there is something to compare."""
    (chunk,) = chunks(SHAPE)
    source = chunk.source.copy()
    source[10::12] = np.arange(len(source[10::12])) % SEEDS
    some = source != chunk.target
    return Chunk(source[some], chunk.target[some], chunk.amount[some])


@pytest.fixture(scope="module")
def defined(ledger):
    """What the definition says, by scenario and rule."""
    found = {}

    def of(scenario, rule=Rule.HAIRCUT):
        if (scenario.name, rule) not in found:
            found[scenario.name, rule] = baselines.reference(SHAPE, ledger, scenario, rule)[1]
        return found[scenario.name, rule]

    return of


def tainted(lots):
    """Seeds' parts by (category, hop); what lies past the limit by its category at one more."""
    parts = defaultdict(float)
    for origin, hop, amount in lots:
        if origin.kind == "seed":
            parts[int(origin.name.removeprefix("seed ")) % len(CATEGORIES), hop] += float(amount)
    return parts


def test_the_floor_moves_balances_as_the_definition_does(ledger, defined):
    scenario = SCENARIO["M"]
    _, balances = baselines.floor(SHAPE.addresses, list(ledger_moves(SHAPE, [ledger], scenario)))
    held = {int(owner): sum(lot.amount for lot in lots) for (owner, _), lots in defined(scenario, Rule.FIFO).held.items()}
    table = origins(scenario)
    pots = {place: amount for place, amount in held.items() if table[min(place, FIRST_ACCOUNT)] == NONE}
    assert {int(place): int(balances[place]) for place in np.flatnonzero(balances)} == pots


@pytest.mark.parametrize("name", ["L", "M"])
def test_networkx_pushes_the_haircut_of_the_definition(ledger, defined, name):
    _, graph = baselines.networkx_push(SHAPE, ledger, SCENARIO[name], HOPS)
    held = defined(SCENARIO[name]).held
    compared = 0
    for node, said in graph.nodes(data=True):
        lots = held.get((str(node), baselines.ASSET), ())
        total = sum(float(lot.amount) for lot in lots)
        wanted = tainted(lots)
        for key in {*wanted, *said["parts"]}:
            assert said["parts"].get(key, 0.0) == pytest.approx(wanted.get(key, 0.0), abs=1e-9 * max(total, 1.0))
            compared += 1
    assert compared > 20


@pytest.mark.parametrize("name", ["L", "M"])
def test_the_hop_loop_in_sql_finds_whom_poison_flags_and_at_which_hop(ledger, defined, name):
    _, rows = baselines.duckdb_hops([ledger], SCENARIO[name], HOPS)
    smallest = {}
    for row, lots in defined(SCENARIO[name], Rule.POISON).received.items():
        receiver = int(ledger.target[int(row)])
        for category, hop in tainted(lots):
            if receiver != FEE and hop <= HOPS:
                smallest[receiver, category] = min(hop, smallest.get((receiver, category), hop))
    assert {(account, category): hop for account, category, hop in rows} == smallest
    assert len(smallest) > 50


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_tainted_share_is_that_of_haircut(ledger, scenario):
    parts = list(ledger_moves(SHAPE, [ledger], scenario))
    run = rules.begin(rules.HAIRCUT, SHAPE, scenario)
    run.advance(run.translated(ledger))
    reached = reach(SHAPE.addresses, parts)
    assert run.carrying() == reached.carrying
    assert reached.transfers == len(ledger.source)


def test_the_tainted_share_is_what_the_definition_says_of_payers(ledger, defined):
    scenario = SCENARIO["M"]
    carrying = sum(any(lot.origin.kind == "seed" for lot in lots) for lots in defined(scenario).received.values())
    assert reach(SHAPE.addresses, ledger_moves(SHAPE, [ledger], scenario)).carrying == carrying


@pytest.mark.parametrize("mode", rules.MODES, ids=lambda mode: mode.name)
def test_every_mode_runs_and_says_what_it_touches(ledger, mode):
    seconds, carrying = kernels.timed(mode, SHAPE, [ledger], SCENARIO["H"], 1)
    assert seconds > 0
    assert 0 < carrying <= len(ledger.source)
    assert rules.touched(mode, SHAPE, [ledger], SCENARIO["H"]) > baselines.FLOOR_BYTES


def test_whoever_stops_value_is_an_origin_and_an_end(ledger):
    for scenario in SCENARIOS:
        table = origins(scenario)
        for part in list(ledger_moves(SHAPE, [ledger], scenario))[1:]:
            stops = table[np.minimum(part.source, FIRST_ACCOUNT)] != NONE
            assert np.array_equal(stops, part.origin != NONE)
            reaches = (part.who >= 0) & (table[np.clip(part.who, 0, FIRST_ACCOUNT)] != NONE)
            assert (part.target[reaches] < 0).all()
            assert np.array_equal(part.target[~reaches], part.who[~reaches])
            assert not (part.origin == UNKNOWN).any()


def test_an_outside_program_gets_the_whole_list(ledger, tmp_path):
    path, told = tmp_path / "list.tsv", tmp_path / "told"
    peers.write_list(path, [Chunk(*(column[:10] for column in ledger)), Chunk(*(column[10:] for column in ledger))], 2_000, 7)
    copy = f"import sys, pathlib; pathlib.Path({str(told)!r}).write_bytes(sys.stdin.buffer.read())"
    assert peers.run(f'{sys.executable} -c "{copy}"', path) > 0
    lines = told.read_text().splitlines()
    assert lines[:2] == ["2001", "7"]
    rows = np.array([[int(cell) for cell in line.split("\t")] for line in lines[2:]])
    assert np.array_equal(rows[:, 0], ledger.source)
    assert np.array_equal(rows[:, 1], np.where(ledger.target == FEE, 2_000, ledger.target))
    assert np.array_equal(rows[:, 2], np.arange(len(ledger.source)))
    assert np.array_equal(rows[:, 3], ledger.amount)


@pytest.mark.parametrize(("command", "says"), [("false", "ended with 1"), ("no-such-program-here", "cannot be started")])
def test_an_outside_program_that_fails_is_named(tmp_path, command, says):
    (tmp_path / "list.tsv").write_text("1\n0\n")
    with pytest.raises(SystemExit, match=says):
        peers.run(command, tmp_path / "list.tsv")


def test_the_table_has_a_row_for_everything_and_fits_the_screen(capsys):
    shape = Shape(8_000, 3_000)
    bench = kernels.Bench(shape, 1, SCENARIOS)
    for scenario in SCENARIOS:
        bench.compiled(scenario, rules.MODES)
    bench.compared(SCENARIO["L"], 500)
    bench.outside(["true"])
    tables.show(bench.grid())
    tables.show(kernels.growth([4_000, 8_000], [1, 5], shape, 1, SCENARIO["M"]))
    shown = capsys.readouterr().out
    rows = [
        "floor",
        *(mode.name for mode in rules.MODES),
        "definition, first 50",
        "networkx, first 500",
        "DuckDB",
        "peer 1: true",
    ]
    for row in rows:
        assert row in shown
    assert max(len(line) for line in shown.splitlines()) <= 100
    assert "\u2026" not in shown  # nothing is cut


def test_a_ledger_in_pieces_carries_what_it_carries_as_a_whole(tmp_path):
    shape = Shape(9_000, 3_000)
    grid = billion.propagate(shape, rules.HAIRCUT, SCENARIO["H"], 3, tmp_path, group=1_024)
    carrying = reach(shape.addresses, ledger_moves(shape, chunks(shape), SCENARIO["H"])).carrying
    assert grid.rows[-1][1] == "9,000"
    assert grid.rows[-1][6] == f"{carrying / 90:.1f}"
    assert len(grid.rows) == 4
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["kernels", "billion M", "billion H"])
def test_the_page_has_a_place_for_every_table(name, tmp_path):
    page = tmp_path / "page"
    page.write_text(tables.DOCUMENT.read_text())
    tables.write(name, "a table", page)
    assert "a table" in page.read_text()


def test_tables_replace_what_stands_between_their_markers(tmp_path):
    document = tmp_path / "page"
    document.write_text("before\n<!-- x begins -->\nold\n<!-- x ends -->\nafter\n")
    grid = tables.Grid("A title.", ("what", "L\nM/s"))
    grid.add("floor", "1.0")
    tables.write("x", tables.markdown(grid), document)
    tables.write("x", tables.markdown(grid), document)
    assert document.read_text() == (
        "before\n<!-- x begins -->\n\nA title.\n\n| what | L M/s |\n|---|---:|\n| floor | 1.0 |\n\n<!-- x ends -->\nafter\n"
    )
    with pytest.raises(SystemExit, match="no place"):
        tables.write("y", "text", document)
