"""Texts of servers that no file and no screen takes: halves of characters, bytes that are no UTF-8, NULs, megabytes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from evm_explorers import Handler
from fetching import content
from recorded import Case, account_cases, bitcoin_cases, learn, opened
from test_adversarial_replies import read, written

from exposure import config
from exposure.net.calls import Calls
from exposure.reporting.json_report import report_to_dict
from exposure.sources.remote import RemoteHistory
from exposure.store.store import Store
from exposure.workflows.fetch import FetchOptions, FetchSummary, fetch
from exposure.workflows.fetch.run import Opened
from exposure.workflows.trace import TraceOptions, trace

NAMES = ("tokenName", "tokenSymbol", "symbol", "name", "functionName", "method")
ODD = "A\ud800\udfff\udc00B\x00\u202e" + "x" * 100_000
RAW = b"A\xed\xa0\x80B\xff\x00"


@pytest.fixture(scope="module")
def cases() -> Iterator[dict[str, Case]]:
    with account_cases() as made:
        yield made | {name: learn(case) for name, case in bitcoin_cases().items()}


def renamed(value: object, new: str) -> object:
    """Every name in a reply replaced."""
    if isinstance(value, dict):
        return {key: new if key in NAMES and isinstance(one, str) else renamed(one, new) for key, one in value.items()}
    return [renamed(one, new) for one in value] if isinstance(value, list) else value


def fetched(case: Case, handler: Handler, store: Store) -> FetchSummary:
    source: RemoteHistory = opened(case, handler)
    ready = {source.chain: Opened(source)}
    settings = config.load(environ={})
    options = FetchOptions(chain=source.chain)
    return fetch([case.address], options, store=store, config=settings, calls=Calls(max_calls=10), opened=ready)


def sayable(value: object) -> None:
    """What reaches a file or a terminal is text that both take."""
    json.dumps(value, ensure_ascii=False, default=str).encode()


@pytest.mark.parametrize("form", ["escapes", "bytes"])
@pytest.mark.parametrize("name", ["node", "etherscan", "blockscout", "trongrid", "tron-node"])
def test_a_name_of_halves_of_characters_is_stored_and_shown_with_replacements(
    cases: dict[str, Case], name: str, form: str
) -> None:
    case = cases[name]
    hex_name = (ODD.encode("utf-8", "surrogatepass")[:40] if form == "escapes" else RAW * 3).ljust(64, b"z").hex()
    good = dict(case.replies)

    def handler(path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        status, told = case.recorded(path, query, body)
        assert isinstance(told, bytes)
        # A contract's own symbol: a text of 64 bytes instead of the one that it has.
        word = "0" * 62 + "20" + "0" * 62
        told = told.replace((word + "03" + b"TKN".hex()).encode(), (word + "40" + hex_name).encode())
        if form == "escapes":
            return status, written(renamed(read(told), ODD), told)
        return status, written(renamed(read(told), "@@@"), told).replace(b"@@@", RAW.replace(b"\x00", b"\\u0000"))

    with Store.in_memory() as store:
        summary = fetched(case, handler, store)
        assert all(one.read for one in summary.outcomes), summary.outcomes
        rows = content(store)["transfers"]
        assert len(rows) > 5 or name == "tron-node"
        sayable([repr(summary), rows])
        chain = next(iter(store.chains()))
        sayable(report_to_dict(trace(store, case.address, TraceOptions(chain=chain))))
    assert case.replies == good


@pytest.mark.parametrize("name", ["esplora", "core", "electrum", "node", "etherscan", "blockscout", "trongrid", "tron-node"])
def test_a_complaint_of_halves_of_characters_is_a_sentence(cases: dict[str, Case], name: str) -> None:
    case = cases[name]
    number = [0]

    def handler(path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        status, told = case.recorded(path, query, body)
        number[0] += 1
        if number[0] <= case.asked // 4:
            return status, told
        asked = json.loads(body) if body else {}
        error = {"code": -1, "message": ODD}
        rpc = {"jsonrpc": "2.0", "id": asked.get("id", 1) if isinstance(asked, dict) else 1, "error": error, "result": None}
        plain = {"status": "0", "message": ODD, "result": ODD, "success": False, "error": ODD}
        answers = {"node", "tron-node", "core", "electrum"}
        return (200 if name in answers else 400), json.dumps(rpc if name in answers else plain).encode()

    with Store.in_memory() as store:
        (outcome,) = fetched(case, handler, store).outcomes
        assert outcome.state in ("failed", "partial")
        assert 10 < len(outcome.reason) < 1_000
        sayable([outcome.reason, content(store)])
