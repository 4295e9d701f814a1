"""The models of a contract file: one KPI table, its dimensions, keys and parts, and what all its metrics have.

What a metric of one kind has beside that is in ``metrics.kinds``; reading the files is ``metrics.loading``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from metrics.values import Cell, Interval, Share

if TYPE_CHECKING:
    from lake.schemas import TableSpec

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
TableName = Annotated[str, StringConstraints(pattern=r"^kpi\.[a-z][a-z0-9_]*$")]
Words = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Heading = Annotated[str, StringConstraints(min_length=1, max_length=18, strip_whitespace=True)]
OverTime = Literal["sum", "last", "mean"]


class Model(BaseModel):
    """A part of a contract file: it knows its keys, and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Dimension(Model):
    """A way to split a KPI. Declared once for all tables in ``sql/kpi/dimensions.yml``.

    Attributes:
        name: column, the same in every table.
        label: what a filter is headed with.
        description: what its values are.
        scale: its values are classes of a scale, as hours are, and tell of no vehicle by being there: small ones are
            withheld, and not folded into ``other``.
        plural: what several of its values are called, where that is not the label with an s.
    """

    name: Name
    label: Words
    description: Words
    scale: bool = False
    plural: Words | None = None

    @property
    def many(self) -> str:
        """What several of its values are called."""
        return self.plural or (self.label if self.label.endswith("s") else f"{self.label}s")


class Key(Model):
    """A further key column of a KPI table, which kinds of metrics read. It is no way to split or to filter.

    Attributes:
        name: column.
        type: ``int`` for a class of durations or lengths, ``text`` for a step.
        description: what its values are.
    """

    name: Name
    type: Literal["int", "text"]
    description: Words


class Part(Model):
    """An additive column of a KPI table: the sum over rows means the same thing for more vehicles or days.

    Attributes:
        name: column, unit included.
        type: ``int`` for counts, ``float`` for measures. Never null, never negative.
        unit: unit of one.
        description: what is counted or measured.
        largest: beside it stands ``largest_<name>``, at least what the vehicle with most of it has on the day. It is
            no part: of rows together it is the largest.
    """

    name: Name
    type: Literal["int", "float"]
    unit: Words
    description: Words
    largest: bool = False

    @property
    def largest_name(self) -> str:
        """Column of the largest contribution of one vehicle."""
        return f"largest_{self.name}"


class InputReach(Model):
    """Which days of an input one day of the table needs, beside the day itself.

    Attributes:
        back: so many earlier days.
        forward: so many later days.
        onward: all earlier days.
        throughout: all days there are; the table has no day that the input does not have.
    """

    back: int = Field(0, ge=0)
    forward: int = Field(0, ge=0)
    onward: bool = False
    throughout: bool = False


class ValueFormat(Model):
    """How a value is written: with so many decimals, or with so many significant figures."""

    decimals: int | None = Field(None, ge=0, le=6)
    significant: int | None = Field(None, ge=1, le=9)

    @model_validator(mode="after")
    def _one_of_both(self) -> ValueFormat:
        if (self.decimals is None) == (self.significant is None):
            raise ValueError("exactly one of decimals and significant")
        return self

    def rounded(self, value: float) -> tuple[float, int]:
        """The value as far as it is written, and with how many decimals."""
        places = self.decimals or 0
        if self.significant is not None and value != 0:
            exponent = int(f"{value:.{self.significant - 1}e}".partition("e")[2])
            places = self.significant - 1 - exponent
        return round(value, places) + 0.0, max(0, places)  # no minus sign before a zero

    def text(self, value: float) -> str:
        """The value in digits, thousands separated by commas, without its unit."""
        number, places = self.rounded(value)
        return f"{number:,.{places}f}"


class Population(Model):
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


class KindError(ValueError):
    """What a kind needs is not there.

    Attributes:
        key: key of the metric that is wrong.
        found: what was found.
        expected: what is allowed.
    """

    def __init__(self, key: str, found: str, expected: str) -> None:
        self.key, self.found, self.expected = key, found, expected
        super().__init__(f"{key}: {found}; allowed: {expected}")


