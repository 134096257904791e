"""Tracing on real ledgers: the wallets of the Ronin theft, and Bitcoin's first year."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from exposure.engines import local
from exposure.measure.account import destination_of_coin, source
from exposure.model.labels import Category, Labels, Seed
from exposure.model.ledger import LAST_INDEX, Coin, Output, Place, Spend, UtxoTx
from exposure.model.sentences import Sentence
from exposure.model.settings import Direction, Rule, Settings
from exposure.store import ledgers
from exposure.store.store import Store
from exposure.taint.reference import account, utxo
from exposure.taint.reference.lots import Lot
from exposure.tracing.forward import utxo_reach
from exposure.tracing.memory import MemoryUtxoHistory
from exposure.tracing.utxo_cone import utxo_cone
from exposure.workflows.ingest import ImportOptions, ingest
from exposure.workflows.tags import OwnTag, add_tag
from exposure.workflows.trace import TraceOptions, trace

pytestmark = pytest.mark.data

THIEF = "0x098b716b8aaf21512996dc57eb0615e2383e2f96"
ETHER = 10**18


def transfers_of(check_data: Path) -> list[tuple[str, str, Decimal]]:
    with (check_data / "data" / "eth_lazarus" / "LazarusTabularTxs1322519.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [(row["from"].replace("\\x", "0x"), row["to"].replace("\\x", "0x"), Decimal(row["total_eth"])) for row in rows]


def wallets_of(check_data: Path) -> set[str]:
    text = (check_data / "data" / "eth_lazarus" / "LazarusGroup.txt").read_text()
    return {"0x" + piece.split("'")[0].lower() for piece in text.split("\\x")[1:]}


@pytest.fixture
def lazarus(check_data: Path) -> Iterator[Store]:
    with Store.in_memory() as store:
        columns = ("block_time=time:iso", "from=from:hexbytes", "to=to:hexbytes", "total_eth=amount:ether")
        path = check_data / "data" / "eth_lazarus" / "LazarusTabularTxs1322519.csv"
        ingest([path], ImportOptions(chain="ethereum", columns=columns), store=store)
        yield store


def tag(store: Store, *addresses: str) -> None:
    for address in addresses:
        add_tag(store, OwnTag(address, Category.SANCTIONED, "Lazarus Group", "list of 2022-04-14", "Ronin theft"), now=0)


def test_with_the_thief_as_only_seed_his_wallets_pass_it_on_at_two_hops(lazarus: Store, check_data: Path) -> None:
    tag(lazarus, THIEF)
    rows = transfers_of(check_data)
    others = wallets_of(check_data) - {THIEF}
    assert len(others) == 7
    direct = {receiver for sender, receiver, amount in rows if sender == THIEF and amount}
    reached = {receiver for sender, receiver, amount in rows if sender in others & direct and amount} - direct - {THIEF}
    assert len(reached) == 36
    shown = 0
    for address in sorted(reached)[:6]:
        (section,) = trace(lazarus, address, TraceOptions(direction=Direction.SOURCE)).sections
        shown += any(row.hops == 2 and row.entity == "Lazarus Group" for row in section.exposures)
        assert section.totals.sum_checked
    assert shown == 6
    (paid,) = trace(lazarus, THIEF, TraceOptions(direction=Direction.DESTINATION, hops=1)).sections
    assert round(paid.subject.amount / ETHER, 3) == 182_163.956


def test_with_the_whole_list_what_the_wallets_paid_is_direct(lazarus: Store, check_data: Path) -> None:
    wallets = wallets_of(check_data)
    tag(lazarus, *sorted(wallets))
    rows = transfers_of(check_data)
    (section,) = trace(lazarus, THIEF, TraceOptions(direction=Direction.DESTINATION)).sections
    direct = sum(row.amount for row in section.exposures if row.kind == "direct")
    assert round(direct / ETHER, 3) == 144_835.998
    paid = sorted({receiver for sender, receiver, amount in rows if sender in wallets and amount} - wallets)
    for address in paid[:6]:
        (section,) = trace(lazarus, address, TraceOptions(direction=Direction.SOURCE)).sections
        assert any(row.kind == "direct" and row.entity == "Lazarus Group" for row in section.exposures)


@pytest.fixture(scope="module")
def year(check_data: Path) -> MemoryUtxoHistory:
    """Bitcoin's first year; transactions and addresses by their number in the tables."""

    def table(name: str) -> list[dict[str, str]]:
        with gzip.open(check_data / "data" / "btc_2009" / name, "rt", newline="") as file:
            return list(csv.DictReader(file))

    outputs: dict[str, dict[int, Output]] = defaultdict(dict)
    for row in table("tx_output.csv.gz"):
        outputs[row["tx_index"]][int(row["output_index"]) - 10 * int(row["tx_index"])] = Output(
            row["adr_index"], int(row["output_value"])
        )
    inputs: dict[str, list[Spend]] = defaultdict(list)
    for row in table("tx_input.csv.gz"):
        parent = str(int(row["output_index"]) // 10)
        n = int(row["output_index"]) - 10 * int(parent)
        inputs[row["tx_index"]].append(Spend(Coin(parent, n), row["adr_index"], int(row["input_value"])))
    txs = []
    for row in table("tx_height.csv.gz"):
        tx, block = row["tx_index"], int(row["block_index"])
        coinbase = tx not in inputs
        place = Place(block, LAST_INDEX if coinbase else int(tx), 0)
        paid = tuple(outputs[tx][n] for n in sorted(outputs[tx]))
        txs.append(UtxoTx(tx, place, block, tuple(inputs[tx]), paid, coinbase))
    return MemoryUtxoHistory(txs)


def test_the_first_coin_ever_paid_lies_in_five_places_at_the_end_of_the_year(year: MemoryUtxoHistory) -> None:
    for rule in Rule:
        options = Settings(rule=rule, max_hops=None)
        reach = utxo_reach(year, Coin("9", 0), Labels(), options)
        run = utxo.run(reach.txs, reach.labels, options, follow="9:0")
        held: dict[str, float] = defaultdict(float)
        for part, amount in destination_of_coin(run, reach.txs, reach.labels, None).items():
            held[part.name] += float(amount) / 10**8
        btc = sorted((round(amount, 9) for amount in held.values()), reverse=True)
        if rule is Rule.POISON:
            assert sum(btc) == 100
        else:
            assert btc == [18, 11, 10, 10, 1]


def test_one_coin_among_168_inputs_is_split_as_worked_by_hand(year: MemoryUtxoHistory) -> None:
    labels = Labels(coin_seeds={Coin("28515", 0): Seed("theft", "stolen_funds")})
    expected = {
        Rule.HAIRCUT: (0.24667, 49.75224, 0.00109),
        Rule.FIFO: (0, 49.78, 0.22),
        Rule.LIFO: (49.58, 0.42, 0),
        Rule.TIHO: (0, 50, 0),
    }
    for rule, figures in expected.items():
        options = Settings(rule=rule)
        cone = utxo_cone(year, [Coin("28691", 0), Coin("28691", 1)], labels, options)
        run = utxo.run(cone.txs, cone.labels, options, given=cone.given)
        carried = [run.received["28691:0"], run.received["28691:1"], run.fees["28691"]]
        found = [sum(float(lot.amount) for lot in lots if lot.origin.kind == "seed") / 10**8 for lots in carried]
        assert [round(amount, 5) for amount in found] == list(figures)


def test_an_ordinary_afternoon_shows_nothing_and_says_why_that_is_no_clean_bill(check_data: Path) -> None:
    """A negative control: nine hours of Ethereum without receipts, with holes, and one public label set of bad actors."""
    folder = check_data / "data" / "eth_2017_03_06"
    with Store.in_memory() as store:
        file = folder / "transactions_03300000_03399999_small.csv.gz"
        summary = ingest([file], ImportOptions(chain="ethereum"), store=store)
        assert summary.rejected == 0
        assert any("3302108 to 3302200" in warning for warning in summary.warnings)
        add_tag(store, OwnTag(THIEF, Category.SANCTIONED, "Lazarus Group", "list of 2022-04-14", "control"), now=0)
        with gzip.open(file, "rt", newline="") as rows:
            moved = [row for row in csv.DictReader(rows) if int(row["value"]) and row["to_address"]]
        for row in moved[:: len(moved) // 12]:
            report = trace(store, row["hash"], TraceOptions(chain="ethereum", direction=Direction.SOURCE))
            (section,) = report.sections
            assert not section.exposures
            assert section.totals.unresolved == int(row["value"])
            assert all(part.reason in ("shortfall", "hub", "beyond") and part.settles for part in section.unresolved)
            assert any(note.key == "notes.unknown_status" for note in section.notes if isinstance(note, Sentence))
            bounds = {bound.category: (bound.lower, bound.upper) for bound in section.bounds}
            assert bounds["sanctioned"] == (0, int(row["value"]))


def same_parts(mine: Iterable[Lot], theirs: Iterable[Lot], rule: Rule) -> None:
    """Two engines' lots of one transfer: haircut to 1e-9, poison by its flags, order rules exactly."""
    found, expected = source(tuple(mine), 5), source(tuple(theirs), 5)
    if rule is Rule.POISON:
        assert found.keys() == expected.keys()
        return
    total = float(sum(expected.values()))
    for part in {*found, *expected}:
        off = abs(float(found.get(part, 0)) - float(expected.get(part, 0)))
        assert off <= (total * 1e-9 if rule is Rule.HAIRCUT else 0), part


@pytest.mark.parametrize("rule", Rule)
def test_the_engines_agree_on_the_whole_first_year(year: MemoryUtxoHistory, rule: Rule) -> None:
    coins = {Coin("9", 0): Seed("first", "stolen_funds"), Coin("28515", 0): Seed("other", "scam")}
    labels, settings = Labels(coin_seeds=coins), Settings(rule=rule)
    txs = sorted((tx for n in range(32_709) if (tx := year.transaction(str(n))) is not None), key=lambda tx: tx.place)
    assert len(txs) == 32_709
    mine, theirs = local.utxo(txs, labels, settings), utxo.run(txs, labels, settings)
    assert sum(any(lot.origin.kind == "seed" for lot in lots) for lots in theirs.received.values()) > 3
    for ref, lots in theirs.received.items():
        same_parts(mine.received[ref], lots, rule)


@pytest.mark.parametrize("rule", Rule)
def test_the_engines_agree_on_the_whole_ronin_ledger(lazarus: Store, rule: Rule) -> None:
    transfers = list(ledgers.transfers(lazarus, "ethereum"))
    labels, settings = Labels(seeds={THIEF: Seed(THIEF, "sanctioned")}), Settings(rule=rule)
    mine, theirs = local.account(transfers, labels, settings), account.run(transfers, labels, settings)
    for transfer in transfers:
        found = mine.received[transfer.ref]
        # Ether in wei passes 62 bits: order rules count coarser here, and say what that leaves.
        assert rule in (Rule.HAIRCUT, Rule.POISON) or sum(lot.amount for lot in found) == transfer.amount
        if rule in (Rule.HAIRCUT, Rule.POISON):
            same_parts(found, theirs.received[transfer.ref], rule)
            continue
        parts, expected = source(found, 5), source(theirs.received[transfer.ref], 5)
        for part in expected:
            assert abs(parts.get(part, 0) - expected[part]) <= 10**6, (transfer.ref, part)
