"""Groups against all together: as they are, with their intervals and places, and as they would be at the mix of all.

What a group differs by is the sum of two parts: mix, that goes once it has the shares of all, and rate, that stays.
``metrics.ranks`` works out both, and which places a group may have beyond chance.
"""

from __future__ import annotations

from dashboard.cards.card import Filling, Frame, sample
from dashboard.draw.charts import Axis
from dashboard.draw.groups import Bar, compared_dots
from dashboard.draw.palette import Palette
from dashboard.draw.parts import nothing, withheld
from dashboard.draw.sheets import Cell, Column, Sheet
from dashboard.view import wording
from dashboard.view.address import View
from dashboard.view.names import value_name
from dashboard.view.published import Answers, Question
from metrics import Contracts, Metric
from metrics.kinds.standardised import Standardised
from metrics.ranks import Ranked, ranked

_ROW_HEIGHT = 27
_MARGINS = 70
_MOST = 20
_NAMED = 3


class Ranking:
    """A rate of the values of a dimension, highest first, beside the same at the mix of the whole slice.

    Args:
        metric: the rate as it is.
        at_mix: the standardised one; its contract says over what.
        by: the dimension.
    """

    def __init__(self, metric: str, at_mix: str, by: str) -> None:
        self.metric, self._at_mix, self._by = metric, at_mix, by
        self.name = f"{metric}-by-{by}".replace("_", "-")
        self._whole = Question((metric,), compare=True)
        self._groups = Question((metric, at_mix), (by,), compare=True)

    def frame(self, contracts: Contracts) -> Frame:
        """A chart."""
        contract, other = contracts.metric(self.metric), contracts.metric(self._at_mix)
        mix_of(other, self.metric)
        by = contracts.dimension(self._by).label.lower()
        words = f"Dots: {contract.label}, by {by}, with intervals, as it is and at the mix of all."
        return Frame(self.name, f"{contract.label}, by {by}", 320, words, contract)

    def ask(self, view: View) -> tuple[Question, ...]:
        """The whole, and each group in both ways."""
        return self._whole, self._groups

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per group that may be shown: both values with intervals, the gap to all and its two parts, places."""
        contract, other = (found.metric(name) for name in (self.metric, self._at_mix))
        whole, groups = found.of(self._whole).one(self.metric), found.of(self._groups)
        at_mix = {v.group: v for v in groups.series(self._at_mix)}
        placed = ranked(whole, groups.series(self.metric), at_mix)
        rows = tuple(
            (value_name(self._by, r.value.group[0]), *_both(r), *_gap(r), str(r.rank), r.places) for r in placed
        )
        points = "pp" if contract.unit == "%" else wording.unit_of(contract)
        gaps = (Column(label, points) for label in ("Gap to all", "of it mix", "of it rate"))
        label = found.contracts.dimension(self._by).label
        columns = (
            *(Column(label), *_columns(contract), *_columns(other), *gaps, Column("Share of the mix it has", "%")),
            *(Column("Place"), Column("Surely")),
        )
        title = f"{contract.label}, by {label.lower()}"
        return Sheet(self.name, title, columns, rows, (contract, other), groups.values, found, groups.by)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The dots, and who differs beyond chance."""
        contract, other = sheet.contracts
        whole = sheet.found.of(self._whole).one(self.metric)
        over = mix_of(other, self.metric)
        same = f"at the same {wording.plural(sheet.found.contracts.dimension(over).label.lower())}"
        unit = f"{wording.unit_of(contract)} · {view.scope}"
        sub = ", ".join(filter(None, (unit, sample(view, whole))))
        if not sheet.rows:
            return Filling(sub, content=nothing(sheet.values, contract))
        raw, mixed = (_bars(sheet, first)[:_MOST] for first in (1, 4))
        figure = compared_dots((raw, mixed), ("as it is", same), Axis(wording.unit_of(contract)), theme, whole.value)
        hidden = sum(v.suppressed for v in sheet.found.of(self._groups).series(self.metric))
        notes = (
            f"Dotted: all together, {wording.amount(contract, whole.value)}.",
            _beyond_chance((raw, mixed), whole.value, same),
            _sure_places(sheet),
            f"The {_MOST} highest of {len(sheet.rows)}; the table has all." if len(sheet.rows) > _MOST else "",
            withheld(hidden, sheet.columns[0].label.lower(), contract),
        )
        height = _MARGINS + _ROW_HEIGHT * max(3, len(raw))
        return Filling(sub, figure, note=" ".join(filter(None, notes)), height=height)


def mix_of(contract: Metric, base: str) -> str:
    """The dimension whose mix a standardised metric takes from all.

    Raises:
        TypeError: the metric is not that of the base.
    """
    if not isinstance(contract, Standardised) or contract.base != base:
        raise TypeError(f"{contract.name} is not {base} at a mix")
    return contract.over


def _columns(contract: Metric) -> tuple[Column, ...]:
    """Value, low and high."""
    unit, text = wording.unit_of(contract), contract.format.text
    ends = (Column(f"{contract.short}, {end}", unit, text) for end in ("low", "high"))
    return Column.of(contract, contract.short), *ends


def _bars(sheet: Sheet, first: int) -> list[Bar]:
    """Value and interval of every row, from three columns on."""
    parts = (sheet.numbers(first + i) for i in range(3))
    names = (str(row[0]) for row in sheet.rows)
    return [Bar(name, value, low, high) for name, value, low, high in zip(names, *parts, strict=True)]


def _both(one: Ranked) -> tuple[Cell, ...]:
    mixed = (None,) * 3 if one.at_mix is None else (one.at_mix.value, one.at_mix.low, one.at_mix.high)
    return one.value.value, one.value.low, one.value.high, *mixed


def _gap(one: Ranked) -> tuple[Cell, ...]:
    """How far a group is from all, how much of it is mix, how much rate, and how much of the mix of all it has."""
    covered = None if one.at_mix is None or one.at_mix.covered is None else 100 * one.at_mix.covered
    return one.gap, one.mix, one.rate, covered


def _sure_places(sheet: Sheet) -> str:
    """How much of the order is beyond chance."""
    sure = sum(str(row[-1]).isdigit() for row in sheet.rows)
    named = [f"{row[0]} {row[-1]}" for row in sheet.rows[:_NAMED] if row[-1]]
    return (
        f"Places that hold together at 95%: {', '.join(named)}; {sure} of {len(sheet.rows)} are sure." if named else ""
    )


def _beyond_chance(pairs: tuple[list[Bar], list[Bar]], whole: float | None, same: str) -> str:
    """Who differs in both ways, the whole interval on one side.

    In both, because the interval at the mix of all is too narrow where a rate is next to nothing or to all.
    """
    if whole is None:
        return ""
    both = list(zip(*pairs, strict=True))
    above = [one.name for one, other in both if all(bar.low is not None and bar.low > whole for bar in (one, other))]
    below = [one.name for one, other in both if all(bar.high is not None and bar.high < whole for bar in (one, other))]
    told = [
        f"{side}: {', '.join(names[:_NAMED])}{f' and {len(names) - _NAMED} more' if len(names) > _NAMED else ''}"
        for side, names in (("above", above), ("below", below))
        if names
    ]
    return f"Beyond chance, also {same}, {'; '.join(told)}." if told else "Nobody differs beyond chance in both ways."
