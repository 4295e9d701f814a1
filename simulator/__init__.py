"""A fleet whose truth is known: it writes the files that real vehicles would send."""

from simulator.folder import begun
from simulator.run import SimulationReport, make_arguments, simulate, stream

__all__ = ["SimulationReport", "begun", "make_arguments", "simulate", "stream"]
