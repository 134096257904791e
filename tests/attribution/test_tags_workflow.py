"""Lists into a store and out again as labels: twice changes nothing, nothing is half kept, any day can be asked for."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from fictional_lists import FICTION, PRETEND, Party, at, bech, btc, edition, eth, ofac_xml, trx, write

from exposure.errors import AttributionError, InputError
from exposure.model.labels import Category
from exposure.model.sentences import Sentence
from exposure.model.tags import EditionState, SubjectKind
from exposure.store.store import Store
from exposure.workflows.labels import snapshot
from exposure.workflows.tags import ImportOptions, OwnTag, accept, add_tag, import_lists, list_editions, retract, show

NOW = at("2024-06-01")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store")


def rows(store: Store) -> list[tuple[object, ...]]:
    """Everything the catalogue has about tags."""
    connection = sqlite3.connect(store.path / "catalogue.sqlite")
    try:
        names = [
            row[0] for row in connection.execute("select name from sqlite_master where type = 'table' and name like 'tag_%'")
        ]
        return [(name, *row) for name in sorted(names) for row in connection.execute(f"select * from {name} order by 1, 2")]
    finally:
        connection.close()


def own(subject: str, category: Category = Category.SCAM, **fields: object) -> OwnTag:
    return replace(OwnTag(subject, category, "Fiction", "a report", "because"), **fields)  # its fields


def test_importing_twice_changes_nothing(store: Store, tmp_path: Path) -> None:
    path = edition(tmp_path, "2022-06-01", [FICTION, PRETEND])
    (first,) = import_lists(store, [path], now=NOW)
    before = rows(store)
    (second,) = import_lists(store, [path], now=NOW + 5)
    assert not first.known and second.known
    assert rows(store) == before


def test_a_bad_file_among_good_ones_leaves_the_store_as_it_was(store: Store, tmp_path: Path) -> None:
    import_lists(store, [edition(tmp_path, "2022-06-01", [FICTION])], now=NOW)
    before = rows(store)
    good = edition(tmp_path, "2023-01-01", [FICTION, PRETEND])
    bad = write(tmp_path, "bad.xml", ofac_xml("2023-02-01", [FICTION])[:-40])
    with pytest.raises(AttributionError, match="cut off"):
        import_lists(store, [good, bad], now=NOW)
    assert rows(store) == before


def test_an_edition_keeps_its_day_hash_and_counts(store: Store, tmp_path: Path) -> None:
    import_lists(store, [edition(tmp_path, "2022-06-01", [FICTION, PRETEND])], now=NOW)
    (kept,) = list_editions(store)
    assert (kept.name, kept.published, kept.imported_at) == ("OFAC SDN", at("2022-06-01"), NOW)
    assert (kept.rows, kept.subjects, kept.unchecked, kept.problems) == (6, 6, 1, 1)
    assert len(kept.sha256) == 64 and kept.id.startswith("ofac-sdn-20220601-")


def test_a_snapshot_knows_only_what_was_published_by_then(store: Store, tmp_path: Path) -> None:
    more = replace(FICTION, addresses=(*FICTION.addresses, ("XBT", btc("later"))))
    files = [edition(tmp_path, "2022-06-01", [FICTION, PRETEND]), edition(tmp_path, "2023-01-01", [more])]
    import_lists(store, files, ImportOptions(accept=True), now=NOW)
    early = snapshot(store, as_of=at("2022-05-31"))
    assert not early.labels.seeds and "no official list counts as of 2022-05-31" in early.warnings[0]
    middle = snapshot(store, as_of=at("2022-06-01"))
    assert btc("later") not in middle.labels.seeds and bech("pretend") in middle.labels.seeds
    late = snapshot(store)
    seed, joined = late.labels.seeds[btc("fiction 1")], late.labels.seeds[btc("later")]
    assert seed.entity == joined.entity and seed.name != joined.name
    assert joined.designations[0].address_listed_on == at("2023-01-01") and not joined.designations[0].on_or_before
    gone = late.labels.seeds[bech("pretend")]
    assert gone.designations[0].delisted_on == at("2023-01-01"), "whoever was ever designated stays a seed"
    assert middle.labels.digest != late.labels.digest
    assert snapshot(store, as_of=at("2022-06-01")).labels.digest == middle.labels.digest, "any day can be asked for again"


def test_the_order_of_imports_changes_no_label(tmp_path: Path) -> None:
    files = [edition(tmp_path, "2022-06-01", [FICTION]), edition(tmp_path, "2023-01-01", [FICTION, PRETEND])]
    digests = set()
    for name, order in (("one", files), ("two", files[::-1])):
        with Store.create(tmp_path / name) as store:
            for path in order:
                import_lists(store, [path], ImportOptions(accept=True), now=NOW)
            digests.add(snapshot(store).labels.digest)
    assert len(digests) == 1


def test_an_edition_that_shrinks_or_is_old_is_held_until_it_is_accepted(store: Store, tmp_path: Path) -> None:
    whole = edition(tmp_path, "2023-01-01", [FICTION, PRETEND])
    half = edition(tmp_path, "2023-02-01", [FICTION])
    old = edition(tmp_path, "2022-01-01", [FICTION, PRETEND])
    import_lists(store, [whole], now=NOW)
    before = snapshot(store).labels.digest
    shrunk, late = import_lists(store, [half, old], now=NOW)
    assert [one.edition.state for one in (shrunk, late)] == [EditionState.HELD, EditionState.HELD]
    assert "fewer" in shrunk.edition.reason and "older" in late.edition.reason
    held = snapshot(store)
    assert held.labels.digest == before
    assert any("is held and does not count" in warning and shrunk.edition.id in warning for warning in held.warnings)
    assert accept(store, shrunk.edition.id, now=NOW).state is EditionState.ACCEPTED
    assert snapshot(store).labels.seeds[bech("pretend")].designations[0].delisted_on == at("2023-02-01")
    with pytest.raises(InputError, match="accepted already"):
        accept(store, shrunk.edition.id)
    with pytest.raises(InputError, match="no edition 'nonsense'"):
        accept(store, "nonsense")


def test_a_file_without_tags_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(AttributionError, match="holds no tag"):
        import_lists(store, [write(tmp_path, "x.csv", "address,category\n")])
    assert not list_editions(store)


def test_an_own_tag_counts_from_when_it_was_added_to_when_it_was_retracted(store: Store) -> None:
    said, new = add_tag(store, own(btc("victim")), now=at("2024-01-01"))
    assert new
    assert add_tag(store, own(btc("victim")), now=at("2024-01-02")) == (said, False)
    retract(store, said.id, "the report was withdrawn", now=at("2024-02-01"))
    days = ("2023-12-31", "2024-01-01", "2024-01-31", "2024-02-01")
    assert [btc("victim") in snapshot(store, as_of=at(day)).labels.seeds for day in days] == [False, True, True, False]
    assert [gone.retraction for gone in show(store, btc("victim")).retracted] == ["the report was withdrawn"]
    with pytest.raises(InputError, match="retracted already"):
        retract(store, said.id, "again")
    with pytest.raises(InputError, match="no own tag number 99"):
        retract(store, 99, "why")
    again, new = add_tag(store, own(btc("victim")), now=at("2024-03-01"))
    assert new and again.id != said.id and btc("victim") in snapshot(store).labels.seeds


WRONG = {
    "checksum": (own(btc("a")[:-1] + ("x" if btc("a")[-1] != "x" else "y")), f"would be right as {btc('a')}"),
    "no source": (own(btc("a"), source="  "), "the source is empty"),
    "no note": (own(btc("a"), note=""), "the note is empty"),
    "no entity": (own(btc("a"), entity=""), "the entity is empty"),
    "confidence": (own(btc("a"), confidence=101), "0 to 100"),
    "too long": (own(btc("a"), note="x" * 3000), "3,000 characters"),
    "nonsense": (own("a passport number"), "addresses are plain ASCII without spaces"),
    "mixed case": (own("0x" + eth("a")[2:].upper().replace("F", "f", 1)), "EIP-55"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_typed_wrong_is_refused_and_nothing_is_added(store: Store, case: str) -> None:
    tag, reason = WRONG[case]
    with pytest.raises(InputError, match=reason):
        add_tag(store, tag)
    assert not snapshot(store).standings


def test_an_own_tag_may_name_a_theft_by_its_transaction_or_coin(store: Store) -> None:
    tx = "cd" * 32
    add_tag(store, own(tx, Category.STOLEN_FUNDS))
    add_tag(store, own(f"{tx}:1", Category.STOLEN_FUNDS))
    labels = snapshot(store).labels
    assert list(labels.tx_seeds) == [tx] and [str(coin) for coin in labels.coin_seeds] == [f"{tx}:1"]


def test_show_tells_who_says_what_since_when(store: Store, tmp_path: Path) -> None:
    import_lists(store, [edition(tmp_path, "2022-06-01", [FICTION, PRETEND])], now=NOW)
    add_tag(store, own(btc("fiction 1"), Category.EXCHANGE), now=NOW)
    found = show(store, f"  {btc('fiction 1')} ")
    assert found.attribution is not None and found.explanation is not None
    assert [one.standing.statement.list_name for one in found.attribution.candidates] == ["OFAC SDN", "own tags"]
    assert found.explanation.category == "sanctioned"
    upper = eth("fiction").upper().replace("0X", "0x")
    assert show(store, upper).subject == eth("fiction"), "an EVM address in any case"
    assert show(store, btc("nobody")).attribution is None
    assert show(store, "not a monero address at all").kind is SubjectKind.UNCHECKED
    assert show(store, trx("fiction tron"), as_of=at("2022-01-01")).attribution is None


def test_without_any_list_every_answer_says_so(store: Store, tmp_path: Path) -> None:
    assert snapshot(store).warnings == (Sentence("lists.none"),)
    import_lists(store, [write(tmp_path, "x.csv", f"address,category\n{btc('a')},scam\n")], now=NOW)
    assert snapshot(store).warnings == ("no official sanctions list was ever imported: only other lists and own tags count",)


def test_an_old_list_is_called_old(store: Store, tmp_path: Path) -> None:
    import_lists(store, [edition(tmp_path, "2022-06-01", [FICTION])], now=NOW)
    assert snapshot(store, as_of=at("2022-06-08")).warnings == ()
    assert "9 days old" in snapshot(store, as_of=at("2022-06-10")).warnings[0]
    (used,) = snapshot(store, as_of=at("2022-06-10")).editions
    assert (used.name, used.age_days) == ("OFAC SDN", 9)


def test_hostile_names_and_subjects_are_only_text(store: Store, tmp_path: Path) -> None:
    name = "Robert'); drop table tag_statements;--"
    import_lists(
        store, [edition(tmp_path, "2022-06-01", [Party(1, name, (("XBT", btc("x")), ("XMR", "' or 1=1 --")))])], now=NOW
    )
    assert snapshot(store).labels.seeds[btc("x")].entity == name
    assert show(store, "' or 1=1 --").kind is SubjectKind.UNCHECKED
    assert len(snapshot(store, subjects=["' or 1=1 --"]).standings) == 1


def test_a_store_that_was_closed_gives_the_same_labels(tmp_path: Path) -> None:
    with Store.create(tmp_path / "s") as store:
        import_lists(store, [edition(tmp_path, "2022-06-01", [FICTION, PRETEND])], now=NOW)
        digest = snapshot(store).labels.digest
    with Store.open(tmp_path / "s") as store:
        assert snapshot(store).labels.digest == digest
