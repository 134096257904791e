"""Which tag decides, what makes a boundary, what a seed is called, and what the snapshot's digest covers."""

import itertools
from dataclasses import replace

from fictional_lists import at, btc, eth
from hypothesis import given
from hypothesis import strategies as st

from exposure.attribution.editions import Standing
from exposure.attribution.explain import explain
from exposure.attribution.resolve import attribute, designation_dates, resolve, seed_name, with_hubs
from exposure.model.labels import DEFAULT_ROLES, Category, Designation, Labels, Role
from exposure.model.ledger import Coin
from exposure.model.tags import Entity, ListKind, Statement, SubjectKind, Tag

US = Designation("US", "CYBER2", at("2022-04-05"), None, at("2025-11-19"), True)


def tag(
    category: Category,
    *,
    on: str = "x",
    confidence: int = 100,
    entity: str = "",
    kind: ListKind = ListKind.CSV,
    **fields: object,
) -> Standing:
    made = Tag(SubjectKind.ADDRESS, eth(on), entity or f"entity {category}", category, confidence=confidence)
    designations = fields.pop("designations", ())
    return Standing(Statement(replace(made, **fields), f"{kind} list", kind), True, designations)  # fields of a tag


SEED, SERVICE = Category.SCAM, Category.EXCHANGE


def test_a_seed_goes_before_a_boundary_whatever_the_confidence() -> None:
    assert attribute([tag(SERVICE, confidence=100), tag(SEED, confidence=60)]).category is SEED


def test_then_the_higher_confidence_decides_then_the_order_of_lists() -> None:
    assert attribute([tag(SEED, confidence=60), tag(Category.MIXER, confidence=61)]).category is Category.MIXER
    kinds = [ListKind.OFFICIAL, ListKind.USER, ListKind.CSV, ListKind.TAGPACK]
    for first, second in itertools.pairwise(kinds):
        assert attribute([tag(SEED, kind=second), tag(Category.MIXER, kind=first)]).category is Category.MIXER


def test_a_low_or_unvetted_tag_never_makes_a_boundary_but_may_make_a_seed() -> None:
    for standing in (tag(SERVICE, confidence=49), tag(SERVICE, unvetted=True), tag(Category.BRIDGE, confidence=49)):
        found = attribute([standing])
        assert found.role is Role.NONE and "launderer" in found.winner.demoted
    assert attribute([tag(SERVICE, confidence=50)]).role is Role.BOUNDARY
    assert attribute([tag(SEED, confidence=5)]).role is Role.SEED


def test_a_listed_service_is_a_seed_and_never_a_boundary() -> None:
    labels = resolve(
        [tag(SERVICE, kind=ListKind.TAGPACK), tag(Category.SANCTIONED, kind=ListKind.OFFICIAL, designations=(US,))]
    )
    assert set(labels.seeds) == {eth("x")} and not labels.boundaries


def test_designations_of_every_regime_stay_with_the_seed_whoever_decides() -> None:
    eu = Designation("EU", "", at("2025-02-24"))
    found = resolve(
        [
            tag(Category.SANCTIONED, designations=(US,)),
            tag(Category.SANCTIONED, confidence=50, entity="Other", designations=(eu,)),
        ]
    )
    seed = found.seeds[eth("x")]
    assert [given.regime for given in seed.designations] == ["EU", "US"]
    assert seed.dates == (at("2022-04-05"), at("2025-02-24"), at("2025-11-19"))


def test_dates_are_those_at_which_a_status_changes() -> None:
    own = Designation("US", "", at("2017-09-26"), at("2026-01-01"), at("2025-03-04"))
    assert designation_dates([own]) == (at("2025-03-04"), at("2026-01-01")), "the entity's date changes nothing for the address"
    assert designation_dates([replace(own, on_or_before=True)]) == (at("2017-09-26"), at("2025-03-04"), at("2026-01-01"))
    assert designation_dates([Designation("US")]) == ()


def test_addresses_of_one_entity_with_equal_dates_share_a_seed_and_others_do_not() -> None:
    later = replace(US, address_listed_on=at("2026-03-12"), on_or_before=False)
    said = [
        tag(Category.SANCTIONED, on=on, entity="FICTION OU", designations=(given,))
        for on, given in (("a", US), ("b", US), ("c", later))
    ]
    labels = resolve([*said[:2], replace(said[2])])
    assert labels.seeds[eth("a")] is labels.seeds[eth("b")]
    assert labels.seeds[eth("a")].name == "FICTION OU (sanctioned; US 2022-04-05 (address by 2025-11-19))"
    assert labels.seeds[eth("c")].name == "FICTION OU (sanctioned; US 2022-04-05 (address 2026-03-12))"
    assert resolve(said[:1]).seeds[eth("a")].name == labels.seeds[eth("a")].name, "a name depends on its own content alone"


