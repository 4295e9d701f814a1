"""Rows of a truth table against those that a core table has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from tests.integration.truth.fleets import Fleet, Ledger

#: Dirt that takes nothing from a message and leaves it true.
_HARMLESS = ("duplicate", "late", "delayed", "out_of_order")


def damaged(fleet: Fleet, kind: str) -> int:
    """Messages of a kind that were lost, or arrived with something wrong in them."""
    dirt = fleet.truth("dirt").filter(pl.col("kind") == kind, ~pl.col("what").is_in(_HARMLESS))
    return int(dirt["messages"].sum())


@dataclass(frozen=True)
class Rows:
    """What is compared.

    Attributes:
        table: name of the core table.
        key: columns that tell rows apart.
        columns: further columns that are to be equal, to the last microsecond.
        damaged: messages that were lost or wrong: each may change one row.
    """

    table: str
    key: Sequence[str]
    columns: Sequence[str]
    damaged: int

    def compare(self, truth: pl.DataFrame, found: pl.DataFrame, ledger: Ledger) -> None:
        """Hold that rows are as they were, but for those that damage may have changed.

        Args:
            truth: what was; ``complete`` where every message of it has arrived.
            found: what was found.
            ledger: takes the figures.
        """
        if not self.damaged:
            ledger.equal(f"{self.table}: rows", truth.height, found.height)
        ledger.within(f"{self.table}: rows, of {truth.height} true", found.height,
                      truth.height - self.damaged, truth.height + self.damaged)  # fmt: skip
        unknown = found.join(truth, on=list(self.key), how="anti").height
        ledger.within(f"{self.table}: rows that never were", unknown, 0, self.damaged)
        whole, names = truth.filter("complete"), [*self.key, *self.columns]
        other = whole.join(found.select(names), on=names, how="anti", nulls_equal=True).height
        ledger.within(f"{self.table}: rows found otherwise, of {whole.height}", other, 0, self.damaged)
