"""How the rows of a KPI table become cells: by which columns, days and filters they are grouped, as SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ALL = "all"
#: Units of time that a split may have, and the first day of the one that a day lies in.
UNITS = {
    "date": "{date}",
    "week": "cast(date_trunc('week', {date}) as date)",
    "month": "cast(date_trunc('month', {date}) as date)",
}


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


def _lets_through(name: str, values: Sequence[str]) -> str:
    return f'(kpi."{name}" in ({", ".join(values)}))'
