"""Clusters: who is merged, who is not, and what the guard refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_joint_forms import FORMS, NOW

from exposure.attribution.clusters import METHODS, Clusters, Heuristic, Link, Method
from exposure.attribution.clusters.coins import COLUMNS, merge, scripts
from exposure.attribution.clusters.deposits import Ledger, deposit_addresses
from exposure.model.joint import Form

OLD = 1_400_000_000


def ledger(txs, time=OLD):
    """Columns of transactions, each (inputs, outputs) of (address, amount); no inputs: a coinbase."""
    rows = []
    for number, (inputs, outputs) in enumerate(txs):
        bits = 0 if inputs else 2
        rows += [(number, bits, address, amount, time) for address, amount in inputs]
        rows += [(number, bits + 1, address, amount, time) for address, amount in outputs]
    kinds = ("i4", "u1", "i4", "i8", "i8")
    return {name: np.array([row[n] for row in rows], kinds[n]) for n, name in enumerate(COLUMNS)}


def together(txs, count, heuristics=METHODS[Method.EVIDENCE], entity=None, script=None, time=OLD, large=10_000):
    found = merge(
        ledger(txs, time),
        np.full(count, -1, np.int32) if entity is None else np.array(entity, np.int32),
        np.zeros(count, np.int8) if script is None else np.array(script, np.int8),
        heuristics,
        large=large,
    )
    groups: dict[int, set[int]] = {}
    for address, top in enumerate(found.parent.tolist()):
        groups.setdefault(top, set()).add(address)
    return {frozenset(group) for group in groups.values() if len(group) > 1}, found


def test_who_signs_together_is_one_and_each_merge_says_where():
    groups, found = together([([(0, 5), (1, 6)], [(4, 10)]), ([(1, 5), (2, 6)], [(5, 3), (6, 8)])], 7)
    assert groups == {frozenset({0, 1, 2})}
    assert found.links.tolist() == [[0, 1, 0, 0], [1, 2, 0, 1]]


@given(st.lists(st.tuples(st.lists(st.integers(0, 11), min_size=1, max_size=4), st.integers(12, 15)), max_size=20))
def test_clusters_are_the_connected_components_of_signing_together(txs):
    import networkx as nx

    graph = nx.Graph([(inputs[0], other) for inputs, _ in txs for other in inputs[1:]])
    groups, found = together([([(a, 5) for a in inputs], [(to, 4)]) for inputs, to in txs], 16)
    assert groups == {frozenset(part) for part in nx.connected_components(graph) if len(part) > 1}
    assert len(found.links) == sum(len(group) - 1 for group in groups)


@pytest.mark.parametrize("wanted", [one for one in FORMS if one is not Form.PAYJOIN], ids=lambda one: one.name)
@pytest.mark.parametrize("method", [Method.EVIDENCE, Method.EXPLORATION])
def test_coinjoins_never_merge(wanted, method):
    inputs, outputs = FORMS[wanted]
    count = len(inputs) + len(outputs)
    tx = (
        [(n, amount) for n, (_, amount) in enumerate(inputs)],
        [(len(inputs) + n, amount) for n, (_, amount) in enumerate(outputs)],
    )
    before = [([], [(n, amount)]) for n, amount in tx[0]]
    groups, _ = together([*before, tx], count, METHODS[method], time=NOW)
    assert groups == set()


def test_a_possible_payjoin_links_for_exploration_only():
    tx = ([(0, 900_000), (1, 5_000_000)], [(2, 1_000_000), (3, 4_899_000)])
    assert together([tx], 4, time=NOW)[0] == set()
    _, found = together([tx], 4, METHODS[Method.EXPLORATION], time=NOW)
    assert [0, 1, 1, 0] in found.links.tolist()


def test_two_named_entities_are_never_merged_and_the_refusal_is_reported():
    txs = [([(0, 5), (1, 5)], [(4, 9)]), ([(2, 5), (3, 5)], [(4, 9)]), ([(1, 5), (2, 5)], [(4, 9)])]
    groups, found = together(txs, 5, entity=[7, -1, -1, 8, -1])
    assert groups == {frozenset({0, 1}), frozenset({2, 3})}
    assert found.refusals == 1
    assert found.refused.tolist() == [[1, 2, 0, 2, 1]]
    assert together(txs, 5, entity=[7, -1, -1, 7, -1])[0] == {frozenset({0, 1, 2, 3})}


def test_two_large_clusters_are_not_merged():
    txs = [([(n, 5) for n in range(4)], [(8, 9)]), ([(n, 5) for n in range(4, 8)], [(8, 9)]), ([(0, 5), (5, 5)], [(8, 9)])]
    assert len(together(txs, 9, large=3)[0]) == 2
    assert len(together(txs, 9, large=4)[0]) == 1


CHANGE = {
    Heuristic.CHANGE_SCRIPT: ([(0, 900_000)], [(2, 300_123), (1, 500_123)], [0, 0, 3]),
    Heuristic.CHANGE_ROUND: ([(0, 900_000)], [(2, 300_000), (1, 500_123)], [0, 3, 3]),
    Heuristic.CHANGE_OPTIMAL: ([(0, 900_000), (0, 700_000)], [(2, 1_300_123), (1, 200_123)], [0, 3, 3]),
}


@pytest.mark.parametrize("heuristic", CHANGE)
def test_change_needs_a_fresh_address_and_its_own_sign(heuristic):
    inputs, outputs, script = CHANGE[heuristic]
    earlier = ([], [(0, 1_600_000), (2, 1)])
    groups, found = together([earlier, (inputs, outputs)], 3, (heuristic,), script=script)
    assert groups == {frozenset({0, 1})}
    assert found.links[0, 2] == list(Heuristic).index(heuristic)
    used = ([], [(0, 1_600_000), (2, 1), (1, 1)])
    assert together([used, (inputs, outputs)], 3, (heuristic,), script=script)[0] == set()
    others = [one for one in CHANGE if one is not heuristic]
    assert together([earlier, (inputs, outputs)], 3, others, script=script)[0] == set()
    assert together([earlier, (inputs, outputs)], 3, script=script)[0] == set()


def test_script_types_follow_from_the_form_of_the_address():
    import pyarrow as pa

    names = ["1A", "3A", "bc1q" + "a" * 38, "bc1q" + "a" * 58, "bc1pa", "script:aa", "pubkey"]
    assert len(set(scripts([pa.array(names)]).tolist())) == 6


# -- deposit addresses: D forwards to the service S; X is somebody


def account(rows, service, tagged=()):
    """Rows (source, target, amount, fee); every pot is the address of its number."""
    count = max(max(row[:2]) for row in rows) + 1
    columns = {
        "source": np.array([row[0] for row in rows], np.int32),
        "target": np.array([row[1] for row in rows], np.int32),
        "low": np.array([row[2] for row in rows], np.uint64),
        "high": np.zeros(len(rows), np.uint64),
        "fee": np.array([len(row) > 3 for row in rows], np.uint8),
    }
    known = np.full(count, -1, np.int32)
    for address, number in service.items():
        known[address] = number
    has = known >= 0
    has[list(tagged)] = True
    return deposit_addresses(Ledger(columns, np.arange(count, dtype=np.int32), known, has)).tolist()


S, D, X, Y = 0, 1, 2, 3


def test_a_deposit_address_forwards_nearly_all_to_one_service():
    assert account([(X, D, 100), (D, -1, 3, "fee"), (D, S, 96)], {S: 0}) == [[D, S, 2]]
    assert account([(X, D, 100), (D, S, 94)], {S: 0}) == []


@pytest.mark.parametrize(
    ("rows", "service", "tagged"),
    [
        ([(X, D, 100), (D, S, 99), (D, Y, 1)], {S: 0}, ()),
        ([(X, D, 100), (D, S, 50), (D, Y, 50)], {S: 0, Y: 1}, ()),
        ([(S, D, 100), (D, S, 100)], {S: 0}, ()),
        ([(X, D, 100), (D, S, 100)], {S: 0}, (D,)),
        ([(X, D, 100), (D, S, 100)], {}, ()),
    ],
    ids=["pays somebody else", "two services", "only the service pays it", "tagged itself", "no known service"],
)
def test_who_is_no_deposit_address(rows, service, tagged):
    assert account(rows, service, tagged) == []


def test_two_addresses_of_one_service_are_one():
    assert account([(X, D, 100), (D, S, 50), (D, Y, 50)], {S: 0, Y: 0}) == [[D, S, 1]]


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef")), max_size=8), st.sets(st.sampled_from("abcdef"))
)
def test_without_some_addresses_only_what_others_hold_together_stays(pairs, alone):
    import networkx as nx

    links = [Link(one, other, Heuristic.CO_SPEND, "t") for one, other in pairs if one != other]
    whole = nx.Graph([(link.one, link.other) for link in links])
    owners = {member: min(part) for part in nx.connected_components(whole) for member in part}
    found = Clusters(owners, tuple(links)).without(alone)
    whole.remove_nodes_from(alone & set(whole))
    parts = {frozenset(part) for part in nx.connected_components(whole) if len(part) > 1}
    groups: dict[str, set[str]] = {}
    for member, owner in found.owners.items():
        groups.setdefault(owner, set()).add(member)
    assert {frozenset(group) for group in groups.values()} == parts


@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 9), min_size=1, max_size=4), st.lists(st.integers(0, 9), max_size=3)), max_size=15
    ),
    st.permutations(range(10)),
    st.lists(st.sampled_from([-1, -1, -1, 0, 1]), min_size=10, max_size=10),
)
def test_names_of_addresses_change_no_cluster(txs, renamed, entity):
    def run(names, named):
        made = [
            (
                [(names[a], 900_000 + a) for a in inputs],
                [(names[a], 100_000 * (a + 1) + a % 2) for a in outputs] or [(names[0], 1)],
            )
            for inputs, outputs in txs
        ]
        groups, found = together(made, 10, METHODS[Method.EXPLORATION], named, large=3)
        return groups, found.links.tolist(), found.refused.tolist()

    plain = run(list(range(10)), entity)
    moved = [0] * 10
    for old, new in enumerate(renamed):
        moved[new] = entity[old]
    groups, links, refused = run(renamed, moved)
    assert groups == {frozenset(renamed[a] for a in group) for group in plain[0]}
    assert links == [[renamed[a], renamed[b], *rest] for a, b, *rest in plain[1]]
    assert refused == [[renamed[a], renamed[b], *rest] for a, b, *rest in plain[2]]
