"""Worked cases: run every engine against figures that somebody worked out by hand."""

from exposure.workflows.selfcheck.check import CaseResult, check_case, check_file
from exposure.workflows.selfcheck.shipped import shipped_cases

__all__ = ["CaseResult", "check_case", "check_file", "shipped_cases"]
