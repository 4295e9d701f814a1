"""The metric contract: what a KPI is, read from ``sql/kpi``, and the one way in which its value is worked out.

The dashboard, exports and SQL all take a metric's numbers from here. How to add one: ``docs/metrics.md``.
"""

from metrics.contract import Dimension, InputReach, Key, KpiTable, Metric, Part, Population, ValueFormat
from metrics.evaluation import dimension_values, evaluate, evaluate_all
from metrics.intervals import poisson_interval, wilson_interval
from metrics.loading import SQL_FOLDER, Contracts, load_contracts
from metrics.macros import macro_statements
from metrics.values import Counted, Evaluation, MetricValue, Question, Share, Slice

__all__ = [
    "SQL_FOLDER",
    "Contracts",
    "Counted",
    "Dimension",
    "Evaluation",
    "InputReach",
    "Key",
    "KpiTable",
    "Metric",
    "MetricValue",
    "Part",
    "Population",
    "Question",
    "Share",
    "Slice",
    "ValueFormat",
    "dimension_values",
    "evaluate",
    "evaluate_all",
    "load_contracts",
    "macro_statements",
    "poisson_interval",
    "wilson_interval",
]
