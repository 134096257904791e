"""A movement that several sources number in their own ways is stored once, and as often as the fullest of them has it."""

from __future__ import annotations

from decimal import Decimal

import hypothesis.strategies as st
import pytest
from hypothesis import given

from exposure.model.ledger import Place
from exposure.sources.bulk.stored import python_rows
from exposure.store.histories import StoredAccountHistory
from exposure.store.store import Store

A, B, C = ("0x" + letter * 40 for letter in "abc")
TX = "0x" + "1" * 64


def rows(way: str, ends: dict[tuple[str, str, int], int], tx: str = TX) -> list[tuple[object, ...]]:
    """Transfers of one transaction as a source numbers them."""
    found: list[tuple[object, ...]] = []
    for (sender, receiver, amount), count in ends.items():
        for n in range(count):
            number = len(found) if way == "log" else n + 1
            ordinal = f"log:{number}" if way == "log" else f"repeat:{number}:{sender[2:5]}{receiver[2:5]}{amount}"
            place = (7, 3, len(found))
            whose = ("ethereum", "ethereum/0x" + "d" * 40, tx)
            found.append((*whose, *place, ordinal, 9, sender, receiver, Decimal(amount), "token", "ok", None, 0))
    return found


MOVEMENTS = st.dictionaries(st.tuples(st.sampled_from([A, B]), st.sampled_from([B, C]), st.integers(1, 2)), st.integers(1, 3))


@pytest.mark.long
@given(MOVEMENTS, st.lists(st.tuples(st.sampled_from(["log", "repeat"]), st.integers(0, 3)), min_size=1, max_size=4))
def test_as_many_are_stored_as_the_fullest_source_has(
    truth: dict[tuple[str, str, int], int], turns: list[tuple[str, int]]
) -> None:
    """Each source may lack some; what is stored at the end is, for each movement, the most that any of them had."""
    most: dict[tuple[str, str, int], int] = {}
    with Store.in_memory() as store:
        for number, (way, less) in enumerate(turns):
            seen = {movement: max(0, count - less) for movement, count in truth.items()}
            own = rows(way, {movement: count for movement, count in seen.items() if count})
            if way == "log" and less:  # a log keeps its number whatever else a source leaves out
                own = [row for row in rows(way, truth) if row in own or seen[row[8], row[9], int(str(row[10]))]]
                seen = {movement: truth[movement] if count else 0 for movement, count in seen.items()}
            for movement, count in seen.items():
                most[movement] = max(most.get(movement, 0), count)
            with store.writer(f"source-{number}") as writer:
                writer.append("transfers", python_rows("transfers", own))
                writer.commit()
        if not store.chains():
            return
        history = StoredAccountHistory(store, "ethereum")
        held: dict[tuple[str, str, int], int] = {}
        for row in history.transaction(TX):
            assert row.place >= Place(7, 3, 0)
            key = (str(row.sender), str(row.receiver), row.amount)
            held[key] = held.get(key, 0) + 1
    assert held == {movement: count for movement, count in most.items() if count}


def test_equal_transfers_of_one_source_are_never_merged() -> None:
    with Store.in_memory() as store:
        for number, way in enumerate(("log", "log")):
            with store.writer(f"source-{number}") as writer:
                tx = TX if number == 0 else TX.replace("1", "2")
                writer.append("transfers", python_rows("transfers", rows(way, {(A, B, 1): 3}, tx)))
                writer.commit()
        history = StoredAccountHistory(store, "ethereum")
        assert len(history.movements(A, "ethereum/0x" + "d" * 40)) == 6
