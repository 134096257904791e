"""Laws of the HTML report: it stands alone, nothing in it runs that is not its own, and it is drawn, copied from, printed."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from chromium import Page, chromium
from hand_made import TOTAL, hostile, large
from traced_reports import reports

from exposure.model.results import Report
from exposure.reporting.page import LANGUAGES, page
from exposure.reporting.page.phrases import Phrases, _pairs

DRAWN = "document.documentElement && !!document.documentElement.dataset.drawn"
LARGEST = 5_500_000
SLOWEST = 4.0
TRACED = dict(reports())
A4 = 695
"""Width in pixels of a printed line on A4 with the page's margins."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def _opened(browser: Page, report: Report, folder: Path, **options: str) -> float:
    file = folder / "report.html"
    file.write_text(page(report, **options), encoding="utf-8")  # lang and case id
    browser.requests.clear()
    browser.complaints.clear()
    browser.width(1180)
    return browser.open(file, ready=DRAWN)


def test_a_trace_of_5000_transfers_is_small_and_drawn_in_time_with_the_network_off(browser: Page, tmp_path: Path) -> None:
    report = large(5_000)
    html = page(report)
    assert len(html.encode()) < LARGEST
    for _ in range(4):  # other work on the machine is no fault of the page
        if _opened(browser, report, tmp_path) < SLOWEST:
            break
    else:
        pytest.fail(f"never drawn in {SLOWEST} s")
    assert browser.complaints == []
    assert [url for url in browser.requests if not url.startswith("file:")] == []
    assert len(browser.requests) == 1
    assert browser.evaluate("document.querySelectorAll('.plot svg.main-svg').length") >= 4
    assert browser.evaluate("document.querySelectorAll('.plot .sankey-link').length") > 3
    assert browser.evaluate("document.querySelectorAll('.modebar-btn').length") == 0


@pytest.mark.parametrize("lang", LANGUAGES)
def test_hostile_names_show_as_text_and_nothing_of_them_runs(browser: Page, tmp_path: Path, lang: str) -> None:
    _opened(browser, hostile(), tmp_path, lang=lang)
    assert browser.complaints == []
    assert browser.evaluate("window.hacked === undefined")
    body = browser.evaluate("document.body.innerText")
    assert "<script>window.hacked=1</script>" in body
    assert "\\u202e" in body
    assert "\u202e" not in body
    assert browser.evaluate("document.querySelectorAll('img, iframe, object, embed, form, link, .plot a').length") == 0
    assert browser.evaluate("document.scripts.length") == 3
    links = browser.evaluate("Array.from(document.links, link => link.href + ' ' + link.rel)")
    assert links
    assert all(re.fullmatch(r"https://mempool\.space/(tx|address)/[A-Za-z0-9]+ noreferrer noopener", link) for link in links)


def test_a_script_that_is_not_the_pages_own_is_not_run(browser: Page, tmp_path: Path) -> None:
    file = tmp_path / "tampered.html"
    file.write_text(page(large(10)).replace("<body>", "<body><script>window.hacked=1</script><img src=x onerror='hacked=1'>"))
    browser.open(file, ready=DRAWN)
    assert browser.evaluate("window.hacked === undefined")
    assert any("Content Security Policy" in text for text in browser.complaints)


def test_hostile_names_do_not_widen_the_page(browser: Page, tmp_path: Path) -> None:
    _opened(browser, hostile(), tmp_path)
    for width in (1180, 400):
        browser.width(width)
        assert browser.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), width


def test_tables_and_pictures_are_named_for_who_does_not_see_them(browser: Page, tmp_path: Path) -> None:
    _opened(browser, large(10), tmp_path, lang="ja")
    assert browser.evaluate("document.documentElement.lang") == "ja"
    assert browser.evaluate("Array.from(document.querySelectorAll('table')).every(one => one.caption.innerText.length > 0)")
    assert browser.evaluate("Array.from(document.querySelectorAll('.plot')).every(one => one.ariaLabel.length > 0)")
    assert browser.evaluate("Array.from(document.querySelectorAll('th')).every(one => one.scope === 'col')")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_is_cut_on_the_screen_and_on_a4(browser: Page, tmp_path: Path, lang: str) -> None:
    _opened(browser, large(120), tmp_path, lang=lang)
    too_wide = "Array.from(document.querySelectorAll('table, dl, .verdict, .picture, li, p'))" \
        ".filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1).length"  # fmt: skip
    for width, media in ((1180, ""), (A4, "print")):
        browser.width(width, media=media)
        assert browser.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), width
        assert browser.evaluate(too_wide) == 0, width
    browser.width(1180)
    overlapping = """(() => {
      const marks = document.querySelectorAll('.picture .legend, .picture .xtick text');
      const boxes = Array.from(marks, one => one.getBoundingClientRect());
      const svg = document.querySelector('.plot').getBoundingClientRect();
      return boxes.filter(box => box.right > svg.right + 1 || box.left < svg.left - 1).length;
    })()"""
    assert browser.evaluate(overlapping) == 0
    printed = browser.print_pdf()
    assert printed.startswith(b"%PDF")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", printed)) < 120


