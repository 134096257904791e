"""Reports of every kind, made by the product from small ledgers: what a page has to show, in both languages."""

from __future__ import annotations

import hashlib
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
def stored(text: str, *, whole: bool = True, tags: bool = True, prices: bool = True, symbol: str = "") -> Iterator[Store]:
    """A store that holds a ledger, a list of one foe, and own tags. ``symbol``: what the token calls itself."""
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
        if symbol:
            quoted = '"' + symbol.replace('"', '""') + '"'
            (folder / "assets.csv").write_text(f"asset,symbol,decimals\nethereum/{TOKEN},{quoted},18\n", encoding="utf-8")
            ingest([folder / "assets.csv"], ImportOptions(), store=store)
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


def coin_address(name: str) -> str:
    """An address of the ledger of coins."""
    return "script:" + hashlib.sha256(name.encode()).hexdigest()[:40]


def coin_tx(name: str) -> str:
    """A transaction of the ledger of coins."""
    return hashlib.sha256(name.encode()).hexdigest()


COINS: tuple[tuple[str, list[str], list[tuple[str, int]]], ...] = (
    ("mint", [], [("foe", 60), ("shop", 40), ("mate", 10)]),
    ("mixed", ["mint:0", "mint:1"], [("mid", 90), ("foe", 9)]),
    ("deposit", ["mixed:0", "mint:2"], [("me", 70), ("mid", 29)]),
    ("unknown", ["elsewhere:0"], [("me", 25)]),
    ("spent", ["deposit:0", "unknown:0"], [("shop", 50), ("mate", 44)]),
)
"""FOE and a shop sign one transaction that pays MID, MID and its MATE pay ME, as somebody unknown does, and ME pays a shop."""


@contextmanager
def coins() -> Iterator[Store]:
    """A store that holds a ledger of coins, a list of one foe, and own tags."""
    outputs, inputs = ["tx,n,block,tx_index,time,address,amount"], ["tx,n,spent_tx,spent_n"]
    for block, (name, spent, made) in enumerate(COINS, 1):
        for n, (to, amount) in enumerate(made):
            place = f"{block},0,{START + DAY * block}"
            outputs.append(f"{coin_tx(name)},{n},{place},{coin_address(to)},{amount * 1_000_000}")
        inputs += [f"{coin_tx(name)},{n},{coin_tx(one.split(':')[0])},{one.split(':')[1]}" for n, one in enumerate(spent)]
    with tempfile.TemporaryDirectory() as name, Store.in_memory() as store:
        folder = Path(name)
        (folder / "outputs.csv").write_text("\n".join(outputs) + "\n")
        (folder / "inputs.csv").write_text("\n".join(inputs) + "\n")
        ingest([folder / "outputs.csv", folder / "inputs.csv"], ImportOptions(chain="bitcoin"), store=store)
        (folder / "list.csv").write_text(
            f"address,entity,category,regime,listed_on,source\n{coin_address('foe')},Foe Ltd,sanctioned,JP,2024-01-05,gazette\n"
        )
        import_lists(store, [folder / "list.csv"], ListOptions(published=to_unix("2024-01-10")))
        add_tag(store, OwnTag(coin_address("shop"), Category.EXCHANGE, "Shop", "me", "n"), now=START + 20 * DAY)
        yield store


HOSTILE = "<b>$1M</b>\u202e=CLAIM"

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
        yield "a customer", trace(store, f"{MID_2} {ME}", trace_options(policy="jp", rule=["haircut", "fifo"], window=5))
        yield "order rules", trace(store, DEPOSIT, trace_options(rule=["fifo", "lifo", "tiho"], hops=2))
        yield "one hop", trace(store, DEPOSIT, trace_options(hops=1, expand=[MID, "0x" + "7" * 40], clusters="evidence"))
        yield "own tag", trace(store, FOE, trace_options(policy=["jp", "uk"], direction="destination"))
        yield "budget", trace(store, DEPOSIT, trace_options(max_transactions=1, policy="strict"))
        early = trace_options(as_of="2024-01-08", labels_as_of="2024-01-06", policy="jp")
        yield "compared", compare(store, DEPOSIT, early, None)
        yield "before any list", trace(store, DEPOSIT, trace_options(labels_as_of="2024-01-06", policy="jp"))
    with stored(PLAIN, whole=False, prices=False) as store:
        yield "incomplete", trace(store, DEPOSIT, trace_options(rule="all", policy=["jp", "strict"]))
        yield "an incomplete address", trace(store, ME, trace_options(policy=["jp", "eu"]))
    with stored(PLAIN, symbol=HOSTILE) as store:
        yield "a hostile asset", trace(store, ME, trace_options(policy="jp"))
    with coins() as store:
        options = trace_options(policy="jp", clusters="evidence")
        yield "coins", trace(store, f"{coin_tx('deposit')}:0", options)
        yield "an address of coins", trace(store, coin_address("me"), options)
        yield "coins lost", trace(store, f"{coin_tx('unknown')}:0", options)
    with stored(PLAIN, tags=False) as store:
        yield "no list", trace(store, DEPOSIT, trace_options(policy="jp"))
    busy: list[Row] = [(f"0x{n:040x}", BUSY, 10) for n in range(16, 56)]
    out: list[Row] = [(BUSY, f"0x{n:040x}", 5) for n in range(100, 140)]
    with stored(ledger(*busy, *out, (BUSY, ME, 100))) as store:
        yield "hub", trace(store, ref(81), trace_options(hub_counterparties=20, policy="jp"))
    made = large(300)
    flawed = replace(made.sections[0], rule="fifo")
    yield "by hand", replace(made, sections=(made.sections[0], flawed))