class Metric(Model):
    """What one metric is: all that metrics of every kind have.

    Attributes:
        name: how SQL, links and exports call it.
        table: KPI table whose parts it is made of, ``kpi.<name>``.
        label: how a tile is headed.
        short: how a column is headed.
        definition: what it says, in words, for the reader of a number.
        scale: what the value is multiplied by: 100 for percent.
        unit: unit of the value.
        format: how the value is written.
        direction: which way is good.
        over_time: how days combine: ``sum`` adds them up; ``last`` takes the newest day, for a stock; ``mean`` is the
            average day.
        window_days: days that one day's value looks at, itself included; while the table does not reach back so far,
            the value is of fewer days than it says.
        rests_on: part that counts the vehicles a day's value is made of, of those in ``vehicles``.
        smallest_group: a value that rests on fewer vehicles, or a group that has fewer, is not shown.
        population: the *n of N* beside the value.
        owner: who answers for it.
    """

    kind: ClassVar[str]
    #: Keys of the contract that hold expressions, that name a part, and the key column that the kind reads.
    expressions: ClassVar[tuple[str, ...]] = ()
    named_parts: ClassVar[tuple[str, ...]] = ()
    key: ClassVar[Mapping[str, str]] = {}
    #: What its values can be split by beside the table's dimensions.
    axis: ClassVar[str | None] = None
    #: The value is an amount: those of segments add up to the whole.
    is_total: ClassVar[bool] = False
    #: The value is ``scale * numerator / denominator``.
    has_parts: ClassVar[bool] = False

    name: Name
    table: TableName
    label: Words
    short: Heading
    definition: Words
    scale: float = Field(1.0, gt=0, allow_inf_nan=False)
    unit: Words
    format: ValueFormat
    direction: Literal["up", "down", "none"]
    over_time: OverTime
    window_days: int = Field(1, ge=1)
    rests_on: Name = "vehicles"
    smallest_group: int = Field(10, ge=1)
    population: Population
    owner: Words

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def difference_unit(self) -> str:
        """Unit of the difference of two values: percentage points for percentages."""
        return "pp" if self.unit == "%" else self.unit

    @property
    def interval_name(self) -> str:
        """Which 95% interval the value has; ``none`` if it has none."""
        return "none"

    def of_before(self, cell: Cell) -> Share | None:  # noqa: ARG002 - what only steps have
        """The share of the step before, where the metric has steps."""
        return None

    def bounds(self, cell: Cell) -> Interval:  # noqa: ARG002 - what a kind without an interval ignores
        """The 95% interval of a value; ``(None, None)`` where it has none.

        Args:
            cell: the sums that the value is made of.
        """
        return None, None

    @property
    def labels(self) -> tuple[str, str] | None:
        """What numerator and denominator are, for readers; ``None`` where the value has no two parts."""
        return None

    @property
    def formula(self) -> str:
        """How the value is worked out of the parts, without the scale."""
        raise NotImplementedError

    @property
    def described(self) -> dict[str, Any]:
        """All that the contract says of it, as it is published."""
        return {"kind": self.kind, **self.model_dump(), "interval": self.interval_name, "formula": self.formula}

    def check(self, table: KpiTable) -> None:
        """What the kind demands of the table and its other metrics.

        Raises:
            KindError: says what is wrong.
        """


class KpiTable(Model):
    """One KPI table: its query and its contract.

    Attributes:
        table: ``kpi.<name>``; the name is the file's.
        family: folder it lies in: usage, adoption, ...
        description: what one row is.
        owner: who answers for its metrics.
        reaches: inputs of which one day needs more than the day itself.
        dimensions: columns it is split by, text and never null (``unknown`` where core does not know).
        overlapping: dimensions in which one vehicle may stand in several rows of a day: services, say. Where
            a group is not split by them, it is taken to have no more vehicles than one of their values has.
        cohorts: a row is of vehicles that began something on its day, and of each value of the overlapping dimensions
            no vehicle stands on two days: a range has the vehicles of all its days.
        keys: further key columns, after the dimensions.
        parts: additive columns; ``vehicles`` is always among them.
        metrics: metrics made of the parts.
        sql: its query, in DuckDB's dialect, with ``$first_day`` and ``$last_day``.
        file: path of the query, for messages.
        protected: as it is published, its rows have keys, and what is told of them has noise (``metrics.protection``).
    """

    table: TableName
    family: Name
    description: Words
    owner: Words
    reaches: Mapping[str, InputReach]
    dimensions: tuple[Dimension, ...]
    overlapping: tuple[Name, ...] = ()
    cohorts: bool = False
    keys: tuple[Key, ...]
    parts: tuple[Part, ...]
    metrics: tuple[Metric, ...]
    sql: Words
    file: str
    protected: bool = False

    def __hash__(self) -> int:
        return hash(self.table)

    @property
    def name(self) -> str:
        """Name without the schema."""
        return self.table.removeprefix("kpi.")

    @property
    def dimension_names(self) -> tuple[str, ...]:
        """Columns of the dimensions, in the order of the contract."""
        return tuple(d.name for d in self.dimensions)

    @property
    def key_names(self) -> tuple[str, ...]:
        """Further key columns, in the order of the contract."""
        return tuple(k.name for k in self.keys)

    @property
    def part_names(self) -> tuple[str, ...]:
        """Columns of the parts, in the order of the contract."""
        return tuple(p.name for p in self.parts)

    @property
    def amount_names(self) -> tuple[str, ...]:
        """Columns of the parts, and of the largest contributions to some of these."""
        return (*self.part_names, *(p.largest_name for p in self.parts if p.largest))

    @property
    def with_largest(self) -> frozenset[str]:
        """The parts of which the largest contribution of one vehicle is known."""
        return frozenset(p.name for p in self.parts if p.largest)

    @property
    def counts(self) -> tuple[str, ...]:
        """The parts that are counts."""
        return tuple(p.name for p in self.parts if p.type == "int")

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns: ``date``, the dimensions, the keys, the parts, the largest contributions to some of these."""
        return ("date", *self.dimension_names, *self.key_names, *self.amount_names)

    @cached_property
    def inputs(self) -> Mapping[str, InputReach]:
        """The tables that the query reads, sorted, and how far.

        Raises:
            ContractError: the query is not one select of these columns from core, or reads nothing of what the
                contract says of an input.
        """
        from metrics.queries import inputs_of

        return inputs_of(self)

    @cached_property
    def spec(self) -> TableSpec:
        """The table as the lake stores it: partitioned by day, sorted by dimensions and keys."""
        from metrics.specs import spec_of

        return spec_of(self)
