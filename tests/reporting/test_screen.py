"""Laws of the screen: it fits, it answers first, it never gives a clean bill, and outside text cannot touch it."""

from __future__ import annotations

import io
import unicodedata
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from exposure.measure.status import headline
from exposure.model.provenance import EditionUsed, LedgerEnd
from exposure.model.results import Designated, Report, Subject
from exposure.reporting.layout import WIDTH, columns, flow
from exposure.reporting.screen import screen
from exposure.reporting.words import coins, cut, hops, percent_range, short, statuses

FORMS = ("report", "clean_report", "poison_report", "destination_report", "hostile_report")


def _plain(report: Report) -> str:
    return screen(report).plain


@pytest.mark.parametrize("name", FORMS)
def test_no_line_is_wider_than_the_screen_and_the_table_uses_all_of_it(name: str, request: pytest.FixtureRequest) -> None:
    lines = _plain(request.getfixturevalue(name)).splitlines()
    assert all(cell_len(line) <= WIDTH for line in lines)
    assert not any(line != line.rstrip() for line in lines)


def test_the_table_ends_exactly_at_column_one_hundred(report: Report) -> None:
    row = next(line for line in _plain(report).splitlines() if line.startswith("sanctioned"))
    assert cell_len(row) == WIDTH == 100


@pytest.mark.parametrize("name", FORMS)
def test_nothing_invisible_reaches_the_terminal(name: str, request: pytest.FixtureRequest) -> None:
    text = _plain(request.getfixturevalue(name)).replace("\n", "")
    assert not [character for character in text if unicodedata.category(character) in {"Cc", "Cf", "Cs"}]


def test_markup_in_names_is_shown_and_not_obeyed(hostile_report: Report) -> None:
    out = io.StringIO()
    Console(file=out, width=WIDTH, force_terminal=True, color_system="standard").print(screen(hostile_report))
    assert "[red]bold[/red]" in out.getvalue()
    assert "\x1b[2J" not in out.getvalue()


def test_without_colours_the_text_is_the_same(report: Report) -> None:
    out = io.StringIO()
    Console(file=out, width=WIDTH, no_color=True, highlight=False).print(screen(report), soft_wrap=True)
    assert out.getvalue().rstrip("\n") == _plain(report)


def test_the_answer_comes_before_the_table_and_names_how(report: Report) -> None:
    lines = _plain(report).splitlines()
    place = next(n for n, line in enumerate(lines) if line.startswith("Answer"))
    assert place <= 2
    assert "12.4 % from sanctioned parties (indirect" in lines[place]
    assert "9.1 % listed at the time" in " ".join(line.strip() for line in lines[place : place + 3])
    assert place < next(n for n, line in enumerate(lines) if line.startswith("EXPOSURE"))


def test_every_share_stands_with_its_hops(report: Report) -> None:
    text = _plain(report)
    for said in (
        "3 hops (2 intermediaries)",
        "1 hop (direct)",
        "Exchange A 58.0 % (2 hops)",
        "Pool C (2 hops)",
        "beyond 5 hops",
    ):
        assert said in text


def test_interval_and_bracket_stand_in_their_columns(report: Report) -> None:
    row = next(line for line in _plain(report).splitlines() if line.startswith("sanctioned"))
    assert "12.4 - 18.1 %" in row
    assert "4.0 - 31.0 %" in row
    assert "whatever the rule" in _plain(report)


def test_a_missing_bracket_says_why(report: Report) -> None:
    assert "no bracket (whatever the rule) for mixer: the cone passed 50,000 transactions" in _plain(report)


def test_every_unresolved_part_says_what_settles_it(report: Report) -> None:
    text = _plain(report)
    for part in report.sections[0].unresolved:
        assert part.settles in text


def test_nothing_found_is_no_clean_bill(clean_report: Report) -> None:
    text = _plain(clean_report)
    assert text.count("no exposure found within 5 hops; 2.7 % unresolved") == 2
    assert "clean" not in text.replace("CLEAN", "")


