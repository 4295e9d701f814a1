"""The kinds of metrics: one class in one file each. Nothing outside this folder asks which kind a metric is.

A new kind is a subclass of ``Metric`` that is listed here; docs/metrics.md says what each one means.
"""

from __future__ import annotations

from metrics.contract import Metric
from metrics.kinds.cohort import Cohort
from metrics.kinds.count import Count
from metrics.kinds.funnel import Funnel, Step
from metrics.kinds.mean import Mean
from metrics.kinds.quantile import Quantile
from metrics.kinds.rate import Rate
from metrics.kinds.ratio import Ratio
from metrics.kinds.standardised import Standardised
from metrics.kinds.survival import Survival

KINDS: dict[str, type[Metric]] = {
    kind.kind: kind for kind in (Count, Ratio, Rate, Mean, Quantile, Survival, Funnel, Cohort, Standardised)
}
#: Models of keys that have keys of their own.
NESTED = {"steps": Step}

__all__ = ["KINDS", "NESTED"]
