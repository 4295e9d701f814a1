"""One metric over the values of one dimension as bars with intervals: the largest first, or in their own order."""

from __future__ import annotations

from dashboard.cards.card import Filling, Frame, sample
from dashboard.draw.charts import Axis
from dashboard.draw.groups import Bar, ordered_bars, ranked_bars
from dashboard.draw.palette import Palette
from dashboard.draw.parts import state, withheld
from dashboard.draw.sheets import Cell, Column, Sheet, cell
from dashboard.view import wording
from dashboard.view.address import FILTERS, View
from dashboard.view.names import in_order, is_ordered, value_name
from dashboard.view.published import Answers, Question
from dashboard.view.reader import Reader
from dashboard.view.texts import Text
from metrics import Contracts

_BARS = 14
_BARS_IN_ORDER = 96
_ROW_HEIGHT = 24
_UPRIGHT = 230


class ByClass:
    """One metric by a dimension.

    Args:
        metric: its name.
        by: the dimension.
        title: what the card shows; the metric's label and the dimension unless given.
        name: of the card.
    """

    def __init__(self, metric: str, by: str, title: Text | None = None, name: str = "") -> None:
        self.metric, self._by, self._title = metric, by, title
        self.name = name or f"{metric}-{by}".replace("_", "-")
        self._groups = Question((metric,), (by,), compare=True)
        self._total = Question((metric,), compare=True)

    def frame(self, contracts: Contracts, reader: Reader) -> Frame:
        """A chart."""
        contract, by = contracts.metric(self.metric), contracts.dimension(self._by).label.lower()
        words = reader.say(Text.BARS_BY, label=contract.label, by=by)
        return Frame(self.name, self._heading(contracts, reader), _UPRIGHT, reader, words, contract)

    def ask(self, view: View) -> tuple[Question, ...]:
        """The whole, and each group."""
        return self._total, self._groups

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per group that may be shown: value and interval."""
        reader = view.reader
        contract, groups = found.metric(self.metric), found.of(self._groups)
        shown = [v for v in groups if v.value is not None]
        if is_ordered(self._by):
            shown = sorted(shown, key=lambda v: in_order(self._by, v.group[0]))
        else:
            shown = sorted(shown, key=lambda v: -(v.value or 0.0))
        rows: tuple[tuple[Cell, ...], ...] = tuple(
            (value_name(reader, self._by, v.group[0]), cell(v), v.low, v.high, v.vehicles) for v in shown
        )
        label = found.contracts.dimension(self._by).label
        value = Column.of(reader, contract)
        columns = (Column(label), value, *value.ends(reader), Column.said(reader, Text.VEHICLES))
        return Sheet(
            self.name,
            self._heading(found.contracts, reader),
            columns,
            rows,
            (contract,),
            tuple(shown),
            found,
            groups.by,
        )

    def _heading(self, contracts: Contracts, reader: Reader) -> str:
        if self._title is not None:
            return reader.say(self._title)
        by = contracts.dimension(self._by).label.lower()
        return reader.say(Text.LABEL_BY, label=contracts.metric(self.metric).label, by=by)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The bars, and all together as a line."""
        (contract,), total = sheet.contracts, sheet.found.of(self._total).one(self.metric)
        size, reader = sample(view, total), view.reader
        unit = f"{reader.unit(contract.unit)} · {view.scope}"
        sub = ", ".join(filter(None, (unit, size)))
        hidden = sum(v.suppressed for v in sheet.found.of(self._groups))
        notes = (
            [reader.say(Text.DOTTED_TOTAL, amount=wording.amount(reader, contract, total.value))]
            if total.value is not None and not contract.is_total
            else []
        )
        most, text = (_BARS_IN_ORDER, Text.FIRST_OF) if is_ordered(self._by) else (_BARS, Text.LARGEST_OF)
        if len(sheet.rows) > most:
            notes.append(reader.say(text, most=most, of=len(sheet.rows)))
        nouns = wording.nouns_of(sheet.found.contracts.dimension(self._by))
        notes.append(withheld(reader, hidden, nouns, contract))
        if not sheet.rows:
            return Filling(sub, content=state(reader.say(Text.NOTHING_TO_SHOW), reader.say(Text.NO_GROUP_SHOWN)))
        bars = [
            Bar(
                str(row[0]),
                v.value,
                v.low,
                v.high,
                f" · {reader.say(Text.SAMPLE, v.vehicles or 0)}",
                self._link(view, v.group[0]),
            )
            for row, v in zip(sheet.rows, sheet.values, strict=True)
        ][:most]
        axis = Axis(wording.unit_of(reader, contract))
        reference = None if contract.is_total else total.value
        if is_ordered(self._by):
            return Filling(sub, ordered_bars(bars, axis, theme, reference), note=" ".join(filter(None, notes)))
        figure = ranked_bars(bars, axis, theme, reference)
        return Filling(sub, figure, note=" ".join(filter(None, notes)), height=44 + _ROW_HEIGHT * max(3, len(bars)))

    def _link(self, view: View, value: str) -> str:
        return view.drilled(self._by, value) if self._by in FILTERS else ""
