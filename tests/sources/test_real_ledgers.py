"""Imports of real ledgers, where they are at hand. The joins that make them importable live here, not in the product."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter, defaultdict

import pytest
from bulk_files import read

from exposure.model.ledger import LAST_INDEX, Flag
from exposure.store.store import Store
from exposure.workflows.ingest import ImportOptions, ingest

pytestmark = pytest.mark.data


def table(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def year_2009(check_data):
    """Tables of Bitcoin's first year: hash and block of each transaction, outputs, inputs in the order of rows."""
    folder = check_data / "data" / "btc_2009"
    # A trailing b of some hashes was cut off by whoever made the tables.
    hashes = {row["tx_index"]: row["tx_hash"] + "b" * (64 - len(row["tx_hash"])) for row in table(folder / "tx_hash.csv.gz")}
    blocks = {row["tx_index"]: int(row["block_index"]) for row in table(folder / "tx_height.csv.gz")}
    addresses = {row["adr_index"]: row["adr_hash"] for row in table(folder / "adr_hash.csv.gz")}
    outputs = {row["output_index"]: row for row in table(folder / "tx_output.csv.gz")}  # two rows are there twice
    inputs = table(folder / "tx_input.csv.gz")
    return hashes, blocks, addresses, outputs, inputs


@pytest.fixture(scope="session")
def own_files(year_2009, tmp_path_factory):
    """The year as the two files of the own form."""
    hashes, blocks, addresses, outputs, inputs = year_2009
    folder = tmp_path_factory.mktemp("btc_2009")
    first: dict[int, int] = {}
    for tx in sorted(blocks, key=int):
        first.setdefault(blocks[tx], int(tx))
    with (folder / "outputs.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("tx", "n", "block", "tx_index", "time", "address", "amount"))
        for index, row in outputs.items():
            tx = row["tx_index"]
            address = addresses.get(row["adr_index"]) or f"script:{int(row['adr_index']):040x}"
            time = 1_231_006_505 + 600 * blocks[tx]  # the tables have no times
            writer.writerow(
                (
                    hashes[tx],
                    int(index) - 10 * int(tx),
                    blocks[tx],
                    int(tx) - first[blocks[tx]],
                    time,
                    address,
                    row["output_value"],
                )
            )
    places: Counter[str] = Counter()
    with (folder / "inputs.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("tx", "n", "spent_tx", "spent_n"))
        for row in inputs:
            tx, spent = row["tx_index"], int(row["output_index"])
            parent = spent // 10
            writer.writerow((hashes[tx], places[tx], hashes[str(parent)], spent - 10 * parent))
            places[tx] += 1
    return folder


def test_the_first_year_of_bitcoin_imports_without_loss(own_files, year_2009):
    hashes, _, _, outputs, inputs = year_2009
    with Store.in_memory() as store:
        options = ImportOptions(chain="bitcoin", whole_ledger=True)
        summary = ingest([own_files / "outputs.csv", own_files / "inputs.csv"], options, store=store)
        assert summary.rejects == ()
        assert summary.warnings == ()
        stored = {count.table: count.stored for count in summary.tables}
        assert stored == {"outputs": len(outputs), "inputs": len(inputs)}
    result = read([own_files / "outputs.csv", own_files / "inputs.csv"], chain="bitcoin")
    made = result.rows["outputs"]
    assert len({row["tx"] for row in made}) == 32_709 == len(hashes)
    assert sum(int(row["amount"]) for row in made) == sum(int(row["output_value"]) for row in outputs.values())
    minted = {row["tx"] for row in made if row["coinbase"]}
    assert len(minted) == 32_709 - 219
    assert all(row["tx_index"] == LAST_INDEX for row in made if row["coinbase"])
    # No value lost: what a transaction makes it had, and what was minted is fifty a block, or less one lost fee.
    value = {(row["tx"], row["n"]): int(row["amount"]) for row in made}
    spent: defaultdict[str, int] = defaultdict(int)
    given: defaultdict[str, int] = defaultdict(int)
    for row in result.rows["inputs"]:
        spent[row["tx"]] += value[row["spent_tx"], row["spent_n"]]
    for row in made:
        given[row["tx"]] += int(row["amount"])
    assert len(spent) == 219
    assert all(spent[tx] >= given[tx] for tx in spent)
    fees = sum(spent[tx] - given[tx] for tx in spent)
    assert sum(int(row["amount"]) for row in made if row["coinbase"]) - fees <= 50 * 10**8 * len(minted)


def test_the_raw_blocks_of_2009_say_what_the_tables_say(check_data, year_2009):
    hashes, blocks, addresses, outputs, inputs = year_2009
    result = read([check_data / "data" / "btc_raw_blocks" / "blk00000_first1MB.dat"])
    number = {tx: index for index, tx in hashes.items()}
    made = defaultdict(list)
    for row in result.rows["outputs"]:
        made[row["tx"]].append((row["n"], row["block"], int(row["amount"]), row["address"]))
    assert result.findings.records == 4_371 == len(made)
    by_tx = defaultdict(list)
    for index, row in outputs.items():
        by_tx[row["tx_index"]].append((int(index) - 10 * int(row["tx_index"]), int(row["output_value"]), row["adr_index"]))
    for tx, rows in made.items():
        index = number[tx]
        assert [(n, block, amount) for n, block, amount, _ in sorted(rows)] == [
            (n, blocks[index], amount) for n, amount, _ in sorted(by_tx[index])
        ]
        for (_, _, _, address), (_, _, key) in zip(sorted(rows), sorted(by_tx[index]), strict=True):
            assert addresses.get(key, address) == address
    spends = defaultdict(list)
    for row in inputs:
        spent = int(row["output_index"])
        spends[row["tx_index"]].append((hashes[str(spent // 10)], spent % 10))
    found = defaultdict(list)
    for row in result.rows["inputs"]:
        found[row["tx"]].append((row["n"], row["spent_tx"], row["spent_n"]))
    for tx, coins in found.items():
        assert [coin[1:] for coin in sorted(coins)] == spends[number[tx]]
    # What stands behind the first megabyte is a block that is cut off.
    assert len(result.rejects) <= 1
    assert all("cut off" in one.reason for one in result.rejects)


def test_later_blocks_parse_with_their_merkle_roots(check_data):
    folder = check_data / "data" / "btc_raw_blocks"
    for height, transactions in ((227836, 100), (481829, 2020)):
        result = read([folder / f"block{height}.dat"])
        assert not result.rejects
        assert result.findings.records == transactions
        assert {row["block"] for row in result.rows["outputs"]} == {height}
    # The first of the two states no height; the second one does, and stands on it.
    result = read([folder / "block227835.dat", folder / "block227836.dat"])
    assert {row["block"] for row in result.rows["outputs"]} == {227835, 227836}
    assert read([folder / "block227835.dat"], height=227835).findings.records == 122


def test_nine_hours_of_ethereum_import_with_their_holes_reported(check_data):
    folder = check_data / "data" / "eth_2017_03_06"
    with Store.in_memory() as store:
        path = folder / "transactions_03300000_03399999_small.csv.gz"
        summary = ingest([path], ImportOptions(whole_ledger=True), store=store)
        assert [form for _, form, _ in summary.forms] == ["ethereum-etl"]
        (count,) = summary.tables
        assert (count.read, count.stored, count.rejected) == (19_999, 19_999, 0)
        assert any("3302108 to 3302200" in sentence for sentence in summary.warnings)
        assert any("status" in sentence and "--whole-ledger does not hold" in sentence for sentence in summary.warnings)
        later = ingest([folder / "ethereum_tx.csv"], ImportOptions(), store=store)
        assert later.tables[0].stored == 199
    statuses = {row["status"] for row in read([path]).transfers}
    assert statuses == {"unknown"}


def test_token_transfers_without_hash_import_through_a_mapping(check_data):
    columns = ["block_number=block", "transaction_index=tx_index", "from_address=from", "to_address=to"]
    columns += ["time_stamp=time", "contract_address=asset", "value=amount:decimals=6"]
    path = check_data / "data" / "eth_2017_03_06" / "token_transfers.csv"
    result = read([path], chain="ethereum", columns=columns)
    assert len(result.transfers) == 98
    assert [one.line for one in result.rejects] == [76]  # a token of 18 decimals
    assert all(row["flags"] & Flag.WEAK_IDENTITY and not row["flags"] & Flag.TIME_ORDER for row in result.transfers)


def test_the_lazarus_ledger_imports_through_a_mapping(check_data):
    path = check_data / "data" / "eth_lazarus" / "LazarusTabularTxs1322519.csv"
    columns = ["block_time=time:iso", "from=from:hexbytes", "to=to:hexbytes", "total_eth=amount:ether"]
    result = read([path], chain="ethereum", columns=columns)
    assert len(result.transfers) == 436
    assert not result.rejects
    assert len({(row["tx"], row["ordinal"]) for row in result.transfers}) == 436
    assert sum(row["amount"] == 0 for row in result.transfers) == 125
    thief = "0x098b716b8aaf21512996dc57eb0615e2383e2f96"
    sent = sum(int(row["amount"]) for row in result.transfers if row["sender"] == thief)
    assert round(sent / 10**18, 3) == 182_163.956
    source = list(csv.DictReader(io.StringIO(path.read_text())))
    assert [row["time"] for row in result.transfers[:1]] == [1648590078]
    assert [row["sender"][2:] for row in result.transfers] == [row["from"][2:] for row in source]
    # In each second the rows keep their place in the file.
    seconds = defaultdict(list)
    for row in result.transfers:
        seconds[row["block"]].append(row["tx_index"])
    assert all(places == list(range(len(places))) for places in seconds.values())
    assert sum(len(places) > 1 for places in seconds.values()) == 20


def test_reference_rates_give_the_yen(check_data):
    rows = read([check_data / "data" / "prices" / "ecb_eurofxref-hist.csv.gz"]).rows["prices"]
    assert len(rows) > 6_000
    assert all(70 < row["price"] < 170 for row in rows)