def test_bounds_of_what_was_not_found_are_shown(clean_report: Report, report: Report) -> None:
    bounds = tuple(replace(report.sections[0].bounds[0], category=name, lower=0, lower_share=0.0) for name in ("mixer", "scam"))
    section = replace(clean_report.sections[0], bounds=bounds)
    assert "any other category" in _plain(replace(clean_report, sections=(section,)))


def test_poison_is_marked_as_an_upper_figure(poison_report: Report) -> None:
    text = _plain(poison_report)
    assert "poison marks whole transfers: every figure is an upper one, rows overlap, no sum is meant" in text
    assert "up to 100 % from sanctioned" in text
    assert "total" not in text


def test_several_rules_stand_side_by_side(report: Report, poison_report: Report) -> None:
    both = replace(report, sections=(*report.sections, *poison_report.sections))
    text = _plain(both)
    assert "BY RULE" in text
    assert "* upper figures that overlap" in text
    row = next(line for line in text[text.index("BY RULE") :].splitlines() if line.startswith("sanctioned"))
    assert row.split("%")[0].endswith("12.4 ")
    assert "100 %" in row


def test_destination_has_its_own_words(destination_report: Report) -> None:
    text = _plain(destination_report)
    for said in ("DESTINATION", "to services", "still held", "paid as fees", "burned", "12.4 % to sanctioned"):
        assert said in text
    assert "from services" not in text


def test_synthetic_data_says_so_first(report: Report) -> None:
    made_up = replace(report, run=replace(report.run, synthetic=True))
    assert _plain(made_up).startswith("SYNTHETIC")
    assert "SYNTHETIC" not in _plain(report)


def test_old_or_missing_lists_stand_out(report: Report) -> None:
    old = replace(report, run=replace(report.run, editions=(EditionUsed("OFAC", "x", None, 40),)))
    text = screen(old)
    assert "OFAC 40 days old" in text.plain
    assert any(span.style == "yellow" and "OFAC" in text.plain[span.start : span.end] for span in text.spans)
    crowd = replace(report, run=replace(report.run, editions=tuple(EditionUsed(f"pack{n}", "x", None, n) for n in range(60))))
    assert "pack3 3 days old, and 56 more)" in _plain(crowd)
    without = _plain(replace(report, run=replace(report.run, editions=())))
    assert "no list was imported" in without
    assert without.index("NO LIST") < without.index("Answer"), "before any answer"
    assert "NO LIST" not in _plain(report)


def test_the_time_stands_in_the_zone_asked_for_and_in_utc(report: Report) -> None:
    assert "2024-03-18 18:12 JST (09:12 UTC)" in screen(report, zone=ZoneInfo("Asia/Tokyo")).plain
    assert "2024-03-18 09:12 UTC" in _plain(report)


def test_a_ledger_without_blocks_ends_at_a_time(report: Report) -> None:
    assert "ledger to block 835,102 (2024-03-18);" in _plain(report)
    timed = replace(report, as_of=(LedgerEnd("bitcoin", 1_710_753_120, 1_710_753_120),))
    assert "ledger to 2024-03-18 09:12 UTC;" in _plain(timed)


def test_a_thousand_rows_still_make_one_screen(report: Report) -> None:
    section = report.sections[0]
    rows = tuple(replace(section.exposures[0], entity=f"E{n}", amount=1000 - n, share=1e-4) for n in range(1000))
    lost = tuple(replace(part, amount=100, share=1e-4) for part in section.unresolved * 400)
    services = tuple(replace(part, amount=100, share=1e-4, entity=f"S{n}") for n, part in enumerate(section.attributed * 400))
    many = replace(section, exposures=rows, unresolved=lost, attributed=services)
    crowd = replace(report, sections=tuple(replace(many, subject=replace(many.subject, asset=f"a{n}")) for n in range(100)))
    text = _plain(crowd)
    assert "--format json" in text
    assert len(text.splitlines()) < 500


