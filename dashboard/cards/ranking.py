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
from dashboard.view.reader import Reader
from dashboard.view.texts import Text
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

    def frame(self, contracts: Contracts, reader: Reader) -> Frame:
        """A chart."""
        contract, other = contracts.metric(self.metric), contracts.metric(self._at_mix)
        mix_of(other, self.metric)
        by = contracts.dimension(self._by).label.lower()
        words = reader.say(Text.DOTS_OF, label=contract.label, by=by)
        title = reader.say(Text.LABEL_COMMA_BY, label=contract.label, by=by)
        return Frame(self.name, title, 320, reader, words, contract)

    def ask(self, view: View) -> tuple[Question, ...]:
        """The whole, and each group in both ways."""
        return self._whole, self._groups

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per group that may be shown: both values with intervals, the gap to all and its two parts, places."""
        contract, other = (found.metric(name) for name in (self.metric, self._at_mix))
        whole, groups = found.of(self._whole).one(self.metric), found.of(self._groups)
        at_mix = {v.group: v for v in groups.series(self._at_mix)}
        placed = ranked(whole, groups.series(self.metric), at_mix)
        reader = view.reader
        rows = tuple(
            (value_name(reader, self._by, r.value.group[0]), *_both(r), *_gap(r), str(r.rank), _places(reader, r))
            for r in placed
        )
        points = wording.unit_of_difference(reader, contract)
        gaps = (Column.said(reader, head, points) for head in (Text.GAP_TO_ALL, Text.OF_IT_MIX, Text.OF_IT_RATE))
        label = found.contracts.dimension(self._by).label
        columns = (
            Column(label),
            *_columns(reader, contract),
            *_columns(reader, other),
            *gaps,
            Column.said(reader, Text.MIX_COVERED, "%"),
            *(Column.said(reader, head) for head in (Text.PLACE, Text.SURELY)),
        )
        title = reader.say(Text.LABEL_COMMA_BY, label=contract.label, by=label.lower())
        return Sheet(self.name, title, columns, rows, (contract, other), groups.values, found, groups.by)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The dots, and who differs beyond chance."""
        contract, other = sheet.contracts
        whole = sheet.found.of(self._whole).one(self.metric)
        over = mix_of(other, self.metric)
        reader = view.reader
        same = reader.say(Text.AT_SAME, names=wording.nouns_of(sheet.found.contracts.dimension(over))[1])
        unit = f"{wording.unit_of(reader, contract)} · {view.scope}"
        sub = ", ".join(filter(None, (unit, sample(view, whole))))
        if not sheet.rows:
            return Filling(sub, content=nothing(reader, sheet.values, contract))
        raw, mixed = (_bars(sheet, first)[:_MOST] for first in (1, 4))
        axis, ways = Axis(wording.unit_of(reader, contract)), (reader.say(Text.AS_IT_IS), same)
        figure = compared_dots((raw, mixed), ways, axis, theme, whole.value)
        hidden = sum(v.suppressed for v in sheet.found.of(self._groups).series(self.metric))
        notes = (
            reader.say(Text.DOTTED_TOTAL, amount=wording.amount(reader, contract, whole.value)),
            _beyond_chance(reader, (raw, mixed), whole.value, same),
            _sure_places(reader, sheet),
            reader.say(Text.HIGHEST_OF, most=_MOST, of=len(sheet.rows)) if len(sheet.rows) > _MOST else "",
            withheld(reader, hidden, wording.nouns_of(sheet.found.contracts.dimension(self._by)), contract),
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


def _columns(reader: Reader, contract: Metric) -> tuple[Column, ...]:
    """Value, low and high."""
    column = Column.of(reader, contract, contract.short)
    return column, *column.ends(reader)


def _bars(sheet: Sheet, first: int) -> list[Bar]:
    """Value and interval of every row, from three columns on."""
    parts = (sheet.numbers(first + i) for i in range(3))
    names = (str(row[0]) for row in sheet.rows)
    return [Bar(name, value, low, high) for name, value, low, high in zip(names, *parts, strict=True)]


def _places(reader: Reader, one: Ranked) -> str:
    """``2`` or ``2 to 4``: the places that it may have; empty where nobody knows how sure it is."""
    if one.highest is None or one.lowest is None or one.highest == one.lowest:
        return one.places
    return reader.say(Text.PLACES, highest=one.highest, lowest=one.lowest)


def _both(one: Ranked) -> tuple[Cell, ...]:
    mixed = (None,) * 3 if one.at_mix is None else (one.at_mix.value, one.at_mix.low, one.at_mix.high)
    return one.value.value, one.value.low, one.value.high, *mixed


def _gap(one: Ranked) -> tuple[Cell, ...]:
    """How far a group is from all, how much of it is mix, how much rate, and how much of the mix of all it has."""
    covered = None if one.at_mix is None or one.at_mix.covered is None else 100 * one.at_mix.covered
    return one.gap, one.mix, one.rate, covered


def _sure_places(reader: Reader, sheet: Sheet) -> str:
    """How much of the order is beyond chance."""
    sure = sum(str(row[-1]).isdigit() for row in sheet.rows)
    named = [f"{row[0]} {row[-1]}" for row in sheet.rows[:_NAMED] if row[-1]]
    if not named:
        return ""
    return reader.say(Text.SURE_PLACES, named=", ".join(named), sure=sure, of=len(sheet.rows))


def _beyond_chance(reader: Reader, pairs: tuple[list[Bar], list[Bar]], whole: float | None, same: str) -> str:
    """Who differs in both ways, the whole interval on one side.

    In both, because the interval at the mix of all is too narrow where a rate is next to nothing or to all.
    """
    if whole is None:
        return ""
    both = list(zip(*pairs, strict=True))
    above = [one.name for one, other in both if all(bar.low is not None and bar.low > whole for bar in (one, other))]
    below = [one.name for one, other in both if all(bar.high is not None and bar.high < whole for bar in (one, other))]
    told = [
        reader.say(side, names=_some(reader, names))
        for side, names in ((Text.ABOVE, above), (Text.BELOW, below))
        if names
    ]
    if not told:
        return reader.say(Text.NOBODY_DIFFERS)
    return reader.say(Text.BEYOND_CHANCE, same=same, told="; ".join(told))


def _some(reader: Reader, names: list[str]) -> str:
    """The first of several names, and how many more there are."""
    first = ", ".join(names[:_NAMED])
    return reader.say(Text.AND_MORE, len(names) - _NAMED, names=first) if len(names) > _NAMED else first
