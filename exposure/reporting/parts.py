"""The blocks of the screen around the table: subject, answer, rules side by side, paths."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from rich.text import Text

from exposure.model.results import Path, Section
from exposure.reporting.categories import by_category, category_share, category_split, style_of, unresolved_share
from exposure.reporting.layout import Piece, columns, flow
from exposure.reporting.words import (
    UNRESOLVED_STYLE,
    category_words,
    coins,
    cut,
    dollars,
    moved_word,
    party_words,
    percent,
    regimes_now,
    short,
    short_hash,
    yen,
)
from exposure.units import clock, day

LABEL = 10
RULE_NAME, RULE_FIGURE = 20, 12
MAX_PATHS = 3


def subject(section: Section, zone: tzinfo) -> list[Text]:
    """What the section is about: hash, address, amount, worth, time."""
    one = section.subject
    worth = [coins(one.amount, one.decimals, one.symbol), dollars(one.usd), yen(one.jpy)]
    time = clock(one.time, zone) if one.time is not None else ""
    if one.kind == "address":
        moved = moved_word(section)
        count = f"in {one.transfers:,} transfer{'' if one.transfers == 1 else 's'}"
        texts = [f"{short(one.address or '', 64)} on {cut(one.chain, 20)}", f"{moved} {worth[0]} {count}", *worth[1:]]
        head = "Address"
    else:
        place = short_hash(one.tx or one.ref or "") + (f":{one.n}" if one.n is not None else "")
        receiver = f" to {short(one.address)}" if one.address else ""
        outputs = f", {one.transfers:,} transfers" if one.transfers > 1 else ""
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
    limit = "without hop limit" if max_hops is None else f"within {max_hops} hops"
    found = "from" if section.direction == "source" else "to"
    for category, rows in by_category(section.exposures):
        kinds = " and ".join(sorted({row.kind for row in rows}))
        share = percent(category_share(section, category, rows))
        flag = "up to " if section.rule == "poison" else ""
        said = "; ".join([kinds, *category_split(section, rows)])
        pieces.append((f"{flag}{share} {found} {party_words(category)} ({said});", style_of(category)))
    if not section.exposures:
        pieces.append((f"no exposure found {limit};", "bold"))
    pieces.append((f"{percent(lost)} unresolved", UNRESOLVED_STYLE if lost else ""))
    return flow(Text("Answer", "bold"), pieces, indent=LABEL, gap=" ")


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


def paths(section: Section) -> list[Text]:
    """The largest paths, step by step with the day on which each step arrived."""
    some = section.paths[:MAX_PATHS]
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
    subject_name = {"deposit": "deposit", "transaction": "the transfer"}.get(one.kind) or short(one.address or "")
    style = style_of(path.category)
    between = [(f"-> {short(step.receiver or 'burned')} {day(step.time)}", "") for step in path.steps[:-1]]
    if section.direction == "source":
        origin = f"{entity} {short(first.sender or 'newly minted')}"
        return [(origin, style), *between, (f"-> {subject_name} {day(last.time)}", "")]
    return [(subject_name, ""), *between, (f"-> {entity} {short(last.receiver or 'burned')} {day(last.time)}", style)]
