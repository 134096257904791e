"""Reports made by hand: one full deposit, with every kind of part in it, to be shown in every form."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exposure.model.provenance import EditionUsed, LedgerEnd, Question, Run
from exposure.model.results import (
    Attributed,
    Bound,
    Coverage,
    Designated,
    Exposure,
    Flow,
    Own,
    Party,
    Path,
    PathStep,
    PriceUsed,
    Report,
    Section,
    SeedUsed,
    Subject,
    Totals,
    Unresolved,
)

TX = "3f9ac1d0" + "ab" * 28
SEED = "bc1qseedseedseedseedseedseedseedseedseed0"
MID = "bc1qmid1mid1mid1mid1mid1mid1mid1mid1mid10"
MID_2 = "1Mid2Mid2Mid2Mid2Mid2Mid2Mid2Mid2x"
TARGET = "bc1qx7k2x7k2x7k2x7k2x7k2x7k2x7k2x7k2x7k20"
HUB = "bc1qhubhubhubhubhubhubhubhubhubhubhubhub0"
DEPOSITED = 1_710_753_120  # 2024-03-18 09:12:00
BTC = 100_000_000
TOTAL = 250_000_000

LISTED = (
    Designated("US", "on_or_after", "listed", listed_on=1_649_116_800, programme="RUSSIA-EO14024"),
    Designated("EU", "before", "listed", listed_on=1_740_355_200),
)
LISTED_LATER = (Designated("JP", "before", "listed", listed_on=1_720_396_800),)
UNSURE = (
    Designated(
        "US",
        "unknown",
        "listed",
        listed_on=1_649_116_800,
        address_listed_on=1_662_163_200,
        on_or_before=True,
        reason="the address was first seen in the edition of 2022-09-03",
    ),
)


def _exposure(category: str, entity: str, hops: int, amount: int, *regimes: Designated) -> Exposure:
    return Exposure(
        category=category,
        entity=entity,
        seed=entity,
        kind="direct" if hops == 1 else "indirect",
        hops=hops,
        epoch=1,
        amount=amount,
        share=amount / TOTAL,
        usd=amount / BTC * 56_920,
        jpy=amount / BTC * 8_560_000,
        first_at=1_706_745_600,
        last_at=1_708_387_200,
        seeds=(SeedUsed(SEED, ("ofac-sdn 2026-11-19",)),),
        regimes=regimes,
    )


def _step(tx: str, time: int, sender: str, receiver: str, amount: int, carried: int, hop: int) -> PathStep:
    return PathStep(f"{tx}:0", tx, time, 835_000 + hop, sender, receiver, amount, carried, hop)


PATHS = (
    Path(
        "sanctioned",
        "EXAMPLE TRADING OU",
        "EXAMPLE TRADING OU",
        20_100_000,
        20_100_000 / TOTAL,
        3,
        (
            _step("aa" * 32, 1_706_745_600, SEED, MID, 40_000_000, 40_000_000, 1),
            _step("bb" * 32, 1_708_387_200, MID, MID_2, 30_000_000, 20_100_000, 2),
            _step(TX, DEPOSITED, MID_2, TARGET, TOTAL, 20_100_000, 3),
        ),
    ),
    Path(
        "mixer",
        "MIX",
        "MIX",
        7_500_000,
        7_500_000 / TOTAL,
        1,
        (_step(TX, DEPOSITED, "bc1qmixer0000", TARGET, TOTAL, 7_500_000, 1),),
    ),
)


def deposit_section() -> Section:
    """A deposit of 2.5 BTC: 12.4 % sanctioned, 3 % mixer, 61.2 % services, 20.7 % mined, 2.7 % unresolved."""
    return Section(
        subject=Subject(
            kind="deposit",
            chain="bitcoin",
            asset="bitcoin/native",
            symbol="BTC",
            decimals=8,
            amount=TOTAL,
            address=TARGET,
            tx=TX,
            n=1,
            ref=f"{TX}:1",
            block=835_000,
            time=DEPOSITED,
            usd=142_300.0,
            jpy=21_400_000.0,
        ),
        direction="source",
        rule="haircut",
        totals=Totals(TOTAL, 38_500_000, 204_750_000, 6_750_000, 0.154, 0.819, 0.027, True),
        exposures=(
            _exposure("sanctioned", "EXAMPLE TRADING OU", 3, 22_750_000, *LISTED),
            _exposure("sanctioned", "FICTION LLC", 4, 8_250_000, *LISTED_LATER),
            _exposure("mixer", "MIX", 1, 7_500_000),
        ),
        bounds=(
            Bound("sanctioned", 31_000_000, 45_250_000, 0.124, 0.181, 10_000_000, 77_500_000, 0.04, 0.31),
            Bound("mixer", 7_500_000, 14_250_000, 0.03, 0.057, no_bracket="the cone passed 50,000 transactions"),
        ),
        attributed=(
            Attributed("service", "bc1qexa", 2, 145_000_000, 0.58, "exchange", "Exchange A"),
            Attributed("service", "bc1qexb", 3, 8_000_000, 0.032, "exchange", "Exchange B"),
            Attributed("mint", "Pool C", 2, 51_750_000, 0.207),
        ),
        unresolved=(
            Unresolved("beyond", "", 2_750_000, 0.011, "more hops settle it: --hops 8", None, 1_565.3, 235_400.0),
            Unresolved("hub", HUB, 2_250_000, 0.009, "a tag that says who runs it settles it", 2, 1_280.7, 192_600.0),
            Unresolved("incomplete", "1A2b" + "c" * 30, 1_750_000, 0.007, "its history settles it", 3, 996.1, 149_800.0),
        ),
        paths=PATHS,
        paths_found=14,
        coverage=(Coverage("bitcoin", "1A2b" + "c" * 30, "bitcoin/native", False, "fetched to page 3 only"),),
        prices=(PriceUsed("usd", 56_920.0, 1_710_720_000, "prices.csv"),),
        flow=tuple(
            Flow(
                step.ref, step.tx, step.time, step.block, step.sender, step.receiver, step.amount, {"sanctioned": step.carried}
            )
            for step in PATHS[0].steps
        ),
        parties=(Party(SEED, "seed", "sanctioned", "EXAMPLE TRADING OU"), Party(TARGET, "subject"), Party(MID, "ordinary")),
    )


def report_of(*sections: Section) -> Report:
    """A report over sections, with a run record."""
    return Report(
        question=Question(
            subject=f"{TX}:1",
            rules=tuple(dict.fromkeys(section.rule for section in sections)),
            direction="source",
            max_hops=5,
            max_transactions=50_000,
        ),
        as_of=(LedgerEnd("bitcoin", 835_102, 1_710_760_000),),
        sections=sections,
        run=Run(
            version="0.1.0",
            engine="reference",
            store_version=7,
            label_digest="d" * 64,
            label_time=1_795_132_800,
            settings_digest="e" * 64,
            created_at=1_795_132_800,
            seconds=0.8,
            editions=(
                EditionUsed("OFAC", "ofac-sdn 2026-11-19", 1_795_046_400, 1, "f" * 64, 761),
                EditionUsed("MOF", "mof 2026-11-17", 1_794_873_600, 3),
            ),
            counts={"transactions": 812, "hubs": 1},
        ),
    )


@pytest.fixture
def section() -> Section:
    return deposit_section()


@pytest.fixture
def report() -> Report:
    return report_of(deposit_section())


@pytest.fixture
def clean_report() -> Report:
    """Nothing found: all from a service but 2.7 % that went beyond the hop limit."""
    full = deposit_section()
    return report_of(
        replace(
            full,
            totals=Totals(TOTAL, 0, 243_250_000, 6_750_000, 0.0, 0.973, 0.027, True),
            exposures=(),
            bounds=(),
            attributed=(Attributed("service", "bc1qexa", 2, 243_250_000, 0.973, "exchange", "Exchange A"),),
            unresolved=(Unresolved("beyond", "", 6_750_000, 0.027, "more hops settle it: --hops 8"),),
            paths=(),
            paths_found=0,
        )
    )


@pytest.fixture
def poison_report() -> Report:
    """The same deposit under poison: both categories flag all of it."""
    full = deposit_section()
    whole = tuple(replace(row, amount=TOTAL, share=1.0) for row in full.exposures)
    return report_of(
        replace(
            full,
            rule="poison",
            totals=Totals(TOTAL, None, None, None, None, None, None, False),
            exposures=whole,
            bounds=(),
            attributed=(),
            unresolved=(Unresolved("beyond", "", TOTAL, 1.0, "more hops settle it: --hops 8"),),
        )
    )


@pytest.fixture
def destination_report() -> Report:
    """Where it went: a listed party, a service, still held, fees, burned."""
    full = deposit_section()
    return report_of(
        replace(
            full,
            direction="destination",
            attributed=(
                Attributed("service", "bc1qexa", 2, 145_000_000, 0.58, "exchange", "Exchange A"),
                Attributed("held", MID, 1, 58_750_000, 0.235),
                Attributed("fee", "", 2, 900_000, 0.0036),
                Attributed("burn", "", 2, 100_000, 0.0004),
            ),
        )
    )


@pytest.fixture
def hostile_report() -> Report:
    """Outside text that tries everything: markup, scripts, controls, direction marks, formulas, wide and long names."""
    full = deposit_section()
    names = (
        "[red]bold[/red] \x1b[2J\u202egnp.exe",
        "<script>alert(1)</script>" * 9,
        '=HYPERLINK("http://x")',
        "全国銀行協会" * 20,
        "a" * 500,
    )
    rows = tuple(replace(full.exposures[0], entity=name, seed=name, hops=1 + n) for n, name in enumerate(names))
    return report_of(
        replace(
            full,
            subject=replace(full.subject, symbol="[b]X\u202e[/b]" * 9, amount=10**37, decimals=0),
            exposures=rows,
            attributed=tuple(Attributed("service", name, 2, 5, 0.2, "exchange", name) for name in names),
            unresolved=tuple(Unresolved("hub", name, 5, 0.001, name) for name in names),
            own=(Own("sanctioned", names[0], TARGET, sources=names, regimes=UNSURE),),
            paths=tuple(replace(PATHS[0], entity=name, seed=name) for name in names),
            notes=names,
        ),
    )
