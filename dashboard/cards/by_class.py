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

    def __init__(self, metric: str, by: str, title: str = "", name: str = "") -> None:
        self.metric, self._by, self._title = metric, by, title
        self.name = name or f"{metric}-{by}".replace("_", "-")
        self._groups = Question((metric,), (by,), compare=True)
        self._total = Question((metric,), compare=True)

    def frame(self, contracts: Contracts) -> Frame:
        """A chart."""
        contract, label = contracts.metric(self.metric), contracts.dimension(self._by).label.lower()
        title = self._title or f"{contract.label} by {label}"
        words = f"Bars: {contract.label} by {label}, with intervals where the metric has one."
        return Frame(self.name, title, _UPRIGHT, words, contract)

    def ask(self, view: View) -> tuple[Question, ...]:
        """The whole, and each group."""
        return self._total, self._groups

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per group that may be shown: value and interval."""
        contract, groups = found.metric(self.metric), found.of(self._groups)
        shown = [v for v in groups if v.value is not None]
        if is_ordered(self._by):
            shown = sorted(shown, key=lambda v: in_order(self._by, v.group[0]))
        else:
            shown = sorted(shown, key=lambda v: -(v.value or 0.0))
        rows: tuple[tuple[Cell, ...], ...] = tuple(
            (value_name(self._by, v.group[0]), cell(v), v.low, v.high, v.vehicles) for v in shown
        )
        label = found.contracts.dimension(self._by).label
        value = Column.of(contract)
        low, high = (Column(f"{contract.label}, {end}", value.unit, value.text) for end in ("low", "high"))
        columns = (Column(label), value, low, high, Column("Vehicles"))
        return Sheet(self.name, self._heading(found), columns, rows, (contract,), tuple(shown), found, groups.by)

    def _heading(self, found: Answers) -> str:
        label = found.contracts.dimension(self._by).label.lower()
        return self._title or f"{found.metric(self.metric).label} by {label}"

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The bars, and all together as a line."""
        (contract,), total = sheet.contracts, sheet.found.of(self._total).one(self.metric)
        size = sample(view, total)
        unit = f"{wording.unit_of(contract) or contract.unit} · {view.scope}"
        sub = ", ".join(filter(None, (unit, size)))
        hidden = sum(v.suppressed for v in sheet.found.of(self._groups))
        notes = (
            [f"Dotted: all together, {wording.amount(contract, total.value)}."]
            if total.value is not None and not contract.is_total
            else []
        )
        most, which = (_BARS_IN_ORDER, "first") if is_ordered(self._by) else (_BARS, "largest")
        if len(sheet.rows) > most:
            notes.append(f"The {most} {which} of {len(sheet.rows)}; the table has all.")
        notes.append(withheld(hidden, sheet.columns[0].label.lower(), contract))
        if not sheet.rows:
            return Filling(sub, content=state("Nothing to show", "No group of this slice may be shown."))
        bars = [
            Bar(str(row[0]), v.value, v.low, v.high, f" · n = {v.vehicles:,}", self._link(view, v.group[0]))
            for row, v in zip(sheet.rows, sheet.values, strict=True)
        ][:most]
        axis = Axis(wording.unit_of(contract))
        reference = None if contract.is_total else total.value
        if is_ordered(self._by):
            return Filling(sub, ordered_bars(bars, axis, theme, reference), note=" ".join(filter(None, notes)))
        figure = ranked_bars(bars, axis, theme, reference)
        return Filling(sub, figure, note=" ".join(filter(None, notes)), height=44 + _ROW_HEIGHT * max(3, len(bars)))

    def _link(self, view: View, value: str) -> str:
        return view.drilled(self._by, value) if self._by in FILTERS else ""
