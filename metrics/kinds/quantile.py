"""``quantile``: the median, or any other quantile, of a length, a duration or a latency, from a histogram.

The histogram is logarithmic: bucket ``ceil(ln(x) / ln(1.02))`` holds values up to 1.02 to its power and above the
bucket before. So histograms of any days and groups add up, and a value is read back within 1%: the middle taken is that
of C. Masson, J. E. Rim, H. K. Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
guarantees", PVLDB 12 (2019), whose largest relative error is (1.02 - 1) / (1.02 + 1).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, log
from typing import Any, ClassVar

from pydantic import Field

from metrics.contract import Name
from metrics.intervals import Z95
from metrics.kinds.keyed import SLACK, Keyed
from metrics.values import Cell, Interval

GROWTH = 1.02
#: Bucket of values that have no logarithm; it is read back as 0.
LOWEST = -32768


def bucket_of(value: float) -> int:
    """The bucket of a value, as the query of a KPI table works it out."""
    return LOWEST if value <= 0 else ceil(log(value) / log(GROWTH))


class Quantile(Keyed):
    """A quantile of a measure over cases.

    Attributes:
        histogram: part that counts the cases of a bucket.
        quantile: share of the cases that lie at or below the value: 0.5 for the median. The value is that of the
            lowest case for which this holds.
    """

    kind: ClassVar[str] = "quantile"
    named_parts: ClassVar[tuple[str, ...]] = ("histogram",)
    key: ClassVar[Mapping[str, str]] = {"log_bucket": "int"}

    histogram: Name
    quantile: float = Field(gt=0, lt=1)

    @property
    def interval_name(self) -> str:
        """``order statistics``."""
        return "order statistics"

    @property
    def formula(self) -> str:
        """The quantile of the cases."""
        return f"quantile {self.quantile:g} of {self.histogram} by log_bucket"

    @property
    def holes(self) -> Mapping[str, Any]:
        """Part, quantile and buckets."""
        return {
            "part": self.histogram, "quantile": self.quantile, "growth": GROWTH, "lowest": LOWEST, "z": Z95,
            "slack": SLACK,
        }  # fmt: skip

    def bounds(self, cell: Cell) -> Interval:
        """The values at the ranks n q ± 1.96 √(n q (1 - q)), rounded up; none where there is no such case.

        Source: W. J. Conover, "Practical Nonparametric Statistics", 3rd edition (1999), section 3.2. Cases are taken
        to be independent.
        """
        return cell.ends
