"""Several metrics of one unit as bars with intervals, beside each other or by the parts of one whole."""

from __future__ import annotations

from dashboard.cards.card import Filling, Frame, sample
from dashboard.draw.charts import Axis
from dashboard.draw.groups import Bar, ranked_bars
from dashboard.draw.palette import Palette
from dashboard.draw.parts import nothing, small_group
from dashboard.draw.sheets import Column, Sheet, cell
from dashboard.view import wording
from dashboard.view.address import View
from dashboard.view.published import Answers, Question
from dashboard.view.reader import Reader
from dashboard.view.texts import Text
from metrics import Contracts

_HEIGHT = 230
_ROW_HEIGHT = 24


class ByMetric:
    """Metrics of one unit.

    Args:
        name: of the card.
        title: what it shows.
        metrics: their names.
        ordered: they have an order, which is that given; else the highest stands first.
    """

    def __init__(self, name: str, title: Text, metrics: tuple[str, ...], *, ordered: bool = False) -> None:
        self.name, self._title, self.metrics, self._ordered = name, title, metrics, ordered
        self._values = Question(metrics, compare=True)

    def frame(self, contracts: Contracts, reader: Reader) -> Frame:
        """A chart.

        Raises:
            TypeError: the metrics are of several units.
        """
        known = [contracts.metric(name) for name in self.metrics]
        if len({contract.unit for contract in known}) > 1:
            raise TypeError(f"{self.name}: {', '.join(self.metrics)} are of several units")
        words = reader.say(Text.BARS_OF, labels=", ".join(contract.label for contract in known))
        return Frame(self.name, reader.say(self._title), _HEIGHT, reader, words)

    def ask(self, view: View) -> tuple[Question, ...]:
        """All of them in the whole slice."""
        return (self._values,)

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per metric: value, interval, and what it was before."""
        told = found.of(self._values)
        values = [told.one(name) for name in self.metrics]
        if not self._ordered:
            values.sort(key=lambda v: (v.value is None, -(v.value or 0.0)))
        contracts = tuple(found.metric(v.metric) for v in values)
        rows, reader = [], view.reader
        for contract, value in zip(contracts, values, strict=True):
            before = value.previous.value if value.previous else None
            moved = wording.change(reader, contract, value)
            rows.append((contract.label, cell(value), value.low, value.high, before, moved.text if moved else None))
        heads = (Text.VALUE, Text.LOW, Text.HIGH, Text.BEFORE)
        amounts = (Column.of(reader, contracts[0], reader.say(head)) for head in heads)
        columns = (Column.said(reader, Text.METRIC), *amounts, Column.said(reader, Text.CHANGE))
        return Sheet(self.name, reader.say(self._title), columns, tuple(rows), contracts, tuple(values), found)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The bars; what is withheld or has no data has none."""
        reader = view.reader
        unit = wording.unit_of(reader, sheet.contracts[0])
        sub = ", ".join(filter(None, (f"{unit} · {view.scope}", sample(view, sheet.values[0]))))
        known = [(c, v) for c, v in zip(sheet.contracts, sheet.values, strict=True) if v.value is not None]
        if not known:
            return Filling(sub, content=nothing(reader, sheet.values, sheet.contracts[0]))
        bars = [Bar(c.short, v.value, v.low, v.high, f" · {c.label}") for c, v in known]
        hidden = [c for c, v in zip(sheet.contracts, sheet.values, strict=True) if v.suppressed]
        names = ", ".join(c.short for c in hidden)
        note = reader.say(Text.ALL_OF_THEM_SMALL, names=names, few=small_group(reader, hidden[0])) if hidden else None
        return Filling(
            sub, ranked_bars(bars, Axis(unit), theme), note=note, height=44 + _ROW_HEIGHT * max(3, len(bars))
        )
