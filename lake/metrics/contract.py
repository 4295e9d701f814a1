"""The models of a contract file: one KPI table, its dimensions and parts, and the metrics made of them.

Reading the files and checking the expressions against the query is ``lake.metrics.loading``.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

import dataframely as dy
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from lake.schemas import TableSpec

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Words = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
OverTime = Literal["sum", "last", "mean"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Dimension(_Model):
    """A way to split a KPI. Declared once for all tables in ``sql/kpi/dimensions.yml``.

    Attributes:
        name: column, the same in every table.
        label: what a filter is headed with.
        description: what its values are.
    """

    name: Name
    label: Words
    description: Words


class Part(_Model):
    """An additive column of a KPI table: the sum over rows means the same thing for more vehicles or days.

    Attributes:
        name: column, unit included.
        type: ``int`` for counts, ``float`` for measures. Never null, never negative.
        unit: unit of one.
        description: what is counted or measured.
    """

    name: Name
    type: Literal["int", "float"]
    unit: Words
    description: Words


class ValueFormat(_Model):
    """How a value is written: with so many decimals, or with so many significant figures."""

    decimals: int | None = Field(None, ge=0, le=6)
    significant: int | None = Field(None, ge=1, le=9)

    @model_validator(mode="after")
    def _one_of_both(self) -> ValueFormat:
        if (self.decimals is None) == (self.significant is None):
            raise ValueError("exactly one of decimals and significant")
        return self

    def text(self, value: float) -> str:
        """The value in digits, thousands separated by commas, without its unit."""
        places = self.decimals or 0
        if self.significant is not None and value != 0:
            exponent = int(f"{value:.{self.significant - 1}e}".partition("e")[2])
            places = self.significant - 1 - exponent
        rounded = round(value, places) + 0.0  # no minus sign before a zero
        return f"{rounded:,.{max(0, places)}f}"


class Population(_Model):
    """Whom a value speaks for: the *n of N* on a tile.

    Attributes:
        counted: expression of n, over the table's parts.
        of: expression of N.
        label: what N is, as in "412,806 of 498,120 *in the fleet*".
        over_time: how n and N combine over days; the metric's own way unless stated.
    """

    counted: Words
    of: Words
    label: Words
    over_time: OverTime | None = None


class MetricContract(_Model):
    """What one metric is.

    Attributes:
        name: how SQL, links and exports call it.
        table: KPI table whose parts it is made of, ``kpi.<name>``.
        label: how a tile is headed.
        definition: what it says, in words, for the reader of a number.
        numerator: sums of parts, and arithmetic on them.
        denominator: the same; none for a count.
        scale: the value is ``scale * numerator / denominator``: 100 for percent.
        unit: unit of the value.
        format: how the value is written.
        direction: which way is good.
        interval: 95% interval: ``wilson`` for a share of vehicles, ``poisson`` for events per exposure, else ``none``.
        over_time: how days combine: ``sum`` adds them up; ``last`` takes the newest day, for a stock; ``mean`` is the
            average day.
        window_days: days that one day's value looks at, itself included; while the table does not reach back so far,
            the value is of fewer days than it says.
        rests_on: part that counts the vehicles a day's value is made of, of those in ``vehicles``.
        smallest_group: a value that rests on fewer vehicles, or a group that has fewer, is not shown.
        population: the *n of N* beside the value.
        owner: who answers for it.
    """

    name: Name
    table: Annotated[str, StringConstraints(pattern=r"^kpi\.[a-z][a-z0-9_]*$")]
    label: Words
    definition: Words
    numerator: Words
    denominator: Words | None = None
    scale: float = Field(1.0, gt=0)
    unit: Words
    format: ValueFormat
    direction: Literal["up", "down", "none"]
    interval: Literal["none", "wilson", "poisson"]
    over_time: OverTime
    window_days: int = Field(1, ge=1)
    rests_on: Name = "vehicles"
    smallest_group: int = Field(10, ge=1)
    population: Population
    owner: Words

    @model_validator(mode="after")
    def _interval_has_a_denominator(self) -> MetricContract:
        if self.interval != "none" and self.denominator is None:
            raise ValueError(f"interval {self.interval} needs a denominator")
        return self

    @property
    def difference_unit(self) -> str:
        """Unit of the difference of two values: percentage points for percentages."""
        return "pp" if self.unit == "%" else self.unit


class KpiTable(_Model):
    """One KPI table: its query and its contract.

    Attributes:
        table: ``kpi.<name>``; the name is the file's.
        family: folder it lies in: usage, adoption, ...
        description: what one row is.
        owner: who answers for its metrics.
        days_back: how many earlier days of its inputs one day needs.
        dimensions: columns it is split by, text and never null (``unknown`` where core does not know).
        parts: additive columns; ``vehicles`` is always among them.
        metrics: metrics made of the parts.
        sql: its query, in DuckDB's dialect, with ``$first_day`` and ``$last_day``.
        inputs: tables the query reads, sorted.
    """

    table: Annotated[str, StringConstraints(pattern=r"^kpi\.[a-z][a-z0-9_]*$")]
    family: Name
    description: Words
    owner: Words
    days_back: int = Field(ge=0)
    dimensions: tuple[Dimension, ...]
    parts: tuple[Part, ...]
    metrics: tuple[MetricContract, ...]
    sql: Words
    inputs: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name without the schema."""
        return self.table.removeprefix("kpi.")

    @property
    def dimension_names(self) -> tuple[str, ...]:
        """Columns of the dimensions, in the order of the contract."""
        return tuple(d.name for d in self.dimensions)

    @property
    def part_names(self) -> tuple[str, ...]:
        """Columns of the parts, in the order of the contract."""
        return tuple(p.name for p in self.parts)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns: ``date``, the dimensions, the parts."""
        return ("date", *self.dimension_names, *self.part_names)

    @cached_property
    def spec(self) -> TableSpec:
        """The table as the lake stores it: partitioned by day, sorted by the dimensions."""
        return TableSpec(self.table, _schema(self), ("date",), self.dimension_names, self.description)


def _schema(table: KpiTable) -> type[dy.Schema]:
    columns: dict[str, Any] = {
        "date": dy.Date(nullable=False, primary_key=True, description="UTC day; partition."),
    }
    for dimension in table.dimensions:
        columns[dimension.name] = dy.String(
            nullable=False, min_length=1, primary_key=True, description=dimension.description
        )
    for part in table.parts:
        text = f"{part.description} ({part.unit})"
        if part.type == "int":
            columns[part.name] = dy.Int64(nullable=False, min=0, description=text)
        else:
            columns[part.name] = dy.Float64(nullable=False, min=0.0, allow_inf=False, allow_nan=False, description=text)
    name = "".join(word.capitalize() for word in table.name.split("_"))
    return type(name, (dy.Schema,), columns | {"__doc__": table.description, "__module__": __name__})
