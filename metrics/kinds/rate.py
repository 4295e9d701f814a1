"""``rate``: events per exposure, as harsh events per 1,000 km. It has the interval of a Poisson count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from metrics.contract import Words
from metrics.intervals import poisson_interval
from metrics.kinds.plain import Plain, whole
from metrics.values import Cell, Interval


class Rate(Plain):
    """Events per exposure.

    Attributes:
        numerator: events: sums of parts, and arithmetic on them.
        denominator: exposure: kilometres, hours, vehicle-days; with ``scale: 1000`` the value is per 1,000 of them.
        numerator_label: what the events are, for readers.
        denominator_label: what the exposure is.
    """

    kind: ClassVar[str] = "rate"
    expressions: ClassVar[tuple[str, ...]] = ("numerator", "denominator")
    has_parts: ClassVar[bool] = True

    numerator: Words
    denominator: Words
    numerator_label: Words
    denominator_label: Words

    @property
    def sums(self) -> Mapping[str, str]:
        """Events and exposure."""
        return {"numerator": self.numerator, "denominator": self.denominator}

    @property
    def interval_name(self) -> str:
        """``poisson``."""
        return "poisson"

    @property
    def labels(self) -> tuple[str, str]:
        """What events and exposure are."""
        return self.numerator_label, self.denominator_label

    @property
    def formula(self) -> str:
        """Events by exposure."""
        return f"{whole(self.numerator)} / {whole(self.denominator)}"

    def bounds(self, cell: Cell) -> Interval:
        """The interval of the number of events, by the exposure. Events are taken to be independent."""
        if cell.numerator is None or not cell.denominator or cell.numerator < 0:
            return None, None
        days = cell.days if self.over_time == "mean" else 1  # the cell has those of an average day
        low, high = poisson_interval(cell.numerator * days)
        exposure = cell.denominator * days
        return self.scale * low / exposure, self.scale * high / exposure
