"""The one rule of suppression, as SQL: which groups of a KPI table are withheld, because they or others are too small.

What the rule is: docs/metrics.md, section "Small groups". ``metrics/cells.sql`` has the select.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from metrics.contract import KpiTable
from metrics.grain import ALL, Grain

#: Filters that may hold several values at once, where values have noise.
MOST_SEVERAL = 1


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


class Suppression:
    """What the select of cells needs for the rule.

    Args:
        table: the table.
        grain: how its rows become cells.
        sizes: by which values are withheld.
    """

    def __init__(self, table: KpiTable, grain: Grain, sizes: Sequence[Size]) -> None:
        self.table, self.grain, self.sizes = table, grain, tuple(sizes)

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts that groups are measured by, sorted."""
        return tuple(sorted({part for size in self.sizes for part in ("vehicles", size.rests_on)}))

    @property
    def tags(self) -> tuple[str, ...]:
        """Columns that rows are told apart by, beside their group."""
        return (*self._overlapping(), *self._filter_tag())

    @property
    def singles(self) -> str:
        """Common table expressions of the values that filters let through, each with a comma behind it."""
        return "".join(f"single_{name} as ({self._single(name)})," for name in self._several())

    @property
    def joins(self) -> str:
        """SQL that joins to ``groups`` what covers them, and whether single values of a filter are small."""
        return " ".join([*self._covers(), *self._single_joins()])

    @property
    def withheld(self) -> str:
        """Columns ``withheld_<n>``, one for each size."""
        rules = [self._rule(size) if self._is_answered else "true" for size in self.sizes]
        return ", ".join(f"{rule} as withheld_{n}" for n, rule in enumerate(rules))

    @property
    def _is_answered(self) -> bool:
        """Whose noise differs each time is not asked for by any set of cells that one likes: it would average out."""
        return not self.table.protected or len(self._several()) <= MOST_SEVERAL

    @property
    def measures(self) -> dict[str, str]:
        """Columns of ``grouped`` that groups are measured by, each with its SQL over ``asked``."""
        found = {}
        for size in self.sizes:
            for part in ("vehicles", size.rests_on):
                sums = {
                    "most": f'max("{part}")',
                    "latest": f'cast(coalesce(sum("{part}") filter (where date = newest), 0) as bigint)',
                    "together": f'cast(sum("{part}") as bigint)',
                }
                found[f"{size.when}_{part}"] = sums[size.when]
        return found

    def source(self) -> str:
        """SQL of the table, with the columns ``tags``."""
        copies = zip(self.table.overlapping, self._overlapping(), strict=True)
        columns = [f'"{name}" as {copy}' for name, copy in copies]
        columns += [f'"{name}" as each_{name}' for name in self._several()]
        if self.grain.filters:
            columns.append(f"case{self.grain.outside} else '' end as outside")
        return f"(select *, {', '.join(columns)} from {self.table.table} as kpi)" if columns else self.table.table

    def groups(self, columns: Sequence[str]) -> str:
        """What is selected of ``grouped``, with these columns: the groups that are judged."""
        return self._folded("grouped", ["newest", "days", *self._filter_tag()], columns)

    def _folded(self, relation: str, keys: Sequence[str], columns: Sequence[str]) -> str:
        """What is selected of a relation: all, or the groups without the copies, as large as their largest."""
        if not self.table.overlapping:
            return f"* from {relation}"
        measures = self.measures
        by_largest = {name for name in columns if name in measures or "_largest_" in name}
        folded = [f'{"max" if name in by_largest else "sum"}("{name}") as "{name}"' for name in columns]
        return f"split, period, {self.grain.names} {', '.join([*keys, *folded])} from {relation} group by all"

    def _overlapping(self) -> tuple[str, ...]:
        """Copies of the dimensions in which one vehicle may stand several times: groups are split by the dimensions."""
        return tuple(f"over_{number}" for number, _ in enumerate(self.table.overlapping))

    def _filter_tag(self) -> tuple[str, ...]:
        """The column that says which filter leaves a row out, if there is one."""
        return ("outside",) if self.grain.filters else ()

    def _several(self) -> tuple[str, ...]:
        """The dimensions of which a filter lets several values through."""
        return tuple(name for name, values in self.grain.filters if len(values) > 1)

    def _single(self, name: str) -> str:
        """SQL of whether one of the values that a filter lets through is small by itself, per group."""
        grain, measures = self.grain, self.measures
        copies = "".join(f"{copy}, " for copy in self._overlapping())
        names = "".join(f"rows.{_quoted(d)}, " for d in grain.dimensions)
        measured = ", ".join(f"{sql} as {_quoted(column)}" for column, sql in measures.items())
        rows = (
            f"select date, {grain.grouping_set} as grouping_set, {grain.selected} {copies} "
            f"each_{name} as each, {sums_of(self.parts)} from {self.source()} as kpi "
            f"{grain.inside} {grain.group_by(*self._overlapping(), f'each_{name}')}"
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


def _same(one: str, other: str, names: Iterable[str]) -> str:
    return " and ".join(f"{one}.{name} = {other}.{name}" for name in names)


def _cover(column: str, least: int) -> str:
    return f"cover_{column}_{least}"


def sums_of(parts: Iterable[str]) -> str:
    """Sums of parts, each under its own name."""
    return ", ".join(f'sum("{part}") as "{part}"' for part in parts)


def _quoted(name: str) -> str:
    return f'"{name}"'
