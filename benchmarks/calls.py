"""Calls that a trace needs when it fetches on demand, against fetching every account within some hops, breadth first.

    python benchmarks/calls.py [--size small] [--seed 1] [--deposits 100] [--hops 5] [--write]

A synthetic economy stands behind a source that counts: a page of 100 transfers (25 transactions of Bitcoin) is a call, so is
a balance, a transaction, the chain's end, and asking how long a history is. For each customer deposit a store that has nothing
but the lists of the economy fetches on demand until the interval is narrower than the tolerance (1 %) or nothing more can
be had within the hop limit. Fetching breadth first knows the deposit's address and takes the histories of all payers within
the hops, of every asset of the deposit's chain: once all of them, and once only up to parties that the lists name.
Both fetch each history once. Each interval on the way is held against the figure of the whole ledger, which it must contain.
``--write`` puts the table of a size into docs/performance.md.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from benchmarks.tables import Grid, markdown, show, write
from exposure import config
from exposure.model.assets import chain as chain_of
from exposure.model.labels import Labels
from exposure.model.results import Report
from exposure.model.schemas import TABLES
from exposure.model.settings import Direction, Rule
from exposure.net.calls import Calls, Host
from exposure.sources.remote import NATIVE, TOKENS, Answer, Balance, Block, Covered, Page, Question, Row, Size, is_transaction
from exposure.store.parts import part_path
from exposure.store.store import Store
from exposure.units import to_unix
from exposure.workflows import ingest, tags
from exposure.workflows.fetch import FetchOptions, fetch
from exposure.workflows.fetch.chain import Opened
from exposure.workflows.fetch.demand import Demand, fetch_for
from exposure.workflows.labels import snapshot
from exposure.workflows.simulate import simulate
from exposure.workflows.trace import TraceOptions
from exposure.workflows.trace import trace as answer

NAME = "calls"
PAGE = {"account": 100, "utxo": 25}
LISTS = ("ofac_edition_1.xml", "ofac_edition_2.xml", "services_tagpack.yaml", "thefts_tagpack.yaml")
_INDEX = {"transfers": "index", "outputs": "n", "inputs": "n"}
CHAINS = ("bitcoin", "ethereum")


class Ledger(NamedTuple):
    """All rows of a chain, by address and by transaction: (table, row) in the order of the chain."""

    chain: str
    head: Block
    by_address: dict[str, list[tuple[str, Row]]]
    by_tx: dict[str, list[tuple[str, Row]]]

    @property
    def page(self) -> int:
        """Rows (transactions, on a UTXO chain) of a page."""
        return PAGE[chain_of(self.chain).ledger]

    def transactions(self, address: str) -> list[str]:
        """Transactions that touch an address, in order."""
        return list(dict.fromkeys(_value(table, row, "tx") for table, row in self.by_address.get(address, ())))

    def length(self, address: str) -> int:
        """Entries in the list of an address."""
        account = chain_of(self.chain).ledger == "account"
        return len(self.by_address.get(address, ())) if account else len(self.transactions(address))

    def pages_of(self, address: str) -> int:
        """Calls that a whole history takes: its pages, and the balance."""
        return max(1, -(-self.length(address) // self.page)) + 1

    def payers(self, address: str) -> set[str]:
        """Everybody who paid an address; on a UTXO chain: whose coins went into what paid it."""
        found: set[str] = set()
        for table, row in self.by_address.get(address, ()):
            if table == "transfers" and _value(table, row, "receiver") == address:
                found.add(_value(table, row, "sender"))
            elif table == "outputs":
                spent = self.by_tx[_value(table, row, "tx")]
                found |= {_value(kind, other, "address") for kind, other in spent if kind == "inputs"}
        return found - {None, address}


def ledger_of(store: Store, chain: str) -> Ledger:
    """The whole ledger of a chain of a store."""
    rows: list[tuple[str, Row]] = []
    for table in ("transfers", "outputs", "inputs"):
        for part in store.parts(table, chain):
            read = pq.read_table(part_path(store.path, part), columns=list(TABLES[table].names))
            columns = [read[name].to_pylist() for name in TABLES[table].names[:-1]]
            place = TABLES[table].names.index("amount")
            for row in zip(*columns, strict=True):
                amount = row[place]
                rows.append((table, (*row[:place], None if amount is None else int(amount), *row[place + 1 :])))
    coins = {tuple(_value(*one, name) for name in ("tx", "n")): one[1] for one in rows if one[0] == "outputs"}
    rows = [(table, _told(row, coins) if table == "inputs" else row) for table, row in rows]
    rows.sort(key=lambda one: tuple(_value(*one, name) for name in ("block", "tx_index", "tx", _INDEX[one[0]])))
    by_address: dict[str, list[tuple[str, Row]]] = defaultdict(list)
    by_tx: dict[str, list[tuple[str, Row]]] = defaultdict(list)
    for table, row in rows:
        ends = ("sender", "receiver") if table == "transfers" else ("address",)
        for address in {_value(table, row, end) for end in ends} - {None}:
            by_address[address].append((table, row))
        by_tx[_value(table, row, "tx")].append((table, row))
    height = store.last_block(chain) or 0
    return Ledger(chain, _block(height), dict(by_address), dict(by_tx))


def _told(row: Row, coins: dict[tuple[Any, ...], Row]) -> Row:
    """An input with address and amount of the coin that it spends, as explorers tell it."""
    coin = coins[_value("inputs", row, "spent_tx"), _value("inputs", row, "spent_n")]
    known = {name: _value("outputs", coin, name) for name in ("address", "amount")}
    names = TABLES["inputs"].names[:-1]
    return tuple(known.get(name, value) for name, value in zip(names, row, strict=True))


def _value(table: str, row: Row, name: str) -> Any:
    return row[TABLES[table].names.index(name)]


def _block(height: int) -> Block:
    return Block(height, f"{height:064x}")


class CountingSource:
    """A `RemoteHistory` over a whole ledger; every request is accounted for and goes nowhere."""

    def __init__(self, ledger: Ledger, calls: Calls) -> None:
        self.name, self.chain = "simulation", ledger.chain
        self._ledger, self._calls = ledger, calls
        self._first: dict[str, Page] = {}
        self._host = Host("http://127.0.0.1", rate=1e9, burst=10**9)

    def head(self, height: int | None = None) -> Block | None:
        """See `RemoteHistory.head`."""
        self._calls.begin(self._host)
        return self._ledger.head if height is None else _block(height)

    def size(self, address: str) -> Size:
        """See `RemoteHistory.size`: from the first page, which is not asked for again, as with Etherscan."""
        self._first = {address: next(self._walked(address))}
        length, full = self._ledger.length(address), self._ledger.length(address) >= self._ledger.page
        return Size(min(length, self._ledger.page), at_least=full, calls=None if full else self._ledger.pages_of(address))

    def pages(self, question: Question, cursor: str | None = None) -> Iterator[Page]:
        """See `RemoteHistory.pages`."""
        if is_transaction(question.address):
            yield self._page(question.address, self._ledger.by_tx.get(question.address, []))
            return
        yield from self._walked(question.address)
        account = chain_of(self.chain).ledger == "account"
        self._calls.begin(self._host, question.address)
        last = question.until.height
        covered = [Covered(kind, 0, last) for kind in ((NATIVE, TOKENS) if account else (NATIVE,))]
        native = chain_of(self.chain).native
        held = Balance(native, self._held(question.address, native), last)
        yield Page({}, covered=covered, balances=[held])

    def lists(self, question: Question) -> Iterator[Iterator[Page]]:
        """See `Listed.lists`."""
        yield self._walked(question.address)

    def _walked(self, address: str) -> Iterator[Page]:
        """The rows of an address, page by page, oldest first."""
        if chain_of(self.chain).ledger == "account":
            entries = [[row] for row in self._ledger.by_address.get(address, ())]
        else:
            entries = [self._ledger.by_tx[tx] for tx in self._ledger.transactions(address)]
        for start in range(0, max(1, len(entries)), self._ledger.page):
            rows = [row for entry in entries[start : start + self._ledger.page] for row in entry]
            page = self._first.pop(address, None) if start == 0 else None
            page = self._page(address, rows) if page is None else page
            yield Page(page.rows, page.answers, cursor=str(start + self._ledger.page))

    def _page(self, address: str, rows: list[tuple[str, Row]]) -> Page:
        self._calls.begin(self._host, address)
        tables: dict[str, list[Row]] = defaultdict(list)
        for table, row in rows:
            tables[table].append(row)
        return Page(tables, [Answer("simulation", "0" * 64, 0, len(rows))])

    def _held(self, address: str, native: str) -> int:
        held = 0
        for table, row in self._ledger.by_address.get(address, ()):
            amount = _value(table, row, "amount")
            if table == "transfers":
                if _value(table, row, "asset") == native and _value(table, row, "status") != "failed":
                    held += amount * ((_value(table, row, "receiver") == address) - (_value(table, row, "sender") == address))
            else:
                held += amount if table == "outputs" else -amount
        return held


class Economy(NamedTuple):
    """A synthetic economy: its folder, a store with its lists alone, and its whole ledgers."""

    folder: Path
    lists: Path
    ledgers: dict[str, Ledger]
    labels: Labels
    deposits: list[dict[str, str]]


def economy(folder: Path, work: Path) -> Economy:
    """The economy in a folder that ``exposure simulate`` wrote. ``work``: where the stores go; `work/whole` has everything."""
    with Store.create(work / "lists") as store:
        tags.import_lists(store, [folder / name for name in LISTS])
        tags.import_lists(store, [folder / "own_tags.csv"], tags.ImportOptions(published=to_unix("2023-01-20")))
    shutil.copytree(work / "lists", work / "whole")
    with Store.open(work / "whole") as store:
        for chain in CHAINS:
            files = sorted(path for path in folder.glob(f"{chain}_*") if path.is_file())
            ingest.ingest(files, ingest.ImportOptions(chain=chain, whole_ledger=True), store=store)
    with Store.open(work / "whole") as store:
        ledgers = {chain: ledger_of(store, chain) for chain in CHAINS}
        labels = snapshot(store).labels
    with (folder / "deposits.csv").open(encoding="ascii", newline="") as file:
        deposits = list(csv.DictReader(file))
    return Economy(folder, work / "lists", ledgers, labels, deposits)


def traced(chain: str, hops: int, direction: Direction = Direction.SOURCE) -> TraceOptions:
    """How the deposits are traced."""
    return TraceOptions(chain=chain, hops=hops, direction=direction)


def subject_of(made: Economy, deposit: dict[str, str]) -> str:
    """A deposit as a trace names it: on an account chain by its own name, since other rows may not be fetched yet."""
    rows = made.ledgers[deposit["chain"]].by_tx[deposit["tx"]]
    table, row = rows[int(deposit["index"])]
    if table != "transfers":
        return f"{deposit['tx']}:{deposit['index']}"
    asset = "" if deposit["asset"].endswith("/native") else f":{deposit['asset']}"
    return f"{deposit['tx']}:{_value(table, row, 'ordinal')}{asset}"


def on_demand(made: Economy, deposit: dict[str, str], store: Store, options: TraceOptions, **more: Any) -> tuple[Demand, int]:
    """Fetch on demand for a deposit into a store; what was done, and the calls, those for its own address among them."""
    chain = deposit["chain"]
    calls = Calls(max_calls=100_000)
    opened = {chain: Opened(CountingSource(made.ledgers[chain], calls))}
    common: dict[str, Any] = {"store": store, "config": config.load(environ={}), "calls": calls, "opened": opened}
    how = FetchOptions(chain=chain)
    if chain_of(chain).ledger == "account":  # a transfer is found in its receiver's history
        fetch([deposit["address"]], how, **common)
    return fetch_for(subject_of(made, deposit), how, options, **common, **more), calls.made


class WrongError(AssertionError):
    """An interval on the way does not contain the figure of the whole ledger."""


def contained(report: Report, truth: Report) -> int:
    """Check that every interval of an answer contains the figure of the whole ledger; how many were checked.

    Raises
    ------
    WrongError
        If one does not.
    """
    checked = 0
    (whole,) = (section for section in truth.sections if section.rule == Rule.HAIRCUT.value)
    figures: dict[str, int] = defaultdict(int)
    for row in whole.exposures:
        figures[row.category] += row.amount
    for section in report.sections:
        bounds = {bound.category: bound for bound in section.bounds}
        for category, amount in figures.items():
            bound = bounds.get(category)
            # A category of which nothing was found yet can be all that is unresolved.
            least = 0 if bound is None or bound.lower is None else bound.lower
            most = section.totals.unresolved if bound is None else bound.upper
            if most is None or not least - 1 <= amount <= most + 1:
                raise WrongError(f"{truth.question.subject}: {category} is {amount}, and the interval {least} to {most}")
            checked += 1
        for category, bound in bounds.items():
            if (bound.lower or 0) > figures[category] + 1:
                raise WrongError(
                    f"{truth.question.subject}: {category} is {figures[category]}, at least {bound.lower} was said"
                )
            checked += 1
    return checked


def breadth_first(made: Economy, deposit: dict[str, str], hops: int, *, through: bool = False) -> int:
    """Calls to fetch the histories of a deposit's address and of all payers within so many hops.

    ``through``: also of what lies behind parties that the lists name.
    """
    ledger = made.ledgers[deposit["chain"]]
    named = made.labels.seeds.keys() | made.labels.boundaries.keys() | made.labels.pass_through.keys()
    seen = {deposit["address"]}
    edge, count = set(seen), 1
    for hop in range(hops + 1):
        count += sum(ledger.pages_of(address) for address in edge)
        if hop == hops:
            break
        payers: set[str] = set()
        for address in edge:
            payers |= ledger.payers(address)
        edge = {address for address in payers - seen if through or made.labels.owner(address) not in named}
        seen |= edge
    return count


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=("small", "medium"), default="small")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--deposits", type=int, default=100)
    parser.add_argument("--hops", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        simulate(work / "economy", size=chosen.size, seed=chosen.seed, truths="none")
        made = economy(work / "economy", work)
        step = max(1, len(made.deposits) // chosen.deposits)
        rows, checked = [], 0
        with Store.open(work / "whole") as everything:
            for deposit in made.deposits[::step][: chosen.deposits]:
                options = traced(deposit["chain"], chosen.hops)
                truth = answer(everything, subject_of(made, deposit), options)
                shutil.copytree(made.lists, work / "one")
                rounds: list[Report] = []
                with Store.open(work / "one") as store:
                    done, calls = on_demand(made, deposit, store, options, between=rounds.append)
                shutil.rmtree(work / "one")
                checked += sum(contained(report, truth) for report in rounds)
                every = breadth_first(made, deposit, chosen.hops, through=True)
                row = (deposit["chain"], calls, breadth_first(made, deposit, chosen.hops), every, done.left)
                rows.append(row)
                print(deposit["tx"][:16], *row, len(done.steps), done.ended, flush=True, file=sys.stderr)
    grid = Grid(
        f"Calls for a deposit, {chosen.size} economy (seed {chosen.seed}), {chosen.hops} hops; medians",
        (
            "chain",
            "deposits",
            "on demand",
            "all within\nthe hops",
            "a part",
            "up to named\nparties",
            "a part of that",
            "most left",
        ),
    )
    for chain in (*CHAINS, ""):
        found = [row for row in rows if chain in ("", row[0])]
        calls, upto, every = (statistics.median(row[place] for row in found) for place in (1, 2, 3))
        of_upto, of_every = (statistics.median(row[1] / row[place] for row in found) for place in (2, 3))
        grid.add(
            *(chain or "both", f"{len(found)}", f"{calls:,.0f}", f"{every:,.0f}", f"{of_every:.3f}"),
            *(f"{upto:,.0f}", f"{of_upto:.3f}", f"{max(row[4] for row in found):.2%}"),
        )
    show(grid)
    print(f"{checked:,} intervals on the way, each of which contains the figure of the whole ledger")
    if chosen.write:
        write(f"{NAME} {chosen.size}", markdown(grid))


if __name__ == "__main__":
    main()
