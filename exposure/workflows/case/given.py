"""What a case is an answer to, and on what it stands that nothing in its folder can show: said, so that nobody overlooks it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields

from exposure.casefile.evidence import Evidence
from exposure.casefile.folder import Case
from exposure.model.policy import Policy
from exposure.text import counted, shown
from exposure.workflows.case.check import Check
from exposure.workflows.case.files import said_in_json, said_in_tables
from exposure.workflows.case.reading import json_of, rests_on, table_of
from exposure.workflows.policies import SHIPPED, load_policy
from exposure.workflows.trace.options import TraceOptions

_NOT_FIGURES = frozenset(("engine", "offline", "policies"))


def question(subject: str, options: TraceOptions) -> Check:
    """The question: another one has another answer, so whoever made the case chose that too."""
    usual = TraceOptions()
    changed = [
        f"{field.name} {shown(_text(getattr(options, field.name)), 80)} (usual: {_text(getattr(usual, field.name))})"
        for field in fields(options)
        if field.name not in _NOT_FIGURES and getattr(options, field.name) != getattr(usual, field.name)
    ]
    said = [shown(subject, 100), f"settings: {', '.join(changed) or 'as usual'}", *map(_policy, options.policies)]
    return Check("question", True, "; ".join(said))


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value)) or "none"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _policy(policy: Policy) -> str:
    """Whether a policy is what its name says."""
    name = f"policy {shown(policy.title, 60)}"
    if policy.name not in SHIPPED:
        return f"{name}, by its own text"
    ours = load_policy(policy.name)
    if policy.digest == ours.digest:
        return f"{name} as it ships"
    return f"{name}, which is NOT the {policy.name} {ours.version} that ships with this version"


def evidence(case: Case, found: Evidence) -> Check:
    """The evidence itself: that the figures follow from it does not make it true. Its files hold what is read, and no more."""
    tables = ((name, made.equals(table_of(case, name, made.schema))) for name, made in said_in_tables(found).items())
    values = ((name, json.loads(json.dumps(made)) == json_of(case, name)) for name, made in said_in_json(found).items())
    odd = next((name for name, same in (*tables, *values) if not same), None)
    if odd is not None:
        return Check("evidence", False, f"{odd} says more than is read of it, or says it otherwise than a case does")
    return Check(
        "evidence", True, "the figures follow from it; that it is whole and true nothing here shows", tuple(_told(case, found))
    )


def _told(case: Case, found: Evidence) -> Iterator[str]:
    txs = Counter(chain for chain, _ in {(chain, tx) for chain, tx, _ in rests_on(case)})
    for chain, count in sorted(txs.items()):
        yield f"{counted(count, 'transaction')} of {shown(chain, 30)} up to block {found.ends.get(chain, 0):,}"
    whole = [key for key, gap in found.gaps.items() if gap is None]
    if whole:
        names = ", ".join(shown(address, 80) for _, address, _ in sorted(whole)[:3])
        more = f" and {len(whole) - 3:,} more" if len(whole) > 3 else ""
        yield f"{counted(len(whole), 'history', 'histories')} declared whole ({names}{more})"
    prices = [price for price in found.prices.values() if price is not None]
    if prices:
        yield f"{counted(len(prices), 'price')} from {', '.join(sorted({shown(price.source, 60) for price in prices}))}"
    if found.editions:
        yield f"{counted(len(found.editions), 'edition')} of lists, with days and hashes"
