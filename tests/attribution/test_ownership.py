"""Ownership: sums, tiers, cycles, dates and exactly 50 %, by the rule of each regime."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.attribution.lists import read_list, recognise
from exposure.attribution.ownership import Owners, ids_of, key, rule_of
from exposure.errors import AttributionError
from exposure.model.holdings import Holding, PartyDesignation, Tie
from exposure.units import start_of_day, to_unix


def on(text):
    return start_of_day(to_unix(text))


def holding(owner, owned, share="", tie=Tie.OWNERSHIP, since=None, until=None):
    return Holding(owner, owned, owner, owned, share, tie, on(since) if since else None, on(until) if until else None)


def listed(party, regime="US", since=None, until=None):
    return PartyDesignation(party, party, regime, "", on(since) if since else None, on(until) if until else None)


def linked(holdings, designated, party="Target"):
    graph = Owners.of(holdings, designated)
    return graph.linked(graph.find(party)[0])


@pytest.mark.parametrize(
    ("shares", "regime", "expected"),
    [
        (("50",), "US", True),
        (("49.99",), "US", False),
        (("25", "25"), "US", True),
        (("33.333", "16.667"), "US", True),
        (("33.333", "16.666"), "US", False),
        (("50",), "EU", False),
        (("50.01",), "EU", True),
        (("30", "20.01"), "EU", True),
        (("50",), "UK", False),
        (("30", "30"), "UK", False),
        (("50.01",), "UK", True),
        (("50",), "JP", True),
        (("25", "25"), "JP", True),
    ],
)
def test_shares_of_listed_parties_count_by_the_rule_of_the_regime(shares, regime, expected):
    holdings = [holding(f"L{n}", "Target", share) for n, share in enumerate(shares)]
    found = linked(holdings, [listed(f"L{n}", regime) for n in range(len(shares))])
    assert bool(found) is expected
    if expected:
        assert found[0].chain == tuple(found[0].chain) and set(found[0].chain) == set(holdings)
        assert ("exactly the limit" in found[0].reason) is (sum(map(Fraction, shares)) == 50)


@pytest.mark.parametrize(("regime", "expected"), [("US", False), ("EU", True), ("UK", True), ("JP", True)])
def test_control_alone_counts_where_the_rule_says_so(regime, expected):
    assert bool(linked([holding("L", "Target", tie=Tie.CONTROL)], [listed("L", regime)])) is expected


def test_a_seat_on_a_board_or_an_unknown_share_is_no_ownership():
    for tie, share in ((Tie.DIRECTORSHIP, "100"), (Tie.OWNERSHIP, "")):
        assert linked([holding("L", "Target", share, tie)], [listed("L", regime) for regime in ("US", "EU")]) == ()


def test_whoever_is_owned_counts_with_all_that_it_holds():
    # 50 % of 50 % is 25 % of the value, but the middle belongs to the listed party, and so does what it holds.
    chain = [holding("L", "Middle", "50"), holding("Middle", "Target", "50")]
    assert linked(chain, [listed("L")])[0].chain == tuple(chain)
    assert linked([holding("L", "Middle", "49"), holding("Middle", "Target", "100")], [listed("L")]) == ()


def test_sums_go_over_tiers_and_several_ways():
    holdings = [
        holding("L", "A", "60"),
        holding("L", "B", "40"),
        holding("M", "B", "10"),
        holding("A", "Target", "20"),
        holding("B", "Target", "20"),
        holding("M", "Target", "10"),
        holding("Stranger", "Target", "50"),
    ]
    (found,) = linked(holdings, [listed("L"), listed("M")])
    assert set(found.chain) == set(holdings[:-1])
    assert found.chain.index(holdings[0]) < found.chain.index(holdings[3])
    assert linked(holdings, [listed("L")]) == ()  # B is at 40 %, so only the 20 % of A are left


def test_one_stake_that_is_stated_twice_is_counted_once():
    twice = [holding("L", "Target", "30"), Holding("L", "Target", "L", "Target", "25", source="another register")]
    assert linked(twice, [listed("L")]) == ()


def test_cycles_of_holdings_make_nobody_listed_by_themselves():
    cycle = [holding("Target", "A", "60"), holding("A", "B", "60"), holding("B", "Target", "60")]
    graph = Owners.of([*cycle, holding("L", "A", "40")], [listed("L")])
    assert all(graph.linked(graph.find(name)[0]) == () for name in ("A", "B", "Target"))
    (found,) = linked([*cycle, holding("L", "A", "50")], [listed("L")])
    assert found.chain == (holding("L", "A", "50"), cycle[1], cycle[2])


def test_dates_of_stakes_and_designations_bound_the_time():
    holdings = [
        holding("L", "A", "100", since="2020-01-01", until="2023-06-30"),
        holding("A", "Target", "50", since="2021-05-01"),
    ]
    (found,) = linked(holdings, [listed("L", since="2022-02-24")])
    assert (found.since, found.until) == (on("2022-02-24"), on("2023-07-01"))
    (found,) = linked(holdings, [listed("L", since="2019-01-01", until="2022-01-01")])
    assert (found.since, found.until) == (on("2021-05-01"), on("2022-01-01"))
    assert linked(holdings, [listed("L", since="2024-01-01")]) == ()
    back = [listed("L", since="2021-01-01", until="2022-01-01"), listed("L", since="2023-01-01")]
    assert [(one.since, one.until) for one in linked(holdings, back)] == [
        (on("2021-05-01"), on("2022-01-01")),
        (on("2023-01-01"), on("2023-07-01")),
    ]


def test_a_stake_that_passes_from_one_listed_owner_to_another_leaves_no_gap():
    holdings = [holding("L", "Target", "60", until="2022-12-31"), holding("M", "Target", "60", since="2023-01-01")]
    (found,) = linked(holdings, [listed("L"), listed("M")])
    assert (found.since, found.until) == (None, None)


def test_a_party_that_is_listed_itself_is_not_linked_under_that_regime():
    found = linked([holding("L", "Target", "60")], [listed("L"), listed("L", "EU"), listed("Target")])
    assert [one.regime for one in found] == ["EU"]


def test_names_are_compared_without_case_and_a_name_without_an_id_is_the_one_party_that_has_it():
    by_id = Holding("id-1", "id-2", "Listed  Party", "Middle", "60")
    graph = Owners.of([by_id, holding("MIDDLE", "Target", "60")], [listed("listed party")])
    assert [one.chain[0] for one in graph.linked(graph.find("target")[0])] == [by_id]
    twins = Holding("id-3", "id-4", "Other", "Middle", "1")
    graph = Owners.of([by_id, twins, holding("Middle", "Target", "60")], [listed("Listed Party")])
    assert graph.linked(graph.find("target")[0]) == ()  # two parties have that name: nobody can say which is meant


STAKES = st.lists(
    st.tuples(st.sampled_from("LMabcd"), st.sampled_from("abcd"), st.sampled_from(["10", "25", "50", "60"])), max_size=14
)


@given(STAKES, st.sampled_from(["US", "EU", "UK", "JP"]))
def test_what_is_linked_is_the_least_set_that_the_rule_closes(stakes, regime):
    holdings = [holding(owner, owned, share) for owner, owned, share in stakes if owner != owned]
    graph = Owners.of(holdings, [listed("L", regime), listed("M", regime)])
    best: dict[tuple[str, str], Fraction] = {}
    for one in holdings:
        pair = one.owner, one.owned
        best[pair] = max(best.get(pair, Fraction()), Fraction(one.share))
    owned = {"L", "M"}
    while True:
        more = {
            party
            for party in "abcd"
            if party not in owned
            and rule_of(regime).holds(
                [share for (o, to), share in best.items() if to == party and o in owned], controlled=False
            )
        }
        if not more:
            break
        owned |= more
    for party in "abcd":
        nodes = graph.find(party)
        assert not nodes or bool(graph.linked(nodes[0])) is (party in owned)


# -- files


def write(tmp_path, text, name="stakes.csv"):
    file = tmp_path / name
    file.write_text(text)
    return file


def test_the_own_form_is_read_and_bad_rows_are_rejected_with_their_reason(tmp_path):
    text = (
        "# registry\nowner,owned,share,from,to,source,regime,listed_on\n"
        "L,Target,50.0 %,2020-01-01,,register,us,2022-02-24\nL,Target,101,,,,,\nL,L,5,,,,,\nL,Other,NaN,,,,,\n,Other,5,,,,,\n"
        "L,Other,5,2021-01-01,2020-01-01,,,\nL,Other,5,,,,,2020-01-01\n"
    )
    file = write(tmp_path, text)
    assert recognise(text.encode(), "stakes.csv") == "holdings"
    parsed = read_list(file).parsed
    assert parsed.holdings == (Holding("L", "Target", "L", "Target", "50", Tie.OWNERSHIP, on("2020-01-01"), None, "register"),)
    assert parsed.designated == (PartyDesignation("L", "L", "US", "", on("2022-02-24"), None),)
    assert len([one for one in parsed.problems if one.dropped]) == 6


@pytest.mark.parametrize("text", ["owner,owned,shares\nA,B,5\n", "owner,share\nA,5\n", "owner,owned,owned\nA,B,B\n", ""])
def test_a_header_that_is_not_understood_is_refused(tmp_path, text):
    with pytest.raises(AttributionError):
        read_list(write(tmp_path, text), form="holdings")


def ftm(schema, number, **properties):
    listed = {key: value if isinstance(value, list) else [value] for key, value in properties.items()}
    return json.dumps(
        {"id": number, "schema": schema, "caption": number.upper(), "datasets": ["us_ofac_sdn"], "properties": listed}
    )


def test_opensanctions_holdings_below_listed_parties_are_kept(tmp_path):
    lines = [
        ftm("Ownership", "o2", owner="mid", asset="low", percentage="about half"),
        ftm("Ownership", "o1", owner="top", asset="mid", percentage="75%", startDate="2020-01-01", endDate="2023-12-31"),
        ftm("Ownership", "o3", owner="stranger", asset="low", percentage="25"),
        ftm("Directorship", "d1", director="top", organization="board"),
        ftm("Company", "mid", name="Middle LLC"),
        ftm("Company", "top", name="Top JSC"),
        ftm("Company", "stranger", name="Stranger"),
        ftm("Sanction", "s1", entity="top", country="us", startDate="2022-02-24", programId="RUSSIA-EO14024"),
    ]
    parsed = read_list(write(tmp_path, "\n".join(lines), "e.json"), form="opensanctions-holdings").parsed
    assert {(one.owner_name, one.owned_name, one.share, one.tie.value) for one in parsed.holdings} == {
        ("Top JSC", "Middle LLC", "75", "ownership"),
        ("Middle LLC", "low", "", "ownership"),
        ("Top JSC", "board", "", "directorship"),
    }
    assert parsed.designated == (PartyDesignation("top", "Top JSC", "US", "RUSSIA-EO14024", on("2022-02-24"), None),)
    assert [one.dropped for one in parsed.problems] == [False]
    graph = Owners.of(parsed.holdings, parsed.designated)
    assert [(one.since, one.until) for one in graph.linked("mid")] == [(on("2022-02-24"), on("2024-01-01"))]


def stake(owner, owned, names, share="60"):
    return Holding(owner, owned, *names, share)


@pytest.mark.parametrize(
    ("reference", "regime", "expected"),
    [
        ("36201", "US", "ofac-36201"),
        ("EU.12747.39", "EU", "eu-fsf-eu-12747-39"),
        ("RUS1421", "UK", "gb-fcdo-rus1421"),
        ("QDe.001", "UN", "unsc-qde-001"),
    ],
)
def test_a_list_s_own_id_is_also_looked_for_as_opensanctions_writes_it(reference, regime, expected):
    assert ids_of(reference, regime) == [reference, expected]
    graph = Owners.of(
        [stake("NK-one", "NK-two", ("Listed Party", "Target"))],
        [PartyDesignation(reference, "Another Spelling", regime)],
        [("NK-one", expected), ("NK-gone", "other")],
    )
    (found,) = graph.linked("NK-two")
    assert found.regime == regime and not graph.ambiguous


def test_names_are_compared_without_case_width_and_points_but_legal_forms_stay():
    assert key("ＥＸＭＯ  Exchange, Ltd.") == key("exmo exchange ltd") != key("EXMO Exchange LLC")
    assert key("O\u2019Neil \u00abHolding\u00bb") == key('O\'Neil "Holding"')


def test_of_several_parties_with_a_listed_name_none_is_taken_and_the_name_is_reported():
    same = [stake("NK-a", "NK-x", ("Ivan Petrov", "Firm X")), stake("NK-b", "NK-y", ("IVAN PETROV", "Firm Y"))]
    graph = Owners.of(same, [listed("Ivan Petrov")])
    assert graph.linked("NK-x") == graph.linked("NK-y") == () and graph.ambiguous == ("Ivan Petrov",)
    told = Owners.of(same, [PartyDesignation("1234", "Ivan Petrov", "US")], [("NK-b", "ofac-1234")])
    assert not told.linked("NK-x") and told.linked("NK-y") and not told.ambiguous


def test_own_holdings_may_name_parties_by_id(tmp_path):
    path = tmp_path / "stakes.csv"
    path.write_text(
        "owner,owned,share,owner_id,owned_id,regime\n"
        "Same Name,Same Name,60,NK-1,NK-2,EU\n"
        "Same Name,Target,60,NK-2,,\n"
        "A,B,10,NK-3,NK-3,\n"
    )
    parsed = read_list(path).parsed
    assert [problem.reason.partition(":")[0] for problem in parsed.problems] == ["a party does not own itself"]
    graph = Owners.of(parsed.holdings, parsed.designated)
    assert graph.linked("NK-2") and graph.linked(graph.find("target")[0])


def test_opensanctions_referents_are_kept_as_other_ids(tmp_path):
    rows = [
        {"id": "NK-p", "schema": "Person", "caption": "P", "properties": {"name": ["P"]}, "referents": ["ofac-7", "NK-p", 3]},
        {"id": "NK-c", "schema": "Company", "caption": "C", "properties": {"name": ["C"]}, "referents": None},
        {"id": "s", "schema": "Sanction", "properties": {"entity": ["NK-p"]}, "datasets": ["us_ofac_sdn"]},
        {"id": "o", "schema": "Ownership", "properties": {"owner": ["NK-p"], "asset": ["NK-c"], "percentage": ["60"]}},
    ]
    path = tmp_path / "entities.ftm.json"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    assert read_list(path, form="opensanctions-holdings").parsed.aliases == (("NK-p", "ofac-7"),)
