"""Reading a file of worked cases into ledgers, labels and settings. The format is described in ``docs/worked-cases.md``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from exposure.errors import InputError
from exposure.model.labels import Labels, Seed, Service
from exposure.model.ledger import Coin, Incomplete, Place, Transfer, UtxoTx
from exposure.text import shown
from exposure.workflows.selfcheck.expectations import Bracket, Expected, expectations, read_bracket
from exposure.workflows.selfcheck.fields import Json, coin, name, number, pot, rows, switch, table, text, units
from exposure.workflows.selfcheck.rows import read_transfers, read_txs

MAX_BYTES = 64 * 2**20
"""Largest file of worked cases: ten thousand times what a person works out by hand."""


@dataclass(frozen=True, slots=True)
class Case:
    """One worked case. ``transfers`` is the ledger of ``kind`` account, ``txs`` that of ``kind`` utxo."""

    id: str
    kind: str
    title: str
    labels: Labels
    max_hops: int | None
    taint_fee: bool
    transfers: tuple[Transfer, ...]
    txs: tuple[UtxoTx, ...]
    openings: Mapping[tuple[str, str], int]
    incomplete: tuple[Incomplete, ...]
    expected: Mapping[str, Expected]
    bracket: Bracket | None

    def amount(self, ref: str) -> int:
        """Value that a transfer or output moves, base units: none if it failed or went back to its sender."""
        if self.kind == "account":
            row = next(transfer for transfer in self.transfers if transfer.ref == ref)
            return 0 if row.failed or row.sender == row.receiver else row.amount
        tx, _, n = ref.rpartition(":")
        return next(row for row in self.txs if row.tx == tx).outputs[int(n)].amount


def read_cases(path: Path) -> list[Case]:
    """All cases of a file; ``-`` is stdin.

    Raises
    ------
    InputError
        If the file is not one of worked cases; the message names the case and what is wrong with it.
    """
    where = shown(str(path))
    try:
        octets = _octets(path)
        document = json.loads(octets.decode("utf-8"), parse_constant=_no_number)
    except (OSError, ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else shown(str(error))[:300]
        raise InputError(
            f"{where}: not a file of worked cases ({reason}): it is JSON, an object with a list `cases`"
        ) from error
    entries = document.get("cases") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{where}: not a file of worked cases: it is an object with a list `cases` that is not empty")
    cases: list[Case] = []
    for place, entry in enumerate(entries, 1):
        label = f"number {place}"
        try:
            given = table(entry, "the case")
            label = shown(name(given.get("id"), "`id`"))
            if any(case.id == given["id"] for case in cases):
                raise ValueError("an earlier case has the same `id`")
            cases.append(_case(given))
        except KeyError as error:
            raise InputError(f"{where}: case {label} lacks the field {shown(str(error))}") from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where}: case {label} cannot be read: {shown(str(error))[:500]}") from error
    return cases


def _octets(path: Path) -> bytes:
    """A bounded read: a file may be a device that never ends."""
    if str(path) == "-":
        octets = sys.stdin.buffer.read(MAX_BYTES + 1)
    else:
        with path.open("rb") as file:
            octets = file.read(MAX_BYTES + 1)
    if len(octets) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES} bytes")
    return octets


def _no_number(literal: str) -> NoReturn:
    raise ValueError(f"{literal} is no number")


def _case(entry: Json) -> Case:
    settings = table(entry.get("settings", {}), "`settings`")
    kind = text(entry["kind"], "`kind`")
    if kind not in ("account", "utxo"):
        raise ValueError(f"kind {kind!r} is neither account nor utxo")
    account = kind == "account"
    ledger = rows(entry["ledger"], "`ledger`")
    transfers = read_transfers(ledger) if account else ()
    txs = () if account else read_txs(ledger)
    places = {transfer.ref: transfer.place for transfer in transfers}
    since = settings.get("seeds_from", "always")
    if since not in ("always", "designation"):
        raise ValueError(f"seeds_from is {since!r}, neither always nor designation")
    limit = settings.get("max_hops")
    if not account and (entry.get("opening") or entry.get("incomplete")):
        raise ValueError('`opening` and `incomplete` are of account ledgers; a coin has its whole history or `in` is "unknown"')
    case = Case(
        id=name(entry["id"], "`id`"),
        kind=kind,
        title=text(entry.get("title", ""), "`title`"),
        labels=_labels(entry, account=account, from_designation=since == "designation"),
        max_hops=None if limit is None else number(limit, "max_hops"),
        taint_fee=switch(settings.get("taint_fee", False), "taint_fee"),
        transfers=transfers,
        txs=txs,
        openings={
            pot(key, "opening"): units(value, "opening") for key, value in table(entry.get("opening", {}), "`opening`").items()
        },
        incomplete=tuple(
            _incomplete(table(gap, "incomplete"), places) for gap in rows(entry.get("incomplete", []), "`incomplete`")
        ),
        expected=expectations(table(entry.get("expected", {}), "`expected`"), transfers, txs),
        bracket=read_bracket(entry.get("bracket"), transfers, txs),
    )
    if not case.expected and case.bracket is None:
        raise ValueError("it expects nothing: give `expected` or `bracket`")
    return case


def _labels(entry: Json, *, account: bool, from_designation: bool) -> Labels:
    seeds: dict[str, Seed] = {}
    coins: dict[Coin, Seed] = {}
    txs: dict[str, Seed] = {}
    for place, given in enumerate(rows(entry.get("seeds", []), "`seeds`")):
        seed = _seed(table(given, "seed"), place)
        named = [key for key in ("address", "coin", "transaction") if key in given]
        if len(named) != 1 or (account and named == ["coin"]):
            raise ValueError(
                f"seed {place + 1} names {' and '.join(named) or 'nothing'}: one of address, coin (utxo), transaction"
            )
        # Where one is named twice the first stands, as the first of several tags of one rank does.
        if named == ["address"]:
            seeds.setdefault(name(given["address"], "seed address"), seed)
        elif named == ["coin"]:
            coins.setdefault(Coin(*coin(given["coin"], "seed coin")), seed)
        else:
            txs.setdefault(name(given["transaction"], "seed transaction"), seed)
    services = [name(address, "boundary") for address in rows(entry.get("boundaries", []), "`boundaries`")]
    hubs = [name(address, "hub") for address in rows(entry.get("hubs", []), "`hubs`")]
    return Labels(
        seeds=seeds,
        coin_seeds=coins,
        tx_seeds=txs,
        boundaries={address: Service(address, "exchange") for address in services},
        hubs=dict.fromkeys(hubs, "declared"),
        seeds_from_designation=from_designation,
    )


def _seed(given: Json, place: int) -> Seed:
    category = name(given["category"], "category")
    dates = tuple(number(date, "date of a seed", least=-(2**40)) for date in rows(given.get("dates", []), "dates of a seed"))
    if list(dates) != sorted(dates):
        raise ValueError(f"the dates of seed {place + 1} are not in ascending order")
    # A seed with dates has a name of its own: its epochs are counted by them.
    return Seed(name=f"{category}#{place}" if dates else category, category=category, dates=dates)


def _incomplete(gap: Json, places: Mapping[str, Place]) -> Incomplete:
    address, asset = pot(gap["pot"], "incomplete pot")
    since, until = gap.get("gap", "unknown"), gap.get("until")
    for ref in (since, until):
        if ref is not None and ref not in ("unknown", "oldest") and ref not in places:
            raise ValueError(f"incomplete pot {gap['pot']!r} refers to {ref!r}, which is no transfer of the ledger")
    if (until is None) != (gap.get("balance") is None):
        raise ValueError(f"incomplete pot {gap['pot']!r}: `until` and `balance` go together")
    return Incomplete(
        address,
        asset,
        since=places.get(text(since, "gap")),
        oldest=since == "oldest",
        until=None if until is None else places[text(until, "until")],
        balance=None if until is None else units(gap["balance"], "balance"),
    )
