"""Fetch histories of addresses from nodes and explorers into the store."""

from exposure.workflows.fetch.options import FAILED, KNOWN, PARTIAL, WHOLE, FetchOptions, FetchSummary, Outcome, Plan
from exposure.workflows.fetch.run import fetch

__all__ = ["FAILED", "KNOWN", "PARTIAL", "WHOLE", "FetchOptions", "FetchSummary", "Outcome", "Plan", "fetch"]
