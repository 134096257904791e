"""Programmes and regimes: each has a subject, a source, and none is given twice."""

import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

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
    ("IL", "ASO 13/26"): "terrorism",
    ("US", "SOMETHING-NEW"): "",
}


@pytest.mark.parametrize("given", MEANT)
def test_a_programme_has_the_subject_of_its_regime(given: tuple[str, str]) -> None:
    assert subject_of(*given) == MEANT[given]


def test_a_measure_that_a_list_states_goes_before_the_usual_one() -> None:
    assert measures_of("US", ()) == ("asset freeze",)
    assert measures_of("UK", ("Trust services sanctions",)) == ("Trust services sanctions",)
    assert measures_of("XX", ()) == ()


@pytest.mark.data
def test_every_programme_of_the_real_list_has_a_subject(check_data: Path) -> None:
    import csv

    with (check_data / "data/ofac/ofac_adv_2025-12-04.csv").open(encoding="utf-8") as file:
        programmes = {text.strip() for row in csv.DictReader(file) for text in row["programmes"].split(";")}
    assert {text for text in programmes if not subject_of("US", text)} == set()
