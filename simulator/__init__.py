"""A fleet whose truth is known: it writes the files that real vehicles would send."""

from simulator.folder import begun
from simulator.run import SimulationReport, simulate

__all__ = ["SimulationReport", "begun", "simulate"]
