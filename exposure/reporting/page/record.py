"""What stands behind all accounts of the page: verdicts, tags, status by regime, settings, provenance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from exposure.model.results import Designated, Exposure, Own, Report, Section, SeedUsed
from exposure.model.sentences import Sentence
from exposure.model.verdicts import Fired, Verdict
from exposure.reporting.notes import account_name, account_notes, account_of, partly_priced
from exposure.reporting.page.cells import Cell, Table, address, code, number, table, text, word
from exposure.reporting.page.phrases import Phrases
from exposure.reporting.verdicts import deciding, dependence_lines, further, warns
from exposure.reporting.words import cut, percent
from exposure.text import shown
from exposure.units import clock, day

MAX_ROWS = 300
MAX_FIRED = 40


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict as the page shows it; ``further``: (action, word, sentence) of every other rule that fired.

    ``tags``: on which tags it stands; ``notes``: what to know beside it. The flag of both says whether to look at it first.
    """

    policy: str
    action: str
    word: str
    sentence: str
    because: str
    further: tuple[tuple[str, str, str], ...]
    tags: tuple[tuple[str, bool], ...]
    notes: tuple[tuple[str, bool], ...]


def judgements(report: Report, say: Phrases) -> tuple[Judgement, ...]:
    """Every verdict, in the page's language."""
    return tuple(_judgement(verdict, report, say) for verdict in report.verdicts)


def _judgement(verdict: Verdict, report: Report, say: Phrases) -> Judgement:
    first = deciding(verdict)
    others = further(verdict)[:MAX_FIRED]
    return Judgement(
        policy=say("policy", name=shown(verdict.policy, 120)),
        action=verdict.action,
        word=say.action(verdict.action),
        sentence=_sentence(verdict.sentence, say) if first is None else _of_account(first, report, say),
        because="" if first is None else say("because", reason=shown(reason_of(first, say), 400)),
        further=tuple((fired.action, say.action(fired.action), _of_account(fired, report, say)) for fired in others),
        tags=tuple((shown(say.said(sentence), 400), warns) for sentence, warns in dependence_lines(verdict.depends))
        if verdict.depends is not None
        else (),
        notes=tuple((shown(say.said(note), 600), warns(note)) for note in verdict.notes),
    )


def reason_of(fired: Fired, say: Phrases) -> str:
    """Why a rule is there: in the page's language where the policy says it in that."""
    return fired.reason_ja if say.lang == "ja" and fired.reason_ja else fired.reason


def _of_account(fired: Fired, report: Report, say: Phrases) -> str:
    """What a rule says, and of which account where there are several."""
    of = account_of(fired, report)
    if of is None:
        return _sentence(fired.sentence, say)
    named = say.said(of)
    return f"{named[:1].upper()}{named[1:]}{say('colon')}{_ended(shown(say.said(fired.sentence), 600), say)}"


def _sentence(text: str, say: Phrases) -> str:
    said = shown(say.said(text), 600)
    return _ended(said[:1].upper() + said[1:], say)


def _ended(said: str, say: Phrases) -> str:
    return said + ("" if said.endswith((".", "。", ")", "）")) else say("stop"))


def noted(notes: Sequence[tuple[str, str, str]], say: Phrases) -> Table:
    """An investigator's notes."""
    rows = [(text(at), code(about) if about else text(""), text(words)) for at, about, words in notes]
    return table(say("notes"), [say("time"), say("subject"), say("what")], rows, most=MAX_ROWS)


def changed(report: Report, say: Phrases) -> Table:
    """What the answer as of another moment says otherwise: figures, then items."""
    one = report.comparison
    head = [say("what"), say("subject"), say("since_day"), say("sources"), say("share")]
    if one is None:
        return table(say("changed"), head, [], most=0)
    blank = text(""), text(""), text("")
    several = len({section.rule for section in report.sections}) < len(report.sections)
    of = [say.said(account_name(section)) if several else "" for section in report.sections]
    rows: list[tuple[Cell, ...]] = [
        (
            word(say.category(figure.category)),
            text(of[figure.section]),
            text(""),
            text(""),
            number(f"{percent(figure.before)} → {percent(figure.after)}"),
        )
        for figure in one.figures
        if report.sections[figure.section].rule == report.sections[0].rule
    ]
    for verdict in one.verdicts:
        rows.append((text(say("account_of", what=say("verdict"), direction=say.said(verdict))), *blank, number("")))
    for item in one.items:
        share = f"{item.share * 100:+.1f} % {of[item.section]}".rstrip() if item.share else ""
        since = "" if item.since is None else day(item.since)
        rows.append((text(say.said(item.said)), code(item.about), text(since), text(say.said(item.source)), number(share)))
    between = f"{shown(say.said(one.before), 300)} → {shown(say.said(one.after), 300)}"
    return table(say("changed"), head, rows, most=MAX_ROWS, note=between)


