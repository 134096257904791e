"""Well-formed replies of every source, changed in one place at a time, by a fixed list of changes.

The law: whatever is changed, the walk ends in one of the project's own errors, or in pages whose rows are the truth, or in
pages that say themselves that they are not whole (a reason, or a balance that the rows do not sum to). What is exempt is
listed in `LIES`, each with the reason why nothing that the source says could contradict it.
"""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from bitcoin_servers import _text
from evm_explorers import Handler
from recorded import Case, account_cases, bitcoin_cases, learn, opened, rows_of, silently_wrong, walked

from exposure.errors import ExposureError
from exposure.sources.remote import Page

THOROUGH = os.environ.get("CI_STRICT") == "1"
SHARE = dict.fromkeys(("trongrid", "tron-node", "blockscout", "esplora", "core", "electrum"), 12)
SHARE |= {"node": 101, "etherscan": 23}
"""One change in so many is tried in a quick run, evenly spread and always the same ones; all of them in a thorough one."""

ACCOUNTS = ("node", "etherscan", "blockscout", "trongrid", "tron-node")
COINS = ("esplora", "core", "electrum")

OTHER_HASH = "0x" + "5e" * 32
OTHER_ADDRESS = "0x" + "5e" * 20
Path = tuple[str | int, ...]
GONE = object()


class Change(NamedTuple):
    """One change of a reply: what it is called, and the new value of a place, given the old one."""

    name: str
    make: Callable[[Any], object]


def _number(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,78}|0x[0-9a-f]{1,16}", value):
        return int(value, 0) if value.startswith("0x") else int(value)
    return None


def _as(value: object, number: int) -> object:
    """A number in the form of the old one."""
    if isinstance(value, str):
        return hex(number) if value.startswith("0x") else str(number)
    return number


PLAIN: tuple[Change, ...] = (
    Change("gone", lambda value: GONE),
    *(
        Change(repr(new), lambda value, new=new: new)  # a default argument binds the value of this turn
        for new in (
            None,
            -1,
            1.5,
            True,
            "",
            "garbage",
            "0x",
            "-1",
            "1e3",
            "\u0661",
            [],
            {},
            [{}],
            "A\ud800\x00",
            2**256,
            10**400,
        )
    ),
)
NUMBERS: tuple[Change, ...] = (
    Change("zero", lambda value: _as(value, 0)),
    Change("one more", lambda value: _as(value, (_number(value) or 0) + 1)),
    Change("2^63", lambda value: _as(value, 2**63)),
    Change("2^256 - 1", lambda value: _as(value, 2**256 - 1)),
    Change("2^256", lambda value: _as(value, 2**256)),
    Change("negative", lambda value: f"-{value}" if isinstance(value, str) else -1),
    Change("as text", lambda value: str(_number(value))),
    Change("as a number", lambda value: _number(value)),
    Change("as a float", lambda value: float(_number(value) or 0)),
    Change("with a point", lambda value: f"{_number(value)}.0"),
    Change("in another base", lambda value: str(_number(value)) if str(value).startswith("0x") else hex(_number(value) or 0)),
)
TEXTS: tuple[Change, ...] = (
    Change("another hash", lambda value: OTHER_HASH[2:] if not str(value).startswith("0x") else OTHER_HASH),
    Change("another address", lambda value: OTHER_ADDRESS),
    Change("upper case", lambda value: str(value).upper()),
    Change("cut", lambda value: str(value)[:-1]),
    Change("longer", lambda value: f"{value}0"),
    Change("the far future", lambda value: "2999-01-01T00:00:00.000000Z"),
    Change("long ago", lambda value: "0001-01-01T00:00:00Z"),
    Change("a time without a zone", lambda value: "2023-11-14T22:13:20"),
)
LISTS: tuple[Change, ...] = (
    Change("empty", lambda value: []),
    Change("without its first", lambda value: value[1:]),
    Change("without its last", lambda value: value[:-1]),
    Change("its first twice", lambda value: [*value[:1], *value]),
    Change("its last twice", lambda value: [*value, *value[-1:]]),
    Change("reversed", lambda value: value[::-1]),
)