def test_one_name_is_one_seed_also_where_confidence_and_sources_differ() -> None:
    labels = resolve(
        [tag(SEED, on="a", entity="E", confidence=90), tag(SEED, on="b", entity="E", confidence=60, kind=ListKind.TAGPACK)]
    )
    assert labels.seeds[eth("a")] == labels.seeds[eth("b")]
    assert labels.seeds[eth("a")].confidence == 60 and len(labels.seeds[eth("a")].sources) == 2


def test_an_address_without_entity_is_its_own_seed() -> None:
    assert seed_name("1abc", "scam", ()) == "1abc (scam)"


def test_other_subjects_are_seeds_of_their_own_kind_and_unchecked_ones_are_none() -> None:
    tx = "ab" * 32
    said = [
        tag(SEED, kind=ListKind.CSV),
        *(
            replace(one, statement=replace(one.statement, tag=replace(one.tag, kind=kind, subject=subject)))
            for one, kind, subject in (
                (tag(SEED), SubjectKind.TX, tx),
                (tag(SEED), SubjectKind.COIN, f"{tx}:3"),
                (tag(SEED), SubjectKind.ASSET, f"ethereum/{eth('token')}"),
                (tag(SEED), SubjectKind.UNCHECKED, "some monero"),
            )
        ),
    ]
    labels = resolve(said)
    assert set(labels.seeds) == {eth("x")} and set(labels.tx_seeds) == {tx}
    assert set(labels.coin_seeds) == {Coin(tx, 3)} and set(labels.asset_seeds) == {f"ethereum/{eth('token')}"}


def test_roles_may_be_changed_and_the_digest_shows_it() -> None:
    changed = {**DEFAULT_ROLES, SERVICE: Role.SEED}
    assert set(resolve([tag(SERVICE)], roles=changed).seeds) == {eth("x")}
    assert resolve([tag(SERVICE)], roles=changed).digest != resolve([tag(SERVICE)]).digest


def test_a_tagged_address_is_never_a_hub_and_a_hub_changes_the_digest() -> None:
    labels = resolve([tag(SEED)], hubs={eth("x"): "busy", btc("hub"): "busy"})
    assert dict(labels.hubs) == {btc("hub"): "busy"}
    assert labels.digest != resolve([tag(SEED)]).digest
    assert with_hubs(resolve([tag(SEED)]), {btc("hub"): "busy"}) == labels


def test_members_of_a_cluster_share_one_attribution() -> None:
    labels = resolve([tag(SERVICE, on="a"), tag(SEED, on="b")], owners={eth("a"): "cluster 1", eth("b"): "cluster 1"})
    assert set(labels.seeds) == {"cluster 1"} and not labels.boundaries


def test_an_actor_gives_a_tag_its_entity_and_country() -> None:
    actor = Entity("fiction", "Fiction Exchange", countries=("RU",))
    found = attribute([tag(SERVICE, entity="fiction reserve wallet 7", actor="fiction")], actors={"fiction": actor})
    assert (found.winner.entity, found.winner.country) == ("Fiction Exchange", "RU")


MANY = [
    tag(category, on=on, confidence=confidence, kind=kind, entity=entity)
    for category, on, confidence, kind, entity in itertools.product(
        (SEED, SERVICE, Category.OTHER), ("a", "b"), (40, 80), (ListKind.OFFICIAL, ListKind.TAGPACK), ("E", "F")
    )
]


@given(st.permutations(MANY))
def test_the_outcome_depends_on_nothing_but_what_was_said(said: list[Standing]) -> None:
    def whole(labels: Labels) -> object:
        return labels.digest, dict(labels.seeds), dict(labels.boundaries)

    assert whole(resolve(said)) == whole(resolve(MANY))


def test_an_explanation_names_every_tag_the_rule_and_the_winner() -> None:
    said = [
        tag(SEED, confidence=60),
        tag(SERVICE),
        tag(SERVICE, confidence=10, entity="Low"),
        replace(tag(SEED, confidence=50), in_force=False),
    ]
    found = explain(attribute(said), eth("x"))
    text = "\n".join(found.sentences)
    assert found.role is Role.SEED and "decides: seed" in found.sentences[0]
    assert "a seed goes before a boundary" in text
    assert "launderer" in text and "no longer in the newest edition" in text and "it says the same" in text


def test_hostile_names_are_shown_escaped_in_an_explanation() -> None:
    found = explain(attribute([tag(SEED, entity="evil\x1b[2J\u202ename")]), eth("x"))
    assert "\x1b" not in found.sentences[0] and "\u202e" not in found.sentences[0]
