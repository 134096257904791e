"""Counterparties by columns are those that the movements, row by row, show."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
import store_ledgers as made

from exposure.model.labels import Labels, Seed
from exposure.model.ledger import Kind
from exposure.store.histories import StoredAccountHistory
from exposure.store.store import Store
from exposure.tracing.hubs import account_hubs


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory):
    with Store.create(tmp_path_factory.mktemp("hubs") / "store") as store:
        for some in (slice(0, 400), slice(400, None)):  # two imports: an address has rows in two files
            with store.writer("import") as writer:
                writer.append("transfers", made.transfer_rows(made.random_transfers(5, 300)[some]))
                writer.commit()
        yield store


def by_rows(history: StoredAccountHistory, address: str, asset: str, above: int) -> tuple[set[str], dict[str, int]]:
    payers, paid = set(), defaultdict(int)
    for row in history.movements(address, asset):
        if row.kind is Kind.FEE or row.amount <= above or row.sender == row.receiver:
            continue
        if row.receiver == address and row.sender is not None:
            payers.add(row.sender)
        elif row.sender == address and row.receiver is not None:
            paid[row.receiver] += row.amount
    return payers, dict(paid)


@pytest.mark.parametrize("as_of", [None, 40])
@pytest.mark.parametrize("above", [0, 1, 999, 10**24, 10**60])
def test_counterparties_are_those_of_the_movements(store: Store, above: int, as_of: int | None) -> None:
    history = StoredAccountHistory(store, "ethereum", as_of)
    met = 0
    for number in range(1, 14):  # the last one is unknown
        for asset in (made.ETH, made.TOKEN):
            address = f"0x{number:040x}"
            payers, paid = history.counterparties(address, asset, above)
            assert (set(payers), dict(paid)) == by_rows(history, address, asset, above)
            assert len(payers) == len(set(payers))
            met += len(payers) + len(paid)
    assert bool(met) == (above < 10**60)


def test_addresses_of_one_owner_are_one_counterparty_and_none_of_their_own(store: Store) -> None:
    names = [f"0x{number:040x}" for number in range(1, 13)]
    labels = Labels(
        owners=dict.fromkeys(names[:4], names[0]) | dict.fromkeys(names[4:8], "shop"), seeds={"shop": Seed("s", "scam")}
    )
    history = StoredAccountHistory(store, "ethereum")
    counted = {}
    judge = account_hubs(
        history.counterparties, labels, made.ETH, threshold=3, dust=0, seen=lambda owner, found: counted.update({owner: found})
    )
    for owner in (names[0], names[8]):
        judge(owner)
        mine = names[:4] if owner == names[0] else [owner]
        others, sent = set(), defaultdict(int)
        for address in mine:
            payers, paid = by_rows(history, address, made.ETH, 0)
            others |= {labels.owner(who) for who in payers | set(paid)} - {owner}
            for who, amount in paid.items():
                sent[labels.owner(who)] += amount
        sent.pop(owner, None)
        assert counted[owner].counterparties == len(others)
        assert counted[owner].sent == sum(sent.values())
        assert counted[owner].to_few == sum(sorted(sent.values())[-3:])


def test_an_address_with_very_many_movements_is_judged_without_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.create(tmp_path / "store") as store:
        with store.writer("import") as writer:
            writer.append("transfers", made.transfer_rows(made.random_transfers(7, 200)))
            writer.commit()
        history = StoredAccountHistory(store, "ethereum")

        def read(*_: object) -> None:
            raise AssertionError("rows were read as values")

        monkeypatch.setattr(history, "movements", read)
        judge = account_hubs(history.counterparties, Labels(), made.ETH, threshold=3, dust=0)
        assert {judge(f"0x{number:040x}") for number in range(1, 13)} - {None}
