"""Seeds beyond addresses: services by category and country, assets, contracts; and why something is Russia-linked."""

from dataclasses import replace
from pathlib import Path

import pytest
from fictional_lists import at, bech, btc, eth, trx, write

from exposure.errors import InputError
from exposure.model.labels import Category, Role
from exposure.model.tags import Ground, SubjectKind
from exposure.store.store import Store
from exposure.workflows.labels import Snapshot, snapshot
from exposure.workflows.screen import screen
from exposure.workflows.tags import OwnTag, add_tag, import_lists, show

NOW = at("2026-02-02")
ROOT = Path(__file__).parent.parent.parent
RULE = "exchange/RU,,russia_linked,operator,,60,a notice,EU,2025-10-23\n"
HEADER = "subject,entity,category,ground,country,confidence,source,regime,listed_on\n"


def labelled(folder: Path, *rows: str) -> Snapshot:
    with Store.open_or_create(folder / "store") as store:
        import_lists(store, [write(folder, "tags.csv", HEADER + "".join(rows))], now=NOW)
        return snapshot(store, as_of=NOW)


def exchange(name: str, country: str, confidence: int = 80) -> str:
    return f"{btc(name)},Exchange {name},exchange,,{country},{confidence},a report,,\n"


def test_a_rule_makes_every_such_service_of_that_country_a_seed_under_its_own_name(tmp_path: Path) -> None:
    labels = labelled(tmp_path, RULE, exchange("a", "RU"), exchange("b", "ru"), exchange("c", "JP"), exchange("d", "")).labels
    assert set(labels.seeds) == {btc("a"), btc("b")} and set(labels.boundaries) == {btc("c"), btc("d")}
    seed = labels.seeds[btc("a")]
    assert (seed.entity, seed.category, seed.confidence) == ("Exchange a", "russia_linked", 60)
    assert [(given.regime, given.listed_on) for given in seed.designations] == [("EU", at("2025-10-23"))]


def test_a_rule_speaks_of_its_own_category_only_and_not_of_what_is_untagged(tmp_path: Path) -> None:
    row = f"{btc('m')},Mixer,mixer,,RU,80,a report,,\n"
    labels = labelled(tmp_path, RULE, row).labels
    assert labels.seeds[btc("m")].category == "mixer" and labels.seeds[btc("m")].designations == ()


def test_the_country_of_an_actor_counts(tmp_path: Path) -> None:
    actors = "title: actors\ncreator: x\nactors:\n- id: fic\n  label: Fiction Exchange\n  jurisdictions: [EE, RU]\n"
    pack = f"title: pack\ncreator: x\nconfidence: ownership\ncategory: exchange\ntags:\n- address: {trx('p')}\n  actor: fic\n"
    with Store.create(tmp_path / "store") as store:
        files = [write(tmp_path, "a.yaml", actors), write(tmp_path, "p.yaml", pack), write(tmp_path, "r.csv", HEADER + RULE)]
        import_lists(store, files, now=NOW)
        assert snapshot(store, as_of=NOW).labels.seeds[trx("p")].entity == "Fiction Exchange"


def test_screen_show_and_explain_know_the_rule_too(tmp_path: Path) -> None:
    labelled(tmp_path, RULE, exchange("a", "RU"))
    with Store.open(tmp_path / "store") as store:
        (hit,) = screen(store, [btc("a")], as_of=NOW).hits
        assert (hit.category, hit.entity, hit.tags) == ("russia_linked", "Exchange a", 2)
        found = show(store, btc("a"), as_of=NOW)
        assert found.explanation is not None and found.explanation.category == "russia_linked"
        assert found.attribution is not None
        assert "by the rule for exchange/RU" in found.attribution.winner.standing.tag.note
        assert show(store, "exchange/ru", as_of=NOW).kind is SubjectKind.SERVICE


def test_an_asset_is_a_seed_of_its_own(tmp_path: Path) -> None:
    token = f"ethereum/{eth('token')}"
    labels = labelled(tmp_path, f"{token},Fictional Token,russia_linked,asset,,90,a notice,EU,2025-10-23\n").labels
    assert list(labels.asset_seeds) == [token] and not labels.seeds


def test_a_contract_that_is_listed_is_a_seed_and_nothing_is_passed_through_it(tmp_path: Path) -> None:
    rows = (f"{eth('c')},Pool,contract,,,80,a report,,\n", f"{eth('c')},Pool,sanctioned,,,100,a notice,US,2022-08-08\n")
    labels = labelled(tmp_path, *rows).labels
    assert labels.seeds[eth("c")].category == "sanctioned" and not labels.pass_through


UNSTATED = {
    "no ground": f"{btc('a')},A,russia_linked,,,80,a report,,\n",
    "no source": f"{btc('a')},A,russia_linked,operator,,80,,,\n",
    "unknown ground": f"{btc('a')},A,russia_linked,feeling,,80,a report,,\n",
}


@pytest.mark.parametrize("case", UNSTATED)
def test_a_russia_linked_row_without_ground_and_source_is_rejected(tmp_path: Path, case: str) -> None:
    with Store.create(tmp_path / "store") as store:
        (imported,) = import_lists(store, [write(tmp_path, "t.csv", HEADER + UNSTATED[case] + exchange("b", ""))], now=NOW)
    (problem,) = imported.problems
    assert problem.dropped and ("ground" in problem.reason or "source" in problem.reason)


def test_an_own_russia_linked_tag_states_its_ground(tmp_path: Path) -> None:
    own = OwnTag(btc("a"), Category.RUSSIA_LINKED, "A", "a report", "why")
    with Store.create(tmp_path / "store") as store:
        with pytest.raises(InputError, match="needs a ground"):
            add_tag(store, own)
        said, _ = add_tag(store, replace(own, ground="Mining region"))
        assert said.tag.ground == Ground.MINING_REGION


def test_the_example_file_is_read_as_it_stands_and_names_nobody_real(tmp_path: Path) -> None:
    example = ROOT / "docs/examples/russia_linked.csv"
    with Store.create(tmp_path / "store") as store:
        (imported,) = import_lists(store, [example], now=NOW)
        labels = snapshot(store, as_of=NOW).labels
    assert not imported.problems and imported.edition.rows == 8
    assert {btc("example pool payout 1"), bech("example pool payout 2")} <= set(labels.seeds)
    assert list(labels.asset_seeds) == [f"ethereum/{eth('example token')}"]
    text = example.read_text(encoding="utf-8")
    assert all(f",{ground}," in text for ground in Ground) and text.startswith("# EXAMPLE: every name")


def test_the_registered_exchanges_of_japan_are_entities_that_an_address_book_can_refer_to(tmp_path: Path) -> None:
    book = tmp_path / "book.csv"
    book.write_text(f"address,category,actor,confidence,source\n{btc('book')},exchange,jp-bitflyer,80,paid out to us\n")
    with Store.create(tmp_path / "store") as store:
        pack, own = import_lists(store, [ROOT / "docs/examples/exchanges_japan.yaml", book], now=NOW)
        found = show(store, btc("book"))
    assert not pack.problems and not own.problems
    assert (pack.edition.entities, pack.edition.tags) == (16, 0)
    assert found.attribution is not None
    winner = found.attribution.winner
    assert (winner.entity, winner.country) == ("bitFlyer, Inc. (株式会社bitFlyer, 関東財務局長 第00003号)", "JP")
    assert winner.role is Role.BOUNDARY