@pytest.mark.long
@pytest.mark.parametrize("kind", ["every rule", "a customer", "coins", "a hostile asset", "compared"])
def test_traced_reports_in_japanese_fit_a_desk_a_telephone_and_a4(browser: Page, tmp_path: Path, kind: str) -> None:
    _opened(browser, TRACED[kind], tmp_path, lang="ja")
    for width, media in ((1280, ""), (400, ""), (A4, "print")):
        browser.width(width, media=media)
        assert browser.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), width
        outside = "Array.from(document.querySelectorAll('h1, h2, h3, p, li, dt, dd, .verdict, .picture, .wide'))" \
            ".filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1).length"  # fmt: skip
        assert browser.evaluate(outside) == 0, width
        cells = "Array.from(document.querySelectorAll('td, th')).filter(one => one.scrollWidth > one.clientWidth + 1).length"
        assert browser.evaluate(cells) == 0, width


def test_a_hash_is_copied_whole(browser: Page, tmp_path: Path) -> None:
    report = large(10)
    _opened(browser, report, tmp_path)
    browser.evaluate("document.addEventListener('copy', () => { window.taken = document.getSelection().toString(); })")
    browser.evaluate("document.querySelector('dd.code button').click()")
    taken = browser.evaluate("window.taken")
    assert taken == report.sections[0].subject.tx
    assert browser.evaluate("document.querySelectorAll('button.done').length") == 1


def test_the_pictures_say_what_the_figures_say(browser: Page, tmp_path: Path) -> None:
    report = large(10)
    _opened(browser, report, tmp_path)
    flow = browser.evaluate("document.getElementById('figure-0-flow').data[0].link.value.reduce((sum, part) => sum + part, 0)")
    assert flow >= 100  # every hop of a path carries it once more; what enters the subject is all of it
    into = browser.evaluate("""(() => { const link = document.getElementById('figure-0-flow').data[0].link;
      return link.value.filter((part, n) => link.target[n] === 0).reduce((sum, part) => sum + part, 0); })()""")
    assert into == pytest.approx(100)
    rings = browser.evaluate("document.getElementById('figure-0-rings').data.map(ring => Array.from(ring.values))")
    direct = sum(row.amount for row in report.sections[0].exposures if row.kind == "direct") / TOTAL
    assert 1 - rings[0][-1] == pytest.approx(direct)
    assert all(sum(ring) == pytest.approx(1) for ring in rings)


def test_a_page_of_many_accounts_stays_small(browser: Page, tmp_path: Path) -> None:
    report = large(5_000)
    section = report.sections[0]
    many = tuple(replace(section, subject=replace(section.subject, asset=f"ethereum/{n}")) for n in range(20))
    assert len(page(replace(report, sections=many)).encode()) < LARGEST
    assert _opened(browser, replace(report, sections=many), tmp_path) < 30
    assert browser.complaints == []


def test_a_ring_of_nearly_one_category_is_drawn(browser: Page, tmp_path: Path) -> None:
    report = large(10)
    section = report.sections[0]
    nearly = replace(section.exposures[0], amount=TOTAL - 1, share=(TOTAL - 1) / TOTAL)
    _opened(browser, replace(report, sections=(replace(section, exposures=(nearly,)),)), tmp_path)
    assert browser.evaluate("document.querySelectorAll('#figure-0-rings .slice path').length") == 2
    wide = "Array.from(document.querySelectorAll('#figure-0-rings .slice path'), slice => slice.getBoundingClientRect().width)"
    assert min(browser.evaluate(wide)) > 100


def test_verdict_and_headline_stand_above_any_script_and_the_policy_of_the_page_is_shut() -> None:
    html = page(large(10), case_id="c" * 64)
    first = html.index("<script")
    for word in ("HOLD", "12.4 %", "c" * 64, "unresolved"):
        assert 0 < html.index(word) < first, word
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.group(1).replace("&#39;", "'").split(";"))
    assert rules["default-src"] == "'none'"
    assert re.fullmatch(r"('sha256-[A-Za-z0-9+/=]{44}' ?){2}", rules["script-src"])
    assert set(rules) == {"default-src", "style-src", "script-src", "base-uri", "form-action"}


def test_every_phrase_is_there_in_both_languages_and_takes_the_same_words() -> None:
    for group, pairs in _pairs().items():
        if group == "method":
            assert len(pairs["en"]) == len(pairs["ja"])
            continue
        for key, pair in pairs.items():
            assert set(pair) == set(LANGUAGES), (group, key)
            assert all(pair.values()), (group, key)
            assert set(re.findall(r"\{\w+\}", pair["ja"])) <= set(re.findall(r"\{\w+\}", pair["en"])), (group, key)
    assert Phrases("ja").hops(3) == "3（仲介 2 者）"


def test_a_report_without_findings_or_under_poison_is_shown_too() -> None:
    full = large(10)
    section = full.sections[0]
    bare = replace(section, exposures=(), paths=(), attributed=(), unresolved=(), bounds=(), flow=(), own=())
    poison = replace(section, rule="poison", bounds=())
    started = time.monotonic()
    for lang in LANGUAGES:
        assert Phrases(lang)("not_clean") in page(replace(full, sections=(bare,), verdicts=()), lang=lang)
        assert page(replace(full, sections=(poison,)), lang=lang)
    assert time.monotonic() - started < 30
