"""Whatever the rule, at least X and at most Y: the bracket over all conserving allocations, by maximum flow.

Every pot is a chain of nodes in time. Between two nodes at most the pot's balance is carried, along a transfer at most its
amount; what a category's seeds can push through that network to the subject is Y, and the subject's value less what
everything else can push through it is X. No choice of rule can change either.

A reported theft turns unlabelled units into its own and leaves the units of other seeds as they are, so where one lies
on the way the network has two layers, of unlabelled and of labelled units. (Each layer has the full capacity of an arc:
the bracket can only get wider by that.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from exposure.measure.account import categories
from exposure.model.labels import Labels
from exposure.model.ledger import Coin, Kind, Transfer, UtxoTx
from exposure.taint.reference.lots import Origin
from exposure.taint.reference.origins import active, owner_origin, seed_origin

if TYPE_CHECKING:
    import networkx as nx

Node = tuple[str, str, int]
SINK: Node = ("subject", "", 0)


class Arc(NamedTuple):
    """What may flow from one node to another; ``tail`` is an origin where value starts. ``theft``: the origin it turns into.

    ``ref``: the transfer or coin that it is; empty for what stays in a pot.
    """

    tail: Node | Origin
    head: Node
    capacity: int
    theft: Origin | None = None
    ref: str = ""


def bracket(
    arcs: Sequence[Arc], amount: int, category_of: Mapping[str, str], wanted: Iterable[str]
) -> dict[str, tuple[int, int]]:
    """At least and at most how much of the subject came from each category, over all allocations that conserve value.

    Parameters
    ----------
    arcs
        The network of a ledger or cone that ends in the subject: `account_arcs` or `utxo_arcs`.
    amount
        The subject's amount, base units.
    wanted
        Categories to compute; each takes two maximum flows.
    """
    result = {}
    for category in wanted:

        def belongs(origin: Origin, category: str = category) -> bool:
            return origin.kind == "seed" and category_of[origin.name] == category

        most = _flow(arcs, belongs, complement=False)
        rest = _flow(arcs, belongs, complement=True)
        result[category] = (max(0, amount - rest), min(amount, most))
    return result


def carrying(arcs: Sequence[Arc], category_of: Mapping[str, str], category: str) -> tuple[tuple[str, int], ...]:
    """The minimal cut: fewest units of transfers through which all that can have come from a category had to pass.

    Returns
    -------
    tuple of (ref, amount)
        Transfers or coins (empty: what lay in a pot), largest first. Their amounts sum to the largest flow. Of several
        minimal cuts it is the one nearest to the seeds.
    """
    import networkx as nx

    def belongs(origin: Origin) -> bool:
        return origin.kind == "seed" and category_of[origin.name] == category

    graph = _network(arcs, belongs, complement=False)
    if "source" not in graph or "sink" not in graph:
        return ()
    residual = nx.algorithms.flow.dinitz(graph, "source", "sink")
    near, waiting = {"source"}, ["source"]
    while waiting:  # what the seeds can still push more to: the same for every largest flow
        for head, edge in residual[waiting.pop()].items():
            if head not in near and edge["flow"] < edge["capacity"]:
                near.add(head)
                waiting.append(head)
    cut: dict[str, int] = defaultdict(int)
    for _tail, head, edge in graph.edges(near, data=True):
        if head not in near:
            for ref, amount in edge["refs"]:
                cut[ref] += amount
    return tuple(sorted(cut.items(), key=lambda item: (-item[1], item[0])))


def _flow(arcs: Sequence[Arc], belongs: Callable[[Origin], bool], *, complement: bool) -> int:
    """Largest flow to the subject from the origins of a category, or from all others."""
    import networkx as nx

    graph = _network(arcs, belongs, complement=complement)
    if "source" not in graph:
        return 0
    return int(nx.maximum_flow_value(graph, "source", "sink", flow_func=nx.algorithms.flow.dinitz))


def _network(arcs: Sequence[Arc], belongs: Callable[[Origin], bool], *, complement: bool) -> nx.DiGraph[object]:
    """The network from the origins of a category, or from all others, to the subject."""
    import networkx as nx

    graph: nx.DiGraph[object] = nx.DiGraph()
    thieves = any(arc.theft is not None and belongs(arc.theft) for arc in arcs)
    for number, arc in enumerate(arcs):
        converts = arc.theft is not None and belongs(arc.theft) != complement
        if isinstance(arc.tail, Origin):
            if arc.tail.kind == "seed":
                if belongs(arc.tail) != complement:
                    _add(graph, "source", ("labelled", arc.head), arc.capacity, arc.ref)
            elif arc.theft is not None:
                if converts:
                    _add(graph, "source", ("labelled", arc.head), arc.capacity, arc.ref)
            elif thieves:
                _add(graph, "source", ("unlabelled", arc.head), arc.capacity, arc.ref)
            elif complement:
                _add(graph, "source", ("labelled", arc.head), arc.capacity, arc.ref)
        elif arc.theft is None:
            _add(graph, ("labelled", arc.tail), ("labelled", arc.head), arc.capacity, arc.ref)
            if thieves:
                _add(graph, ("unlabelled", arc.tail), ("unlabelled", arc.head), arc.capacity, arc.ref)
        else:
            gate = "theft", number
            _add(graph, ("labelled", arc.tail), gate, arc.capacity, arc.ref)
            if converts:
                _add(graph, ("unlabelled", arc.tail), gate, arc.capacity, arc.ref)
            _add(graph, gate, ("labelled", arc.head), arc.capacity, arc.ref)
    _add(graph, ("labelled", SINK), "sink", None)
    if complement:
        _add(graph, ("unlabelled", SINK), "sink", None)
    return graph


def _add(graph: nx.DiGraph[object], tail: object, head: object, capacity: int | None, ref: str = "") -> None:
    if capacity is None:
        graph.add_edge(tail, head)
    elif graph.has_edge(tail, head):
        graph[tail][head]["capacity"] += capacity
        graph[tail][head]["refs"].append((ref, capacity))
    elif capacity:
        graph.add_edge(tail, head, capacity=capacity, refs=[(ref, capacity)])


class _Pots:
    """The nodes of pots as time goes on: a new one where an inflow, or an unknown one, follows outflows."""

    def __init__(self) -> None:
        self.arcs: list[Arc] = []
        self.balances: dict[tuple[str, str], int] = defaultdict(int)
        self._steps: dict[tuple[str, str], int] = defaultdict(int)
        self._drawn: set[tuple[str, str]] = set()

    def node(self, pot: tuple[str, str]) -> Node:
        return (*pot, self._steps[pot])

    def receiving(self, pot: tuple[str, str]) -> Node:
        """The node that an inflow enters."""
        if pot in self._drawn:
            before = self.node(pot)
            self._steps[pot] += 1
            self._drawn.discard(pot)
            if self.balances[pot]:
                self.arcs.append(Arc(before, self.node(pot), self.balances[pot]))
        return self.node(pot)

    def fill(self, pot: tuple[str, str], origin: Origin, amount: int) -> None:
        """Value of unknown origin enters a pot."""
        if amount > 0:
            self.arcs.append(Arc(origin, self.receiving(pot), amount))
            self.balances[pot] += amount

    def spend(self, pot: tuple[str, str], amount: int) -> None:
        self.balances[pot] -= amount
        self._drawn.add(pot)


def account_arcs(
    transfers: Sequence[Transfer],
    labels: Labels,
    subject: str,
    *,
    openings: Mapping[tuple[str, str], int] | None = None,
    given: Mapping[str, Origin] | None = None,
) -> list[Arc]:
    """The network of a ledger of an account chain that ends in the transfer named ``subject``.

    Outflows of one transaction from one pot, with no inflow to it between them, count as simultaneous; what they lack
    enters before them.
    """
    pots, given = _Pots(), given or {}
    for (address, asset), balance in (openings or {}).items():
        owner = labels.owner(address)
        pots.fill((owner, asset), Origin("unresolved", f"opening:{owner}"), balance)
    for _, together in groupby(transfers, key=lambda transfer: transfer.tx):
        batch = [(t, *_ends(t, labels)) for t in together if not t.failed and t.amount]
        batch = [(t, sender, receiver) for t, sender, receiver in batch if sender != receiver]
        served: set[int] = set()
        for place, (transfer, sender, receiver) in enumerate(batch):
            tail: Node | Origin | None = _tail(transfer, sender, labels, given)
            if tail is None:
                assert sender is not None
                pot = sender, transfer.asset
                if place not in served:
                    run = list(_simultaneous(batch, place, labels, given))
                    served.update(run)
                    lacking = sum(batch[i][0].amount for i in run) - pots.balances[pot]
                    pots.fill(pot, Origin("unresolved", f"shortfall:{sender}"), lacking)
                pots.spend(pot, transfer.amount)
                tail = pots.node(pot)
            head = _head(transfer, receiver, labels, subject, pots)
            if head is not None:
                pots.arcs.append(
                    Arc(
                        tail,
                        head,
                        transfer.amount,
                        _theft(labels, transfer) if transfer.ref not in given else None,
                        transfer.ref,
                    )
                )
        if any(transfer.ref == subject for transfer, _, _ in batch):
            break
    return pots.arcs


def _ends(transfer: Transfer, labels: Labels) -> tuple[str | None, str | None]:
    sender = None if transfer.sender is None else labels.owner(transfer.sender)
    return sender, None if transfer.receiver is None else labels.owner(transfer.receiver)


def _tail(transfer: Transfer, sender: str | None, labels: Labels, given: Mapping[str, Origin]) -> Origin | None:
    """The origin a transfer starts from; None where a pot is drawn."""
    if transfer.ref in given:
        return given[transfer.ref]
    origin = None if sender is None else owner_origin(labels, sender, transfer.time)
    if origin is None or origin.kind != "seed":
        listed = active(labels.asset_seeds.get(transfer.asset), labels, transfer.time)
        if listed is not None:
            return seed_origin(listed, transfer.time)
    return Origin("mint", "") if sender is None else origin


def _head(transfer: Transfer, receiver: str | None, labels: Labels, subject: str, pots: _Pots) -> Node | None:
    """Where a transfer leads: the subject, a pot, or out of the picture."""
    if transfer.ref == subject:
        return SINK
    if receiver is None or owner_origin(labels, receiver, transfer.time) is not None:
        return None
    pot = receiver, transfer.asset
    head = pots.receiving(pot)
    pots.balances[pot] += transfer.amount
    return head


def _theft(labels: Labels, transfer: Transfer) -> Origin | None:
    seed = None if transfer.kind is Kind.FEE else active(labels.tx_seeds.get(transfer.tx), labels, transfer.time)
    return None if seed is None else seed_origin(seed, transfer.time)


def _simultaneous(
    batch: Sequence[tuple[Transfer, str | None, str | None]], first: int, labels: Labels, given: Mapping[str, Origin]
) -> Iterator[int]:
    """Outflows of a transaction from one pot that tiho serves together: up to the next inflow; a fee stands alone."""
    start, owner, _ = batch[first]
    yield first
    for place in range(first + 1, len(batch)):
        transfer, sender, receiver = batch[place]
        if start.kind is Kind.FEE or transfer.asset != start.asset:
            continue
        if receiver == owner or (sender == owner and transfer.kind is Kind.FEE):
            return
        if sender == owner and _tail(transfer, sender, labels, given) is None:
            yield place


def utxo_arcs(
    txs: Sequence[UtxoTx], labels: Labels, subject: str, *, given: Mapping[str, Origin] | None = None, taint_fee: bool = False
) -> list[Arc]:
    """The network of a ledger of a UTXO chain that ends in the coin named ``subject`` (``tx:n``)."""
    given = given or {}
    arcs: list[Arc] = []
    made: dict[Coin, tuple[Node, Origin | None]] = {}
    fees: dict[int, list[tuple[Node, int]]] = defaultdict(list)
    for tx in txs:
        node: Node = ("tx", tx.tx, 0)
        paid = sum(output.amount for output in tx.outputs)
        known = 0
        for spend in tx.inputs:
            if not spend.amount:
                continue
            known += spend.amount
            owner = None if spend.address is None else labels.owner(spend.address)
            origin = None if owner is None else owner_origin(labels, owner, tx.time)
            if origin is not None:
                arcs.append(Arc(origin, node, spend.amount, ref=str(spend.coin)))
            elif spend.coin in made:
                maker, theft = made[spend.coin]
                arcs.append(Arc(maker, node, spend.amount, theft, str(spend.coin)))
            else:
                unknown = Origin("unresolved", f"incomplete:{spend.coin.tx}")
                arcs.append(Arc(given.get(str(spend.coin), unknown), node, spend.amount, ref=str(spend.coin)))
        if tx.coinbase:
            for payer, fee in fees.pop(tx.place.block, []) if taint_fee else []:
                arcs.append(Arc(payer, node, fee))
                known += fee
        if known < paid:
            lacking = Origin("mint", tx.pool) if tx.coinbase else Origin("unresolved", f"incomplete:{tx.tx}")
            arcs.append(Arc(lacking, node, paid - known))
        elif not tx.coinbase:
            fees[tx.place.block].append((node, known - paid))
        owners = {labels.owner(spend.address) for spend in tx.inputs if spend.address is not None}
        for n, output in enumerate(tx.outputs):
            coin = Coin(tx.tx, n)
            own = labels.owner(output.address) in owners
            seeds = (labels.coin_seeds.get(coin), None if own else labels.tx_seeds.get(tx.tx))
            thefts = [seed_origin(seed, tx.time) for seed in seeds if seed is not None and active(seed, labels, tx.time)]
            theft = thefts[0] if thefts else None
            made[coin] = (node, theft)
            if str(coin) == subject:
                arcs.append(Arc(node, SINK, output.amount, theft, subject))
                return arcs
    return arcs


def bracket_of(arcs: Sequence[Arc], amount: int, labels: Labels, wanted: Iterable[str]) -> dict[str, tuple[int, int]]:
    """`bracket` with the categories of a label snapshot."""
    return bracket(arcs, amount, categories(labels), wanted)
