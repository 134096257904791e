"""A sweep that goes on from a saved state ends as one that never stopped; a state that does not fit is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from ledgers import LAW, AccountWorld, account_worlds, utxo_worlds  # shared with the laws
from numbered_worlds import account_ledger, roles, stricter, thefts, utxo_ledger

from exposure.engines.local import account_moves, saved
from exposure.engines.local.ledger import Ledger
from exposure.engines.local.moves import Sight
from exposure.engines.local.roles import Theft
from exposure.engines.local.saved import Unfit
from exposure.engines.local.sweep import Sweep
from exposure.errors import EngineError
from exposure.model.labels import Labels, Seed
from exposure.model.ledger import Incomplete, Place, Transfer
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


def a_world(ends, amount=5, txs="t{}"):
    transfers = [
        Transfer(f"t{n}:0", txs.format(n), Place(n, 0, 0), n, s, r, "ethereum/native", amount) for n, (s, r) in enumerate(ends)
    ]
    return AccountWorld(transfers, Labels(seeds={"S": Seed("S", "sanctioned")}))


def a_state(tmp_path):
    world = a_world([("S", "A"), ("A", "B"), ("B", "C")])
    transfers = world.transfers
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


def test_a_state_with_any_changed_byte_or_an_array_of_another_run_is_refused(tmp_path):
    made, ledger, pots, world, named = a_state(tmp_path)
    for file in sorted((tmp_path / "state").glob("*.npy")):
        whole = file.read_bytes()
        if len(whole) > 128:  # the header alone has spaces that say nothing
            file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
            with pytest.raises(Unfit, match="damaged"):
                saved.read(tmp_path / "state", digest(ledger, pots), ledger.rows)
        file.write_bytes(b"")
        with pytest.raises(Unfit, match="damaged"):
            saved.read(tmp_path / "state", digest(ledger, pots), ledger.rows)
        file.write_bytes(whole)
    headers = tmp_path / "state" / "headers.npy"
    whole = headers.read_bytes()
    with headers.open("wb") as file:  # more than there is memory for
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (10**15,)})
    with pytest.raises(Unfit, match="damaged"):
        saved.read(tmp_path / "state", digest(ledger, pots), ledger.rows)
    headers.write_bytes(whole)
    other = a_world([("S", "A"), ("A", "B"), ("B", "C")], amount=7)
    mine = account_ledger(other.transfers)[0]
    second = begun(mine, pots, other, named, Rule.HAIRCUT, None)
    second.run()
    saved.save(second, tmp_path / "second", digest(mine, pots))
    headers.write_bytes((tmp_path / "second" / "headers.npy").read_bytes())
    with pytest.raises(Unfit, match="damaged"):
        saved.read(tmp_path / "state", digest(ledger, pots), ledger.rows)


def test_what_a_killed_run_left_goes_when_the_next_one_saves(tmp_path):
    made, ledger, pots, _, _ = a_state(tmp_path)
    (tmp_path / "state.0123abcd.part").mkdir()
    (tmp_path / "state.0123abcd.part.old").mkdir()
    (tmp_path / "state-interval").mkdir()
    saved.save(made, tmp_path / "state", digest(ledger, pots))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state", "state-interval"]


def test_a_transaction_that_got_further_rows_is_not_gone_on_with(tmp_path):
    world = a_world([("S", "A"), (None, "A"), ("A", "B"), ("A", "C")], txs="t")
    ledger, pots, named = account_ledger(world.transfers)
    cut, known = first(ledger, 3, pots)
    earlier = begun(cut, known, world, named, Rule.TIHO, None)
    earlier.run()
    saved.save(earlier, tmp_path / "state", digest(ledger, pots))
    state = saved.read(tmp_path / "state", digest(ledger, pots), ledger.rows)
    with pytest.raises(Unfit, match="further rows"):
        begun(ledger, pots, world, named, Rule.TIHO, None, saved=state)


@pytest.mark.parametrize("rule", [Rule.HAIRCUT, Rule.FIFO, Rule.LIFO, Rule.TIHO])
def test_a_later_shortfall_of_a_pot_with_a_known_balance_is_no_other_history(tmp_path, rule):
    rows = [(1, "S", "A", 5), (4, "S", "A", 5), (5, "A", "B", 12), (9, "A", "C", 50)]
    transfers = [Transfer(f"t{n}:0", f"t{n}", Place(n, 0, 0), n, s, r, "ethereum/native", a) for n, s, r, a in rows]
    world = AccountWorld(transfers, Labels(seeds={"S": Seed("S", "sanctioned")}))
    ledger, pots, named = account_ledger(transfers)
    missing = [Incomplete("A", "ethereum/native", until=Place(3, 0, 0), balance=9)]
    assert not goes_on(tmp_path, ledger, pots, world, named, rule, missing, 3)
    assert goes_on(tmp_path, *(first(ledger, 3, pots)), world, named, rule, missing, 2)


def test_thefts_are_known_by_name_whatever_their_numbers_in_an_index(tmp_path):
    world = a_world([("S", "A"), ("X", "A"), ("A", "B")])
    ledger, pots, _ = account_ledger(world.transfers)

    def sweep(number, **more):
        sight = Sight(roles(world.labels, pots, ASSETS), np.arange(len(pots), dtype=np.int32), {number: Theft(0, 0, "t1")})
        return Sweep(ledger, Rule.HAIRCUT, HOPS, sight, ledger.asset, **more)

    made = sweep(1)
    made.run()
    saved.save(made, tmp_path / "state", digest(ledger, pots))
    assert sweep(2**60, saved=saved.read(tmp_path / "state", digest(ledger, pots), ledger.rows)).rows == ledger.rows


def test_an_asset_of_which_nothing_moved_takes_no_others_total(tmp_path):
    """What moved decides the unit in which order rules count; worthless assets whose transfers are all of zero are many."""
    world = a_world([("S", "A"), ("A", "B"), ("B", "C")], amount=10**18)
    ledger, pots, named = account_ledger(world.transfers)
    ledger = replace(ledger, asset=np.zeros_like(ledger.asset))  # the second of two assets has no pot
    made = begun(ledger, pots, world, named, Rule.FIFO, None)
    made.run()
    saved.save(made, tmp_path / "state", digest(ledger, pots))
    later = begun(
        ledger, pots, world, named, Rule.FIFO, None, saved=saved.read(tmp_path / "state", digest(ledger, pots), ledger.rows)
    )
    assert later.state.moved.tolist() == made.state.moved.tolist() == [3e18, 0]


def test_there_is_room_for_the_longest_chunk_wherever_chunks_end(tmp_path, monkeypatch):
    """Kernels do not look whether a pot is beyond their arrays."""
    monkeypatch.setattr(Ledger, "chunks", lambda self, start=0: account_moves.chunks(self.tx, 4, start))
    names = ["a", "a", "a", "b", *"ccccccc", "d"]
    transfers = [
        Transfer(f"{tx}:{n}", tx, Place(ord(tx), 0, n), ord(tx), "A", "B", "ethereum/native", 5) for n, tx in enumerate(names)
    ]
    world = AccountWorld(transfers, Labels())
    ledger, pots, named = account_ledger(transfers)
    cut, known = first(ledger, 3, pots)
    earlier = begun(cut, known, world, named, Rule.TIHO, None)
    earlier.run()
    saved.save(earlier, tmp_path / "state", digest(ledger, pots))
    later = begun(
        ledger, pots, world, named, Rule.TIHO, None, saved=saved.read(tmp_path / "state", digest(ledger, pots), ledger.rows)
    )
    longest = max(part.stop - part.start for part in ledger.chunks(later.rows))
    assert longest > max(part.stop - part.start for part in ledger.chunks())
    assert len(later.state.state.headers) > later.sight.spare + longest


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
