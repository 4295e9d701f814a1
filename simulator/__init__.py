"""A fleet whose truth is known: it writes the files that real vehicles would send."""

from simulator.run import SimulationReport, simulate

__all__ = ["SimulationReport", "simulate"]