def together(report: Report, say: Phrases) -> Table:
    """Several assets added up in money, by the first rule asked for: the only thing that adds up over them."""
    first = report.question.rules[0] if report.question.rules else ""
    rows: list[tuple[Cell, ...]] = []
    for total in (one for one in report.money if one.rule == first):
        named = text(say(total.direction))
        rows.append((named, text(say("total")), number(""), number(say.worth(total.usd, total.jpy))))
        for part in total.parts:
            share = number("" if part.share is None else percent(part.share))
            rows.append((named, word(say.category(part.category)), share, number(say.worth(part.usd, part.jpy))))
        if total.unpriced:
            rows.append((named, text(say("unpriced")), number(""), text(", ".join(total.unpriced))))
    return table(say("together"), [say(key) for key in ("direction", "what", "share", "worth")], rows, most=MAX_ROWS)


def tags(report: Report, say: Phrases) -> Table:
    """The tags behind the figures: who says so, how surely, and since when which regime lists the party."""
    rows: dict[tuple[str, str], tuple[Cell, ...]] = {}
    for section in report.sections:
        chain = section.subject.chain
        for row in section.exposures:
            for seed in row.seeds:
                rows.setdefault((seed.address, row.seed), _tag(row, seed, chain, say))
        for own in section.own:
            rows.setdefault((own.address, own.entity), _tag(own, own, chain, say))
    head = [say(key) for key in ("entity", "category", "address", "sources", "confidence", "listed_on")]
    return table(say("tags"), head, list(rows.values()), most=MAX_ROWS)


def _tag(row: Exposure | Own, said_by: SeedUsed | Own, chain: str, say: Phrases) -> tuple[Cell, ...]:
    dated = dict.fromkeys(f"{one.regime} {day(one.listed_on)}" for one in row.regimes if one.listed_on is not None)
    return (
        text(row.entity or said_by.address),
        word(say.category(row.category)),
        address(said_by.address, chain),
        text(say.sources(said_by.sources)),
        number(str(said_by.confidence)),
        text(say("comma").join(dated)),
    )


def regimes(report: Report, say: Phrases) -> Table:
    """Each listed party by regime: status when the value moved, status now, and the dates."""
    rows: dict[tuple[object, ...], tuple[Cell, ...]] = {}
    for name, one in _listings(report):
        rows[name, one] = (
            text(name),
            text(one.regime),
            word(say.timing(one.at_time)),
            word(say.standing(one.now)),
            word("" if one.listed_on is None else day(one.listed_on)),
            text(_address_day(one, say)),
            word("" if one.delisted_on is None else day(one.delisted_on)),
            text(one.programme),
        )
    head = [say(key) for key in ("entity", "regime", "then", "now", "listed_on", "address_on", "delisted_on", "programme")]
    return table(say("regimes"), head, list(rows.values()), most=MAX_ROWS)


def _listings(report: Report) -> Iterator[tuple[str, Designated]]:
    for section in report.sections:
        found: list[Own | Exposure] = [*section.own, *section.exposures]
        for row in found:
            for one in row.regimes:
                yield row.entity or row.category, one


def _address_day(one: Designated, say: Phrases) -> str:
    if one.address_listed_on is None:
        return ""
    when = day(one.address_listed_on)
    return say("by", day=when) if one.on_or_before else when


def provenance(report: Report, say: Phrases) -> list[Table]:
    """Settings, run record, lists, coverage and prices."""
    pair = [say("setting"), say("value")]
    tables = [
        table(say("settings"), pair, [(text(name), cell) for name, cell in _settings(report, say) if cell.text], most=60),
        table(say("record"), pair, [(text(name), cell) for name, cell in _record(report, say) if cell.text], most=60),
        _lists(report, say),
        _coverage(report, say),
        prices(report.sections, say, most=60),
    ]
    return [made for made in tables if made.rows]