def test_an_address_says_how_much_it_moved_in_how_many_transfers(report: Report) -> None:
    address = Subject("address", "bitcoin", "bitcoin/native", "BTC", 8, 250_000_000, "bc1qwhole", transfers=31)
    text = _plain(replace(report, sections=(replace(report.sections[0], subject=address),)))
    assert text.startswith("Address   bc1qwhole on bitcoin   received 2.500 BTC in 31 transfers")


def test_a_transaction_without_one_receiver_is_not_paid_to_nobody(report: Report) -> None:
    one = replace(report.sections[0].subject, kind="transaction", address=None, n=None, transfers=2)
    text = _plain(replace(report, sections=(replace(report.sections[0], subject=one),)))
    assert text.startswith("Transfer  3f9ac1d0..., 2 transfers   2.500 BTC")
    assert "-> the transfer 2024-03-18" in text


@pytest.mark.parametrize(
    ("at_time", "words"),
    [
        ("on_or_after", "listed at the time: US 2022-04-05"),
        ("before", "listed later: US 2022-04-05"),
        ("unknown", "listed by then, address's own date unknown: US 2022-04-05"),
        ("after_delisting", "delisted before: US 2022-04-05"),
    ],
)
def test_status_words(at_time: str, words: str) -> None:
    one = Designated("US", at_time, "listed", listed_on=1_649_116_800)  # the four texts above
    assert statuses((one,)) == [words]
    assert words.startswith(headline((one,)))


def test_the_address_own_date_stands_beside_the_party_s() -> None:
    one = Designated("US", "unknown", "listed", listed_on=1_649_116_800, address_listed_on=1_662_163_200, on_or_before=True)
    assert statuses((one,)) == ["listed by then, address's own date unknown: US 2022-04-05 (address by 2022-09-03)"]


@given(st.text(max_size=300), st.integers(4, 60))
def test_cut_text_fits_its_cells(text: str, cells: int) -> None:
    assert cell_len(cut(text, cells)) <= cells


@given(st.integers(0, 10**38), st.integers(0, 30), st.text(max_size=40))
def test_an_amount_fits_its_column_and_never_shows_as_nothing(amount: int, decimals: int, symbol: str) -> None:
    text = coins(amount, decimals, symbol, 15)
    assert cell_len(text) <= 15
    if amount:
        assert any(digit in "123456789" for digit in text)


@given(st.lists(st.text(max_size=250), max_size=8), st.text(max_size=40), st.integers(0, 60))
def test_flowing_pieces_keep_to_the_width(pieces: list[str], head: str, indent: int) -> None:
    printable = [cut(piece, 250) for piece in pieces]
    lines = flow(Text(cut(head, 60)), [(piece, "") for piece in printable], indent=indent)
    assert all(line.cell_len <= WIDTH for line in lines)
    kept = "".join("".join(line.plain.split()) for line in lines)
    assert kept == "".join((cut(head, 60) + "".join(printable)).split())


def test_columns_cut_and_align() -> None:
    assert columns([("abcdef", 4, ""), ("x", -3, "")]).plain == "abcd  x"


def test_small_words() -> None:
    assert hops(2) == "2 hops (1 intermediary)"
    assert short("0x098b716b8aaf21512996dc57eb0615e2383e2f96") == "0x098b71...2f96"
    assert percent_range(0.1, 0.1) == "10.0 %"
    assert percent_range(0.0, None) == "-"


@pytest.mark.parametrize(("terminal", "most"), [(80, 80), (99, 80), (100, 100), (200, 100)])
def test_lines_fit_the_terminal(report: Report, terminal: int, most: int) -> None:
    plain = screen(report, terminal=terminal).plain
    assert max(len(line) for line in plain.splitlines()) <= most
    assert not any(line.lstrip().startswith("%") for line in plain.splitlines())
