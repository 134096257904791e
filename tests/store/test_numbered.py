"""An index says what the ledger says, in numbers: by first use, whole or not at all."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import store_ledgers as made

from exposure.errors import StoreError
from exposure.model.ledger import Kind, Transfer
from exposure.store import ledgers
from exposure.store.ahead import ahead
from exposure.store.numbered import Numbered, numbered
from exposure.store.numbering import columns, rows
from exposure.store.numbering.names import Names, texts
from exposure.store.store import Store


def moving(store: Store) -> list[Transfer]:
    every = ledgers.transfers(store, "ethereum")
    return [row for row in every if not row.failed and row.amount and row.sender != row.receiver]


def imported(folder: Path, parts: list[list[Transfer]]) -> Store:
    store = Store.create(folder)
    for number, part in enumerate(parts):
        with store.writer(f"import {number}") as writer:
            writer.append("transfers", made.transfer_rows(part))
            writer.commit()
    return store


def said(ledger: Numbered) -> list[tuple[object, ...]]:
    """Each row in words again."""
    c = {name: np.asarray(column) for name, column in ledger.columns.items()}
    names = ledger.addresses(np.arange(ledger.pots)).to_pylist()
    assets = [ledger.assets[place] for place in ledger.asset.tolist()]
    found = []
    for n in range(ledger.rows):
        s, t = int(c["source"][n]), int(c["target"][n])
        amount = int(c["low"][n]) | int(c["high"][n]) << 64
        ends = [None if pot < 0 else names[pot] for pot in (s, t)]
        found.append((assets[max(s, t)], *ends, amount, int(c["block"][n]), int(c["time"][n]), bool(c["fee"][n])))
    return found


@pytest.mark.parametrize("cut", ["in one import", "one after the other", "overlapping", "backwards"])
def test_columns_say_what_the_ledger_says_and_pots_follow_first_use(tmp_path: Path, cut: str) -> None:
    transfers = made.random_transfers(5, 400, 40)
    half = [row for row in transfers if row.place.block < 60], [row for row in transfers if row.place.block >= 60]
    parts = {
        "in one import": [transfers],
        "one after the other": [half[0], half[1]],
        "overlapping": [transfers[::2], transfers[1::2]],
        "backwards": [half[1], half[0]],
    }[cut]
    with imported(tmp_path / "store", parts) as store:
        assert (rows.in_order(store.parts("transfers")) is None) == (cut == "overlapping")
        told: list[tuple[int, int]] = []
        with numbered(store, "ethereum", lambda done, total: told.append((done, total))) as ledger:
            wanted = moving(store)
            assert said(ledger) == [
                (t.asset, t.sender, t.receiver, t.amount, t.place.block, t.time, t.kind is Kind.FEE) for t in wanted
            ]
            ends = [(t.asset, end) for t in wanted for end in (t.sender, t.receiver) if end is not None]
            pots = list(dict.fromkeys(ends))
            names = ledger.addresses(np.arange(ledger.pots)).to_pylist()
            assert [(ledger.assets[a], name) for a, name in zip(ledger.asset.tolist(), names, strict=True)] == pots
            asked = sorted({name for _, name in pots}) + ["0xnobody", "", None]
            place, pot = ledger.find(pa.array(asked, pa.string()))
            assert sorted((asked[p], pots[q][0]) for p, q in zip(place.tolist(), pot.tolist(), strict=True)) == sorted(
                (name, asset) for asset, name in pots
            )
            same = np.asarray(ledger.columns["tx"])
            assert [a == b for a, b in zip(same, same[1:], strict=False)] == [
                a.tx == b.tx for a, b in zip(wanted, wanted[1:], strict=False)
            ]
            assert ledger.hashes([wanted[3].tx]) == [int(same[3])]
            assert told and told[-1][0] == told[-1][1]


def test_names_have_one_number_each_however_many_there_are() -> None:
    draw = random.Random(3)
    table, known = Names(), dict[str, int]()
    pool = ["", "a", "é", "x" * 300] + [f"{draw.getrandbits(draw.choice([4, 12, 160])):x}" for _ in range(30_000)]
    for _ in range(40):
        left, right = ([draw.choice([None, *draw.choices(pool, k=20)]) for _ in range(1_000)] for _ in range(2))
        live = np.array([draw.random() < 0.9 for _ in left])
        found = table.ends(texts(pa.array(left, pa.string()).slice(0)), texts(pa.array(right, pa.large_string())), live.copy())
        for a, b, good, numbers in zip(left, right, live.tolist(), found.tolist(), strict=True):
            if good and not (a == b and a is not None):
                assert numbers == [-1 if end is None else known.setdefault(end, len(known)) for end in (a, b)]
    assert table.count == len(known)


def test_amounts_above_64_bits_begin_where_the_first_of_them_stands(tmp_path: Path) -> None:
    with columns.Columns(tmp_path, ("low", "high")) as written:
        for high in (0, 0, 7, 0):
            some = {"low": np.full(3, 5, np.uint64), "high": np.full(3, high, np.uint64)}
            written.add(some, np.full(3, 1), np.full(3, 2))
    assert np.fromfile(tmp_path / "high.bin", np.uint64).tolist() == [0] * 6 + [7] * 3 + [0] * 3
    assert written.stretches == 1 and np.fromfile(tmp_path / "stretch.bin", np.int32).tolist() == [0] * 12


def test_a_thread_that_reads_ahead_hands_on_items_errors_and_an_early_end() -> None:
    def source(closed: list[str]):
        try:
            for item in range(100):
                if item == 50:
                    raise StoreError("damaged")
                yield item
        finally:
            closed.append("closed")

    found: list[int] = []
    with pytest.raises(StoreError, match="damaged"):
        found.extend(ahead(source([])))
    taken = ahead(source(closed := []))
    assert [next(taken), next(taken)] == [0, 1]
    taken.close()
    assert closed == ["closed"]


def test_a_damaged_part_is_told_and_leaves_no_index(tmp_path: Path) -> None:
    with imported(tmp_path / "store", [made.random_transfers(5, 400, 40)]) as store:
        (part,) = (store.path / "parts").glob("transfers-*.parquet")
        octets = bytearray(part.read_bytes())
        octets[len(octets) // 3] ^= 0xFF
        part.write_bytes(octets)
        with pytest.raises(StoreError, match="damaged"), numbered(store, "ethereum"):
            pass
        assert not [path for path in (store.path / "index").iterdir() if path.is_dir()]


def test_leaving_early_interrupts_what_the_thread_waits_for() -> None:
    interrupted = threading.Event()

    def source():
        yield 1
        yield interrupted.wait(60)

    taken = ahead(source(), interrupted.set)
    assert next(taken) == 1
    taken.close()
    assert interrupted.is_set()
