"""What ``exposure tags cluster`` prints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from exposure.attribution.clusters import WORDS, Link
from exposure.cli.columns import wrapped
from exposure.errors import InputError
from exposure.text import shown
from exposure.workflows.cluster_of import MEMBERS_SHOWN, ClusterOf

MEMBERS, STEPS = 20, 12


def as_table(found: Sequence[ClusterOf]) -> str:
    """Size, tags and their ways, the address's own links, members, refused merges."""
    return "\n\n".join("\n".join(_lines(one)) for one in found)


def _lines(one: ClusterOf) -> list[str]:
    lines = wrapped(f"{shown(one.address, 200)}   {one.chain}   clusters: {one.method}", hanging=2)
    lines += _owner(one)
    own = [link for link in one.links if not any(link in tag.way for tag in one.tagged)]
    if own:
        lines += ["", "LINKS of the address itself", *_links(own)]
    if one.size > 1:
        lines += ["", "MEMBERS", *(f"  {shown(member, 100)}" for member in one.members[:MEMBERS])]
        if one.size > MEMBERS:
            lines.append(f"  and {one.size - MEMBERS:,} more; `--format json` has up to 1,000")
    if one.refused:
        lines += ["", "REFUSED"]
        for link in one.refused[:STEPS]:
            lines += wrapped(f"{_link(link)}: {link.reason}", indent=2, hanging=4)
    if one.refusals:
        lines += ["", *wrapped(f"On this chain {one.refusals:,} merges were refused in all.")]
    return lines


def inherited(one: ClusterOf) -> list[str]:
    """A cluster as `tags explain` has it: which one, what its address is through it, and the links that made it so."""
    lines = ["", *wrapped(f"CLUSTER on {one.chain} ({one.method}; its first address: {shown(one.cluster, 100)})"), *_owner(one)]
    if not one.tagged:
        lines += wrapped("none of its addresses is tagged")
        lines += _links(one.links)
    return lines


def _owner(one: ClusterOf) -> list[str]:
    """Size, what the address is through its cluster, and the way to each tagged member."""
    lines: list[str] = []
    if one.size == 1:
        lines += wrapped("shares an owner with no other address, as far as these heuristics tell")
    else:
        lines += wrapped(f"cluster of {one.size:,} addresses")
    if one.role:
        said = f"{one.category}  {shown(one.entity, 60)}   ({one.role.replace('_', ' ')}; confidence {one.confidence})"
        lines += wrapped(said, hanging=2)
    if one.role and all(tag.address != one.address for tag in one.tagged):
        left = f"inherited: {one.percent} % of the tag's confidence is left, by the weakest link of the cluster"
        lines += wrapped(left, indent=2)
    for tag in one.tagged:
        name = shown(tag.entity or "no entity", 60)
        lines += ["", *wrapped(f"TAG  {shown(tag.address, 100)}: {tag.category}, {name}, confidence {tag.confidence}")]
        if tag.address in one.apart:
            lines += wrapped(
                "in a run it stays by itself: less than 50 of its confidence would go over to the others", indent=2
            )
        if tag.reason:
            lines += wrapped(shown(tag.reason, 600), indent=2)
        lines += _links(tag.way)
    return lines


def _links(links: Sequence[Link]) -> list[str]:
    lines: list[str] = []
    for link in links[:STEPS]:
        lines += wrapped(_link(link), indent=2, hanging=4)
    if len(links) > STEPS:
        lines.append(f"  and {len(links) - STEPS:,} more steps; `--format json` has all")
    return lines


def _link(link: Link) -> str:
    return f"{shown(link.one, 100)} - {shown(link.other, 100)}: {WORDS[link.heuristic]} {shown(link.tx or 'unknown', 100)}"


def as_addresses(found: Sequence[ClusterOf]) -> str:
    """The addresses alone, one a line, each once.

    Raises
    ------
    InputError
        If a cluster has more than are kept at hand: half of one would be taken for the whole.
    """
    for one in found:
        if one.size > len(one.members):
            raise InputError(
                f"the cluster on {one.chain} has {one.size:,} addresses; up to {MEMBERS_SHOWN:,} can be taken as one subject"
            )
    return "\n".join(dict.fromkeys(member for one in found for member in one.members))


def as_json(found: Sequence[ClusterOf]) -> str:
    """The same as JSON, with nothing shortened."""
    return json.dumps([asdict(one) for one in found], indent=2, ensure_ascii=True)
