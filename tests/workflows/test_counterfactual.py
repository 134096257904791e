"""Laws of the counterfactual: the smallest sets of tags that carry a verdict are found, and weak ones are flagged."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from exposure.cli import main
from exposure.model.labels import Category
from exposure.model.results import Report
from exposure.reporting.screen import screen
from exposure.store.store import Store
from exposure.workflows.counterfactual import counterfactual
from exposure.workflows.ingest import ImportOptions, ingest
from exposure.workflows.tags import ImportOptions as ListOptions
from exposure.workflows.tags import OwnTag, add_tag, import_lists
from exposure.workflows.trace import trace
from exposure.workflows.trace_options import trace_options

ONE, TWO, MID, ME = ("0x" + letter * 40 for letter in "abcd")
SUBJECT = f"0x{3:064x}:0"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """ONE and TWO each pay MID 50; MID pays ME 100. Nobody is tagged."""
    lines = ["tx,index,block,time,from,to,amount,asset"]
    rows = [(1, ONE, MID, 50), (2, TWO, MID, 50), (3, MID, ME, 100)]
    lines += [f"0x{n:064x},0,{n},{1_700_000_000 + n},{a},{b},{amount},ethereum/native" for n, a, b, amount in rows]
    (tmp_path / "ledger.csv").write_text("\n".join(lines) + "\n")
    with Store.create(tmp_path / "store") as store:
        ingest([tmp_path / "ledger.csv"], ImportOptions(chain="ethereum", whole_ledger=True), store=store)
    policy = 'name="p"\nversion="1"\n[[rules]]\nname="p.r"\nkind="exposure"\ncategories=["sanctioned"]\nshare="40%"\n'
    (tmp_path / "p.toml").write_text(policy + 'action="hold"\nreason="why"\n')
    return tmp_path


def _tag(folder: Path, address: str, *, confidence: int = 90, source: str = "me") -> None:
    with Store.open(folder / "store") as store:
        add_tag(store, OwnTag(address, Category.SANCTIONED, f"Party {address[2]}", source, "n", confidence), now=0)


def _asked(folder: Path) -> Report:
    with Store.open(folder / "store") as store:
        return counterfactual(store, SUBJECT, trace_options(policy=folder / "p.toml"))


def test_one_tag_that_carries_a_verdict_alone_is_found_and_flagged(folder: Path) -> None:
    _tag(folder, ONE)
    report = _asked(folder)
    (verdict,) = report.verdicts
    assert verdict.depends is not None
    assert [[tag.subject for tag in one.tags] for one in verdict.depends.sets] == [[ONE]]
    assert verdict.depends.single
    assert not verdict.depends.doubtful
    with Store.open(folder / "store") as store:
        plain = trace(store, SUBJECT, trace_options(policy=folder / "p.toml"))
    assert plain.sections == report.sections
    # Of ONE's 50 at most 50 can have come: its payment is all of the cut.
    said = " ".join(screen(report).plain.split())
    assert f"all that can have come from sanctioned parties passed through 0x{1:064x}:index:0 (" in said
    assert " passed " not in screen(plain).plain


def test_of_two_parties_that_each_suffice_both_tags_have_to_fall(folder: Path) -> None:
    _tag(folder, ONE)
    _tag(folder, TWO, confidence=30)
    depends = _asked(folder).verdicts[0].depends
    assert depends is not None
    assert [sorted(tag.subject for tag in one.tags) for one in depends.sets] == [[ONE, TWO]]
    assert not depends.single
    assert depends.doubtful
    assert depends.complete


def test_two_lists_that_say_the_same_have_to_fall_together(folder: Path) -> None:
    _tag(folder, ONE)
    file = folder / "list.csv"
    file.write_text(f"address,entity,category,regime,listed_on,source\n{ONE},Party a,sanctioned,US,2022-01-05,gazette\n")
    with Store.open(folder / "store") as store:
        import_lists(store, [file], ListOptions(published=1_600_000_000))
    depends = _asked(folder).verdicts[0].depends
    assert depends is not None
    assert [sorted(tag.source for tag in one.tags) for one in depends.sets] == [["CSV list", "own tags"]]


def test_a_verdict_that_allows_stands_on_no_tag(folder: Path) -> None:
    assert _asked(folder).verdicts[0].depends is None


def test_the_minimal_cut_names_the_transfers_that_carry_the_case(folder: Path) -> None:
    """ONE's 50 units reach the subject only by the first transfer: it is the cut, and it holds all of the upper end."""
    _tag(folder, ONE)
    bound = next(one for one in _asked(folder).sections[0].bounds if one.category == "sanctioned")
    assert (bound.bracket_lower, bound.bracket_upper) == (50, 50)
    assert [(part.ref.partition(":")[0], part.amount) for part in bound.cut] == [(f"0x{1:064x}", 50)]


def test_the_screen_says_on_what_a_verdict_stands(folder: Path) -> None:
    _tag(folder, ONE)
    words = ["trace", SUBJECT, "--store", str(folder / "store"), "--counterfactual"]
    result = CliRunner().invoke(main, [*words, "--policy", str(folder / "p.toml")])
    assert result.exit_code == 0
    assert "hangs on a single tag" in result.stdout
    assert "Party a (confidence 90)" in result.stdout
    refused = CliRunner().invoke(main, words)
    assert refused.exit_code == 2
    assert "--policy" in refused.stderr
