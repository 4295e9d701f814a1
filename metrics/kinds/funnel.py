"""``funnel``: ordered steps of one cohort, each within its fixed window of the cohort's day.

A row counts, on the day of the cohort (a delivery, say), the vehicles that reached a ``step`` within its window. A
cohort day that is not yet as old as the window of a step is left out of that step, above and below the line: it has not
failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from metrics.contract import KindError, KpiTable, Model, Name, Words
from metrics.kinds.keyed import Keyed, Rows
from metrics.kinds.ratio import share_bounds
from metrics.values import Cell, Interval, Share


class Step(Model):
    """One step.

    Attributes:
        name: as it stands in the column ``step``.
        label: for readers.
        within_days: window since the cohort's day, 0 for the day itself.
    """

    name: Name
    label: Words
    within_days: int = Field(ge=0)


class Funnel(Keyed):
    """Who of the first step reached the last; split by ``step``, who reached each.

    Attributes:
        reached: part that counts those who reached a step.
        steps: in their order; the windows do not shrink.
    """

    kind: ClassVar[str] = "funnel"
    named_parts: ClassVar[tuple[str, ...]] = ("reached",)
    key: ClassVar[Mapping[str, str]] = {"step": "text"}
    axis: ClassVar[str | None] = "step"
    has_parts: ClassVar[bool] = True
    is_of_vehicles: ClassVar[bool] = True

    over_time: Literal["sum"] = "sum"
    reached: Name
    steps: tuple[Step, ...] = Field(min_length=2)

    def check(self, table: KpiTable) -> None:  # noqa: ARG002 - it is the steps that are checked
        """Names are told apart, and windows do not shrink."""
        names = [step.name for step in self.steps]
        if len(set(names)) < len(names):
            raise KindError("steps", ", ".join(names), "each step once")
        windows = [step.within_days for step in self.steps]
        if windows != sorted(windows):
            raise KindError("steps", f"within_days {windows}", "windows that are no shorter than the one before")

    @property
    def interval_name(self) -> str:
        """``wilson``."""
        return "wilson"

    @property
    def labels(self) -> tuple[str, str]:
        """The last step and the first."""
        return self.steps[-1].label, self.steps[0].label

    @property
    def formula(self) -> str:
        """The steps in their order."""
        return f"{self.reached} of step {self.steps[-1].name} / of {self.steps[0].name}, within their windows"

    @property
    def holes(self) -> Mapping[str, Any]:
        """Part and steps."""
        before = [self.steps[0], *self.steps]
        rows = [
            f"({number}, '{step.name}', '{before[number].name}', {step.within_days})"
            for number, step in enumerate(self.steps)
        ]
        return {
            "part": self.reached, "steps": ", ".join(rows), "first": self.steps[0].name, "last": len(self.steps) - 1,
        }  # fmt: skip

    def holes_of(self, rows: Rows) -> Mapping[str, Any]:
        """Which cohort days are old enough for a step."""
        return {
            "row_group": rows.group("cohorts"),
            "mature": f"cohorts.date + steps.within_days <= {rows.as_of}",
        }

    def bounds(self, cell: Cell) -> Interval:
        """Wilson's interval of the share of the first step."""
        return share_bounds(self.scale, cell)

    def of_before(self, cell: Cell) -> Share | None:
        """The share of the step before, with Wilson's interval."""
        before = Cell(cell.days, cell.numerator, cell.before_denominator)
        if before.numerator is None or not before.denominator:
            return None
        return Share(self.scale * before.numerator / before.denominator, *share_bounds(self.scale, before))
