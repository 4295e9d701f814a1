"""``ratio``: sum over sum. A share of vehicles has Wilson's interval; other ratios have no simple one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from metrics.contract import Words
from metrics.intervals import wilson_interval
from metrics.kinds.plain import Plain, whole
from metrics.values import Cell, Interval


class Ratio(Plain):
    """A share, or an amount for each of another.

    Attributes:
        numerator: sums of parts, and arithmetic on them.
        denominator: the same.
        numerator_label: what the numerator is, for readers: "distance".
        denominator_label: what the denominator is.
        interval: ``wilson`` for a share of vehicles, else ``none``.
    """

    kind: ClassVar[str] = "ratio"
    expressions: ClassVar[tuple[str, ...]] = ("numerator", "denominator")
    has_parts: ClassVar[bool] = True

    numerator: Words
    denominator: Words
    numerator_label: Words
    denominator_label: Words
    interval: Literal["none", "wilson"]

    @property
    def sums(self) -> Mapping[str, str]:
        """Numerator and denominator."""
        return {"numerator": self.numerator, "denominator": self.denominator}

    @property
    def interval_name(self) -> str:
        """``wilson`` or ``none``."""
        return self.interval

    @property
    def labels(self) -> tuple[str, str]:
        """What numerator and denominator are."""
        return self.numerator_label, self.denominator_label

    @property
    def formula(self) -> str:
        """Numerator by denominator."""
        return f"{whole(self.numerator)} / {whole(self.denominator)}"

    def bounds(self, cell: Cell) -> Interval:
        """Wilson's interval of a share.

        Days of one vehicle are alike, so a share over many days is taken to rest on as many vehicles as an average day
        has, not on as many vehicle-days: the interval errs on the wide side.
        """
        if self.interval == "none":
            return None, None
        return share_bounds(self.scale, cell, cell.days if self.over_time == "sum" else 1)


def share_bounds(scale: float, cell: Cell, days: int = 1) -> Interval:
    """Wilson's interval of numerator of denominator, of which each case is there on so many days; none of no share."""
    successes, trials = cell.numerator, cell.denominator
    if successes is None or not trials or not 0 <= successes <= trials:
        return None, None
    low, high = wilson_interval(successes / days, trials / days)
    return scale * low, scale * high
