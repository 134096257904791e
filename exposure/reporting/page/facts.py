"""The facts for a suspicious transaction report, in Japanese and English: what the data carry, and nothing else.

Who the customer is, and why something is suspicious beyond these facts, is not in a ledger: those lines stay empty to be filled
in by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta, timezone
from importlib.resources import files

from exposure.model.provenance import LedgerEnd
from exposure.model.results import Exposure, Report, Section
from exposure.reporting.categories import by_subject
from exposure.reporting.page.cells import Cell, Table, address, code, moment, number, table, text, transaction, word
from exposure.reporting.page.phrases import Phrases
from exposure.reporting.page.record import judgements, prices, regimes
from exposure.reporting.page.window import window
from exposure.reporting.words import percent, percent_range
from exposure.text import shown
from exposure.units import clock, day, exact_coins

JST = timezone(timedelta(hours=9), "JST")
"""Japan has one zone and no summer time, so no database of zones is needed."""

MAX_SUBJECTS = 20
MAX_ROWS = 200


@dataclass(frozen=True, slots=True)
class Sheet:
    """The facts in one language."""

    say: Phrases
    terms: str
    blanks: tuple[str, ...]
    tables: tuple[Table, ...]
    reasons: tuple[str, ...]
    limits: tuple[str, ...]


def facts_page(report: Report, *, case_id: str = "") -> str:
    """The facts as one HTML page without any script; it prints on A4.

    Parameters
    ----------
    report
        What a trace said; the sections of its first rule are told.
    case_id
        The case that holds the evidence.
    """
    from jinja2 import Environment, StrictUndefined

    own = files("exposure.reporting.page")
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(
        own.joinpath("facts.html").read_text(encoding="utf-8")
    )
    return template.render(
        sheets=[_sheet(report, Phrases(lang)) for lang in ("ja", "en")],
        style=own.joinpath("page.css").read_text(encoding="utf-8"),
        synthetic=report.run.synthetic,
        case_id=case_id,
        made=clock(report.run.created_at, JST),
        version=report.run.version,
    )


def _sheet(report: Report, say: Phrases) -> Sheet:
    sections = [group[0] for group in by_subject(report.sections)][:MAX_SUBJECTS]
    tables = [
        _subjects(sections, say),
        _findings(sections, say),
        *(_window(section, say) for section in sections),
        _bounds(sections, say),
        regimes(report, say),
        _steps(sections, say),
        _unresolved(sections, say),
        _scope(report, say),
        _lists(report, say),
        prices(sections, say, most=20),
    ]
    reasons = []
    for one in judgements(report, say):
        said = [f"{one.policy}{say('colon')}{one.word}", one.sentence, one.because[:1].upper() + one.because[1:]]
        reasons.append(say("sentence").join(part.rstrip(".。") for part in said if part) + say("stop"))
        reasons += [f"{word}{say('colon')}{sentence}" for _, word, sentence in one.further]
    bounded = any(bound.upper is not None for section in sections for bound in section.bounds)
    return Sheet(
        say,
        say.terms(sections[0].rule, bounded=bounded),
        tuple(say(f"blank_{name}") for name in ("customer", "account", "contact", "why")),
        tuple(made for made in tables if made.rows),
        tuple(reasons) or (say("no_verdict"),),
        tuple(say(f"facts_limit_{n}") for n in (1, 2, 3, 4)),
    )


def _window(section: Section, say: Phrases) -> Table:
    """The last days of one account, with the account in the title: a page may have several."""
    made = window(section, say)
    of = say("account_of", what=shown(section.subject.symbol, 16), direction=say(section.direction))
    return replace(made, title=made.title + say("bracketed", what=of)) if made.rows else made


def _yen(value: float | None, say: Phrases) -> Cell:
    """Whole yen, as a form wants it."""
    return number(say("no_price") if value is None else say("yen", amount=f"{value:,.0f}"))


def _coins(amount: int, section: Section) -> Cell:
    one = section.subject
    return number(f"{exact_coins(amount, one.decimals)} {shown(one.symbol, 12)}")


def _subjects(sections: list[Section], say: Phrases) -> Table:
    """What moved: one line a subject and direction."""
    head = ("what", "time", "tx", "address", "amount", "worth_jpy", "worth_usd")
    rows = []
    for section in sections:
        one = section.subject
        when = "" if one.time is None else f"{clock(one.time, JST)}"
        rows.append(
            (
                text(say("account_of", what=say("customer" if one.addresses else one.kind), direction=say(section.direction))),
                Cell(when, "time"),
                transaction(one.tx, one.chain),
                code(", ".join(one.addresses)) if one.addresses else address(one.address, one.chain),
                _coins(one.amount, section),
                _yen(one.jpy, say),
                number(say("no_price") if one.usd is None else say.money(one.usd, "usd")),
            )
        )
    return table(say("facts_subject"), [say(key) for key in head], rows, most=MAX_ROWS)


def _findings(sections: list[Section], say: Phrases) -> Table:
    """From whom, or to whom: each party with hops, share and yen; the subject's own tags first."""
    head = ("category", "entity", "address", "hops", "share", "amount", "worth_jpy", "dates", "sources")
    rows: list[tuple[Cell, ...]] = []
    told: set[tuple[str, str]] = set()
    for section in sections:
        for own in section.own:
            if (own.address, own.entity) in told:  # every account of a subject has its tags
                continue
            told.add((own.address, own.entity))
            rows.append(
                (word(say.category(own.category)), text(own.entity), address(own.address, section.subject.chain), number("0"),
                 number(""), number(""), number(""), text(""), text(say.sources(own.sources)))
            )  # fmt: skip
        rows += [_finding(section, row, say) for row in section.exposures]
    return table(say("facts_findings"), [say(key) for key in head], rows, most=MAX_ROWS)