def _settings(report: Report, say: Phrases) -> Iterator[tuple[str, Cell]]:
    asked, run = report.question, report.run
    yield say("subject"), code(asked.subject)
    yield say("rule"), text(say("comma").join(say.rule(rule) for rule in asked.rules))
    yield say("direction"), text(say(asked.direction))
    yield say("hop_limit"), text(say("unlimited") if asked.max_hops is None else asked.max_hops)
    yield say("chain"), text(asked.chain or "")
    yield say("asset"), text(asked.asset or "")
    yield say("since"), text("" if asked.since is None else clock(asked.since))
    yield say("until"), text("" if asked.until is None else clock(asked.until))
    yield say("labels_of"), text(clock(run.label_time))
    for end in report.as_of:
        block = f"{end.block:,}{say('bracketed', what=clock(end.time))}" if not end.by_time else clock(end.time)
        yield f"{say('ledger_to')}{say('bracketed', what=shown(end.chain, 30))}", text(block)
    yield say("budget"), text("" if asked.max_transactions is None else f"{asked.max_transactions:,}")
    yield say("seeds_from"), text(say(asked.seeds_from))
    yield say("clusters"), text(say(asked.clusters))
    for address_ in asked.expanded:
        yield say("expanded"), code(address_)
    if asked.window_days is not None:
        yield say("window_days"), text(say("days", n=asked.window_days))
    if asked.hub_counterparties is not None:
        yield say("hub_from"), text(f"{asked.hub_counterparties:,}")
    if asked.dust_usd is not None:
        yield say("dust"), text(say.money(asked.dust_usd, "usd"))
    yield say("taint_fee"), text(say("on") if asked.taint_fee else say("none"))
    yield say("engine"), text(run.engine)


def _record(report: Report, say: Phrases) -> Iterator[tuple[str, Cell]]:
    run = report.run
    yield "exposure", text(run.version)
    yield say("store_version"), text(run.store_version)
    yield say("label_digest"), code(run.label_digest)
    yield say("settings_digest"), code(run.settings_digest)
    yield say("counts"), text(say("comma").join(say.counted(name, value) for name, value in run.counts.items()))
    for policy in run.policies:
        yield say("policy", name=f"{policy.name} {policy.version}"), code(policy.sha256)
        changes = [f"{say.category(name)}{say('colon')}{say.role(role)}" for name, role in policy.roles.items()]
        yield say("roles"), text(say("comma").join(changes))
    for one in run.fetched.asked if run.fetched is not None else ():
        yield say("asked", host=shown(one.host, 60)), text(", ".join(one.names) or "-")


def _lists(report: Report, say: Phrases) -> Table:
    rows = [
        (
            text(one.name),
            text(one.edition),
            word("" if one.published is None else day(one.published)),
            number("" if one.age_days is None else f"{one.age_days:,}"),
            code(one.sha256),
        )
        for one in report.run.editions
    ]
    return table(say("lists"), [say("lists"), say("edition"), say("published"), say("age"), "SHA-256"], rows, most=100)


def _coverage(report: Report, say: Phrases) -> Table:
    gaps = dict.fromkeys(gap for section in report.sections for gap in section.coverage)
    rows = [(text(gap.chain), address(gap.address, gap.chain), text(gap.asset), text(say.said(gap.reason))) for gap in gaps]
    head = [say(key) for key in ("chain", "address", "asset", "reason")]
    return table(say("coverage"), head, rows, most=100)


def prices(sections: Sequence[Section], say: Phrases, *, most: int) -> Table:
    """The prices that valued some accounts: of which asset, from which day on, by whom."""
    used = dict.fromkeys((cut(one.subject.symbol, 12), price) for one in sections for price in one.prices)
    rows = [
        (text(asset), word(day(one.as_of)), number(say.money(one.value, one.currency)), text(say.said(one.source)))
        for asset, one in sorted(used, key=lambda entry: (entry[0], entry[1].as_of, entry[1].currency))
    ]
    return table(say("prices"), [say(key) for key in ("asset", "day", "price", "sources")], rows, most=most)


def notices(report: Report, say: Phrases) -> list[tuple[str, bool]]:
    """What to know beside the figures; the flag says that a sentence from elsewhere is not in the page's language."""
    more = [(None, Sentence("notes.partly_priced"))] if partly_priced(report) else []
    every = [*((None, one) for one in (*report.incomplete_answer, *report.warnings)), *account_notes(report), *more]
    return [
        (("" if of is None else say.said(of) + say("colon")) + shown(say.said(sentence), 600), not say.knows(sentence))
        for of, sentence in dict.fromkeys(every)
    ]
