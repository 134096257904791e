"""Programmes and regimes: each has a subject, a source, and none is given twice."""

import json
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from fictional_lists import btc

from exposure.attribution.lists import read_list
from exposure.attribution.programmes import SUBJECTS, measures_of, regimes, subject_of

CONTENT = tomllib.loads(files("exposure.attribution").joinpath("programmes.toml").read_text(encoding="utf-8"))


def test_every_regime_of_the_field_is_known_with_its_source() -> None:
    assert set(regimes()) == {"JP", "US", "EU", "UK", "UN", "CA", "AU", "CH", "UA", "IL"}
    assert all(one.source.startswith("https://") and one.measure and one.authority for one in regimes().values())


def test_every_rule_has_a_known_subject_a_source_and_no_text_twice() -> None:
    seen = set()
    for row in CONTENT["programmes"]:
        assert row["subject"] in SUBJECTS and row["source"].startswith("https://")
        for text in (*row.get("begins", ()), *row.get("holds", ())):
            assert (row["regime"], text.upper()) not in seen, text
            seen.add((row["regime"], text.upper()))


MEANT = {
    ("US", "RUSSIA-EO14024"): "russia",
    ("US", "BELARUS-EO14038"): "belarus",
    ("US", "DPRK3"): "dprk",
    ("US", "CYBER2"): "cyber",
    ("US", "ILLICIT-DRUGS-EO14059"): "narcotics",
    ("US", "SDGT"): "terrorism",
    ("US", "SDNTK"): "narcotics",
    ("EU", "BLR"): "belarus",
    ("EU", "HAM"): "terrorism",
    ("UK", "The Russia (Sanctions) (EU Exit) Regulations 2019"): "russia",
    ("UK", "Counter-Terrorism (Sanctions) (EU Exit) Regulations 2019"): "terrorism",
    ("JP", "ロシア連邦関係者"): "russia",
    ("JP", "資産凍結等の措置の対象となるベラルーシ共和国の個人及び団体"): "belarus",
    ("JP", "資産凍結等の措置の対象となるロシア連邦及びベラルーシ共和国以外の国の団体"): "russia",
    ("JP", "北朝鮮のミサイル又は大量破壊兵器計画に関連する者"): "dprk",
    ("JP", "イエメン共和国における平和等を脅かす活動に関与した者等"): "other_countries",
    ("JP", "テロリスト等 / 米国等が資産凍結等の措置を実施した個人及び団体"): "terrorism",
    ("IL", "ASO 13/26"): "terrorism",
    ("US", "SOMETHING-NEW"): "",
    # as OpenSanctions names them
    ("EU", "EU-RUS"): "russia",
    ("EU", "EU-TAQA-EUAQ"): "terrorism",
    ("UK", "GB-RUS"): "russia",
    ("UK", "GB-CYB"): "cyber",
    ("UK", "GB-DPRK"): "dprk",
    ("UK", "GB-ISIL"): "terrorism",
    ("UN", "UN-SC1718"): "dprk",
    ("UN", "UN-SCISIL"): "terrorism",
    ("AU", "AU-RUSSIA"): "russia",
    ("AU", "AU-UKRAINE"): "russia",
    ("AU", "AU-DPRK"): "dprk",
    ("AU", "AU-IRAN"): "iran",
    ("AU", "AU-CYB"): "cyber",
    ("AU", "AU-TERROR"): "terrorism",
    ("AU", "AU-UNSC1373"): "terrorism",
    ("AU", "AU-HUMAN"): "human_rights",
    ("AU", "AU-SYRIA"): "other_countries",
    ("CA", "CA-SEMA"): "",  # many countries: the regulation that stands beside it tells
    ("CA", "CA-UNSC1373"): "terrorism",
    ("CA", "CA-JVCFOA"): "human_rights",
    ("CH", "SECO-UKRAINE"): "russia",
    ("CH", "SECO-BRUS"): "belarus",
    ("CH", "SECO-NORTHKOREA"): "dprk",
    ("CH", "SECO-HAMAS"): "terrorism",
    ("CH", "SECO-SOUTHSUDAN"): "other_countries",
    ("US", "US-CYBER2"): "cyber",
    ("UA", "UA-SA1644"): "",  # one law for all: the list does not say what it is about
    # as the lists write them
    ("AU", "Autonomous (Russia)"): "russia",
    ("AU", "Autonomous (Thematic - Cyber)"): "cyber",
    ("AU", "Autonomous (Thematic – Corruption)"): "human_rights",
    ("AU", "1267/1989/2253 (ISIL (Da'esh) and Al-Qaida)"): "terrorism",
    ("AU", "1718 (DPRK)"): "dprk",
    ("AU", "1373 (2001)"): "terrorism",
    ("CA", "Special Economic Measures (Russia) Regulations"): "russia",
    ("CA", "Special Economic Measures (Belarus) Regulations"): "belarus",
    ("CA", "Special Economic Measures (Hamas Terrorist Attacks) Regulations"): "terrorism",
    ("CA", "Special Economic Measures (Haiti) Regulations"): "other_countries",
    ("CH", "Ordinance of 4 March 2022 on measures related to the situation in Ukraine (RS 946.231.176.72)"): "russia",
    ("CH", "Ordinance of 16 March 2022 on measures against Belarus (SR 946.231.116.9)"): "belarus",
    ("CH", "Ordinance of 18 May 2016 on measures against North Korea (SR 946.231.127.6)"): "dprk",
    ("CH", "Ordinance of 11 November 2015 on measures against the Islamic Republic of Iran (SR 946.231.143.6)"): "iran",
}


@pytest.mark.parametrize("given", MEANT)
def test_a_programme_has_the_subject_of_its_regime(given: tuple[str, str]) -> None:
    assert subject_of(*given) == MEANT[given]


def test_a_measure_that_a_list_states_goes_before_the_usual_one() -> None:
    assert measures_of("US", ()) == ("asset freeze",)
    assert measures_of("UK", ("Trust services sanctions",)) == ("Trust services sanctions",)
    assert measures_of("XX", ()) == ()


def test_a_sanction_of_opensanctions_keeps_both_names_of_its_programme(tmp_path: Path) -> None:
    lines = [
        {"id": "w", "schema": "CryptoWallet", "properties": {"publicKey": [btc("os")], "topics": ["sanction"]}},
        {
            "id": "s",
            "schema": "Sanction",
            "datasets": ["ca_dfatd_sema_sanctions"],
            "properties": {
                "entity": ["w"],
                "programId": ["CA-SEMA"],
                "program": ["Special Economic Measures (Russia) Regulations"],
            },
        },
    ]
    path = tmp_path / "entities.ftm.json"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    (tag,) = read_list(path).parsed.tags
    assert (tag.regime, tag.programmes) == ("CA", ("CA-SEMA", "Special Economic Measures (Russia) Regulations"))
    assert {subject_of(tag.regime, text) for text in tag.programmes} == {"", "russia"}


@pytest.mark.data
def test_every_programme_of_the_real_list_has_a_subject(check_data: Path) -> None:
    import csv

    with (check_data / "data/ofac/ofac_adv_2025-12-04.csv").open(encoding="utf-8") as file:
        programmes = {text.strip() for row in csv.DictReader(file) for text in row["programmes"].split(";")}
    assert {text for text in programmes if not subject_of("US", text)} == set()
