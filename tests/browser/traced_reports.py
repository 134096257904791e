"""Reports of every kind, made by the product from small ledgers: what a page has to show, in both languages."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from hand_made import large

from exposure.model.labels import Category
from exposure.model.results import Report
from exposure.store.store import Store
from exposure.units import day, to_unix
from exposure.workflows.compare import compare
from exposure.workflows.counterfactual import counterfactual
from exposure.workflows.ingest import ImportOptions, ingest
from exposure.workflows.tags import ImportOptions as ListOptions
from exposure.workflows.tags import OwnTag, add_tag, import_lists
from exposure.workflows.trace import trace
from exposure.workflows.trace_options import trace_options

START = to_unix("2024-01-01")
DAY = 86_400
ETHER = 10**18
FOE, SHOP, MIX, SWAP, MID, MID_2, ME, OTHER, BUSY = ("0x" + letter * 40 for letter in "abcdef123")
TOKEN = "0x" + "9" * 40

Row = tuple[str, str, int]


def ref(number: int) -> str:
    """The N-th transfer of a ledger, from 1, as a subject."""
    return f"0x{number:064x}:0"


def ledger(*rows: Row, token: tuple[Row, ...] = ()) -> str:
    """A ledger of an account chain: (from, to, thousandths of a coin), one a day; then transfers of a token."""
    lines = ["tx,index,block,time,from,to,amount,asset"]
    assets = ["ethereum/native"] * len(rows) + [f"ethereum/{TOKEN}"] * len(token)
    for n, ((sender, receiver, amount), asset) in enumerate(zip((*rows, *token), assets, strict=True), 1):
        at = START + DAY * min(n, 300)
        lines.append(f"0x{n:064x},0,{n},{at},{sender},{receiver},{amount * ETHER // 1_000},{asset}")
    return "\n".join(lines) + "\n"


@contextmanager
def stored(text: str, *, whole: bool = True, tags: bool = True, prices: bool = True) -> Iterator[Store]:
    """A store that holds a ledger, a list of one foe, and own tags."""
    with tempfile.TemporaryDirectory() as name, Store.in_memory() as store:
        folder = Path(name)
        (folder / "ledger.csv").write_text(text)
        ingest([folder / "ledger.csv"], ImportOptions(chain="ethereum", whole_ledger=whole), store=store)
        if prices:
            lines = ["asset,date,currency,price"]
            for number in range(302):
                on = day(START + DAY * number)
                lines += [f"ethereum/native,{on},usd,2000", f"fiat/usd,{on},jpy,150"]
            (folder / "prices.csv").write_text("\n".join(lines) + "\n")
            ingest([folder / "prices.csv"], ImportOptions(), store=store)
        if tags:
            (folder / "list.csv").write_text(
                "address,entity,category,regime,listed_on,source\n"
                f"{FOE},Foe Ltd,sanctioned,US,2024-01-05,gazette\n{FOE},Foe Ltd,sanctioned,JP,2023-01-05,gazette\n"
            )
            import_lists(store, [folder / "list.csv"], ListOptions(published=to_unix("2024-01-10")))
            for address, category, entity in (
                (SHOP, Category.EXCHANGE, "Shop"),
                (MIX, Category.MIXER, "Blender"),
                (SWAP, Category.SWAP, "Pool"),
            ):
                add_tag(store, OwnTag(address, category, entity, "me", "n"), now=START + 20 * DAY)
        yield store


PLAIN = ledger(
    (FOE, MID, 600), (SHOP, MID, 400), (MIX, MID_2, 300), (SWAP, MID_2, 100), (MID, MID_2, 900), (OTHER, MID_2, 200),
    (MID_2, ME, 1_000), (SHOP, ME, 50), (ME, FOE, 10), (ME, SHOP, 300), (FOE, ME, 7),
    token=((FOE, ME, 5_000), (SHOP, ME, 2_000)),
)  # fmt: skip
"""FOE pays MID, MID and a mixer, a swap and somebody unknown pay MID_2, MID_2 pays ME (the seventh transfer)."""

DEPOSIT = ref(7)


def reports() -> Iterator[tuple[str, Report]]:
    """(name, report) of every kind."""
    with stored(PLAIN) as store:
        yield "every rule", trace(store, DEPOSIT, trace_options(rule="all", policy=["jp", "us-ofac", "eu", "uk", "strict"]))
        yield "clean", trace(store, ref(8), trace_options(policy="jp"))
        yield "direct", counterfactual(store, ref(11), trace_options(policy=["jp", "us-ofac"]))
        yield "few hops", trace(store, DEPOSIT, trace_options(hops=1, rule=["haircut", "tiho"], policy="strict"))
        yield "poison", trace(store, DEPOSIT, trace_options(rule="poison"))
        yield "an address both ways", trace(store, ME, trace_options(policy="jp", rule=["haircut", "poison"]))
        yield "destination", trace(store, ref(5), trace_options(direction="destination", policy="jp", max_transactions=2))
        yield "own tag", trace(store, FOE, trace_options(policy=["jp", "uk"], direction="destination"))
        yield "budget", trace(store, DEPOSIT, trace_options(max_transactions=1, policy="strict"))
        early = trace_options(as_of="2024-01-08", labels_as_of="2024-01-06", policy="jp")
        yield "compared", compare(store, DEPOSIT, early, None)
        yield "before any list", trace(store, DEPOSIT, trace_options(labels_as_of="2024-01-06", policy="jp"))
    with stored(PLAIN, whole=False, prices=False) as store:
        yield "incomplete", trace(store, DEPOSIT, trace_options(rule="all", policy=["jp", "strict"]))
        yield "an incomplete address", trace(store, ME, trace_options(policy=["jp", "eu"]))
    with stored(PLAIN, tags=False) as store:
        yield "no list", trace(store, DEPOSIT, trace_options(policy="jp"))
    busy: list[Row] = [(f"0x{n:040x}", BUSY, 10) for n in range(16, 56)]
    out: list[Row] = [(BUSY, f"0x{n:040x}", 5) for n in range(100, 140)]
    with stored(ledger(*busy, *out, (BUSY, ME, 100))) as store:
        yield "hub", trace(store, ref(81), trace_options(hub_counterparties=20, policy="jp"))
    made = large(300)
    flawed = replace(made.sections[0], rule="fifo")
    yield "by hand", replace(made, sections=(made.sections[0], flawed))
