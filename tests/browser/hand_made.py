"""Reports for the page: a large one, and one whose every name is hostile."""

from __future__ import annotations

from dataclasses import replace

from exposure.measure.verdict import judge
from exposure.model.provenance import EditionUsed, LedgerEnd, Question, Run
from exposure.model.results import (
    Attributed,
    Bound,
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
from exposure.model.sentences import Sentence
from exposure.workflows.policies import load_policy

TOTAL = 250_000_000
DAY = 86_400
START = 1_706_745_600
TX = "ab" * 32
LISTED = (Designated("JP", "on_or_after", "listed", listed_on=1_649_116_800, programme="RUS"),)
NAMES = (
    "<script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    "javascript:window.hacked=1 <a href='javascript:window.hacked=1'>x</a>",
    "[b]\u202egnp.exe\x00",
    "</script><script>window.hacked=1</script>",
    "{{ 7*7 }}${7*7}",
    '\'" onmouseover="window.hacked=1',
    "制" * 300,
    "a" * 500,
)


def address(number: int) -> str:
    return f"bc1q{number:034d}"


def _steps(path: int, hops: int, carried: int) -> tuple[PathStep, ...]:
    ends = [address(1_000 * path + hop) for hop in range(hops)] + [address(0)]
    return tuple(
        PathStep(f"{path:062d}{hop:02d}:0", f"{path:062d}{hop:02d}", START + DAY * (path + hop), 800_000 + hop, ends[hop],
                 ends[hop + 1], carried * 2, carried, hop + 1)
        for hop in range(hops)
    )  # fmt: skip


def large(transfers: int) -> Report:
    """A deposit: 12.4 % from listed parties on twelve paths, 3 % straight from a mixer, and so many transfers."""
    seed = (SeedUsed(address(7), ("OFAC SDN",)),)
    exposures = (
        Exposure("sanctioned", "EXAMPLE TRADING OU", "E", "indirect", 4, 1, 31_000_000, 0.124, 17_650.0, 2_650_000.0, START,
                 START + DAY, seed, LISTED, 31_000_000),
        Exposure("mixer", "Mixer", "M", "direct", 1, 1, 7_500_000, 0.03, 4_270.0, 640_000.0, START, START, seed, (), 7_500_000),
    )  # fmt: skip
    paths = tuple(
        Path("sanctioned", "EXAMPLE TRADING OU", "E", 2_500_000, 0.01, 4, _steps(number, 4, 2_500_000)) for number in range(12)
    )
    kinds = ("sanctioned", "mixer", "service", "mint", "unresolved")
    flow = tuple(
        Flow(f"{n:064d}:0", f"{n:064d}", START + 3_600 * n, n, address(n), address(n + 1), 10**8 + n, {kinds[n % 5]: 10**8})
        for n in range(transfers)
    )
    section = Section(
        Subject("deposit", "bitcoin", "bitcoin/native", "BTC", 8, TOTAL, address(0), TX, 1, f"{TX}:1", 835_000, START, 1,
                142_300.0, 21_400_000.0),
        "source",
        "haircut",
        Totals(TOTAL, 38_500_000, 204_750_000, 6_750_000, 0.154, 0.819, 0.027, True),
        exposures=exposures,
        bounds=(
            Bound("sanctioned", 31_000_000, 45_250_000, 0.124, 0.181, 10_000_000, 77_500_000, 0.04, 0.31),
            Bound("mixer", 7_500_000, 14_250_000, 0.03, 0.057, no_bracket=Sentence("no_bounds.ancestry", most=5_000)),
        ),
        attributed=(
            Attributed("service", "x", 2, 153_000_000, 0.612, "exchange", "Exchange A", 87_087.6, 13_096_800.0),
            Attributed("mint", "Pool C", 2, 51_750_000, 0.207, "", "", 29_456.1, 4_429_800.0),
        ),
        unresolved=(
            Unresolved("beyond", "", 2_750_000, 0.011, Sentence("settles.beyond"), None, 1_565.3, 235_400.0),
            Unresolved("hub", address(9), 4_000_000, 0.016, Sentence("settles.hub", who=address(9)), 2, 2_276.8, 342_400.0),
        ),
        paths=paths,
        paths_found=40,
        prices=(PriceUsed("usd", 56_920.0, START, "prices.csv"),),
        flow=flow,
        parties=(Party(address(0), "subject"),),
    )  # fmt: skip
    report = Report(
        question=Question(f"{TX}:1", ("haircut",), "source", 5, max_transactions=50_000),
        as_of=(LedgerEnd("bitcoin", 835_102, START),),
        sections=(section,),
        run=Run("0.1.0", "reference", 7, "d" * 64, START, "e" * 64, START, 0.8,
                (EditionUsed("OFAC SDN", "ofac", START, 9, "f" * 64, 761),), {"transactions": transfers}),
    )  # fmt: skip
    return replace(report, verdicts=(judge(report, load_policy("jp")),))


def hostile() -> Report:
    """Every name that can come from outside tries something."""
    full = large(40)
    section = full.sections[0]
    changed = replace(
        section,
        subject=replace(section.subject, symbol=NAMES[1]),
        exposures=tuple(
            replace(section.exposures[n % 2], entity=name, seed=name, seeds=(SeedUsed(name, NAMES[:2]),))
            for n, name in enumerate(NAMES)
        ),
        own=tuple(
            Own("sanctioned", name, name, name, NAMES[:3], regimes=(Designated(name, "before", "listed"),)) for name in NAMES
        ),
        attributed=tuple(Attributed("service", name, 2, 5, 0.01, "exchange", name) for name in NAMES),
        unresolved=tuple(Unresolved("hub", name, 5, 0.001, name) for name in NAMES),
        paths=tuple(replace(section.paths[0], entity=name, steps=tuple(replace(step, sender=name, tx=name)
                    for step in section.paths[0].steps)) for name in NAMES),
        flow=tuple(replace(row, sender=NAMES[n % len(NAMES)], tx=NAMES[n % len(NAMES)]) for n, row in enumerate(section.flow)),
        prices=(PriceUsed("usd", 1.0, START, NAMES[0]),),
        notes=NAMES,
    )  # fmt: skip
    run = replace(full.run, editions=tuple(EditionUsed(name, name, START, 9, name) for name in NAMES))
    report = replace(full, sections=(changed,), run=run, warnings=NAMES)
    return replace(report, question=replace(full.question, subject=NAMES[0]), verdicts=(judge(report, load_policy("strict")),))
