"""``cohort``: how many of those who began are still there so many weeks later.

``date`` is the day on which a vehicle began, ``age_weeks`` its own weeks of seven days since then, 0 for the first. The
size of a cohort stands once, at age 0. A cell is empty, not low, until its age is over for every vehicle of the cohort.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from metrics.contract import Name
from metrics.kinds.keyed import Keyed, Rows
from metrics.kinds.ratio import share_bounds
from metrics.values import Cell, Interval


class Cohort(Keyed):
    """The share that is retained at one age; split by ``age_weeks``, at each.

    Attributes:
        size: part that counts those who began.
        retained: part that counts those who were still there at an age.
        at_age: age of the value that is not split by age.
    """

    kind: ClassVar[str] = "cohort"
    named_parts: ClassVar[tuple[str, ...]] = ("size", "retained")
    key: ClassVar[Mapping[str, str]] = {"age_weeks": "int"}
    axis: ClassVar[str | None] = "age_weeks"
    has_parts: ClassVar[bool] = True
    is_of_vehicles: ClassVar[bool] = True

    over_time: Literal["sum"] = "sum"
    size: Name
    retained: Name
    at_age: int = Field(ge=0)

    @property
    def interval_name(self) -> str:
        """``wilson``."""
        return "wilson"

    @property
    def labels(self) -> tuple[str, str]:
        """Those still there, and those who began."""
        return f"still there in week {self.at_age}", "began"

    @property
    def formula(self) -> str:
        """Retained by size."""
        return f"{self.retained} at age_weeks {self.at_age} / {self.size}"

    @property
    def holes(self) -> Mapping[str, Any]:
        """Parts and age."""
        return {"size": self.size, "retained": self.retained, "at_age": self.at_age}

    def holes_of(self, rows: Rows) -> Mapping[str, Any]:
        """Which cohort days are old enough for an age."""
        began = "case when cohorts.unit = '' then cohorts.date else cohorts.newest end"
        return {
            "row_group": rows.group("cohorts"),
            "same_group": rows.same("cohorts", "kept"),
            "mature": f"{began} + cast(7 * (ages.age + 1) - 1 as integer) <= {rows.as_of}",
        }

    def bounds(self, cell: Cell) -> Interval:
        """Wilson's interval of the share that is retained."""
        return share_bounds(self.scale, cell)
