"""Tables of how the value moved: paths, which of them each rule used, the transfers that carry the case, the largest ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from exposure.model.results import Flow, Section
from exposure.reporting.page.cells import Cell, Table, address, code, moment, number, table, text, transaction, word
from exposure.reporting.page.phrases import Phrases
from exposure.reporting.side_by_side import paths_by_rule, way_of
from exposure.reporting.words import coins, percent, short
from exposure.text import shown

MAX_STEPS = 40
MAX_BY_RULE = 30
MAX_CUT = 60


def paths(section: Section, say: Phrases, zone: tzinfo, most: int) -> list[Table]:
    """One table a path, its steps in the order of time."""
    one = section.subject
    some = section.paths[:most]
    every = max(section.paths_found or 0, len(section.paths))
    found = say("paths_some", n=len(some)) if section.paths_found is None else say("paths_found", n=len(some), all=every)
    head = [say(key) for key in ("step", "time", "sender", "receiver", "tx", "moved", "carried")]
    made = []
    for place, path in enumerate(some, 1):
        rows = [
            (
                number(str(step.hop)),
                moment(step.time, zone),
                address(step.sender, one.chain, say("minted")),
                address(step.receiver, one.chain, say("burned")),
                transaction(step.tx, one.chain),
                number(coins(step.amount, one.decimals, one.symbol)),
                number(coins(step.carried, one.decimals, one.symbol)),
            )
            for step in path.steps
        ]
        who = shown(path.entity or path.seed, 80)
        size = f"{percent(path.share)}{say('bracketed', what=coins(path.amount, one.decimals, one.symbol))}"
        title = say("path_title", n=place, category=say.category(path.category), who=who, size=size)
        made.append(table(title, head, rows, most=MAX_STEPS, note=found if place == 1 else ""))
    return made


def by_rule(sections: Sequence[Section], say: Phrases) -> Table:
    """Which paths each rule used, and what of the subject it carried along each; a dash: not along this one."""
    if len(sections) < 2:
        return table(say("paths_by_rule"), [""], [], most=0)
    found = paths_by_rule(sections)
    rows = []
    for path, shares in found:
        who = shown(path.entity or path.seed, 60)
        through = say("arrow").join(short(end) for end in way_of(path))
        rows.append(
            (
                text(f"{say.category(path.category)} {who}"),
                text(through or say("direct")),
                number(say.hops(path.hops)),
                *(number(percent(share)) for share in shares),
            )
        )
    head = [say("entity"), say("through"), say("hops"), *(say.rule(section.rule) for section in sections)]
    return table(say("paths_by_rule"), head, rows, most=MAX_BY_RULE, note=say("paths_by_rule_note"))


def carrying(section: Section, say: Phrases, zone: tzinfo) -> Table:
    """The minimal cut of each category's bracket: transfers through which all that can be the category's had to pass."""
    one = section.subject
    flow = {row.ref: row for row in section.flow}
    rows = [
        (
            word(say.category(bound.category)),
            *_cut(part.ref, flow.get(part.ref), section, say, zone),
            number(coins(part.amount, one.decimals, one.symbol)),
        )
        for bound in section.bounds
        for part in bound.cut
    ]
    head = [say(key) for key in ("category", "tx", "time", "sender", "receiver", "amount")]
    return table(say("carrying"), head, rows, most=MAX_CUT, note=say("carrying_note"))


def _cut(ref: str, row: Flow | None, section: Section, say: Phrases, zone: tzinfo) -> tuple[Cell, ...]:
    """A transfer of the cut; of one beyond the traced flow, whose ends are not known here, its name alone."""
    if not ref:
        return word(say.category("held")), text(""), text(""), text("")
    chain = section.subject.chain
    if row is None:
        return code(ref), text(""), text(""), text("")
    ends = address(row.sender, chain, say("minted")), address(row.receiver, chain, say("burned"))
    return transaction(row.tx, chain), moment(row.time, zone), *ends


def transfers(section: Section, say: Phrases, zone: tzinfo, most: int) -> Table:
    """The largest transfers of the traced flow, with what they carry."""
    one = section.subject
    largest = sorted(section.flow, key=lambda row: (-row.amount, row.ref))[:most]
    rows = [
        (
            moment(row.time, zone),
            address(row.sender, one.chain, say("minted")),
            address(row.receiver, one.chain, say("burned")),
            transaction(row.tx, one.chain),
            number(coins(row.amount, one.decimals, one.symbol)),
            text(
                say("comma").join(
                    f"{say.category(key)} {percent(min(part / row.amount, 1.0))}" for key, part in row.carried.items()
                )
            ),
        )
        for row in largest
        if row.amount
    ]
    head = [say(key) for key in ("time", "sender", "receiver", "tx", "amount", "carries")]
    note = say("transfers_note", n=len(rows), all=len(section.flow))
    return table(say("transfers"), head, rows, most=most, note=note)
