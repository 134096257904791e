"""Worked cases: run every engine against figures that somebody worked out by hand."""

from exposure.workflows.selfcheck.check import CaseResult, check_case, check_file

__all__ = ["CaseResult", "check_case", "check_file"]
