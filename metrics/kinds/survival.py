"""``survival``: how long cases stay open, by Kaplan and Meier: those not over yet count for as long as they are known.

A case is a row's count on the day it began, with ``duration_days``: whole days until it ended, rounded down, or -1
while it is open. An open case has been open since its day up to the newest day that counts; so no row changes only
because a day has passed. Source: E. L. Kaplan, P. Meier, "Nonparametric estimation from incomplete observations",
JASA 53 (1958).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from metrics.contract import Name
from metrics.intervals import Z95
from metrics.kinds.keyed import SLACK, Keyed
from metrics.values import Cell, Interval


class Survival(Keyed):
    """Median time until cases end, or the share still open after some days.

    Attributes:
        cases: part that counts the cases of a duration.
        statistic: ``median``, in days, or ``open_after``, a share.
        after_days: with ``open_after``, after how many days.
    """

    kind: ClassVar[str] = "survival"
    named_parts: ClassVar[tuple[str, ...]] = ("cases",)
    key: ClassVar[Mapping[str, str]] = {"duration_days": "int"}

    over_time: Literal["sum"] = "sum"
    cases: Name
    statistic: Literal["median", "open_after"]
    after_days: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _after_days_of_open_after(self) -> Survival:
        if (self.statistic == "open_after") != (self.after_days is not None):
            raise ValueError("after_days with the statistic open_after, and with no other")
        return self

    @property
    def is_share(self) -> bool:
        """Those still open are."""
        return self.statistic == "open_after"

    @property
    def interval_name(self) -> str:
        """``greenwood``."""
        return "greenwood"

    @property
    def formula(self) -> str:
        """The statistic of the cases."""
        after = "" if self.after_days is None else f" {self.after_days} days"
        return f"{self.statistic}{after} of {self.cases} by duration_days (Kaplan-Meier)"

    @property
    def holes(self) -> Mapping[str, Any]:
        """Part, and how the statistic is read off the curve."""
        if self.statistic == "median":
            half = 0.5 + SLACK
            read = {
                name: f"min(day) filter (where {column} <= {half})"
                for name, column in (("value", "share"), ("low", "share_low"), ("high", "share_high"))
            }
        else:
            read = {
                "value": self._at("share"),
                "low": f"nullif(nullif({self._at('share_low')}, 0), 1)",
                "high": f"nullif(nullif({self._at('share_high')}, 0), 1)",
            }
        return {"part": self.cases, "z": Z95, **read}

    def _at(self, column: str) -> str:
        """The curve after so many days: known while some case is followed so long, or none is left open."""
        known = f"max(day) >= {self.after_days} or min(share) <= 0"
        return f"case when {known} then coalesce(arg_max({column}, day) filter (where day <= {self.after_days}), 1) end"

    def bounds(self, cell: Cell) -> Interval:
        """By Greenwood's formula on the scale log(-log), which stays within 0 and 1; for the median, where these cross.

        Sources: J. D. Kalbfleisch, R. L. Prentice, "The Statistical Analysis of Failure Time Data" (1980), section 1.3;
        R. Brookmeyer, J. Crowley, "A confidence interval for the median survival time", Biometrics 38 (1982).
        """
        return cell.ends
