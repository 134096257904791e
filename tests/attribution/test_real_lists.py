"""The real lists: what the official file of 2025 and the public packs say, and the traps that are really in there.

The official file is read once, in a process of its own: it is what takes the time.
"""

import csv
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from fictional_lists import at

from exposure.attribution.lists import ListFile, read_list
from exposure.model.labels import Category
from exposure.model.tags import ParsedList
from exposure.store.store import Store
from exposure.units import day
from exposure.workflows import tags as workflow
from exposure.workflows.labels import snapshot
from exposure.workflows.tags import import_lists

NOW = at("2025-12-04")
THIEF = "0x098b716b8aaf21512996dc57eb0615e2383e2f96"

READ = """
import pickle, resource, sys
from pathlib import Path
from exposure.attribution.lists import read_list
file = read_list(Path(sys.argv[1]))
status = Path("/proc/self/status").read_text()  # ru_maxrss would count what the test's own process held when it forked
peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
used = resource.getrusage(resource.RUSAGE_SELF)
sys.stdout.buffer.write(pickle.dumps((file, used.ru_utime + used.ru_stime, peak)))
"""


def check_rows(parsed: ParsedList, transcript: Path) -> None:
    assert (parsed.rows, parsed.subjects, len({tag.reference for tag in parsed.tags})) == (761, 745, 79)
    with transcript.open(encoding="utf-8") as file:
        wanted = sorted(tuple(row.values()) for row in csv.DictReader(file))
    got = sorted(
        (tag.original, tag.ticker, tag.entity, tag.reference, day(tag.listed_on or 0), "; ".join(tag.programmes))
        for tag in parsed.tags
    )
    assert got == wanted
    assert parsed.published == at("2025-11-19")


def check_traps(parsed: ParsedList) -> None:
    forms = {(tag.ticker, tag.family) for tag in parsed.tags}
    assert {("XBT", "tron"), ("USDT", "bitcoin"), ("USDT", "tron"), ("USDT", "evm")} <= forms, "the ticker is not the chain"
    for omni in ("SUEX OTC, S.R.O.", "CHATEX", "GARANTEX EUROPE OU"):
        assert any(tag.entity == omni and (tag.ticker, tag.family) == ("USDT", "bitcoin") for tag in parsed.tags)
    cheil = [tag for tag in parsed.tags if tag.entity == "CHEIL CREDIT BANK"]
    assert len(cheil) == 53 and {tag.listed_on for tag in cheil} == {at("2017-09-26")}, "the list dates entities, not addresses"
    assert [problem.where for problem in parsed.problems] == ["profile 29585"], "the one XMR value that is no address"


def check_labels(store: Store) -> None:
    labels = snapshot(store, as_of=NOW).labels
    thief = labels.seeds[THIEF]
    assert (thief.entity, thief.category, thief.confidence) == ("Lazarus Group", "sanctioned", 100)
    (given,) = thief.designations
    assert (given.listed_on, given.address_listed_on, given.on_or_before) == (at("2019-09-13"), at("2025-11-19"), True)
    assert not set(labels.seeds) & set(labels.boundaries)
    assert "0x" + "0" * 40 not in labels.seeds, "what an issuer blacklists is not sanctioned by that"
    assert {service.entity for service in labels.boundaries.values()} >= {"Binance", "OKX"}, "names come from the actor pack"
    assert labels.seeds["0x8589427373d6d84e98730d7795d8f6f8731fda16"].category == "mixer"
    assert not snapshot(store, as_of=at("2021-01-01")).labels.seeds


