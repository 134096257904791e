"""Law of the record: a setting that a figure depends on stands in the JSON and in the page's table of settings."""

from __future__ import annotations

import html
import json
import re

import jsonschema
import pytest

from exposure.model.results import Report
from exposure.reporting.json_report import report_schema, report_to_dict
from exposure.reporting.page import page
from exposure.store.store import Store
from exposure.units import to_unix
from exposure.workflows.ingest import ImportOptions, ingest
from exposure.workflows.trace import trace
from exposure.workflows.trace_options import trace_options

MID, ME, FROM = ("0x" + letter * 40 for letter in "abc")
START = to_unix("2024-01-01")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    """FROM pays MID, MID pays ME: the account of ME, and of the one deposit."""
    place = tmp_path_factory.mktemp("settings")
    rows = [f"0x{n:064x},0,{n},{START + n},{a},{b},5,ethereum/native" for n, a, b in ((1, FROM, MID), (2, MID, ME))]
    (place / "a.csv").write_text("\n".join(["tx,index,block,time,from,to,amount,asset", *rows]) + "\n")
    with Store.in_memory() as store:
        ingest([place / "a.csv"], ImportOptions(chain="ethereum", whole_ledger=True), store=store)
        options = trace_options(expand=[MID, FROM], window=17, hub_counterparties=1_234, dust_usd=2.5)
        return {"address": trace(store, ME, options), "deposit": trace(store, f"0x{2:064x}:0", options)}


def _settings(report: Report, lang: str) -> list[tuple[str, str]]:
    """Rows of the table of settings, as a reader sees them."""
    title = {"en": "Settings", "ja": "設定"}[lang]
    made = page(report, lang=lang).split(f"<h3>{title}</h3>")[1].split("</table>")[0]
    made = re.sub(r"<button.*?</button>", "", made)
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in made.split("<tr>")]
    return [tuple(html.unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in row) for row in rows if len(row) == 2]


def test_what_was_let_through_and_the_window_are_among_the_settings(reports: dict[str, Report]) -> None:
    said = _settings(reports["address"], "en")
    assert [value for name, value in said if "--expand" in name] == [MID, FROM]
    assert [value for name, value in said if "--window" in name] == ["17 days"]
    assert [value for name, value in said if "counterparties" in name] == ["1,234"]
    assert [value for name, value in said if "smaller transfers" in name] == ["$2.50"]
    assert ("17 日間" in dict(_settings(reports["address"], "ja")).values(), len(said)) == (
        True, len(_settings(reports["address"], "ja")),
    )  # fmt: skip


def test_a_deposit_has_no_window_to_speak_of(reports: dict[str, Report]) -> None:
    assert not [name for name, _ in _settings(reports["deposit"], "en") if "--window" in name]
    assert reports["deposit"].question.window_days is None


def test_the_json_has_them(reports: dict[str, Report]) -> None:
    made = json.loads(json.dumps(report_to_dict(reports["address"])))
    jsonschema.validate(made, report_schema())
    asked = made["question"]
    assert (asked["expanded"], asked["window_days"]) == ([MID, FROM], 17)
    assert (asked["hub_counterparties"], asked["dust_usd"]) == (1_234, 2.5)