def _finding(section: Section, row: Exposure, say: Phrases) -> tuple[Cell, ...]:
    seed = row.seeds[0] if row.seeds else None
    dates = (
        "" if row.first_at is None or row.last_at is None else " – ".join(dict.fromkeys((day(row.first_at), day(row.last_at))))
    )
    return (
        word(say.category(row.category)),
        text(row.entity or row.seed),
        address(None if seed is None else seed.address, section.subject.chain),
        number(say.hops(row.hops)),
        number(percent(row.share)),
        _coins(row.amount, section),
        _yen(row.jpy, say),
        word(dates),
        text("" if seed is None else say.sources(seed.sources)),
    )


def _bounds(sections: list[Section], say: Phrases) -> Table:
    rows = [
        (
            word(say.category(bound.category)),
            text(say.rule(section.rule)),
            number(percent_range(bound.lower_share, bound.upper_share)),
            number(percent_range(bound.bracket_lower_share, bound.bracket_upper_share)),
        )
        for section in sections
        for bound in section.bounds
        if any(row.category == bound.category for row in section.exposures)
    ]
    return table(say("facts_bounds"), [say(key) for key in ("category", "rule", "interval", "bracket")], rows, most=MAX_ROWS)


def _steps(sections: list[Section], say: Phrases) -> Table:
    """The ways, transfer by transfer, with whole hashes."""
    head = ("path", "time", "sender", "receiver", "tx", "carried")
    rows = [
        (
            text(f"{place}: {shown(path.entity or path.seed, 60)}"),
            moment(step.time, JST),
            address(step.sender, section.subject.chain, say("minted")),
            address(step.receiver, section.subject.chain, say("burned")),
            transaction(step.tx, section.subject.chain),
            _coins(step.carried, section),
        )
        for section in sections
        for place, path in enumerate(section.paths, 1)
        for step in path.steps
    ]
    return table(say("paths"), [say(key) for key in head], rows, most=MAX_ROWS)


def _unresolved(sections: list[Section], say: Phrases) -> Table:
    rows = [
        (
            word(say.reason(part.reason)),
            number(percent(part.share)),
            _coins(part.amount, section),
            _yen(part.jpy, say),
        )
        for section in sections
        for part in section.unresolved
    ]
    return table(say("unresolved"), [say(key) for key in ("reason", "share", "amount", "worth_jpy")], rows, most=MAX_ROWS)


def _scope(report: Report, say: Phrases) -> Table:
    """How far was looked: rule, hops, the ledger's end, and the day of the lists."""
    asked = report.question
    rows = [
        (text(say("rule")), text(say.rule(asked.rules[0]) if asked.rules else "")),
        (text(say("hop_limit")), text(say("unlimited") if asked.max_hops is None else asked.max_hops)),
        *(
            (text(f"{say('ledger_to')}{say('bracketed', what=shown(end.chain, 30))}"), text(_end(end, say)))
            for end in report.as_of
        ),
        (text(say("labels_of")), text(clock(report.run.label_time, JST))),
        *((text(say("since")), text(clock(time, JST))) for time in (asked.since,) if time is not None),
        *((text(say("until")), text(clock(time, JST))) for time in (asked.until,) if time is not None),
    ]
    return table(say("facts_scope"), [say("setting"), say("value")], rows, most=MAX_ROWS)


def _end(end: LedgerEnd, say: Phrases) -> str:
    """The last block with its time; a ledger without block numbers is ordered by the second, and has only that."""
    at = clock(end.time, JST)
    return at if end.by_time else f"{end.block:,}{say('bracketed', what=at)}"


def _lists(report: Report, say: Phrases) -> Table:
    rows = [
        (text(one.name), text(one.edition), word("" if one.published is None else day(one.published)), code(one.sha256))
        for one in report.run.editions
    ]
    return table(say("lists"), [say("lists"), say("edition"), say("published"), "SHA-256"], rows, most=MAX_ROWS)
