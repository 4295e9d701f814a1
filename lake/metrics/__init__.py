"""The metric contract: what a KPI is, read from ``sql/kpi``, and the one way in which its value is worked out.

The dashboard, exports and SQL all take a metric's numbers from here. How to add one: ``docs/metrics.md``.
"""

from lake.metrics.contract import Dimension, KpiTable, MetricContract, Part, Population, ValueFormat
from lake.metrics.evaluation import dimension_values, evaluate
from lake.metrics.intervals import poisson_interval, wilson_interval
from lake.metrics.loading import SQL_FOLDER, Contracts, load_contracts
from lake.metrics.macros import macro_statements
from lake.metrics.values import Counted, Evaluation, MetricValue, Slice

__all__ = [
    "SQL_FOLDER",
    "Contracts",
    "Counted",
    "Dimension",
    "Evaluation",
    "KpiTable",
    "MetricContract",
    "MetricValue",
    "Part",
    "Population",
    "Slice",
    "ValueFormat",
    "dimension_values",
    "evaluate",
    "load_contracts",
    "macro_statements",
    "poisson_interval",
    "wilson_interval",
]
