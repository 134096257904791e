"""The report on one screen of 100 columns: the answer first, each share with its hops, and what would settle the rest.

Everything is text with styles; no markup is ever interpreted, and no colour carries what words do not say.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, tzinfo

from rich.text import Text

from exposure.model.provenance import Fetched
from exposure.model.results import Report, Section
from exposure.model.sentences import Sentence
from exposure.model.verdicts import Fired, Verdict
from exposure.reporting.categories import by_subject
from exposure.reporting.changes import changes
from exposure.reporting.layout import WIDTH, Piece, flow, laid_out_for
from exposure.reporting.notes import account_notes, account_of, partly_priced
from exposure.reporting.parts import MAX_PATHS, answer, by_rule, money_totals, paths_of, paths_used, subject, window
from exposure.reporting.table import account
from exposure.reporting.verdicts import deciding, dependence_lines, further, warns
from exposure.reporting.words import UNRESOLVED_STYLE, coins, cut, days_old, party_words, percent, terms
from exposure.text import counted
from exposure.units import clock, day, duration, money

MAX_GROUPS = 8
MAX_LISTS = 4
MAX_PRICES = 4
MAX_FIRED = 6
MAX_CUT = 6
OLD_LIST_DAYS = 7
LABEL = 10
ACTION_STYLES = {"block": "bold red", "hold": "bold red", "review": "bold yellow", "allow": "bold"}


def screen(report: Report, *, zone: tzinfo = UTC, terminal: int = WIDTH, paths: int | None = None) -> Text:
    """The whole report as styled text; its plain form is the same without colours.

    Parameters
    ----------
    report
        What a trace said.
    zone
        Zone of the subject's time; UTC stands beside it.
    terminal
        Columns of the terminal: with fewer than 100, lines fit 80, and the table goes without dollars.
    paths
        How many of them are shown.

    Returns
    -------
    rich.text.Text
        Lines of at most 100 columns, parted by line ends. Shortened addresses are whole in the JSON report.
    """
    with laid_out_for(terminal):
        return Text("\n").join(_lines(report, zone, paths or MAX_PATHS))


def _lines(report: Report, zone: tzinfo, most_paths: int) -> list[Text]:
    lines: list[Text] = []
    if report.run.synthetic:
        lines += flow(
            Text("SYNTHETIC ", "bold yellow"),
            [("made-up ledger and lists from a simulation: no real person, firm or transaction is meant", "yellow")],
            indent=LABEL,
        )
    if not report.run.editions:
        lines += flow(
            Text("NO LIST   ", "bold red"),
            [("was imported: beside own tags nothing can be found sanctioned, whatever the answer says", "bold red")],
            indent=LABEL,
        )
    groups = by_subject(report.sections)
    for number, sections in enumerate(groups[:MAX_GROUPS]):
        head = sections[0]
        lines += [Text()] if number else []
        lines += subject(head, zone)
        lines += answer(head, report.question.max_hops)
        lines += window(head)
        lines += _question(report, head, whole=not number)
        lines += [Text(), *account(head, report.question.max_hops)]
        if len(sections) > 1:
            lines += [Text(), *by_rule(sections), *paths_used(sections)]
        if head.paths:
            lines += [Text(), *paths_of(head, most_paths)]
    if report.money:
        lines += [Text(), *money_totals(report)]
    if len(groups) > MAX_GROUPS:
        lines.append(
            Text(
                f"... and {counted(len(groups) - MAX_GROUPS, 'more account')} (assets, directions): --format json has them all"
            )
        )
    if report.comparison is not None:
        lines += [Text(), *changes(report.comparison, report.sections)]
    return [*lines, Text(), *_footer(report)]


def _question(report: Report, section: Section, *, whole: bool) -> list[Text]:
    """What this account answers; what all accounts share (ledger, labels) is said with the first one (``whole``)."""
    question = report.question
    what = "source of funds" if section.direction == "source" else "where the value went"
    limit = "no hop limit" if question.max_hops is None else f"up to {counted(question.max_hops, 'hop')}"
    said = [f"{what}, {section.rule}, {limit}"]
    if question.since is not None or question.until is not None:
        start = day(question.since) if question.since is not None else "the beginning"
        end = day(question.until) if question.until is not None else "the end"
        said.append(f"transfers from {start} to {end}")
    ledgers = [one for one in report.as_of if whole or one.chain == section.subject.chain]
    if whole or len(report.as_of) > 1:
        for one in ledgers:
            name = f"{cut(one.chain, 20)} " if len(ledgers) > 1 else ""
            # A ledger without block numbers is ordered by the second: then the time says it all.
            end = f"block {one.block:,} ({day(one.time)})" if not one.by_time else clock(one.time)
            said.append(f"{name}ledger to {end}")
    if whole and question.clusters != "none":
        said.append(f"clusters: {question.clusters}")
    if whole:
        said.append(f"labels of {day(report.run.label_time)}")
    pieces: list[Piece] = [(text + (";" if place < len(said) - 1 else ""), "") for place, text in enumerate(said)]
    return flow(Text("Question", "bold"), [*pieces, *(_ages(report) if whole else [])], indent=LABEL, gap=" ")


def _ages(report: Report) -> list[Piece]:
    """Each list with its age, old ones marked."""
    editions = report.run.editions
    if not editions:
        return [("(no list was imported)", "bold yellow")]
    said = editions[:MAX_LISTS]
    pieces: list[Piece] = []
    for place, edition in enumerate(said):
        text = f"{cut(edition.name, 24)} {days_old(edition.age_days)}"
        text = ("(" if not place else "") + text + ("," if place < len(said) - 1 else "")
        old = edition.age_days is None or edition.age_days > OLD_LIST_DAYS
        pieces.append((text, UNRESOLVED_STYLE if old else ""))
    more = len(editions) - len(said)
    last, style = pieces[-1]
    pieces[-1] = (last + (f", and {more} more)" if more else ")"), style)
    return pieces


def _footer(report: Report) -> list[Text]:
    lines: list[Text] = []
    if report.verdicts:
        for verdict in report.verdicts:
            lines += _verdict(verdict, report)
    else:
        lines += flow(Text("VERDICT", "bold"), [(f"none: {report.no_verdict}", "")], indent=LABEL)
    for label, sentences in (("Missing", report.incomplete_answer), ("Warning", report.warnings)):
        for sentence in dict.fromkeys(sentences):
            lines += flow(Text(label, "bold yellow"), [(cut(sentence, 600), "yellow")], indent=LABEL)
    for of, note in account_notes(report):
        lines += flow(Text("Note"), [(cut(note if of is None else f"{of}: {note}", 600), "")], indent=LABEL)
    if partly_priced(report):
        lines += flow(Text("Note"), [(Sentence("notes.partly_priced"), "")], indent=LABEL)
    lines += flow(Text("Prices", "dim"), _prices(report.sections), indent=LABEL, gap=" ")
    lines += flow(Text("Terms", "dim"), _terms(report.sections), indent=LABEL, gap=" ")
    run = report.run
    if run.fetched is not None:
        lines += _asked(run.fetched)
    counts = "".join(f", {Sentence(f'counted.{name}', n=value)}" for name, value in run.counts.items())
    record = f"exposure {run.version}, engine {cut(run.engine, 20)}, store version {run.store_version}"
    record += f", labels {run.label_digest[:8]}"
    lines += flow(Text("Run", "dim"), [(f"{record}{counts}, {duration(run.seconds)}", "dim")], indent=LABEL)
    return lines


def _terms(sections: Sequence[Section]) -> list[Piece]:
    """What a first reader has to know, of what is on the screen."""
    bounded = any(bound.upper is not None for section in sections for bound in section.bounds)
    return [(f"{Sentence(f'terms.{name}')}.", "dim") for name in (*terms(sections[0].rule, bounded=bounded), "days")]


def _asked(fetched: Fetched) -> list[Text]:
    """What was fetched, and which host learned of which address: all of them, as whoever asks has to know."""
    had = sum(1 for one in fetched.histories if one.state in ("whole", "known"))
    said = f"{had:,} of {counted(len(fetched.histories), 'history', 'histories')} on the way, the largest share first; "
    said += f"{percent(fetched.left)} still hangs on missing ones"
    lines = flow(Text("Fetched"), [(said, "")], indent=LABEL)
    for one in fetched.asked:
        names = [cut(name, 90) + ("," if place < len(one.names) - 1 else "") for place, name in enumerate(one.names)]
        pieces: list[Piece] = [(f"{cut(one.host, 60)}: {counted(one.calls, 'call')}; it learned of", "")]
        pieces += [(name, "") for name in names or ["no address"]]
        lines += flow(Text("Asked"), pieces, indent=LABEL, gap=" ")
    return lines


def _verdict(verdict: Verdict, report: Report) -> list[Text]:
    """The gravest rule that fired and why it is there; then the others, then what to know beside it."""
    first = deciding(verdict)
    said = verdict.sentence if first is None else _of_account(first, report)
    head = f"policy {cut(verdict.policy, 60)}: {verdict.action.upper()}. {cut(_sentence(said), 400)}"
    lines = flow(Text("VERDICT", "bold"), [(head, ACTION_STYLES[verdict.action])], indent=LABEL)
    if first is not None:
        lines += flow(Text("  because", "dim"), [(cut(first.reason, 400), "dim")], indent=LABEL)
    others = further(verdict)
    for fired in others[:MAX_FIRED]:
        said = f"{fired.action.upper()}. {cut(_sentence(_of_account(fired, report)), 300)}"
        lines += flow(Text("  also"), [(said, ACTION_STYLES[fired.action])], indent=LABEL)
    if len(others) > MAX_FIRED:
        lines += flow(
            Text(""), [(f"and {counted(len(others) - MAX_FIRED, 'more rule')}: --format json lists them", "")], indent=LABEL
        )
    for sentence, loud in dependence_lines(verdict.depends) if verdict.depends is not None else []:
        lines += flow(Text("  tags"), [(sentence, "yellow" if loud else "")], indent=LABEL)
    if verdict.depends is not None and first is not None and first.section is not None:
        lines += _cut(report.sections[first.section], first)
    for note in verdict.notes:
        lines += flow(Text("  note"), [(cut(note, 400), "yellow" if warns(note) else "")], indent=LABEL)
    return lines


def _cut(section: Section, fired: Fired) -> list[Text]:
    """The minimal cut of the bracket: the transfers through which all that can be of the rule's categories had to pass."""
    lines: list[Text] = []
    one = section.subject
    for bound in section.bounds:
        if bound.category not in fired.categories or not bound.cut:
            continue
        said = f"whatever the rule, all that can have come from {party_words(bound.category)} passed through"
        named = [
            f"{cut(part.ref, 120) or 'what stayed in a pot'} ({coins(part.amount, one.decimals, one.symbol)})"
            for part in bound.cut
        ]
        more = (
            [f"and {counted(len(named) - MAX_CUT, 'more transfer')}: --format json lists them"] if len(named) > MAX_CUT else []
        )
        lines += flow(Text("  passed"), [(text, "") for text in (said, *named[:MAX_CUT], *more)], indent=LABEL, gap=" ")
    return lines


def _of_account(fired: Fired, report: Report) -> str:
    of = account_of(fired, report)
    return fired.sentence if of is None else f"{of}: {fired.sentence}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _prices(sections: Sequence[Section]) -> list[Piece]:
    """Which prices valued the subjects, and where they are from; many of them as a span of days."""
    used = dict.fromkeys((cut(one.subject.symbol, 12), price) for one in sections for price in one.prices)
    if not used:
        return [("none stored for these assets and days: no amount is given in USD or JPY", "dim")]
    if len(used) <= MAX_PRICES:
        texts = [
            f"{money(one.value, one.currency)} for 1 {asset} on {day(one.as_of)} from {cut(one.source, 60)}"
            for asset, one in sorted(used, key=lambda entry: (entry[1].as_of, entry[0], entry[1].currency != "usd"))
        ]
    else:
        days = sorted(one.as_of for _, one in used)
        sources = ", ".join(dict.fromkeys(cut(one.source, 60) for _, one in used))
        texts = [f"each transfer at its own time, {day(days[0])} to {day(days[-1])}, from {cut(sources, 200)}"]
    return [(text + (";" if place < len(texts) - 1 else ""), "dim") for place, text in enumerate(texts)]
