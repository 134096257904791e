"""A synthetic economy as the accuracy measurements take it: a store, deposits chosen at random, and what is true of them."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from exposure.model.settings import Rule
from exposure.store.store import Store
from exposure.units import to_unix
from exposure.workflows.ingest import ImportOptions, ingest
from exposure.workflows.simulate import simulate
from exposure.workflows.tags import ImportOptions as ListOptions
from exposure.workflows.tags import import_lists

LISTS = ("ofac_edition_1.xml", "ofac_edition_2.xml", "services_tagpack.yaml", "thefts_tagpack.yaml")
REALLY = "really"
CHAINS = ("bitcoin", "ethereum")


class Deposit(NamedTuple):
    """A deposit of ``deposits.csv``; ``subject``: how a trace is asked for it."""

    id: str
    chain: str
    tx: str
    subject: str
    asset: str
    amount: int


class Part(NamedTuple):
    """What a part of a deposit is; ``entity`` is the reason of what is unresolved. ``hop`` None: beyond the limit."""

    kind: str
    category: str
    entity: str
    hop: int | None


Parts = dict[Part, Decimal]


@dataclass(frozen=True)
class Economy:
    """A folder that `exposure simulate` wrote. ``truth``: parts by deposit and rule, or `REALLY`."""

    folder: Path
    deposits: tuple[Deposit, ...]
    truth: dict[tuple[str, str], Parts]

    def chosen(self, count: int, seed: int) -> list[Deposit]:
        """So many deposits at random, as many of each chain as there are or half of them; in the order of the ledger."""
        draw = random.Random(seed)
        found: set[str] = set()
        for chain in CHAINS:
            ids = [row.id for row in self.deposits if row.chain == chain]
            found |= set(draw.sample(ids, min(len(ids), count // len(CHAINS))))
        return [row for row in self.deposits if row.id in found]

    def by_category(self, deposit: str, rule: str) -> dict[str, Decimal]:
        """What a rule finds of each seed category on the whole ledger, all hops together. Poison: the whole deposit."""
        found: dict[str, Decimal] = defaultdict(Decimal)
        for part, amount in self.truth[deposit, rule].items():
            if part.kind == "seed":
                found[part.category] = amount if rule == Rule.POISON else found[part.category] + amount
        return dict(found)


def made(folder: Path, *, size: str, seed: int) -> Economy:
    """Write an economy into a folder that does not exist yet, with the truth of all rules, and read it."""
    simulate(folder, size=size, seed=seed, truths="rules")
    return read(folder)


def read(folder: Path) -> Economy:
    """An economy that was written before."""
    with (folder / "deposits.csv").open(encoding="ascii", newline="") as file:
        deposits = tuple(
            Deposit(row["id"], row["chain"], row["tx"], f"{row['tx']}:{row['index']}", row["asset"], int(row["amount"]))
            for row in csv.DictReader(file)
        )
    truth: dict[tuple[str, str], Parts] = defaultdict(dict)
    for row in _truth_rows(folder):
        # Under poison a row is a flag and its amount the whole deposit: rows of one flag are not added up.
        part = Part(row["kind"], row["category"], row["entity"], None if row["hop"] in ("", None) else int(row["hop"]))
        known = truth[row["deposit"], row["truth"]]
        known[part] = Decimal(row["amount"]) + (0 if row["truth"] == Rule.POISON else known.get(part, 0))
    return Economy(folder, deposits, truth)


def _truth_rows(folder: Path) -> Iterable[dict[str, str]]:
    import pyarrow.csv
    import pyarrow.parquet

    if (folder / "truth.parquet").exists():
        rows: list[dict[str, str]] = pyarrow.parquet.read_table(folder / "truth.parquet").to_pylist()
        return rows
    text = dict.fromkeys(("deposit", "truth", "kind", "category", "entity", "hop", "amount"), pyarrow.string())
    options = pyarrow.csv.ConvertOptions(column_types=text, strings_can_be_null=False)
    found: list[dict[str, str]] = pyarrow.csv.read_csv(folder / "truth.csv.gz", convert_options=options).to_pylist()
    return found


def ledger_files(folder: Path, chain: str) -> list[Path]:
    """The files of one chain's ledger."""
    names = ("bitcoin_outputs", "bitcoin_inputs") if chain == "bitcoin" else ("ethereum_transfers",)
    return [next(path for path in folder.glob(f"{name}.*")) for name in names]


def loaded(economy: Economy, into: Path) -> Store:
    """A store of the whole economy: both ledgers declared whole, all lists, no prices (no hub is too small to be dust)."""
    store = Store.create(into)
    for chain in CHAINS:
        ingest(ledger_files(economy.folder, chain), ImportOptions(chain=chain, whole_ledger=True), store=store)
    label(economy, store)
    return store


def label(economy: Economy, store: Store) -> None:
    """Take in the lists of an economy."""
    import_lists(store, [economy.folder / name for name in LISTS])
    # The own tags need a day; it only has to be no later than the run.
    import_lists(store, [economy.folder / "own_tags.csv"], ListOptions(published=to_unix("2023-01-20")))


def per_cent(share: float | Decimal) -> str:
    """A share with one decimal."""
    return f"{float(share) * 100:.1f} %"


def wanted_rules(names: Sequence[str]) -> tuple[Rule, ...]:
    """Rules by name; none means all."""
    return tuple(Rule(name) for name in names) or tuple(Rule)
