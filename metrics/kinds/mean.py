"""``mean``: mean of a measure per case, as the length of a trip. Its interval is the normal one of a mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from metrics.contract import Words
from metrics.intervals import mean_interval
from metrics.kinds.plain import Plain, whole
from metrics.values import Cell, Interval


class Mean(Plain):
    """The mean over cases.

    Attributes:
        cases: how many there are: a sum of a part.
        total: sum of the measure over them.
        squares: sum of its squares.
        cases_label: what the cases are, for readers.
        total_label: what the sum is.
    """

    kind: ClassVar[str] = "mean"
    expressions: ClassVar[tuple[str, ...]] = ("cases", "total", "squares")
    has_parts: ClassVar[bool] = True

    cases: Words
    total: Words
    squares: Words
    cases_label: Words = "cases"
    total_label: Words = "sum over all cases"

    @property
    def sums(self) -> Mapping[str, str]:
        """The sum over the cases, their number, and the sum of squares."""
        return {"numerator": self.total, "denominator": self.cases, "squares": self.squares}

    @property
    def interval_name(self) -> str:
        """``normal``."""
        return "normal"

    @property
    def labels(self) -> tuple[str, str]:
        """What the sum and the cases are."""
        return self.total_label, self.cases_label

    @property
    def formula(self) -> str:
        """Sum by number of cases."""
        return f"{whole(self.total)} / {whole(self.cases)}"

    def bounds(self, cell: Cell) -> Interval:
        """The normal interval of the mean. Cases are taken to be independent."""
        if cell.numerator is None or cell.denominator is None or cell.squares is None:
            return None, None
        days = cell.days if self.over_time == "mean" else 1  # the cell has those of an average day
        low, high = mean_interval(cell.denominator * days, cell.numerator * days, cell.squares * days)
        return (None, None) if low is None or high is None else (self.scale * low, self.scale * high)
