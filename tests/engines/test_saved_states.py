"""A sweep that goes on from a saved state ends as one that never stopped; a state that does not fit is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from ledgers import LAW, AccountWorld, account_worlds, utxo_worlds  # shared with the laws
from numbered_worlds import account_ledger, roles, stricter, thefts, utxo_ledger

from exposure.engines.local import saved
from exposure.engines.local.moves import Sight
from exposure.engines.local.saved import Unfit
from exposure.engines.local.sweep import Sweep
from exposure.errors import EngineError
from exposure.model.labels import Labels, Seed
from exposure.model.ledger import Place, Transfer
from exposure.model.settings import Rule

ASSETS = ("ethereum/0x01", "ethereum/native")
HOPS = 3


def digest(ledger, pots):
    """As an index gives it: of the rows, and of the names that they use."""

    def of(rows, used):
        columns = [np.asarray(column[:rows]) for name, column in sorted(ledger.columns.items()) if name != "tx"]
        return saved.fingerprint(rows, pots[:used], *columns)

    return of


def first(ledger, rows, pots):
    """The ledger as it was after some of its rows, with the pots that it had then."""
    columns = {name: column[:rows] for name, column in ledger.columns.items()}
    ends = [columns[name] for name in (("address",) if ledger.utxo else ("source", "target"))]
    used = int(max((end.max() for end in ends if len(end)), default=-1)) + 1
    coins = int(columns["coin"].max()) + 1 if ledger.utxo and rows else 0
    txs = int(columns["tx_no"][-1]) + 1 if ledger.utxo and rows else 0
    return replace(ledger, pots=used, coins=coins, txs=txs, asset=ledger.asset[:used], columns=columns), pots[:used]


def begun(ledger, pots, world, named, rule, missing, **more):
    sight = Sight(roles(world.labels, pots, ASSETS), np.arange(len(pots), dtype=np.int32), *thefts(world.labels, named))
    gaps = stricter(pots, missing, world.labels) if missing is not None else None
    return Sweep(ledger, rule, HOPS, sight, ledger.asset, stricter=gaps, **more)


def assert_same(one, other):
    for name in ("parts", "upper", "unresolved", "limbs", "first", "last"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


def boundaries(ledger):
    """Rows at which a transaction begins, and the end."""
    tx = ledger.columns["tx_no" if ledger.utxo else "tx"]
    return [*(np.flatnonzero(tx[1:] != tx[:-1]) + 1).tolist(), len(tx)]


def goes_on(tmp, ledger, pots, world, named, rule, missing, rows):
    cut, known = first(ledger, rows, pots)
    earlier = begun(cut, known, world, named, rule, missing)
    earlier.run()
    saved.save(earlier, tmp / "state", digest(ledger, pots))
    state = saved.read(tmp / "state", digest(ledger, pots), ledger.rows)
    whole = begun(ledger, pots, world, named, rule, missing)
    whole.run()
    try:
        later = begun(ledger, pots, world, named, rule, missing, saved=state)
    except Unfit:  # what became known later changes what was carried out before
        return False
    later.run()
    assert_same(later.found(), whole.found())
    return True


@pytest.mark.parametrize("missing", [None, []])
@pytest.mark.parametrize("rule", Rule)
@LAW
@given(account_worlds(openings=False), st.data())
def test_an_account_ledger_goes_on_where_it_stopped(tmp_path_factory, rule, missing, world, data):
    ledger, pots, named = account_ledger(world.transfers)
    assume(ledger.rows)
    rows = data.draw(st.sampled_from(boundaries(ledger)))
    fits = goes_on(tmp_path_factory.mktemp("saved"), ledger, pots, world, named, rule, missing, rows)
    assert fits or missing is not None or world.labels.owners or rule in (Rule.FIFO, Rule.LIFO, Rule.TIHO)


@pytest.mark.parametrize("rule", Rule)
@LAW
@given(utxo_worlds(huge=False), st.data())
def test_a_coin_ledger_goes_on_where_it_stopped(tmp_path_factory, rule, world, data):
    ledger, pots, named = utxo_ledger(world.txs)
    assume(ledger.rows)
    rows = data.draw(st.sampled_from(boundaries(ledger)))
    fits = goes_on(tmp_path_factory.mktemp("saved"), ledger, pots, world, named, rule, None, rows)
    assert fits or world.labels.owners


def a_state(tmp_path):
    transfers = [
        Transfer(f"t{n}:0", f"t{n}", Place(n, 0, 0), n, s, r, "ethereum/native", 5)
        for n, (s, r) in enumerate([("S", "A"), ("A", "B"), ("B", "C")])
    ]
    world = AccountWorld(transfers, Labels(seeds={"S": Seed("S", "sanctioned")}))
    ledger, pots, named = account_ledger(transfers)
    made = begun(ledger, pots, world, named, Rule.HAIRCUT, None)
    made.run()
    saved.save(made, tmp_path / "state", digest(ledger, pots))
    return made, ledger, pots, world, named


def test_a_damaged_state_is_refused(tmp_path):
    _, ledger, pots, _, _ = a_state(tmp_path)
    for file in sorted((tmp_path / "state").iterdir()):
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(Unfit, match="damaged|none"):
            saved.read(tmp_path / "state", digest(ledger, pots), ledger.rows)
        file.write_bytes(whole)
    saved.read(tmp_path / "state", digest(ledger, pots), ledger.rows)


def test_a_state_of_other_rows_or_of_another_question_is_refused(tmp_path):
    _, ledger, pots, world, named = a_state(tmp_path)
    other = replace(ledger, columns={**ledger.columns, "low": ledger.columns["low"] + np.uint64(1)})
    with pytest.raises(Unfit, match="does not begin with the rows"):
        saved.read(tmp_path / "state", digest(other, pots), other.rows)
    state = saved.read(tmp_path / "state", digest(ledger, pots), ledger.rows)
    with pytest.raises(Unfit, match="another rule"):
        begun(ledger, pots, world, named, Rule.FIFO, None, saved=state)
    with pytest.raises(Unfit, match="who is who"):
        begun(
            ledger,
            pots,
            replace(world, labels=Labels(seeds={"A": Seed("A", "sanctioned")})),
            named,
            Rule.HAIRCUT,
            None,
            saved=state,
        )


def test_a_state_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    made, ledger, pots, _, _ = a_state(tmp_path)

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(saved.np, "save", full)
    with pytest.raises(EngineError, match="No space left on device"):
        saved.save(made, tmp_path / "state", digest(ledger, pots))
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    saved.read(tmp_path / "state", digest(ledger, pots), ledger.rows)
