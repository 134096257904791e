"""Parties that belong to listed ones: shares in sum, through tiers, with dates, by the rule of each regime.

A regime's rule is applied again and again from its listed parties downward until nothing is added: whoever is owned by rule
counts as an owner itself, with all that it holds. Cycles of holdings therefore add nothing by themselves.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING

from exposure.model.holdings import Holding, PartyDesignation, Tie
from exposure.model.tags import DAY, MAX_TEXT
from exposure.text import shown
from exposure.units import day

if TYPE_CHECKING:  # a heavy import, made where a graph is built
    import networkx as nx

_ALWAYS = -(2**62)


@dataclass(frozen=True, slots=True)
class Rule:
    """When a regime takes a party for a listed one's: a share in percent, reached or passed; in sum or of one; or control."""

    percent: int = 50
    reached: bool = True
    in_sum: bool = True
    control: bool = True

    @property
    def words(self) -> str:
        """The rule in one line."""
        share = f"{self.percent} % or more" if self.reached else f"more than {self.percent} %"
        how = "of listed parties in sum" if self.in_sum else "of one listed party"
        return (
            f"{share} {how}, directly or through parties that are themselves owned so{', or control' if self.control else ''}"
        )

    def holds(self, shares: Iterable[Fraction], *, controlled: bool) -> bool:
        """Whether shares of listed owners are enough."""
        found = list(shares)
        most = sum(found, Fraction()) if self.in_sum else max(found, default=Fraction())
        enough = most >= self.percent if self.reached else most > self.percent
        return enough or (self.control and controlled)


DEFAULT_RULE = Rule()
RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "US": Rule(control=False),
        "EU": Rule(reached=False),
        "UK": Rule(reached=False, in_sum=False),
    }
)
"""By regime; every other one: `DEFAULT_RULE`."""


def rule_of(regime: str) -> Rule:
    """The rule of a regime."""
    return RULES.get(regime, DEFAULT_RULE)


@dataclass(frozen=True, slots=True)
class Linked:
    """One unbroken time in which a party belonged to listed ones under a regime.

    ``since`` None: as long as is known; ``until``: the day on which it ended. ``chain``: the holdings behind it, from the
    listed parties down. ``reason``: the same in words, with the rule.
    """

    regime: str
    since: int | None
    until: int | None
    chain: tuple[Holding, ...]
    reason: str
    programme: str = ""


_POINTS = re.compile(r"[.,;'\"`\u2018\u2019\u201c\u201d\u00ab\u00bb]")
_PREFIXES: Mapping[str, str] = MappingProxyType(
    {"US": "ofac", "EU": "eu-fsf", "UK": "gb-fcdo", "UN": "unsc", "JP": "ja-mof", "UA": "ua-nsdc"}
)
"""What OpenSanctions puts before a list's own id of a party, by regime."""


def key(name: str) -> str:
    """A name as it is compared: without case, width of letters, punctuation and extra spaces. Legal forms stay: a Ltd. and an
    LLC of one name are two firms."""
    return " ".join(_POINTS.sub("", unicodedata.normalize("NFKC", name)).casefold().split())


def ids_of(reference: str, regime: str = "", actor: str = "") -> list[str]:
    """Ids under which a list's party may stand among holdings: its own, an actor's, and OpenSanctions' form of the first."""
    found = [text for text in (reference, actor) if text]
    if reference and regime in _PREFIXES:
        found.append(f"{_PREFIXES[regime]}-{re.sub(r'[^a-z0-9]+', '-', reference.lower()).strip('-')}")
    return found


