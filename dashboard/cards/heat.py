"""One metric over two dimensions as a matrix of cells, as hours against weekdays."""

from __future__ import annotations

from dashboard.cards.card import Filling, Frame
from dashboard.draw.charts import Axis
from dashboard.draw.groups import heat
from dashboard.draw.palette import Palette
from dashboard.draw.parts import state
from dashboard.draw.sheets import Column, Sheet, cell
from dashboard.view import wording
from dashboard.view.address import View
from dashboard.view.names import in_order, value_name
from dashboard.view.published import Answers, Question
from dashboard.view.reader import Reader
from dashboard.view.texts import Text
from metrics import Contracts

_HEIGHT = 236


class Heat:
    """One metric by two dimensions.

    Args:
        metric: its name.
        across: dimension of the columns.
        down: dimension of the rows.
        title: what the card shows; the metric's label unless given.
    """

    def __init__(self, metric: str, across: str, down: str, title: Text | None = None) -> None:
        self.metric, self._across, self._down, self._title = metric, across, down, title
        self.name = f"{metric}-{across}-{down}".replace("_", "-")
        self._cells = Question((metric,), (down, across))

    def frame(self, contracts: Contracts, reader: Reader) -> Frame:
        """A chart."""
        contract = contracts.metric(self.metric)
        down, across = (contracts.dimension(name).label.lower() for name in (self._down, self._across))
        words = reader.say(Text.MATRIX_OF, label=contract.label, down=down, across=across)
        title = reader.say(self._title) if self._title else contract.label
        return Frame(self.name, title, _HEIGHT, reader, words, contract)

    def ask(self, view: View) -> tuple[Question, ...]:
        """Every cell."""
        return (self._cells,)

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per value down, one column per value across."""
        contract, cells = found.metric(self.metric), found.of(self._cells)
        known = {v.group: v for v in cells}
        down, across = (self._values(found, place) for place in (0, 1))
        columns = (
            Column(found.contracts.dimension(self._down).label),
            *(Column.of(view.reader, contract, value_name(view.reader, self._across, code)) for code in across),
        )
        rows = tuple(
            (value_name(view.reader, self._down, row), *(cell(known.get((row, column))) for column in across))
            for row in down
        )
        title = view.reader.say(self._title) if self._title else contract.label
        return Sheet(self.name, title, columns, rows, (contract,), cells.values, found, cells.by)

    def _values(self, found: Answers, place: int) -> list[str]:
        dimension = (self._down, self._across)[place]
        codes = {v.group[place] for v in found.of(self._cells)}
        return sorted(codes, key=lambda code: in_order(dimension, code))

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The matrix."""
        (contract,) = sheet.contracts
        reader = view.reader
        sub = f"{reader.unit(contract.unit)} · {view.period} · {view.scope}"
        if not sheet.rows:
            return Filling(sub, content=state(reader.say(Text.NOTHING_TO_SHOW), reader.say(Text.NO_DATA_HERE)))
        numbers = [[v if isinstance(v, (int, float)) else None for v in row[1:]] for row in sheet.rows]
        across = [column.label for column in sheet.columns[1:]]
        axis = Axis(wording.unit_of(reader, contract))
        figure = heat(across, [str(row[0]) for row in sheet.rows], numbers, axis, theme)
        withheld = sum(v.suppressed for v in sheet.values)
        return Filling(sub, figure, note=reader.say(Text.CELLS_WITHHELD, withheld) if withheld else None)
