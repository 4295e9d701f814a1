"""The kinds of metrics: one class in one file each. Nothing outside this folder asks which kind a metric is.

A new kind is a subclass of ``Metric`` that is listed here; docs/metrics.md says what each one means.
"""

from __future__ import annotations

from metrics.contract import Metric
from metrics.kinds.count import Count
from metrics.kinds.mean import Mean
from metrics.kinds.rate import Rate
from metrics.kinds.ratio import Ratio

KINDS: dict[str, type[Metric]] = {kind.kind: kind for kind in (Count, Ratio, Rate, Mean)}

__all__ = ["KINDS"]
