"""What stands behind all accounts of the page: verdicts, tags, status by regime, settings, provenance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from exposure.model.results import Designated, Exposure, Own, Report
from exposure.model.verdicts import Fired, Verdict
from exposure.reporting.page.cells import Cell, Table, address, code, number, table, text, word
from exposure.reporting.page.phrases import Phrases
from exposure.reporting.verdicts import deciding, dependence_lines, further
from exposure.reporting.words import percent
from exposure.text import shown
from exposure.units import clock, day, iso, money

MAX_ROWS = 300
MAX_FIRED = 40
STALE_DAYS = 7


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict as the page shows it; ``further``: (action, word, sentence) of every other rule that fired."""

    policy: str
    action: str
    word: str
    sentence: str
    because: str
    further: tuple[tuple[str, str, str], ...]
    notes: tuple[str, ...]


def judgements(report: Report, say: Phrases) -> tuple[Judgement, ...]:
    """Every verdict, in the page's language."""
    return tuple(_judgement(report, verdict, say) for verdict in report.verdicts)


def _judgement(report: Report, verdict: Verdict, say: Phrases) -> Judgement:
    first = deciding(verdict)
    others = further(verdict)[:MAX_FIRED]
    if first is not None:
        said = _fired(report, first, say)
    elif say.lang == "en":
        said = shown(verdict.sentence, 400)
    else:
        lost = [section.totals.unresolved_share or 0.0 for section in report.sections]
        said = say("nothing_fired", share=percent(max(lost, default=0.0)))
    return Judgement(
        policy=say("policy", name=shown(verdict.policy, 120)),
        action=verdict.action,
        word=say.action(verdict.action),
        sentence=said,
        because="" if first is None else say("because", reason=shown(first.reason, 400)),
        further=tuple((fired.action, say.action(fired.action), _fired(report, fired, say)) for fired in others),
        notes=_notes(report, verdict, say),
    )


def _notes(report: Report, verdict: Verdict, say: Phrases) -> tuple[str, ...]:
    """What stands beside a verdict. The one on old lists is said in the page's language."""
    tags = [sentence for sentence, _ in dependence_lines(verdict.depends)] if verdict.depends is not None else []
    if say.lang == "en":
        return (*tags, *(shown(note, 300) for note in verdict.notes))
    ages = [one.age_days for one in report.run.editions if one.age_days is None or one.age_days > STALE_DAYS]
    stale = [say("stale_lists", n=len(ages), days=STALE_DAYS)] if ages else []
    return (*tags, *stale, *(shown(note, 300) for note in verdict.notes if "days old" not in note))


def _fired(report: Report, fired: Fired, say: Phrases) -> str:
    """What a rule found: the verdict's own sentence, or in another language one made of the same values."""
    if say.lang == "en":
        return shown(fired.sentence[:1].upper() + fired.sentence[1:], 600)
    name = f"（{say('rule_name', name=shown(fired.rule, 60))}）"
    if not fired.judged:
        return f"{say('unjudged')}{name}"
    who = "・".join(say.category(category) for category in fired.categories)
    if fired.kind == "own":
        return f"{say('tagged')}：{who}{name}"
    worths = [money(worth, unit) for worth, unit in ((fired.usd, "usd"), (fired.jpy, "jpy")) if worth is not None]
    size = " / ".join([*([percent(fired.share)] if fired.share is not None else []), *worths])
    limits = [f"{fired.limit_share * 100:.6g} %"] if fired.limit_share is not None else []
    limits += [money(most, unit) for most, unit in ((fired.limit_usd, "usd"), (fired.limit_jpy, "jpy")) if most is not None]
    limit = f"、{say('limit', limit=say('or').join(limits))}" if limits else ""
    if fired.kind == "unresolved":
        return f"{say('unresolved_of', share=size)}{limit}{name}"
    kind = say(fired.kind) if fired.kind in ("direct", "indirect") else ""
    toward = say("from" if fired.direction == "source" else "to_what", what=who)
    rule = say.rule(report.sections[fired.section].rule) if fired.section is not None else ""
    key = "found_together" if fired.section is None else f"found_{fired.measure}"
    return f"{say(key, rule=rule, size=size, who=f'{toward}{kind}')}{limit}{name}"


def noted(notes: Sequence[tuple[str, str, str]], say: Phrases) -> Table:
    """An investigator's notes."""
    rows = [(text(at), code(about) if about else text(""), text(words)) for at, about, words in notes]
    return table(say("notes"), [say("time"), say("subject"), say("what")], rows, most=MAX_ROWS)