@dataclass(frozen=True)
class Owners:
    """Parties and holdings as a graph. Nodes are ids; a party known by name only has its compared name as id, unless exactly
    one party with an id has that name. ``aliases``: other ids of parties. ``ambiguous``: names of listed parties that several
    parties have, so that nobody was taken for them."""

    graph: nx.MultiDiGraph[str]
    names: Mapping[str, str]
    by_name: Mapping[str, tuple[str, ...]]
    designations: Mapping[str, tuple[PartyDesignation, ...]]
    aliases: Mapping[str, str] = field(default_factory=dict)
    ambiguous: tuple[str, ...] = ()
    _known: dict[str, tuple[Linked, ...]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, holdings: Iterable[Holding], designated: Iterable[PartyDesignation], aliases: Iterable[tuple[str, str]] = ()
    ) -> Owners:
        """The graph of some holdings; who is designated, by whatever id or name a list has for him.

        ``aliases``: (party, another id of it).
        """
        import networkx as nx

        holdings = list(holdings)
        names: dict[str, str] = {}
        for holding in holdings:
            names.setdefault(holding.owner, holding.owner_name)
            names.setdefault(holding.owned, holding.owned_name)
        with_id: dict[str, list[str]] = defaultdict(list)
        for party, name in names.items():
            if party != name:
                with_id[key(name)].append(party)

        def node(party: str, name: str) -> str:
            return party if party != name else with_id[key(name)][0] if len(with_id.get(key(name), ())) == 1 else key(name)

        graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        shown_as: dict[str, str] = {}
        for holding in dict.fromkeys(holdings):
            owner, owned = node(holding.owner, holding.owner_name), node(holding.owned, holding.owned_name)
            shown_as.setdefault(owner, holding.owner_name)
            shown_as.setdefault(owned, holding.owned_name)
            graph.add_edge(owner, owned, holding=holding)
        by_name: dict[str, list[str]] = defaultdict(list)
        for party, name in shown_as.items():
            by_name[key(name)].append(party)
        known = cls(
            graph,
            shown_as,
            {name: tuple(those) for name, those in by_name.items()},
            {},
            {alias: party for party, alias in aliases if party in graph},
        )
        by_party: dict[str, dict[PartyDesignation, None]] = defaultdict(dict)
        doubtful: dict[str, None] = {}
        for one in designated:
            parties = known.parties(ids_of(one.party, one.regime), one.name)
            if len(parties) == 1:
                by_party[parties[0]][one] = None
            elif parties:
                doubtful[one.name] = None
        return replace(
            known, designations={party: tuple(those) for party, those in by_party.items()}, ambiguous=tuple(doubtful)
        )

    def find(self, *texts: str) -> list[str]:
        """Parties of an id or name."""
        return self.parties(texts, "") or list(dict.fromkeys(one for text in texts for one in self.by_name.get(key(text), ())))

    def parties(self, ids: Iterable[str], name: str) -> list[str]:
        """The party of the first of some ids that is known; else all of a name: of several nobody can tell which is meant."""
        for text in ids:
            if text in self.graph:
                return [text]
            if text in self.aliases:
                return [self.aliases[text]]
        return list(self.by_name.get(key(name), ())) if name else []

    def linked(self, party: str) -> tuple[Linked, ...]:
        """The times in which a party belonged to listed ones, by regime; none where the regime lists the party itself."""
        if party not in self._known:
            import networkx as nx

            above = nx.ancestors(self.graph, party)
            regimes = sorted({one.regime for owner in above for one in self.designations.get(owner, ())})
            own = {one.regime for one in self.designations.get(party, ())}
            found = [one for regime in regimes if regime not in own for one in self._times(party, regime, above | {party})]
            self._known[party] = tuple(found)
        return self._known[party]

    def _times(self, party: str, regime: str, parties: set[str]) -> Iterator[Linked]:
        holdings = [data["holding"] for _, _, data in self.graph.subgraph(parties).edges(data=True)]
        listed = [one for owner in parties for one in self.designations.get(owner, ()) if one.regime == regime]
        moments = {_ALWAYS, *(one.listed_on for one in listed), *(one.delisted_on for one in listed)}
        moments |= {holding.since for holding in holdings}
        moments |= {None if holding.until is None else holding.until + DAY for holding in holdings}
        begun: Linked | None = None
        for moment in sorted(one for one in moments if one is not None):
            order = self._owned(regime, parties, moment)
            if party in order and begun is None:
                begun = self._begun(party, regime, order, moment)
            elif party not in order and begun is not None:
                yield replace(begun, until=moment)
                begun = None
        if begun is not None:
            yield begun

    def _begun(self, party: str, regime: str, order: Mapping[str, int], moment: int) -> Linked:
        """How a party came to belong to listed ones: only owners found in an earlier round count, so the chain has no cycle."""
        chain: dict[Holding, None] = {}
        tops: set[str] = set()
        waiting, done = [party], set()
        while waiting:
            here = waiting.pop()
            if here in done:
                continue
            done.add(here)
            if not order[here]:
                tops.add(here)
                continue
            for owner, share, control, now in self._stakes(here, self._earlier(here, order), moment):
                if share or control:
                    chain[max(now, key=lambda one: (Fraction(one.share or 0), one.tie is Tie.CONTROL))] = None
                    waiting.append(owner)
        total = sum((share for _, share, _, _ in self._stakes(party, self._earlier(party, order), moment)), Fraction())
        rule = rule_of(regime)
        listed = ", ".join(shown(self.names[top], 80) for top in sorted(tops))
        steps = "; ".join(_step(holding) for holding in reversed(chain))
        exact = ", exactly the limit" if total == rule.percent else ""
        reason = f"listed by {regime}: {listed}. {steps}. Directly {_percent(total)} in sum{exact}. Rule: {rule.words}"
        given = [one for top in sorted(tops) for one in self.designations[top] if one.regime == regime and one.programme]
        programmes = "; ".join(dict.fromkeys(one.programme for one in given))
        since = None if moment == _ALWAYS else moment
        return Linked(regime, since, None, tuple(reversed(chain)), reason[:MAX_TEXT], programmes)

    def _earlier(self, party: str, order: Mapping[str, int]) -> set[str]:
        return {one for one in self.graph.predecessors(party) if one in order and order[one] < order[party]}

    def _stakes(self, party: str, owners: Iterable[str], moment: int) -> Iterator[tuple[str, Fraction, bool, list[Holding]]]:
        """(owner, share, control, holdings) of owners with a stake at a time. Repeated statements of one stake are no sum."""
        for owner in sorted(owners):
            edges = self.graph.get_edge_data(owner, party) or {}
            now = [
                holding
                for holding in (data["holding"] for data in edges.values())
                if (holding.since is None or holding.since <= moment)
                and (holding.until is None or moment < holding.until + DAY)
                and holding.tie is not Tie.DIRECTORSHIP
            ]
            if now:
                shares = [Fraction(one.share) for one in now if one.share and one.tie is Tie.OWNERSHIP]
                yield owner, max(shares, default=Fraction()), any(one.tie is Tie.CONTROL for one in now), now

    def _owned(self, regime: str, parties: set[str], moment: int) -> dict[str, int]:
        """Listed parties (0) and those that belong to them, with the round in which they were found."""
        order = {
            party: 0
            for party in parties
            for one in self.designations.get(party, ())
            if one.regime == regime
            and (one.listed_on is None or one.listed_on <= moment)
            and (one.delisted_on is None or moment < one.delisted_on)
        }
        rule, number = rule_of(regime), 0
        waiting = set(order)
        while waiting:
            number += 1
            below = {owned for owner in waiting for owned in self.graph.successors(owner)} & parties - order.keys()
            waiting = set()
            for party in below:
                stakes = list(self._stakes(party, set(self.graph.predecessors(party)) & order.keys(), moment))
                if rule.holds((share for _, share, _, _ in stakes), controlled=any(control for _, _, control, _ in stakes)):
                    waiting.add(party)
            order |= dict.fromkeys(waiting, number)
        return order


def _percent(share: Fraction) -> str:
    return f"{float(share):.6g} %"


def _step(holding: Holding) -> str:
    share = _percent(Fraction(holding.share or 0))
    what = "controls" if holding.tie is Tie.CONTROL else f"holds {share} of"
    times = [f"from {day(holding.since)}"] if holding.since is not None else []
    times += [f"to {day(holding.until)}"] if holding.until is not None else []
    when = f" ({' '.join(times)})" if times else ""
    return f"{shown(holding.owner_name, 80)} {what} {shown(holding.owned_name, 80)}{when}"
