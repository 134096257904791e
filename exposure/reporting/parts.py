"""The blocks of the screen around the table: subject, answer, rules side by side, paths."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from rich.text import Text

from exposure.model.results import Path, Report, Section
from exposure.reporting.categories import (
    by_category,
    category_amount,
    category_share,
    category_split,
    style_of,
    unresolved_share,
    worth_of,
)
from exposure.reporting.layout import WIDTH, Piece, columns, flow, width
from exposure.reporting.side_by_side import paths_by_rule, way_of
from exposure.reporting.words import (
    UNRESOLVED_STYLE,
    category_words,
    coins,
    cut,
    dollars,
    hops,
    moved_word,
    party_words,
    percent,
    regimes_now,
    short,
    short_hash,
    yen,
)
from exposure.text import counted
from exposure.units import clock, day

LABEL = 10
RULE_NAME, RULE_FIGURE = 20, 12
PATH_NAME, SMALL_PATH_NAME = 38, 20
MAX_PATHS = 3
MAX_NAMED = 3
MAX_BY_RULE = 5


def subject(section: Section, zone: tzinfo) -> list[Text]:
    """What the section is about: hash, address, amount, worth, time."""
    one = section.subject
    worth = [coins(one.amount, one.decimals, one.symbol), dollars(one.usd), yen(one.jpy)]
    time = clock(one.time, zone) if one.time is not None else ""
    if one.kind == "address":
        moved = moved_word(section)
        count = f"in {counted(one.transfers, 'transfer')}"
        who = short(one.address or "", 64)
        if one.addresses:
            named = ", ".join(map(short, one.addresses[:MAX_NAMED]))
            who = f"{counted(len(one.addresses), 'address', 'addresses')} of one customer ({named}"
            who += ", ...)" if len(one.addresses) > MAX_NAMED else ")"
        texts = [f"{who} on {cut(one.chain, 20)}", f"{moved} {worth[0]} {count}", *worth[1:]]
        head = "Customer" if one.addresses else "Address"
    else:
        place = short_hash(one.tx or one.ref or "") + (f":{one.n}" if one.n is not None else "")
        receiver = f" to {short(one.address)}" if one.address else ""
        outputs = f", {counted(one.transfers, 'transfer')}" if one.transfers > 1 else ""
        texts = [f"{place}{receiver}{outputs}", *worth, time]
        head = "Deposit" if one.kind == "deposit" else "Transfer"
    return flow(Text(head, "bold"), [(text, "bold") for text in texts if text], indent=LABEL, gap="   ")


def answer(section: Section, max_hops: int | None) -> list[Text]:
    """The answer in a sentence: each category with its share and how, then what is unresolved; never a clean bill."""
    pieces: list[Piece] = []
    for own in section.own:
        through = f" through cluster {short(own.through)}" if own.through else ""
        who = f" ({cut(own.entity, 60)})" if own.entity else ""
        pieces.append((f"this address itself is tagged {category_words(own.category)}{who}{through};", style_of(own.category)))
        if own.regimes:
            pieces.append((f"{regimes_now(own.regimes)};", style_of(own.category)))
    lost = unresolved_share(section)
    limit = "without hop limit" if max_hops is None else f"within {counted(max_hops, 'hop')}"
    found = "from" if section.direction == "source" else "to"
    one = section.subject
    for category, rows in by_category(section.exposures):
        kinds = " and ".join(sorted({row.kind for row in rows}))
        share = percent(category_share(section, category, rows))
        flag = "up to " if section.rule == "poison" else ""
        amount = coins(category_amount(section, category, rows), one.decimals, one.symbol)
        amount += _worths(*worth_of(section, rows))
        said = "; ".join([f"{kinds}, {amount}", *category_split(section, rows)])
        pieces.append((f"{flag}{share} {found} {party_words(category)} ({said});", style_of(category)))
    if not section.exposures:
        pieces.append((f"no exposure found {limit};", "bold"))
    pieces.append((f"{percent(lost)} unresolved{_unknown(section)}", UNRESOLVED_STYLE if lost else ""))
    return flow(Text("Answer", "bold"), pieces, indent=LABEL, gap=" ")


def window(section: Section) -> list[Text]:
    """The last days beside the whole history: what moved, and each category with share and money of these days."""
    last = section.window
    if last is None:
        return []
    one = section.subject
    label = Text(counted(last.days, "day"), "bold")
    if not last.transfers:
        return flow(label, [(f"to {day(last.until)}: nothing moved", "")], indent=LABEL)
    moved = f"to {day(last.until)}: {moved_word(section)} {coins(last.amount, one.decimals, one.symbol)} in "
    moved += f"{counted(last.transfers, 'transfer')}{_worths(last.usd, last.jpy)};"
    pieces: list[Piece] = [(moved, "")]
    seeds = [part for part in last.parts if part.kind]
    for part in sorted(seeds, key=lambda part: -part.amount):
        amount = coins(part.amount, one.decimals, one.symbol) + _worths(part.usd, part.jpy)
        flag = "up to " if section.rule == "poison" else ""
        said = f"{flag}{percent(part.share)} {category_words(part.category)} {part.kind}, {amount};"
        pieces.append((said, style_of(part.category)))
    if not seeds:
        pieces.append(("no exposure found in it;", ""))
    lost = sum(part.share for part in last.parts if part.category == "unresolved")
    pieces.append((f"{percent(lost)} unresolved", UNRESOLVED_STYLE if lost else ""))
    return flow(label, pieces, indent=LABEL, gap=" ")


def money_totals(report: Report) -> list[Text]:
    """Several assets added up in money, which is the only thing that adds up over them; of the first rule."""
    lines: list[Text] = []
    first = report.question.rules[0] if report.question.rules else ""
    for total in (one for one in report.money if one.rule == first):
        toward = "source" if total.direction == "source" else "destination"
        pieces: list[Piece] = [
            (f"{counted(total.sections, 'account')} ({toward}){_worths(total.usd, total.jpy) or ', none priced'};", "")
        ]
        if total.usd is not None and all(part.category == "unresolved" for part in total.parts):
            pieces.append(("no exposure found in it;", ""))
        for part in total.parts:
            share = "" if part.share is None else f"{percent(part.share)} "
            style = UNRESOLVED_STYLE if part.category == "unresolved" else style_of(part.category)
            pieces.append((f"{share}{category_words(part.category)}{_worths(part.usd, part.jpy)};", style))
        if total.unpriced:
            named = ", ".join(cut(asset, 40) for asset in total.unpriced[:MAX_NAMED])
            more = ", ..." if len(total.unpriced) > MAX_NAMED else ""
            pieces.append((f"without a price, and not in these sums: {named}{more}", UNRESOLVED_STYLE))
        pieces[-1] = (pieces[-1][0].removesuffix(";"), pieces[-1][1])
        lines += flow(Text("All assets", "bold"), pieces, indent=LABEL + 2, gap=" ")
    return lines


def _worths(usd: float | None, jpy: float | None) -> str:
    """``, $17,650, JPY 2.6M`` as far as known."""
    return "".join(f", {text}" for text in (dollars(usd), yen(jpy)) if text)


def _unknown(section: Section) -> str:
    """Amount and worth of all that is unresolved; nothing under poison, whose parts overlap."""
    lost, one = section.totals.unresolved, section.subject
    if not lost:
        return ""
    return f" ({coins(lost, one.decimals, one.symbol)}{_worths(*worth_of(section, section.unresolved))})"


def by_rule(sections: Sequence[Section]) -> list[Text]:
    """Categories against rules: each rule's share of the same subject, and what it leaves unresolved."""
    width = RULE_FIGURE
    heads = [(section.rule + (" *" if section.rule == "poison" else ""), -width, "bold") for section in sections]
    lines = [columns([("BY RULE", RULE_NAME, "bold"), *heads])]
    found = [category for category, _ in by_category(row for section in sections for row in section.exposures)]
    for category in found:
        cells = [(category_words(category), RULE_NAME, style_of(category))]
        for section in sections:
            rows = [row for row in section.exposures if row.category == category]
            share = category_share(section, category, rows) if rows else None
            cells.append((percent(share), -width, style_of(category)))
        lines.append(columns(cells))
    unresolved = [(percent(unresolved_share(section)), -width, UNRESOLVED_STYLE) for section in sections]
    lines.append(columns([("unresolved", RULE_NAME, UNRESOLVED_STYLE), *unresolved]))
    if any(section.rule == "poison" for section in sections):
        lines.append(Text("* upper figures that overlap: never add them up", "dim"))
    return lines


