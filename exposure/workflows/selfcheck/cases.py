"""Reading a file of worked cases into ledgers, labels and settings. The format is described in ``docs/worked-cases.md``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from exposure.errors import InputError
from exposure.model.labels import Labels, Seed, Service
from exposure.model.ledger import LAST_INDEX, Coin, Incomplete, Kind, Output, Place, Spend, Transfer, UtxoTx

Json = Mapping[str, Any]
MAX_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Case:
    """One worked case. ``ledger`` holds transfers (``kind`` account) or transactions (``kind`` utxo)."""

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
    expected: Json
    bracket: Json | None


def read_cases(path: Path) -> list[Case]:
    """All cases of a file.

    Raises
    ------
    InputError
        If the file is not one of worked cases; the message names the case and what is wrong with it.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: larger than {MAX_BYTES} bytes, which no file of worked cases is")
        document = json.loads(path.read_text(encoding="utf-8"))
        entries = document["cases"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path}: not a file of worked cases ({error}): it is JSON with a list `cases`") from error
    cases = []
    for number, entry in enumerate(entries, 1):
        name = entry.get("id", f"number {number}") if isinstance(entry, dict) else f"number {number}"
        try:
            cases.append(_case(entry))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{path}: case {name} cannot be read: {type(error).__name__}: {error}") from error
    return cases


def _case(entry: Json) -> Case:
    settings = entry.get("settings", {})
    account = entry["kind"] == "account"
    if not account and entry["kind"] != "utxo":
        raise ValueError(f"kind {entry['kind']!r} is neither account nor utxo")
    transfers = _transfers(entry["ledger"]) if account else ()
    places = {transfer.ref: transfer.place for transfer in transfers}
    return Case(
        id=str(entry["id"]),
        kind=entry["kind"],
        title=str(entry.get("title", "")),
        labels=_labels(entry, from_designation=settings.get("seeds_from", "always") == "designation"),
        max_hops=settings.get("max_hops"),
        taint_fee=bool(settings.get("taint_fee", False)),
        transfers=transfers,
        txs=() if account else _txs(entry["ledger"]),
        openings={_pot(pot): int(value) for pot, value in entry.get("opening", {}).items()},
        incomplete=tuple(_incomplete(gap, places) for gap in entry.get("incomplete", ())),
        expected=entry.get("expected", {}),
        bracket=entry.get("bracket"),
    )


def amount(value: int | str) -> Fraction:
    """An expected amount: an integer, or an exact fraction ``p/q``."""
    return Fraction(value)


def _pot(text: str) -> tuple[str, str]:
    address, _, asset = text.rpartition("|")
    return address, asset


def _labels(entry: Json, *, from_designation: bool) -> Labels:
    seeds: dict[str, Seed] = {}
    coins: dict[Coin, Seed] = {}
    txs: dict[str, Seed] = {}
    for number, given in enumerate(entry.get("seeds", ())):
        category = given["category"]
        dates = tuple(given.get("dates", ()))
        # A seed with dates has a name of its own: its epochs are counted by them.
        seed = Seed(name=f"{category}#{number}" if dates else category, category=category, dates=dates)
        if "address" in given:
            seeds[given["address"]] = seed
        elif "coin" in given:
            coins[_coin(given["coin"])] = seed
        else:
            txs[given["transaction"]] = seed
    boundaries = {address: Service(address, "exchange") for address in entry.get("boundaries", ())}
    hubs = dict.fromkeys(entry.get("hubs", ()), "declared")
    return Labels(
        seeds=seeds, coin_seeds=coins, tx_seeds=txs, boundaries=boundaries, hubs=hubs, seeds_from_designation=from_designation
    )


def _transfers(rows: list[Json]) -> tuple[Transfer, ...]:
    """Transfers in the order given; the fees of a transaction behind its last transfer."""
    transfers: list[Transfer] = []
    fees: list[Transfer] = []
    for number, row in enumerate(rows):
        if fees and fees[0].tx != row["tx"]:
            transfers += fees
            fees = []
        time, ref = int(row.get("time", 0)), str(row["i"])
        failed = bool(row.get("fail", False))
        moved = Transfer(
            ref, row["tx"], Place(number, 0, 0), time, row["from"], row["to"], row["asset"], int(row["value"]), failed=failed
        )
        transfers.append(moved)
        if row.get("fee"):
            payer, asset = row.get("fee_payer", row["from"]), row.get("fee_asset", row["asset"])
            place = Place(number, 0, LAST_INDEX)
            fees.append(Transfer(f"{ref}/fee", row["tx"], place, time, payer, None, asset, int(row["fee"]), Kind.FEE))
    return (*transfers, *fees)


def _coin(text: str) -> Coin:
    tx, _, n = text.rpartition(":")
    return Coin(tx, int(n))


def _txs(rows: list[Json]) -> tuple[UtxoTx, ...]:
    outputs = {
        Coin(row["id"], n): Output(out["address"], int(out["value"])) for row in rows for n, out in enumerate(row["out"])
    }
    txs = []
    for number, row in enumerate(rows):
        unknown = row["in"] == "unknown"
        inputs = []
        for text in () if unknown else row["in"]:
            coin = _coin(text)
            spent = outputs.get(coin)
            inputs.append(Spend(coin, spent.address if spent else None, spent.amount if spent else None))
        own = tuple(outputs[Coin(row["id"], n)] for n in range(len(row["out"])))
        place, time = Place(int(row.get("block", 0)), number, 0), int(row.get("time", 0))
        txs.append(
            UtxoTx(
                row["id"],
                place,
                time,
                tuple(inputs),
                own,
                coinbase=not unknown and not row["in"],
                unknown_inputs=unknown,
                pool=row.get("pool", ""),
                joint=bool(row.get("joint", False)),
            )
        )
    return tuple(txs)


def _incomplete(gap: Json, places: Mapping[str, Place]) -> Incomplete:
    address, asset = _pot(gap["pot"])
    since = gap.get("gap", "unknown")
    until = gap.get("until")
    return Incomplete(
        address,
        asset,
        since=None if since in ("unknown", "oldest") else places[since],
        oldest=since == "oldest",
        until=None if until is None else places[until],
        balance=gap.get("balance"),
    )