@pytest.mark.data
def test_the_real_official_list_and_the_real_packs(check_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    official = check_data / "data/ofac/sdn_advanced_2025-12-04.xml.bz2"
    done = subprocess.run([sys.executable, "-c", READ, str(official)], capture_output=True, check=True)
    file, seconds, megabytes = pickle.loads(done.stdout)
    assert seconds < 15 and megabytes < 150
    check_rows(file.parsed, check_data / "data/ofac/ofac_adv_2025-12-04.csv")
    check_traps(file.parsed)

    packs = {path: read_list(path) for path in sorted((check_data / "data/tagpacks").glob("*/*.yaml"))}
    check_packs({path.stem: pack.parsed for path, pack in packs.items()})

    known: dict[Path, ListFile] = {official: file, **packs}
    monkeypatch.setattr(workflow, "read_list", lambda path, form: known[path])  # what was just read
    with Store.create(tmp_path / "store") as store:
        import_lists(store, [official, *packs], now=NOW)
        check_labels(store)


def check_packs(read: dict[str, ParsedList]) -> None:
    assert len(read) == 17 and all(parsed.form == "tagpack" for parsed in read.values())
    assert not any(problem.dropped for parsed in read.values() for problem in parsed.problems)
    assert len(read["graphsense.actorpack"].entities) == 3813
    assert {tag.category for tag in read["blender_io"].tags} == {Category.MIXER}
    assert {tag.category for tag in read["lazarus"].tags} == {Category.SANCTIONED}
    assert {tag.category for tag in read["hydra"].tags} == {Category.DARKNET_MARKET}
    assert {tag.category for tag in read["ronin_bridge"].tags} == {Category.STOLEN_FUNDS}
    assert {tag.category for tag in read["usdt_blacklist"].tags} == {Category.OTHER}
    assert read["sinbad_io"].published is None
    assert sum(len(parsed.tags) for parsed in read.values()) == 1844


COLUMNS = ("subject", "ticker", "entity", "reference", "category", "regime", "listed_on", "address_listed_on", "delisted_on")


@pytest.mark.data
def test_the_real_merged_history_reproduces_its_traps(check_data: Path, tmp_path: Path) -> None:
    """Garantex's later addresses and the removal of Tornado Cash, from the rows of the merged table in our own CSV form."""
    out = tmp_path / "ofac history.csv"
    with (check_data / "data/ofac/ofac_crypto_merged.csv").open(encoding="utf-8") as file, out.open("w", newline="") as copy:
        writer = csv.writer(copy)
        writer.writerow(COLUMNS)
        for row in csv.DictReader(file):
            listed = row["entity_designation_date"] or row["address_first_seen"]
            who = (row["address"], row["tickers"], row["entity"], row["uid"])
            writer.writerow([*who, "sanctioned", "US", listed, row["address_first_seen"], row["removed_after"] or ""])
    with Store.create(tmp_path / "store") as store:
        (imported,) = import_lists(store, [out], now=NOW)
        assert (imported.dropped, imported.edition.subjects) == (0, 1053)
        labels = snapshot(store).labels
    tornado = [seed for seed in labels.seeds.values() if seed.entity == "TORNADO CASH"]
    assert len(tornado) == 90 and all(seed.designations[0].delisted_on == at("2025-03-21") for seed in tornado)
    garantex = [seed for seed in labels.seeds.values() if seed.entity.startswith("GARANTEX")]
    assert sum(seed.designations[0].address_listed_on == at("2025-08-14") for seed in garantex) == 9


def editions_of(check_data: Path, folder: Path) -> list[Path]:
    """The merged history as editions, one for each day on which an address of three parties came or went."""
    from fictional_lists import TICKERS, Party, edition

    with (check_data / "data/ofac/ofac_crypto_merged.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    three = [row for row in rows if row["entity"].startswith(("CHEIL", "GARANTEX", "TORNADO"))]
    days = sorted(
        {row["address_first_seen"] for row in three} | {row["removed_after"] for row in three if row["removed_after"]}
    )
    made = []
    for when in days:
        parties: dict[str, list[dict[str, str]]] = {}
        for row in rows:
            if row["address_first_seen"] <= when and not (row["removed_after"] and row["removed_after"] <= when):
                parties.setdefault(row["uid"].partition("|")[0], []).append(row)
        listed = [
            Party(
                int(uid),
                those[0]["entity"].partition("|")[0].replace("&", "and"),
                tuple((next((t for t in row["tickers"].split("; ") if t in TICKERS), "XBT"), row["address"]) for row in those),
                dates=tuple(sorted({row["entity_designation_date"] for row in those} - {""})),
            )
            for uid, those in parties.items()
            if uid.isdigit()
        ]
        made.append(edition(folder, when, listed))
    return made


@pytest.mark.data
def test_the_real_editions_date_each_address_by_itself(check_data: Path, tmp_path: Path) -> None:
    """The traps of the list over time, each found by comparing editions alone: nothing of the merged dates is in a row."""
    paths = editions_of(check_data, tmp_path)
    with Store.create(tmp_path / "store") as store:
        import_lists(store, paths, workflow.ImportOptions(accept=True), now=at("2026-08-23"))
        labels = snapshot(store).labels
    cheil = [seed for seed in labels.seeds.values() if seed.entity == "CHEIL CREDIT BANK"]
    assert len(cheil) == 53, "listed in 2017, its addresses in 2025"
    assert {
        (given.listed_on, given.address_listed_on, given.on_or_before) for seed in cheil for given in seed.designations
    } == {(at("2017-09-26"), at("2025-11-04"), False)}
    garantex = [seed for seed in labels.seeds.values() if seed.entity.startswith("GARANTEX")]
    assert len(garantex) == 12
    joined = [seed for seed in garantex if seed.designations[0].address_listed_on == at("2025-08-14")]
    assert len(joined) == 9 and all(not seed.designations[0].on_or_before for seed in joined)
    tornado = [seed for seed in labels.seeds.values() if seed.entity == "TORNADO CASH"]
    assert len(tornado) == 90, "removed, and still a seed: it was listed"
    assert {seed.designations[0].delisted_on for seed in tornado} == {at("2025-03-21")}
    first = [seed for seed in garantex if seed not in joined]
    assert {(seed.designations[0].address_listed_on, seed.designations[0].on_or_before) for seed in first} == {
        (at("2022-09-03"), True),
        (at("2023-05-19"), False),
    }, "the first edition seen says only 'on or before'"
