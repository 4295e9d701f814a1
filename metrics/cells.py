"""The one select of cells of a KPI table: sums of parts by period and group, with the one rule of suppression.

``evaluate`` and the macro in SQL are both made of it: what they show is the same, and so is what they withhold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from metrics.contract import KpiTable, Metric, OverTime
from metrics.expressions import parts_of, sum_sql
from metrics.grain import Grain
from metrics.kinds.keyed import Keyed, Rows
from metrics.kinds.plain import Plain
from metrics.protection import KEY, KEYS, amount_told, count_told
from metrics.suppression import Size, Suppression, sums_of

_FOLDER = Path(__file__).parent
_CELLS = (_FOLDER / "cells.sql").read_text(encoding="utf-8")
_KEYED = (_FOLDER / "keyed.sql").read_text(encoding="utf-8")
#: What SQL says of a metric in one cell, beside its axis. Kinds state those that they have.
FIGURES = ("value", "numerator", "denominator", "squares", "low", "high", "variance", "covered", "immature",
           "before_denominator", "largest")  # fmt: skip


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
        self.rule = Suppression(table, grain, tuple(dict.fromkeys(map(self.size, metrics))))
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
            part_sums=", ".join([sums_of(parts), *(f'max("{name}") as "{name}"' for name in self._largest())]),
            source=self.rule.source(),
            where=grain.nearly_inside,
            tags="".join(f"{name}, " for name in self.rule.tags),
            group_by=grain.group_by(*self.rule.tags),
            inside="where outside = ''" if grain.filters else "",
            period=grain.period("fine.date"),
            sums=", ".join(sql for _, sql in self._sums()),
            groups=self.rule.groups([name for name, _ in self._sums()]),
            singles=self.rule.singles,
            covers=self.rule.joins,
            withheld=self.rule.withheld,
            told=self._told(),
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
        of_group = f"withheld_{self.rule.sizes.index(size)}"
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
        told["largest"] = self.largest(metric)
        return {name: self._shown(metric, sql) for name, sql in told.items()}

    def largest(self, metric: Plain) -> str:
        """SQL over ``judged`` of how much of one of its sums is one vehicle's on one day, at least; null if unknown."""
        way, shares = self._way(metric.over_time), []
        for text in _made_of(metric):
            parts = parts_of(text)
            # The largest of the sums that are added or set against each other: a small one is led by anybody.
            whole = f"nullif(greatest({', '.join(_quoted(f'{way}_{part}') for part in parts)}), 0)"
            shares += [f"{way}_largest_{part} / {whole}" for part in parts if part in self.table.with_largest]
        return f"greatest({', '.join(shares)})" if shares else "cast(null as double)"

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
        found = {name: f"measured.{name}" for name in FIGURES}
        if self.table.protected:
            found |= self._measured_told(metric)
        return {name: self._shown(metric, sql) for name, sql in found.items()}

    def _measured_told(self, metric: Keyed) -> dict[str, str]:
        """Of these those that have noise."""
        key = _quoted(f"{self._way(metric.over_time)}_{KEY}")
        counts = ("numerator", "denominator", "before_denominator")
        told = {name: f"({count_told(f'measured.{name}', key)})" for name in counts}
        if metric.has_parts:
            told["value"] = f"{metric.scale!r} * {told['numerator']} / nullif({told['denominator']}, 0)"
        elif metric.is_share:  # of so many cases as the share says
            cases = f"round(measured.value / {metric.scale!r} * measured.denominator)"
            off = f"coalesce(({count_told(cases, key)}) / nullif({cases}, 0), 1)"
            for name in ("value", "low", "high"):
                told[name] = f"measured.{name} * {off} * measured.denominator / nullif({told['denominator']}, 0)"
        return told

    def _told(self) -> str:
        """The clause that puts the noise of published cells into their sums; what is withheld goes by the true ones."""
        if not self.table.protected:
            return ""
        vehicles, known = _quoted(f"{self.rule.sizes[0].when}_vehicles"), {name for name, _ in self._sums()}
        told = {f"{size.when}_vehicles": self._noisy(f"{size.when}_vehicles", "newest") for size in self.rule.sizes}
        for part, way in self._summed():
            name = f"{way}_{part}"
            if part in self.table.counts:
                told[name] = self._noisy(name, way)
            else:
                each = f"abs(groups.{_quoted(name)}) / greatest(groups.{vehicles}, 1)"
                if (largest := f"{way}_largest_{part}") in known:
                    each = f"greatest({each}, groups.{_quoted(largest)})"
                told[name] = amount_told(f"groups.{_quoted(name)}", f"groups.{_quoted(f'{way}_{KEY}')}", each)
        return f"replace ({', '.join(f'{sql} as {_quoted(name)}' for name, sql in told.items())})"

    def _noisy(self, name: str, way: str) -> str:
        return count_told(f"groups.{_quoted(name)}", f"groups.{_quoted(f'{way}_{KEY}')}")

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
        keys = {KEY} if self.table.protected else set()
        return sorted({*self.rule.parts, *keys} | {part for part, _ in self._summed()})

    def _with_largest(self, metric: Plain) -> list[str]:
        """The parts a value is made of of which the largest contribution of one vehicle is known."""
        return sorted({part for text in _made_of(metric) for part in parts_of(text)} & self.table.with_largest)

    def _largest(self) -> list[str]:
        """Columns of these contributions."""
        return sorted({f"largest_{part}" for metric in self.plain for part in self._with_largest(metric)})

    def _sums(self) -> list[tuple[str, str]]:
        """Columns of ``grouped``, each with its SQL over ``asked``."""
        only = {"sum": "", "newest": " filter (where date = newest)"}
        sums = {
            f"{way}_{part}": f'cast(coalesce(sum("{part}"){only[way]}, 0) as double)' for part, way in self._summed()
        }
        if self.table.protected:
            sums |= {
                f"{way}_{KEY}": f"cast(coalesce(sum({KEY}){where}, 0) % {KEYS} as bigint)"
                for way, where in only.items()
            }
        sums |= {
            f"{way}_{name}": f'max("{name}"){only[way]}'
            for metric in self.plain
            for way in (self._way(metric.over_time),)
            for name in (f"largest_{part}" for part in self._with_largest(metric))
        }
        return [(name, f'{sql} as "{name}"') for name, sql in (sums | self.rule.measures).items()]

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
                part_sums=sums_of(parts),
                table=self.table.table,
                where=grain.inside,
                group_by=grain.group_by("key"),
                period=grain.period("keyed.date"),
            )
        for metric in self.keyed:
            rows = Rows(f"rows_{self._keys.index(metric.read_by)}", grain.dimensions, grain.as_of)
            told = f"with {metric.measured(rows)} union all by name select {nulls} where false"
            yield f"measured_{metric.name} as ({told})"


def _made_of(metric: Plain) -> list[str]:
    """The expressions that a value is made of."""
    return [text for name, text in metric.sums.items() if name in ("numerator", "denominator")]


def _quoted(name: str) -> str:
    return f'"{name}"'
