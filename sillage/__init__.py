"""The front door: the ``sillage`` command. A room of the house is imported only when a command enters it."""

from sillage.entry import main

__all__ = ["main"]
