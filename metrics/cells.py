"""The one select of cells of a KPI table: sums of parts by period and group, with the one rule of suppression.

``evaluate`` and the macro in SQL are both made of it: what they show is the same, and so is what they withhold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from metrics.contract import KpiTable, Metric, OverTime
from metrics.expressions import parts_of, sum_sql
from metrics.kinds.keyed import Keyed, Rows
from metrics.kinds.plain import Plain

_FOLDER = Path(__file__).parent
_CELLS = (_FOLDER / "cells.sql").read_text(encoding="utf-8")
_KEYED = (_FOLDER / "keyed.sql").read_text(encoding="utf-8")
ALL = "all"
#: Units of time that a split may have, and the first day of the one that a day lies in.
UNITS = {
    "date": "{date}",
    "week": "cast(date_trunc('week', {date}) as date)",
    "month": "cast(date_trunc('month', {date}) as date)",
}
#: What SQL says of a metric in one cell, beside its axis. Kinds state those that they have.
FIGURES = ("value", "numerator", "denominator", "squares", "low", "high", "variance", "covered", "immature",
           "before_denominator")  # fmt: skip


@dataclass(frozen=True)
class Grain:
    """How the rows of a KPI table become cells.

    Attributes:
        dimensions: columns that tell groups apart.
        columns: SQL of each of them, ``all`` where a cell is not split by it.
        grouping_set: SQL of the number of the set of dimensions that a row is grouped by.
        sets: sets of columns to group by, as SQL; none where all of ``columns`` are.
        where: SQL of which rows are read, but for the filters.
        splits: SQL of what is asked: ``split, grouping_set, unit, first_day, last_day``.
        units: units of time that occur; ``""`` for a whole range.
        as_of: SQL of the newest day that counts.
        is_daily: each cell is one day, so that all ways in which days combine come to the same.
        filters: dimensions that are narrowed, each with the values it lets through, as SQL.
    """

    dimensions: tuple[str, ...]
    columns: tuple[str, ...]
    grouping_set: str
    sets: tuple[tuple[str, ...], ...]
    where: str
    splits: str
    units: tuple[str, ...]
    as_of: str
    is_daily: bool = False
    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def inside(self) -> str:
        """SQL of which rows are read, the filters included."""
        return " ".join([self.where, *(f"and {_lets_through(*one)}" for one in self.filters)])

    @property
    def nearly_inside(self) -> str:
        """SQL of these, and of the rows that one filter alone leaves out."""
        if not self.filters:
            return self.where
        left_out = " + ".join(f"cast(not {_lets_through(*one)} as integer)" for one in self.filters)
        return f"{self.where} and {left_out} <= 1"

    @property
    def outside(self) -> str:
        """SQL of the dimension whose filter leaves a row out."""
        return "".join(f" when not {_lets_through(*one)} then '{one[0]}'" for one in self.filters)

    @property
    def names(self) -> str:
        """The columns that tell groups apart, each with a comma behind it."""
        return "".join(f'"{name}", ' for name in self.dimensions)

    @property
    def selected(self) -> str:
        """SQL that makes these columns, each with a comma behind it."""
        return "".join(f'{sql} as "{name}", ' for name, sql in zip(self.dimensions, self.columns, strict=True))

    def group_by(self, *more: str) -> str:
        """The clause that groups by day, sets of dimensions, and more."""
        if not self.sets:
            return "group by all"
        sets = ", ".join(f"({', '.join(dict.fromkeys(('date', *more, *columns)))})" for columns in self.sets)
        return f"group by grouping sets ({sets})"

    def period(self, date: str) -> str:
        """SQL of the first day of the period that a day lies in."""
        branches = "".join(f" when '{unit}' then {UNITS[unit].format(date=date)}" for unit in self.units if unit)
        return f"case splits.unit{branches} else splits.first_day end" if branches else "splits.first_day"


@dataclass(frozen=True)
class Size:
    """What a group is measured by when its values are withheld: the same for many metrics.

    Attributes:
        when: ``most``, on the largest day; ``latest``, on the newest; ``together``, on all days, where no vehicle
            stands on two.
        rests_on: part that counts the vehicles a value is made of.
        least: smallest number that may be shown.
    """

    when: str
    rests_on: str
    least: int

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of cells that hold it."""
        return tuple(dict.fromkeys((f"{self.when}_vehicles", f"{self.when}_{self.rests_on}")))


