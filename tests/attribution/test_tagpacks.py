"""GraphSense TagPacks: everything is text, the header is inherited, confidence and concepts are mapped by tables."""

from pathlib import Path

import pytest
from fictional_lists import at, bech, btc, eth, trx, write

from exposure.attribution.lists import read_list
from exposure.attribution.lists.tagpack import CATEGORIES, CONFIDENCE
from exposure.errors import AttributionError
from exposure.model.labels import Category
from exposure.model.tags import ListKind, ParsedList, SubjectKind


def pack(folder: Path, text: str) -> ParsedList:
    return read_list(write(folder, "pack.yaml", text)).parsed


HEAD = "title: Fiction pack\ncreator: nobody\n"


def test_fields_of_the_header_hold_for_every_tag_that_does_not_state_them(tmp_path: Path) -> None:
    parsed = pack(
        tmp_path,
        f"{HEAD}label: Exchange A\ncategory: exchange\nconfidence: service_data\nsource: https://a.example\n"
        f"lastmod: 2022-11-16\n"
        f"currency: BTC\ntags:\n- address: {btc('a')}\n- address: {eth('b')}\n  label: Exchange B\n  confidence: ownership\n"
        f"  currency: ETH\n  lastmod: 2023-02-01\n",
    )
    one, two = parsed.tags
    assert (parsed.name, parsed.kind) == ("TagPack Fiction pack (nobody)", ListKind.TAGPACK)
    assert parsed.published == at("2023-02-01"), "the newest change in the pack"
    assert (one.entity, one.category, one.confidence, one.source, one.ticker) == (
        ("Exchange A", Category.EXCHANGE, 50, "https://a.example", "BTC")
    )
    assert (two.entity, two.confidence, two.ticker) == ("Exchange B", 100, "ETH")


def test_a_bare_hex_address_is_text_and_so_is_no(tmp_path: Path) -> None:
    parsed = pack(tmp_path, f"{HEAD}label: NO\ncategory: exchange\ntags:\n- address: {eth('bare')}\n")
    assert (parsed.tags[0].subject, parsed.tags[0].entity) == (eth("bare"), "NO")


def test_a_tag_may_name_a_transaction(tmp_path: Path) -> None:
    parsed = pack(tmp_path, f"{HEAD}label: Heist\nabuse: service_hack\ntags:\n- tx_hash: {'AB' * 32}\n")
    assert (parsed.tags[0].kind, parsed.tags[0].subject) == (SubjectKind.TX, "ab" * 32)
    assert parsed.tags[0].category is Category.STOLEN_FUNDS


@pytest.mark.parametrize(("level", "value"), CONFIDENCE.items())
def test_each_named_level_of_confidence_has_its_number(tmp_path: Path, level: str, value: int) -> None:
    parsed = pack(tmp_path, f"{HEAD}label: x\ntags:\n- address: {btc('a')}\n  confidence: {level}\n")
    assert parsed.tags[0].confidence == value and not parsed.problems


def test_an_old_pack_without_confidence_is_hardly_believed_and_an_unknown_level_is_reported(tmp_path: Path) -> None:
    assert pack(tmp_path, f"{HEAD}label: x\ntags:\n- address: {btc('a')}\n").tags[0].confidence == 5
    parsed = pack(tmp_path, f"{HEAD}label: x\nconfidence: divine\ntags:\n- address: {btc('a')}\n")
    assert parsed.tags[0].confidence == 5 and "divine" in parsed.problems[0].reason


def test_of_several_concepts_the_gravest_counts(tmp_path: Path) -> None:
    parsed = pack(
        tmp_path,
        f"{HEAD}label: x\ncategory: user\ntags:\n- address: {btc('a')}\n  abuse: sanction\n- address: {btc('b')}\n"
        f"  concepts: [exchange, mixing_service]\n- address: {btc('c')}\n  category: shed\n",
    )
    assert [tag.category for tag in parsed.tags] == [Category.SANCTIONED, Category.MIXER, Category.OTHER]
    assert set(CATEGORIES.values()) <= set(Category)


def test_addresses_of_other_chains_are_kept_unchecked_without_complaint(tmp_path: Path) -> None:
    parsed = pack(
        tmp_path,
        f"{HEAD}label: x\ncategory: exchange\ntags:\n- address: rGeyCsqc6vKXuyTGF39WJxmTRemoV3c97h\n  currency: XRP\n"
        f"- address: {trx('t')}\n  currency: USDT\n- address: {bech('w')[:-1]}q\n",
    )
    foreign, tron, wrong = parsed.tags
    assert (foreign.kind, foreign.family) == (SubjectKind.UNCHECKED, "ripple")
    assert tron.family == "tron"
    assert wrong.kind is SubjectKind.UNCHECKED and len(parsed.problems) == 1


def test_what_is_no_tag_is_dropped_and_reported_with_its_number(tmp_path: Path) -> None:
    parsed = pack(tmp_path, f"{HEAD}label: x\ntags:\n- just text\n- label: nowhere\n- address: {btc('a')}\n")
    assert len(parsed.tags) == 1
    assert [(problem.where, problem.dropped) for problem in parsed.problems] == [
        ("pack.yaml, tag 1", True),
        ("pack.yaml, tag 2", True),
    ]


def test_an_actor_pack_names_entities(tmp_path: Path) -> None:
    parsed = pack(
        tmp_path,
        f"{HEAD}actors:\n- id: fiction\n  label: Fiction Exchange\n  jurisdictions: [NO]\n  categories: [exchange]\n"
        "- label: x\n",
    )
    (actor,) = parsed.entities
    assert (actor.id, actor.name, actor.countries) == ("fiction", "Fiction Exchange", ("NO",))
    assert parsed.problems[0].dropped


LAUGHS = "a: &a [x,x,x]\nb: &b [*a,*a,*a]\n"
REFUSED = {
    "aliases": (f"{HEAD}{LAUGHS}tags: []\n", "alias"),
    "depth": (f"{HEAD}tags: {'[' * 5000}{']' * 5000}\n", "nested deeper|not readable"),
    "not yaml": (f"{HEAD}tags: [unclosed\n", "not readable as YAML"),
    "no list": ("title: Fiction\ncreator: x\n", "no list 'tags' or 'actors'"),
    "no title": (f"creator: x\ntags:\n- address: {btc('a')}\n", "no title"),
    "tags is text": (f"{HEAD}tags: all of them\n", "no list 'tags'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_hostile_or_broken_pack_is_refused_with_a_sentence(tmp_path: Path, case: str) -> None:
    text, reason = REFUSED[case]
    with pytest.raises(AttributionError, match=reason):
        pack(tmp_path, text)


def test_a_yaml_type_makes_no_object_only_text(tmp_path: Path) -> None:
    parsed = pack(tmp_path, f"{HEAD}tags: !!python/object/apply:os.system [true]\n")
    assert not parsed.tags and parsed.problems[0].text == "true"


def test_a_pack_that_is_no_text_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "pack.yaml"
    path.write_bytes(f"{HEAD}description: ".encode() + "暗号資産".encode("cp932") + b"\n")
    with pytest.raises(AttributionError, match="line 3: not UTF-8"):
        read_list(path)
    path.write_bytes(b"\xef\xbb\xbf" + f"{HEAD}label: x\ntags:\n- address: {btc('a')}\n".encode())
    assert read_list(path).parsed.rows == 1, "a byte order mark is no fault"
