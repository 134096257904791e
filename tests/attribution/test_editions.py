"""What comparing editions says about dates, and which editions have to be looked at first."""

from dataclasses import replace
from pathlib import Path

from fictional_lists import at, btc, write

from exposure.attribution.editions import Standing, reason_to_hold, standings
from exposure.model.labels import Category, Designation
from exposure.model.tags import Edition, ListKind, ParsedList, Statement, SubjectKind, Tag
from exposure.store.store import Store
from exposure.workflows.labels import snapshot
from exposure.workflows.tags import ImportOptions, import_lists, list_editions

A = Tag(
    SubjectKind.ADDRESS, btc("a"), "FICTION OU", Category.SANCTIONED, regime="US", listed_on=at("2022-04-05"), reference="101"
)
DAYS = ("2022-06-01", "2023-01-01", "2024-01-01", "2025-01-01")


def edition(day: str, *, name: str = "OFAC SDN", kind: ListKind = ListKind.OFFICIAL, subjects: int = 100) -> Edition:
    return Edition(f"{name}-{day}", name, kind, "ofac", at(day), "", at(day), "", 0, 0, subjects, 0, 0, 0)


HISTORY = [edition(day) for day in DAYS]


def stands(tag: Tag, *places: int, history: list[Edition] = HISTORY, kind: ListKind = ListKind.OFFICIAL) -> Standing | None:
    said = Statement(tag, history[0].name, kind, 1, tuple(history[place].id for place in places))
    found = standings([said], history)
    return found[0] if found else None


def designation(tag: Tag, *places: int, history: list[Edition] = HISTORY) -> Designation:
    standing = stands(tag, *places, history=history)
    assert standing is not None
    (found,) = standing.designations
    return found


def test_an_address_of_the_first_edition_seen_is_only_known_on_or_before_its_day() -> None:
    found = designation(A, 0, 1, 2, 3)
    assert (found.listed_on, found.address_listed_on, found.on_or_before) == (at("2022-04-05"), at("2022-06-01"), True)
    assert found.delisted_on is None


def test_an_address_that_joins_a_party_listed_earlier_has_the_day_of_its_edition() -> None:
    found = designation(A, 2, 3)
    assert (found.listed_on, found.address_listed_on, found.on_or_before) == (at("2022-04-05"), at("2024-01-01"), False)


def test_an_address_that_comes_with_a_new_party_is_known_only_between_the_partys_day_and_the_editions() -> None:
    found = designation(replace(A, listed_on=at("2023-06-01")), 2, 3)
    assert (found.address_listed_on, found.on_or_before) == (at("2024-01-01"), True)


def test_an_address_listed_on_the_day_of_its_edition_needs_no_date_of_its_own() -> None:
    found = designation(replace(A, listed_on=at("2022-06-01")), 0, 1, 2, 3)
    assert (found.listed_on, found.address_listed_on, found.on_or_before) == (at("2022-06-01"), None, False)


def test_an_address_that_vanishes_was_delisted_on_the_day_of_the_first_edition_without_it() -> None:
    standing = stands(A, 0, 1)
    assert standing is not None and not standing.in_force
    assert standing.designations[0].delisted_on == at("2024-01-01")


def test_an_address_that_comes_back_is_designated_twice() -> None:
    standing = stands(A, 0, 2, 3)
    assert standing is not None and standing.in_force
    first, second = standing.designations
    assert (first.delisted_on, second.listed_on, second.delisted_on) == (at("2023-01-01"), at("2024-01-01"), None)


def test_a_date_of_its_own_that_a_list_states_is_taken() -> None:
    found = designation(replace(A, address_listed_on=at("2022-05-05")), 0, 1, 2, 3)
    assert (found.address_listed_on, found.on_or_before) == (at("2022-05-05"), False)


def test_a_corrected_spelling_is_the_same_statement_with_the_newest_content() -> None:
    old = Statement(A, "OFAC SDN", ListKind.OFFICIAL, 1, (HISTORY[0].id, HISTORY[1].id))
    new = Statement(replace(A, entity="FICTION OÜ"), "OFAC SDN", ListKind.OFFICIAL, 2, (HISTORY[2].id, HISTORY[3].id))
    (found,) = standings([new, old], HISTORY)
    assert found.tag.entity == "FICTION OÜ"
    assert found.designations[0].address_listed_on == at("2022-06-01"), "present since the first edition"
    assert found.designations[0].delisted_on is None


def test_what_a_pack_no_longer_says_is_gone_and_what_a_file_no_longer_designates_is_delisted() -> None:
    packs = [edition(day, name="TagPack x", kind=ListKind.TAGPACK) for day in DAYS]
    plain = Tag(SubjectKind.ADDRESS, btc("a"), "Exchange A", Category.EXCHANGE)
    assert stands(plain, 0, 1, history=packs, kind=ListKind.TAGPACK) is None
    assert stands(plain, 0, 3, history=packs, kind=ListKind.TAGPACK) is not None
    own = [edition(day, name="CSV x", kind=ListKind.CSV) for day in DAYS]
    gone = stands(A, 0, history=own, kind=ListKind.CSV)
    assert gone is not None
    assert gone.designations == (Designation("US", "", at("2022-04-05"), at("2023-01-01")),), (
        "its own date is what the row states"
    )


def test_a_users_tag_stands_by_itself() -> None:
    said = Statement(A, "own tags", ListKind.USER, 5, added_at=at("2024-02-02"))
    (found,) = standings([said], [])
    assert found.in_force and found.first_seen == at("2024-02-02")
    assert found.designations == (Designation("US", "", at("2022-04-05")),)


def test_the_order_of_statements_changes_nothing() -> None:
    said = [
        Statement(replace(A, subject=btc(name)), "OFAC SDN", ListKind.OFFICIAL, n, (HISTORY[n].id,))
        for n, name in enumerate("abcd")
    ]
    assert standings(said, HISTORY) == standings(reversed(said), HISTORY)


def parsed(subjects: int) -> ParsedList:
    tags = tuple(Tag(SubjectKind.ADDRESS, f"{n}", "x", Category.SCAM) for n in range(subjects))
    return ParsedList("OFAC SDN", ListKind.OFFICIAL, "ofac", tags)


def test_an_edition_is_held_if_it_is_older_or_shrinks_by_more_than_2_per_cent() -> None:
    newest = edition("2024-01-01", subjects=1000)
    assert reason_to_hold(parsed(3), at("2020-01-01"), None) == ""
    assert reason_to_hold(parsed(1000), at("2024-01-02"), newest) == ""
    assert reason_to_hold(parsed(980), at("2024-01-02"), newest) == ""
    assert "2.1 % fewer" in reason_to_hold(parsed(979), at("2024-01-02"), newest)
    assert "older" in reason_to_hold(parsed(1000), at("2023-12-31"), newest)
    assert reason_to_hold(parsed(1000), at("2024-01-01"), newest) == "", "a correction of the same day"


def test_editions_of_one_day_that_come_within_a_second_follow_each_other_as_they_came(tmp_path: Path) -> None:
    now = at("2022-06-02")
    for number, order in enumerate((("a", "b", "c", "d"), ("d", "c", "b", "a"))):
        with Store.create(tmp_path / f"store{number}") as store:
            for name in order:
                path = write(tmp_path, "own.csv", f"address,category,entity\n{btc('x')},scam,{name}\n")
                import_lists(store, [path], ImportOptions(published=now), now=now)
            (row,) = snapshot(store).standings.values()
            assert [standing.tag.entity for standing in row] == [order[-1]]
            assert len({edition.imported_at for edition in list_editions(store)}) == 1
