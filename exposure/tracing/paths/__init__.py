"""The ways by which value came to a subject (or went from it), with the amounts they carried."""

from exposure.tracing.paths.marked import MarkedRun, marked
from exposure.tracing.paths.shared import Ways, largest
from exposure.tracing.paths.trail import Trail, Trails

__all__ = ["MarkedRun", "Trail", "Trails", "Ways", "largest", "marked"]
