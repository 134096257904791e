"""Screening resolves only what is asked for: each answer is that of the whole store, whatever stands around it."""

import pytest
from fictional_lists import FICTION, PRETEND, at, btc, edition, eth, trx, write

from exposure.model.labels import Category
from exposure.model.tags import SubjectKind
from exposure.store import tags as stored
from exposure.store.store import Store
from exposure.workflows.labels import snapshot
from exposure.workflows.screen import screen
from exposure.workflows.tags import ImportOptions, OwnTag, add_tag, import_lists, retract, show

DAYS = [None, at("2022-03-01"), at("2022-06-02"), at("2023-01-01")]

RULES = f"""\
subject,entity,category,confidence,regime,listed_on,source,country,actor
exchange/RU,,high_risk_exchange,80,JP,2022-07-01,notice,,
{btc("moscow")},Moscow Exchange House,exchange,70,,,book,RU,
{btc("paris")},Paris Exchange House,exchange,70,,,book,FR,
{eth("child")},Fiction Child GmbH,exchange,90,,,book,AT,
{trx("grandchild")},fiction  GRANDCHILD,exchange,60,,,book,,
{btc("stranger")},Nobody's Firm,exchange,60,,,book,,
"""
STAKES = """\
owner,owned,share,from,to,source,regime,listed_on
FICTION TRADING OU,Fiction Child GmbH,60,2020-01-01,,register,,
Fiction Child GmbH,Fiction Grandchild,51,2021-01-01,2023-06-30,register,,
Listed By Stakes,Other Child,50,,,register,EU,2022-03-15
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("few")
    made = Store.create(folder / "store")
    now = at("2022-06-02")
    import_lists(made, [edition(folder, "2022-02-01", [FICTION])], now=now)
    import_lists(made, [edition(folder, "2022-06-01", [FICTION, PRETEND])], now=now)
    for name, text in (("rules.csv", RULES), ("stakes.csv", STAKES)):
        import_lists(made, [write(folder, name, text)], ImportOptions(published=at("2022-01-01")), now=now)
    own = [
        OwnTag(btc("ours"), Category.OWN_INSTITUTION, "Own Bank", "book", "hot wallet"),
        OwnTag(btc("ours too"), Category.OWN_INSTITUTION, "Own Bank", "book", "deposit"),
        OwnTag(btc("paris"), Category.SCAM, "Paris Exchange House", "press", "fictional"),
    ]
    numbers = [add_tag(made, tag, now=now)[0].id for tag in own]
    retract(made, numbers[-1], "it was wrong", now=at("2022-09-01"))
    return made


@pytest.mark.parametrize("as_of", DAYS)
def test_each_address_is_what_it_is_in_the_whole_snapshot(store: Store, as_of: int | None) -> None:
    whole = snapshot(store, as_of=as_of)
    texts = sorted({subject for _, subject in snapshot(store).standings} | {btc("nobody"), "nonsense"})
    together = screen(store, texts, as_of=as_of)
    hits = {hit.text: hit for hit in together.hits}
    for text in texts:
        alone = screen(store, [text], as_of=as_of)
        for found in alone, together:
            assert (found.warnings, found.editions, found.official) == (whole.warnings, whole.editions, whole.official)
            assert found.tags_digest == together.tags_digest
        kind = SubjectKind.ADDRESS if (SubjectKind.ADDRESS, text) in whole.standings else SubjectKind.UNCHECKED
        expected = whole.attribution(text, kind)
        assert [hit.text for hit in alone.hits] == ([text] if expected is not None else [])
        assert (text in hits) is (expected is not None)
        for hit in alone.hits + ((hits[text],) if text in hits else ()):
            assert expected is not None
            assert (hit.category, hit.role, hit.entity) == (expected.category, expected.role, expected.winner.entity)
            assert (hit.sources, hit.tags) == (expected.sources, len(expected.candidates))
            assert hit.confidence == expected.winner.standing.tag.confidence
            assert [row.regime for row in hit.regimes] == sorted({given.regime for given in expected.designations})


def test_rules_for_services_and_holdings_reach_an_address_that_is_asked_for_alone(store: Store) -> None:
    def one(name: str) -> str:
        (hit,) = screen(store, [name]).hits
        return hit.category

    assert one(btc("moscow")) == "high_risk_exchange"
    assert one(btc("paris")) == "exchange"
    assert one(eth("child")) == one(trx("grandchild")) == "sanction_linked"
    assert one(btc("stranger")) == "exchange"


def test_explain_gives_the_chain_of_holdings_and_the_rule(store: Store) -> None:
    def why(name: str) -> str:
        found = show(store, name).explanation
        return " ".join(found.sentences) if found is not None else ""

    assert "FICTION TRADING OU holds 60 % of Fiction Child GmbH" in why(trx("grandchild"))
    assert "Fiction Child GmbH holds 51 % of" in why(trx("grandchild"))
    assert "follows from other tags: by the rule for exchange/RU" in why(btc("moscow"))
    assert "follows" not in why(btc("paris"))


def test_the_digest_names_what_counted_on_a_day(store: Store) -> None:
    digests = {day: screen(store, [btc("nobody")], as_of=day).tags_digest for day in (*DAYS, at("2022-08-01"))}
    assert digests[at("2023-01-01")] == digests[None] != digests[at("2022-08-01")], "an own tag was retracted between"
    assert len(set(digests.values())) == 3 and digests[at("2022-06-02")] == digests[at("2022-08-01")]
    assert stored.with_tags(store.connection, [btc("ours"), btc("nobody"), btc("ours")]) == [btc("ours")]