def changed(report: Report, say: Phrases) -> Table:
    """What the answer as of another moment says otherwise: figures, then items."""
    one = report.comparison
    head = [say("what"), say("subject"), say("dates"), say("sources"), say("share")]
    if one is None:
        return table(say("changed"), head, [], most=0)
    rows = [
        (
            word(say.category(figure.category)),
            text(""),
            text(""),
            text(""),
            number(f"{percent(figure.before)} → {percent(figure.after)}"),
        )
        for figure in one.figures
        if figure.section == 0
    ]
    for item in one.items:
        share = "" if not item.share else f"{item.share * 100:+.1f} %"
        since = "" if item.since is None else day(item.since)
        rows.append((text(item.said), code(item.about), text(since), text(item.source), number(share)))
    return table(say("changed"), head, rows, most=MAX_ROWS, note=shown(f"{one.before} → {one.after}", 400))


def tags(report: Report, say: Phrases) -> Table:
    """The seeds behind the figures: who says so, how surely."""
    rows: dict[tuple[str, str], tuple[Cell, ...]] = {}
    for section in report.sections:
        for row in section.exposures:
            for seed in row.seeds:
                rows[seed.address, row.seed] = (
                    text(row.entity or row.seed),
                    word(say.category(row.category)),
                    address(seed.address, section.subject.chain),
                    text(", ".join(seed.sources)),
                    number(str(seed.confidence)),
                )
        for own in section.own:
            rows[own.address, own.entity] = (
                text(own.entity or own.address),
                word(say.category(own.category)),
                address(own.address, section.subject.chain),
                text(", ".join(own.sources)),
                number(str(own.confidence)),
            )
    head = [say(key) for key in ("entity", "category", "address", "sources", "confidence")]
    return table(say("tags"), head, list(rows.values()), most=MAX_ROWS)


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
    asked, run = report.question, report.run
    settings = [
        (say("subject"), code(asked.subject)),
        (say("rule"), text(", ".join(say.rule(rule) for rule in asked.rules))),
        (say("direction"), text(say(asked.direction))),
        (say("hop_limit"), text(say("unlimited") if asked.max_hops is None else asked.max_hops)),
        (say("since"), text("" if asked.since is None else iso(asked.since))),
        (say("until"), text("" if asked.until is None else iso(asked.until))),
        (say("labels_of"), text(iso(run.label_time))),
        *((f"{say('ledger_to')} ({shown(end.chain, 30)})", text(f"{end.block:,} ({clock(end.time)})")) for end in report.as_of),
        (say("budget"), text("" if asked.max_transactions is None else f"{asked.max_transactions:,}")),
        (say("seeds_from"), text(say(asked.seeds_from))),
        (say("engine"), text(run.engine)),
    ]
    record = [
        ("exposure", text(run.version)),
        (say("store_version"), text(run.store_version)),
        (say("label_digest"), code(run.label_digest)),
        (say("settings_digest"), code(run.settings_digest)),
        (say("counts"), text(", ".join(f"{value:,} {name}" for name, value in run.counts.items()))),
    ]
    for policy in run.policies:
        record.append((say("policy", name=f"{policy.name} {policy.version}"), code(policy.sha256)))
        if policy.roles:
            record.append((say("roles"), text(", ".join(f"{name}: {role}" for name, role in policy.roles.items()))))
    if run.fetched is not None:
        for one in run.fetched.asked:
            record.append((say("asked", host=shown(one.host, 60)), text(", ".join(one.names) or "-")))
    pair = [say("setting"), say("value")]
    tables = [
        table(say("settings"), pair, [(text(name), cell) for name, cell in settings if cell.text], most=60),
        table(say("provenance"), pair, [(text(name), cell) for name, cell in record if cell.text], most=60),
        _lists(report, say),
        _coverage(report, say),
        _prices(report, say),
    ]
    return [made for made in tables if made.rows]


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
    rows = [(text(gap.chain), address(gap.address, gap.chain), text(gap.asset), text(gap.reason)) for gap in gaps]
    return table(say("coverage"), ["", say("address"), say("what"), say("reason")], rows, most=100)


def _prices(report: Report, say: Phrases) -> Table:
    used = dict.fromkeys(price for section in report.sections for price in section.prices)
    rows = [
        (word(day(one.as_of)), number(money(one.value, one.currency)), text(one.source))
        for one in sorted(used, key=lambda one: (one.as_of, one.currency))
    ]
    return table(say("prices"), [say("day"), say("value"), say("sources")], rows, most=60)


def notices(report: Report, say: Phrases) -> list[tuple[str, bool]]:
    """What to know beside the figures; the flag says whether a sentence is English whatever the page's language."""
    old = [one for one in report.run.editions if one.age_days is not None and one.age_days > STALE_DAYS]
    said = [
        (say("stale", name=shown(one.name, 60), days=f"{one.age_days:,}", day=day(one.published or 0)), False) for one in old
    ]
    covered = {shown(one.name, 60) for one in old}
    rest = [*report.incomplete_answer, *report.warnings, *(note for section in report.sections for note in section.notes)]
    for sentence in dict.fromkeys(rest):
        if not (sentence.startswith("the list ") and any(name in sentence for name in covered)):
            said.append((shown(sentence, 600), say.lang != "en"))
    return said