def paths_used(sections: Sequence[Section]) -> list[Text]:
    """Which paths each rule used, and the share that it carried along each; a dash: not among those that it lists."""
    found = paths_by_rule(sections)
    if not found:
        return []
    heads = [(section.rule + (" *" if section.rule == "poison" else ""), -RULE_FIGURE, "bold") for section in sections]
    room = PATH_NAME if width() >= WIDTH else SMALL_PATH_NAME
    lines = [columns([("PATH BY RULE", room, "bold"), *heads])]
    for path, shares in found[:MAX_BY_RULE]:
        style = style_of(path.category)
        name = cut(f"{path.entity or category_words(path.category)}, {hops(path.hops)}", room - 1)
        lines.append(columns([(name, room, style), *((percent(share), -RULE_FIGURE, style) for share in shares)]))
        through = [short(address) for address in way_of(path)]
        lines += flow(Text("  "), [(f"through {' -> '.join(through)}", "dim")], indent=2) if through else []
    if len(found) > MAX_BY_RULE:
        lines.append(Text(f"and {counted(len(found) - MAX_BY_RULE, 'more path')} (--format json)", "dim"))
    return lines


def paths_of(section: Section, most: int) -> list[Text]:
    """The largest paths, step by step with the day on which each step arrived."""
    some = section.paths[:most]
    found = "" if section.paths_found is None else f" of {max(section.paths_found, len(section.paths)):,}"
    lines = [columns([("PATHS", LABEL, "bold"), (f"largest {len(some)}{found}", 40, "")])]
    one = section.subject
    amounts = [coins(path.amount, one.decimals, one.symbol) for path in some]
    for path, amount in zip(some, amounts, strict=True):
        lines += flow(Text(amount), _path(section, path), indent=max(map(len, amounts)) + 2, gap=" ")
    return lines


def _path(section: Section, path: Path) -> list[Piece]:
    """``EXAMPLE bc1qseed... -> bc1qmid1... 2024-02-01 -> deposit 2024-03-18``."""
    one = section.subject
    entity = cut(path.entity or category_words(path.category), 40)
    first, last = path.steps[0], path.steps[-1]
    subject_name = {"deposit": "deposit", "transaction": "the transfer"}.get(one.kind) or short(one.address or "the customer")
    style = style_of(path.category)
    between = [(f"-> {short(step.receiver or 'burned')} {day(step.time)}", "") for step in path.steps[:-1]]
    if section.direction == "source":
        origin = f"{entity} {short(first.sender or 'newly minted')}"
        return [(origin, style), *between, (f"-> {subject_name} {day(last.time)}", "")]
    return [(subject_name, ""), *between, (f"-> {entity} {short(last.receiver or 'burned')} {day(last.time)}", style)]