class Cells:
    """The cells of some metrics of a KPI table, as SQL.

    Args:
        table: the table.
        metrics: metrics of it.
        grain: how its rows become cells.
        with_people: whom values speak for is asked too.
    """

    def __init__(self, table: KpiTable, metrics: Sequence[Metric], grain: Grain, *, with_people: bool = True) -> None:
        self.table, self.metrics, self.grain, self._with_people = table, tuple(metrics), grain, with_people
        self.sizes = tuple(dict.fromkeys(map(self.size, metrics)))
        self.plain = tuple(m for m in metrics if isinstance(m, Plain))
        self.keyed = tuple(m for m in metrics if isinstance(m, Keyed))
        self._keys = tuple(dict.fromkeys(m.read_by for m in self.keyed))

    def sql(self) -> str:
        """``with`` and the common table expressions: ``judged``, and ``measured_<name>`` for each keyed metric."""
        grain, parts = self.grain, self._parts()
        text = _CELLS.format(
            splits=grain.splits,
            grouping_set=grain.grouping_set,
            dimension_columns=grain.selected,
            dimensions="".join(f'asked."{name}", ' for name in grain.dimensions),
            part_sums=_sums(parts),
            source=self._source(),
            where=grain.nearly_inside,
            tags="".join(f"{name}, " for name in self._tags()),
            group_by=grain.group_by(*self._tags()),
            inside="where outside = ''" if grain.filters else "",
            period=grain.period("fine.date"),
            sums=", ".join(sql for _, sql in self._sums()),
            folded=self._folded("grouped", ["newest", "days", *self._filter_tag()], [name for name, _ in self._sums()]),
            singles="".join(f"single_{name} as ({self._single(name)})," for name in self._several()),
            covers=" ".join([*self._covers(), *self._single_joins()]),
            withheld=", ".join(f"{self._rule(size)} as withheld_{n}" for n, size in enumerate(self.sizes)),
        )
        return ", ".join([text, *self._measured()])

    def size(self, metric: Metric) -> Size:
        """The size by which a metric's values are withheld."""
        several_days = "together" if self.table.cohorts else "most"
        when = "latest" if self._way(metric.over_time) == "newest" else several_days
        return Size(when, metric.rests_on, metric.smallest_group)

    def is_withheld(self, metric: Metric) -> str:
        """SQL over ``judged``, for a keyed metric with ``measured``, of whether its value is withheld."""
        size = self.size(metric)
        of_group = f"withheld_{self.sizes.index(size)}"
        if isinstance(metric, Keyed) and metric.is_of_vehicles:  # those of the cohorts that are old enough
            return f"({of_group} or coalesce(measured.denominator between 1 and {size.least - 1}, false))"
        return of_group

    def sums(self, metric: Plain) -> dict[str, str]:
        """SQL over ``judged`` of the sums of a plain metric, whether they are withheld or not."""
        return {name: self._expression(text, metric.over_time) for name, text in metric.sums.items()}

    def value(self, metric: Plain, numerator: str, denominator: str | None) -> str:
        """SQL of the value of a plain metric, from that of its sums."""
        parts = f" / nullif({denominator}, 0)" if metric.has_parts else ""
        return f"{metric.scale!r} * {numerator}{parts}"

    def vehicles(self, metric: Metric) -> str:
        """SQL over ``judged`` of the vehicles of a group, whether they are withheld or not."""
        return f"cast({self.size(metric).when}_vehicles as bigint)"

    def figures(self, metric: Plain) -> dict[str, str]:
        """SQL over ``judged`` of what is said of a plain metric: parts of ``FIGURES``, null where it is withheld."""
        sums = self.sums(metric)
        told = {"value": self.value(metric, sums["numerator"], sums.get("denominator")), **sums}
        return {name: self._shown(metric, sql) for name, sql in told.items()}

    def people(self, metric: Metric) -> dict[str, str]:
        """SQL over ``judged`` of whom a value speaks for: ``vehicles, counted, of``; with ``suppressed``."""
        population = metric.population
        way = population.over_time or metric.over_time
        found = {"vehicles": self.vehicles(metric)}
        found |= {name: self._expression(getattr(population, name), way) for name in ("counted", "of")}
        shown = {name: self._shown(metric, sql) for name, sql in found.items()}
        return {**shown, "suppressed": self.is_withheld(metric)}

    def measured(self, metric: Keyed) -> str:
        """SQL of ``judged`` beside what a keyed metric says of each of its cells."""
        names = ("split", "period", *(f'"{name}"' for name in self.grain.dimensions))
        return f"judged left join measured_{metric.name} as measured using ({', '.join(names)})"

    def measures(self, metric: Keyed) -> dict[str, str]:
        """SQL over ``measured`` of ``FIGURES``, null where they are withheld."""
        return {name: self._shown(metric, f"measured.{name}") for name in FIGURES}

    def _shown(self, metric: Metric, sql: str) -> str:
        return f"case when not {self.is_withheld(metric)} then {sql} end"

    def _way(self, over_time: OverTime) -> str:
        """Which days of a cell are summed."""
        return "newest" if over_time == "last" and not self.grain.is_daily else "sum"

    def _expression(self, text: str, over_time: OverTime) -> str:
        """An expression over the sums of ``judged``; of the average day where the contract says so."""
        way = self._way(over_time)
        days = " / days" if over_time == "mean" and not self.grain.is_daily else ""
        return f"({sum_sql(text, lambda part: _quoted(f'{way}_{part}'))}){days}"

    def _summed(self) -> list[tuple[str, str]]:
        """Parts that expressions sum, each with the way."""
        texts = [(text, m.over_time) for m in self.plain for text in m.sums.values()]
        if self._with_people:
            people = [(m.population, m.population.over_time or m.over_time) for m in self.metrics]
            texts += [(text, way) for one, way in people for text in (one.counted, one.of)]
        return sorted({(part, self._way(over_time)) for text, over_time in texts for part in parts_of(text)})

    def _parts(self) -> list[str]:
        sizes = {part for size in self.sizes for part in ("vehicles", size.rests_on)}
        return sorted(sizes | {part for part, _ in self._summed()})

    def _sums(self) -> list[tuple[str, str]]:
        """Columns of ``grouped``, each with its SQL over ``asked``."""
        only = {"sum": "", "newest": " filter (where date = newest)"}
        sums = {
            f"{way}_{part}": f'cast(coalesce(sum("{part}"){only[way]}, 0) as double)' for part, way in self._summed()
        }
        return [(name, f'{sql} as "{name}"') for name, sql in (sums | dict(self._measures_of_size())).items()]

    def _measures_of_size(self) -> Iterator[tuple[str, str]]:
        """Columns of ``grouped`` that groups are measured by, each with its SQL."""
        for size in self.sizes:
            for part in dict.fromkeys(("vehicles", size.rests_on)):
                sums = {
                    "most": f'max("{part}")',
                    "latest": f'cast(coalesce(sum("{part}") filter (where date = newest), 0) as bigint)',
                    "together": f'cast(sum("{part}") as bigint)',
                }
                yield f"{size.when}_{part}", sums[size.when]

    def _overlapping(self) -> tuple[str, ...]:
        """Copies of the dimensions in which one vehicle may stand several times: groups are split by the dimensions."""
        return tuple(f"over_{number}" for number, _ in enumerate(self.table.overlapping))

    def _filter_tag(self) -> tuple[str, ...]:
        """The column that says which filter leaves a row out, if there is one."""
        return ("outside",) if self.grain.filters else ()

    def _tags(self) -> tuple[str, ...]:
        """Columns that rows are told apart by, beside their group."""
        return (*self._overlapping(), *self._filter_tag())

    def _source(self) -> str:
        """The table, with these columns."""
        copies = zip(self.table.overlapping, self._overlapping(), strict=True)
        columns = [f'"{name}" as {copy}' for name, copy in copies]
        if self.grain.filters:
            columns.append(f"case{self.grain.outside} else '' end as outside")
        return f"(select *, {', '.join(columns)} from {self.table.table} as kpi)" if columns else self.table.table

    def _folded(self, relation: str, keys: Sequence[str], columns: Sequence[str]) -> str:
        """What is selected of a relation: all, or the groups without the copies, as large as their largest."""
        if not self.table.overlapping:
            return f"* from {relation}"
        measures = dict(self._measures_of_size())
        folded = [f'{"max" if name in measures else "sum"}("{name}") as "{name}"' for name in columns]
        return f"split, period, {self.grain.names} {', '.join([*keys, *folded])} from {relation} group by all"

    def _several(self) -> tuple[str, ...]:
        """The dimensions of which a filter lets several values through."""
        return tuple(name for name, values in self.grain.filters if len(values) > 1)

    def _single(self, name: str) -> str:
        """SQL of whether one of the values that a filter lets through is small by itself, per group."""
        grain, measures = self.grain, dict(self._measures_of_size())
        parts = sorted({part for size in self.sizes for part in ("vehicles", size.rests_on)})
        copies = "".join(f"{copy}, " for copy in self._overlapping())
        names = "".join(f"rows.{_quoted(d)}, " for d in grain.dimensions)
        measured = ", ".join(f"{sql} as {_quoted(column)}" for column, sql in measures.items())
        rows = (
            f"select date, {grain.grouping_set} as grouping_set, {grain.selected} {copies} "
            f'kpi."{name}" as each, {_sums(parts)} from {self._source()} as kpi '
            f"{grain.inside} {grain.group_by(*self._overlapping(), f'kpi.{_quoted(name)}')}"
        )
        by_each = (
            f"select splits.split, periods.period, {names} {copies} each, {measured} from ({rows}) as rows "
            "inner join splits on rows.grouping_set = splits.grouping_set "
            "and rows.date between splits.first_day and splits.last_day "
            f"inner join periods on splits.split = periods.split and {grain.period('rows.date')} = periods.period "
            "group by all"
        )
        flags = ", ".join(
            f'bool_or("{column}" between 1 and {least - 1}) as "{_cover(column, least)}"'
            for column, least in self._measured_sizes()
        )
        each = f"select {self._folded(f'({by_each})', ['each'], list(measures))}"
        return f"select split, period, {grain.names} {flags} from ({each}) group by all"

    def _single_joins(self) -> Iterator[str]:
        same = ["split", "period", *(f'"{name}"' for name in self.grain.dimensions)]
        for name in self._several():
            yield f"left join single_{name} on {_same('groups', f'single_{name}', same)}"

    def _measured_sizes(self) -> Sequence[tuple[str, int]]:
        """Columns that groups are measured by, each with the smallest number that may be shown."""
        return list(dict.fromkeys((column, size.least) for size in self.sizes for column in size.columns))

    def _along(self) -> tuple[str, ...]:
        """Dimensions along which groups may be worked out from each other: those of splits and of filters.

        Last ``ALL``, of the groups of a whole split: of two dimensions that go together, as a code and its name, no two
        groups differ in one alone.
        """
        several = [ALL] if len(self.grain.dimensions) > 1 else []
        return tuple(dict.fromkeys((*self.grain.dimensions, *(name for name, _ in self.grain.filters), *several)))

    def _sibling(self, along: str, column: str, at: str = "") -> str:
        """SQL by which groups that differ along a dimension are told apart, the smallest first."""
        names = self.grain.dimensions if along == ALL else [name for name in self.grain.dimensions if name == along]
        tags = [*(f'{at}"{name}"' for name in names), *(f"{at}{tag}" for tag in self._filter_tag())]
        return f"row({', '.join([f'{at}{_quoted(column)}', *tags])})"

    def _covers(self) -> Iterator[str]:
        """Joins: for each dimension, of the groups that differ in it alone, which one covers the small ones."""
        filtered = {name for name, _ in self.grain.filters}
        for along in self._along():
            kept = [f'"{d}"' for d in self.grain.dimensions if along not in (d, ALL)]
            same = ["split", "period", *kept]
            covers = [
                f'case when sum("{c}") filter (where "{c}" < {least}) between 1 and {least - 1} '
                f'then min({self._sibling(along, c)}) filter (where "{c}" >= {least}) end as "{_cover(c, least)}"'
                for c, least in self._measured_sizes()
            ]
            within = f"where outside in ('', '{along if along in filtered else ''}')" if filtered else ""
            among = f"select {', '.join([*same, *covers])} from groups {within} group by {', '.join(same)}"
            yield f"inner join ({among}) as by_{along} on {_same('groups', f'by_{along}', same)}"

    def _rule(self, size: Size) -> str:
        """Too few vehicles, or a value that rests on too few, or one that covers others. None is not too few."""
        least, rests_on = size.least, f'"{size.when}_{size.rests_on}"'
        rules = [f'groups."{size.when}_vehicles" < {least}', f"(groups.{rests_on} > 0 and groups.{rests_on} < {least})"]
        for column in size.columns:
            for along in self._along():
                cover, own = f'by_{along}."{_cover(column, least)}"', self._sibling(along, column, "groups.")
                rules.append(f"coalesce({cover} = {own}, false)")
            rules += [f'coalesce(single_{name}."{_cover(column, least)}", false)' for name in self._several()]
        return " or ".join(rules)

    def _measured(self) -> Iterable[str]:
        grain = self.grain
        nulls = ", ".join(f"cast(null as double) as {name}" for name in FIGURES)
        for number, key in enumerate(self._keys):
            parts = sorted({part for m in self.keyed if m.read_by == key for part in m.parts})
            yield _KEYED.format(
                number=number,
                key=key,
                grouping_set=grain.grouping_set,
                dimension_columns=grain.selected,
                part_sums=_sums(parts),
                table=self.table.table,
                where=grain.inside,
                group_by=grain.group_by("key"),
                period=grain.period("keyed.date"),
            )
        for metric in self.keyed:
            rows = Rows(f"rows_{self._keys.index(metric.read_by)}", grain.dimensions, grain.as_of)
            told = f"with {metric.measured(rows)} union all by name select {nulls} where false"
            yield f"measured_{metric.name} as ({told})"


def _lets_through(name: str, values: Sequence[str]) -> str:
    return f'(kpi."{name}" in ({", ".join(values)}))'


def _same(one: str, other: str, names: Iterable[str]) -> str:
    return " and ".join(f"{one}.{name} = {other}.{name}" for name in names)


def _cover(column: str, least: int) -> str:
    return f"cover_{column}_{least}"


def _sums(parts: Iterable[str]) -> str:
    return ", ".join(f'sum("{part}") as "{part}"' for part in parts)


def _quoted(name: str) -> str:
    return f'"{name}"'
