"""Time clustering over a generated UTXO ledger; then precision and recall against the truth of a simulated economy.

    python benchmarks/clusters.py [--inputs 40000000] [--addresses 30000000] [--runs 3] [--size medium]

The generated ledger is harder than a real one on the cache: owners pay in random order, each with ten addresses. The time is
of the merging alone, on one thread; reading columns from disk is not in it, compiling neither. Precision: of the pairs of
addresses that are put into one cluster, how many have one owner; recall: of the pairs of one owner that are there to be
found (addresses that were spent from), how many are in one cluster; and how many of those that signing together could show at
all, were nothing excluded. A second economy has CoinJoins of four kinds and payjoins; beside it stands what clustering without
any exclusion would say, and what becomes of each kind. Where real data are (EXPOSURE_CHECK_DATA), the year 2009
and raw blocks are clustered as well, with the time of the whole way from the store.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import statistics
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from rich.console import Console
from rich.table import Table

from exposure.attribution.clusters import METHODS, Clusters, Method
from exposure.attribution.clusters.coins import merge
from exposure.model.joint import MARKED, Form, form
from exposure.simulate import coins
from exposure.simulate.cast import Custodian
from exposure.simulate.keys import Keys
from exposure.store.ledgers import utxo_txs
from exposure.store.store import Store
from exposure.workflows.clusters import clusters
from exposure.workflows.ingest import ImportOptions, ingest
from exposure.workflows.labels import snapshot
from exposure.workflows.simulate import simulate
from exposure.workflows.tags import import_lists

METHODS_SHOWN = (Method.EVIDENCE, Method.EXPLORATION)
SEEDS = {False: 2, True: 3}


def generated(inputs: int, addresses: int) -> dict[str, Any]:
    """Columns of a ledger of about so many inputs."""
    draw = np.random.default_rng(1)
    number = inputs // 2
    ins = draw.geometric(0.5, number).astype(np.int64)
    rows_each = ins + draw.choice([1, 2, 2, 2, 3], number)
    ends = np.cumsum(rows_each)
    rows = int(ends[-1])
    out = np.arange(rows) - np.repeat(ends - rows_each, rows_each) >= np.repeat(ins, rows_each)
    owner = np.repeat(draw.integers(0, addresses // 10, number), rows_each) * 10
    address = np.where(out, draw.integers(0, addresses, rows), owner + draw.integers(0, 10, rows))
    return {
        "tx_no": np.repeat(np.arange(number, dtype=np.int32), rows_each),
        "flags": out.astype(np.uint8),
        "address": address.astype(np.int32),
        "amount": draw.integers(1_000, 10**9, rows),
        "time": np.full(rows, 1_600_000_000),
    }


def speed(inputs: int, addresses: int, runs: int) -> Table:
    """The merging alone."""
    columns = generated(inputs, addresses)
    inputs = int((columns["flags"] == 0).sum())
    nobody = np.full(addresses, -1, np.int32)
    table = Table("method", "inputs", "merges", "seconds", "CPU seconds", "inputs/s of CPU", title="generated")
    for method in METHODS_SHOWN:
        script = np.zeros(addresses if method is Method.EXPLORATION else 0, np.int8)
        merge({name: column[:100] for name, column in columns.items()}, nobody, script, METHODS[method])
        taken, busy = [], []
        for _ in range(runs):
            start, cpu = time.perf_counter(), time.process_time()
            found = merge(columns, nobody, script, METHODS[method])
            taken.append(time.perf_counter() - start)
            busy.append(time.process_time() - cpu)
        seconds, own = statistics.median(taken), statistics.median(busy)
        table.add_row(method, f"{inputs:,}", f"{len(found.links):,}", f"{seconds:.1f}", f"{own:.1f}", f"{inputs / own:,.0f}")
    return table


class Owners:
    """Who owns which address of an economy, noted down while it is made."""

    def __init__(self) -> None:
        self.coins: dict[str, str] = {}
        self.deposits: dict[str, str] = {}

    def listen(self) -> None:
        """Hear of every address that is given out from now on."""
        address_of, account_for, owners = coins.CoinLedger.address_of, Custodian.account_for, self

        def hear_address(ledger: coins.CoinLedger, wallet: coins.Wallet) -> str:
            address = address_of(ledger, wallet)
            owners.coins[address] = wallet.name.partition("/deposit/")[0].removesuffix("/unlisted")
            return address

        def hear_account(custodian: Custodian, user: str, keys: Keys) -> Any:
            account = account_for(custodian, user, keys)
            owners.deposits[account.address] = custodian.party.name
            return account

        coins.CoinLedger.address_of = hear_address  # hears whose each address is, in this process alone
        Custodian.account_for = hear_account  # hears whose each address is, in this process alone


def pairs(counts: Iterable[int]) -> int:
    """Pairs within groups of such sizes."""
    return sum(count * (count - 1) // 2 for count in counts)


def compared(found: Clusters, truth: Mapping[str, str], signed: nx.Graph[str]) -> tuple[float, float, float]:
    """Precision, recall, and recall of what signing together could show; by pairs of addresses."""
    spent = set(signed)
    parts = {address: n for n, part in enumerate(nx.connected_components(signed)) for address in part}
    shown = Counter((parts[address], truth[address]) for address in spent & truth.keys())
    hit = Counter((parts[a], truth[a], found.owners.get(a, a)) for a in spent & truth.keys())
    possible = pairs(hit.values()) / max(pairs(shown.values()), 1)
    both = Counter((found.owners.get(address, address), owner) for address, owner in truth.items())
    made = pairs(Counter(found.owners.get(address, address) for address in truth).values())
    seen = {address: owner for address, owner in truth.items() if address in spent}
    right = pairs(Counter((found.owners.get(address, address), owner) for address, owner in seen.items()).values())
    return pairs(both.values()) / max(made, 1), right / max(pairs(Counter(seen.values()).values()), 1), possible


def economy_store(size: str, folder: Path, *, joint: bool) -> Store:
    """A store of a simulated economy, its lists and all."""
    made = folder / ("joint" if joint else "plain")
    simulate(made, size=size, seed=SEEDS[joint], joint=joint, truths="none")
    suffix = ".csv.gz" if size == "small" else ".parquet"
    store = Store.create(made / "store")
    files = [made / f"bitcoin_{name}{suffix}" for name in ("outputs", "inputs")]
    ingest(files, ImportOptions(chain="bitcoin", whole_ledger=True), store=store)
    ingest([made / f"ethereum_transfers{suffix}"], ImportOptions(chain="ethereum", whole_ledger=True), store=store)
    import_lists(store, [*sorted(made.glob("ofac*.xml")), *sorted(made.glob("*.yaml")), made / "own_tags.csv"])
    store.refresh()
    return store


def quality(size: str, folder: Path, *, joint: bool) -> Iterator[Table]:
    """Against the truth of an economy; with joint transactions also what becomes of each kind of them."""
    truth = Owners()
    truth.listen()
    name = f"economy, {size}, seed {SEEDS[joint]}{', with joint transactions' if joint else ''}"
    table = Table("chain", "method", "clusters", "in them", "precision", "recall", "of signed", "refused", title=name)
    with economy_store(size, folder, joint=joint) as store:
        signed: nx.Graph[str] = nx.Graph()
        forms: dict[str, Form] = {}
        for tx in utxo_txs(store, "bitcoin"):
            senders = [spend.address for spend in tx.inputs if spend.address]
            signed.add_nodes_from(senders)
            signed.add_edges_from((senders[0], other) for other in senders[1:])
            spent = [(spend.address, spend.amount) for spend in tx.inputs]
            forms[tx.tx] = form(spent, [(output.address, output.amount) for output in tx.outputs], tx.time)
        found = snapshot(store)
        every = {method: clusters(store, "bitcoin", method, found) for method in METHODS_SHOWN}
        without = Clusters({member: min(part) for part in nx.connected_components(signed) for member in part}, ())
        for label, one in (*every.items(), ("nothing excluded", without)):
            figures = [f"{figure:.4f}" for figure in compared(one, truth.coins, signed)]
            table.add_row("bitcoin", label, *_row(one), *figures, f"{one.refusals:,}")
        one = clusters(store, "ethereum", Method.EVIDENCE, found)
        claimed = {link.other for link in one.links}
        right = len(claimed & truth.deposits.keys())
        shares = [f"{right / max(len(claimed), 1):.4f}", f"{right / len(truth.deposits):.4f}"]
        table.add_row("ethereum", "evidence", *_row(one), *shares, "-", "0")
    yield table
    if joint:
        yield of_joint(folder / "joint" / "joint.csv", forms, every)


def of_joint(path: Path, forms: Mapping[str, Form], every: Mapping[Method, Clusters]) -> Table:
    """What becomes of transactions that several people made: recognised, only possible, or missed; how many link anybody."""
    with path.open(encoding="ascii", newline="") as file:
        kinds = {row["tx"]: row["form"] for row in csv.DictReader(file)}
    table = Table("kind", "made", "marked", "possible only", "missed", *(f"merge by {method}" for method in every))
    linking = {method: {link.tx for link in found.links} for method, found in every.items()}
    for kind in sorted(set(kinds.values())):
        txs = [tx for tx, other in kinds.items() if other == kind]
        marked = sum(forms[tx] in MARKED for tx in txs)
        missed = sum(forms[tx] is Form.PLAIN for tx in txs)
        merging = [f"{sum(tx in those for tx in txs):,}" for those in linking.values()]
        table.add_row(kind, f"{len(txs):,}", f"{marked:,}", f"{len(txs) - marked - missed:,}", f"{missed:,}", *merging)
    honest = [tx for tx, seen in forms.items() if tx not in kinds and seen is not Form.PLAIN]
    marked = sum(forms[tx] in MARKED for tx in honest)
    merging = [f"{sum(tx in those for tx in honest):,}" for those in linking.values()]
    table.add_row("made by one alone", "-", f"{marked:,}", f"{len(honest) - marked:,}", "-", *merging)
    return table


def _row(found: Clusters) -> tuple[str, str]:
    return f"{len(set(found.owners.values())):,}", f"{len(found.owners):,}"


def rows_of(path: Path) -> list[dict[str, str]]:
    """A packed CSV table."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def year_2009(folder: Path, place: Path) -> list[Path]:
    """The tables of Bitcoin's first year as the two files of the own form."""
    hashes = {row["tx_index"]: row["tx_hash"].ljust(64, "b") for row in rows_of(folder / "tx_hash.csv.gz")}
    blocks = {row["tx_index"]: int(row["block_index"]) for row in rows_of(folder / "tx_height.csv.gz")}
    addresses = {row["adr_index"]: row["adr_hash"] for row in rows_of(folder / "adr_hash.csv.gz")}
    outputs = {row["output_index"]: row for row in rows_of(folder / "tx_output.csv.gz")}
    made, spent = place / "outputs.csv", place / "inputs.csv"
    with made.open("w") as file:
        file.write("tx,n,block,tx_index,time,address,amount\n")
        for index, row in outputs.items():
            tx, n = divmod(int(index), 10)
            address = addresses.get(row["adr_index"]) or f"script:{int(row['adr_index']):040x}"
            block = blocks[str(tx)]
            file.write(f"{hashes[str(tx)]},{n},{block},{tx},{1_231_006_505 + 600 * block},{address},{row['output_value']}\n")
    places: Counter[str] = Counter()
    with spent.open("w") as file:
        file.write("tx,n,spent_tx,spent_n\n")
        for row in rows_of(folder / "tx_input.csv.gz"):
            parent, n = divmod(int(row["output_index"]), 10)
            file.write(f"{hashes[row['tx_index']]},{places[row['tx_index']]},{hashes[str(parent)]},{n}\n")
            places[row["tx_index"]] += 1
    return [made, spent]