def changes_for(value: object) -> tuple[Change, ...]:
    """What is tried in place of a value."""
    if isinstance(value, list):
        return (*PLAIN, *LISTS) if len(value) > 1 else PLAIN
    if _number(value) is not None:
        return (*PLAIN, *NUMBERS)
    return (*PLAIN, *TEXTS) if isinstance(value, str) else PLAIN


def places(value: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Every place of a value, of lists the first and the last item."""
    yield path, value
    if isinstance(value, dict):
        for name, one in value.items():
            yield from places(one, (*path, name))
    elif isinstance(value, list):
        for n in sorted({0, len(value) - 1}) if value else ():
            yield from places(value[n], (*path, n))


def read(content: bytes) -> object:
    """A reply's JSON; its text where it is none."""
    try:
        return json.loads(content, parse_float=Decimal)
    except ValueError:
        return content.decode()


def written(value: object, before: bytes) -> bytes:
    """A changed reply in the form of the old one."""
    plain = not before.startswith((b"{", b"[")) and isinstance(value, str)
    return str(value).encode("utf-8", "replace") if plain else _text(value).encode()


def changed(value: object, path: Path, new: object) -> object:
    if not path:
        return None if new is GONE else new
    made: Any = copy.deepcopy(value)
    at = made
    for step in path[:-1]:
        at = at[step]
    if new is GONE:
        del at[path[-1]]
    else:
        at[path[-1]] = new
    return made


def kind_of(key: str) -> str:
    """What kind of reply it is: the same for the pages of one list."""
    path, query, body = json.loads(key)
    named = dict(query)
    calls = body.get("batch", [body]) if isinstance(body, dict) else []
    methods = ",".join(dict.fromkeys(str(one.get("method", one.get("value", "?"))[:40]) for one in calls))
    return re.sub(r"(0x)?[0-9a-f]{40,64}|\bT\w{33}|\b[mn]\w{33}|\b\d+\b", "*", f"{path} {named.get('action', '')} {methods}")


class Tried(NamedTuple):
    """A change of one reply."""

    key: str
    path: Path
    change: Change


def everything(case: Case) -> list[Tried]:
    """All changes of the first and of the last reply of each kind."""
    by_kind: dict[str, list[str]] = {}
    for key in case.replies:
        by_kind.setdefault(kind_of(key), []).append(key)
    found = []
    for keys in by_kind.values():
        for key in dict.fromkeys((keys[0], keys[-1])):
            for path, value in places(read(case.replies[key][1])):
                if not {"id", "jsonrpc"} & set(path[-1:]):
                    found += [Tried(key, path, change) for change in changes_for(value)]
    return found


LIES: tuple[tuple[str, set[str], str], ...] = (
    (
        r"\b(hash|transactionHash|transaction_hash|transaction_id|txid|txID)$",
        {"another hash"},
        "which transaction a movement is part of is said once (Esplora and Electrum prove it)",
    ),
    (
        r"\b(from|to|from\.hash|to\.hash|owner_address|to_address|topics\.[12])$",
        {"another address", "another hash", "one more"},
        "who stands on the other side is said once; the address's own side is held against its balance",
    ),
    (r"\bcontractAddress$", {"another address"}, "which token moved is said once"),
    (
        r"\b(blockNumber|block_height|height|timestamp|block_time|time|blockTimestamp|timeStamp)$",
        {"one more"},
        "a block and a time that keep to the order of the others",
    ),
    (r"\b(block_height|result\.height)$", {"zero"}, "a height that keeps to the order: the oldest may be older"),
    (r"\b(timeStamp|0\.result\.timestamp)$", {"zero", "'0x'"}, "of the first block of all, which says 0 on some chains"),
)
"""Lies that nothing contradicts: where they stand, which changes make them, and why the source cannot be caught."""

OMITTED = ("node", "etherscan", "tron-node")
"""Sources that have no list of what an address holds: a token of which every transfer is left out is not missed there."""


def is_lie(path: Path, change: str) -> bool:
    return any(re.search(where, ".".join(map(str, path))) and change in changes for where, changes, _ in LIES)


def is_omission(case: Case, pages: list[Page], asset: str) -> bool:
    """Whether a token is left out as a whole, or one that was not whole before anything was changed."""
    told = {one.kind for one in case.truth[-1].covered if one.reason}
    return asset in told or (asset != case.native and case.name in OMITTED and asset not in rows_of(pages))


def some(name: str, tried: list[Tried]) -> list[Tried]:
    """Those that are tried in this run."""
    return tried if THOROUGH else tried[:: SHARE[name]]


def wrongs(case: Case, tried: list[Tried]) -> list[str]:
    """What is stored wrongly, without a word, after a change."""
    found = []
    for key, path, change in tried:
        status, content = case.replies[key]
        value = read(content)
        at = value
        for step in path:
            at = at[step]
        new = change.make(at)
        if new == at and type(new) is type(at):
            continue
        case.replies[key] = status, written(changed(value, path, new), content)
        try:
            pages = walked(opened(case, playing(case)), case.address)
        except ExposureError as error:
            assert len(str(error)) < 1_500, (kind_of(key), path, change.name)
            continue
        except Exception as error:  # noqa: BLE001  # a traceback is what the test is for
            found.append(f"{type(error).__name__} {error!s:.100} at {kind_of(key)} {path} {change.name:.20}")
            continue
        finally:
            case.replies[key] = status, content
        wrong = [asset for asset in silently_wrong(case, pages) if not is_omission(case, pages, asset)]
        if wrong and not is_lie(path, change.name):
            found.append(f"{kind_of(key)} {'.'.join(map(str, path))}: {change.name:.20}")
    return found


def playing(case: Case) -> Handler:
    """The recorded replies; what was never asked for before is not there."""

    def handler(path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        before = len(case.replies)
        found = case.recorded(path, query, body)
        if len(case.replies) > before:  # a question that only a changed reply brings about
            case.replies.pop(next(reversed(case.replies)))
        return found

    return handler


@pytest.fixture(scope="module")
def accounts() -> Iterator[dict[str, Case]]:
    with account_cases() as made:
        yield made


@pytest.fixture(scope="module")
def coins() -> dict[str, Case]:
    return {name: learn(case) for name, case in bitcoin_cases().items()}


@pytest.mark.parametrize("name", ACCOUNTS)
def test_no_change_of_a_reply_makes_a_wrong_history_of_an_account(accounts: dict[str, Case], name: str) -> None:
    case = accounts[name]
    assert wrongs(case, some(name, everything(case))) == []


@pytest.mark.parametrize("name", COINS)
def test_no_change_of_a_reply_makes_a_wrong_history_of_coins(coins: dict[str, Case], name: str) -> None:
    case = coins[name]
    assert wrongs(case, some(name, everything(case))) == []


def about_a_transaction(case: Case) -> Case:
    """The same source, asked about the transaction of the last movement that it told of."""
    found = [str(row[1]) for page in case.truth for row in page.rows.get("outputs", ())]
    moved = [row for page in case.truth for row in page.rows.get("transfers", ()) if row[2] != "genesis:0"]
    native = [str(row[2]) for row in moved if row[1] == case.native]
    found += native or [str(row[2]) for row in moved]
    return learn(Case(case.name, case.open, case.good, found[-1], case.native))


@pytest.mark.parametrize("name", [*ACCOUNTS, *COINS])
def test_no_change_of_a_reply_about_a_transaction_ends_in_a_traceback(
    accounts: dict[str, Case], coins: dict[str, Case], name: str
) -> None:
    """Here no balance contradicts, so a changed amount is not noticed; a changed form is."""
    case = about_a_transaction((accounts | coins)[name])
    assert sum(len(rows) for rows in case.truth[0].rows.values())
    tried = [one for one in everything(case) if one.change in PLAIN and one.change.name not in ("gone", "None")]
    assert [one for one in wrongs(case, some(name, tried)) if " at " in one] == []