def real(folder: Path, place: Path) -> Table:
    """The year 2009 and single raw blocks, from the store to the clusters."""
    table = Table("data", "method", "clusters", "in them", "refused", "seconds", title="real, numbering of the ledger included")
    blocks = sorted((folder / "btc_raw_blocks").glob("*.dat"))
    for name, files in (("year 2009", year_2009(folder / "btc_2009", place)), ("raw blocks", blocks)):
        with Store.create(place / name.replace(" ", "-")) as store:
            ingest(files, ImportOptions(chain="bitcoin"), store=store)
            store.refresh()
            found = snapshot(store)
            for method in METHODS_SHOWN:
                start = time.perf_counter()
                one = clusters(store, "bitcoin", method, found)
                table.add_row(name, method, *_row(one), f"{one.refusals:,}", f"{time.perf_counter() - start:.1f}")
    return table


def main() -> None:
    """Run and print."""
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=40_000_000)
    parser.add_argument("--addresses", type=int, default=30_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--size", default="medium")
    given = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory() as name:
        for joint in (False, True):
            for table in quality(given.size, Path(name), joint=joint):
                console.print(table)
        data = Path(os.environ.get("EXPOSURE_CHECK_DATA", Path(__file__).parents[2] / "shared"))
        data = data / "data" if (data / "data").is_dir() else data
        if (data / "btc_raw_blocks").is_dir():
            console.print(real(data, Path(name)))
    console.print(speed(given.inputs, given.addresses, given.runs))


if __name__ == "__main__":
    main()
