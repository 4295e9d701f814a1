"""The markets of the world as tiles, each where it lies among the others: a map that no server has to be asked for."""

from __future__ import annotations

from dashboard.cards.card import Filling, Frame, sample
from dashboard.draw.charts import Axis
from dashboard.draw.groups import Tile, tiled
from dashboard.draw.palette import Palette
from dashboard.draw.parts import nothing, withheld
from dashboard.draw.sheets import Column, Sheet, cell
from dashboard.view import wording
from dashboard.view.address import View
from dashboard.view.names import UNKNOWN, value_name
from dashboard.view.published import Answers, Question
from dashboard.view.reader import Reader
from dashboard.view.texts import Text
from metrics import Contracts, Metric

_HEIGHT = 300
#: A line is a row from north to south, a place in it a column from west to east.
_WORLD = """
.. .. .. .. .. IS .. NO SE FI EE .. .. .. .. .. ..
.. CA .. .. .. IE GB DK .. LT LV .. .. .. .. .. ..
.. US .. .. .. .. NL DE PL UA .. .. KZ .. .. .. ..
.. MX .. .. .. BE LU CZ SK RO .. .. .. .. .. KR JP
.. .. .. .. PT FR CH AT HU RS BG .. .. .. CN .. ..
.. .. .. .. ES MA IT SI HR GR TR .. .. .. HK TW ..
.. .. CO .. .. DZ TN EG IL SA QA AE .. IN TH VN PH
.. .. PE BR .. .. NG .. .. .. .. .. .. .. MY SG ..
.. .. CL UY .. .. .. ZA .. .. .. .. .. .. ID .. ..
.. .. AR .. .. .. .. .. .. .. .. .. .. .. .. AU NZ
"""
PLACES: dict[str, tuple[int, int]] = {
    code: (column, row)
    for row, line in enumerate(_WORLD.split("\n")[1:-1])
    for column, code in enumerate(line.split())
    if code != ".."
}


class TileMap:
    """One metric by market.

    Args:
        metric: its name.
    """

    def __init__(self, metric: str) -> None:
        self.metric, self.name = metric, f"{metric}-map".replace("_", "-")
        self._whole = Question((metric,), compare=True)
        self._markets = Question((metric,), ("market",), compare=True)

    def frame(self, contracts: Contracts, reader: Reader) -> Frame:
        """A chart."""
        contract = contracts.metric(self.metric)
        words = reader.say(Text.MAP_OF, label=contract.label)
        return Frame(self.name, _heading(contracts, contract, reader), _HEIGHT, reader, words, contract)

    def ask(self, view: View) -> tuple[Question, ...]:
        """The whole, and each market."""
        return self._whole, self._markets

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per market that may be shown."""
        contract, markets = found.metric(self.metric), found.of(self._markets)
        shown = sorted((v for v in markets if v.value is not None), key=lambda v: -(v.value or 0.0))
        reader = view.reader
        rows = tuple((value_name(reader, "market", v.group[0]), cell(v), v.low, v.high) for v in shown)
        value = Column.of(reader, contract)
        columns = (Column.said(reader, Text.MARKET), value, *value.ends(reader))
        title = _heading(found.contracts, contract, reader)
        return Sheet(self.name, title, columns, rows, (contract,), markets.values, found, markets.by)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The tiles; markets that have none are told."""
        (contract,), whole = sheet.contracts, sheet.found.of(self._whole).one(self.metric)
        reader = view.reader
        unit = f"{reader.unit(contract.unit)} · {view.scope}"
        sub = ", ".join(filter(None, (unit, sample(view, whole))))
        if not sheet.rows:
            return Filling(sub, content=nothing(reader, sheet.values, contract))
        tiles = [
            Tile(
                v.group[0],
                value_name(reader, "market", v.group[0]),
                *PLACES[v.group[0]],
                v.value,
                view.drilled("market", v.group[0]),
            )
            for v in sheet.values
            if v.group[0] in PLACES
        ]
        off = [
            value_name(reader, "market", v.group[0])
            for v in sheet.values
            if v.group[0] not in PLACES and v.value is not None
        ]
        nouns = wording.nouns_of(sheet.found.contracts.dimension("market"))
        notes = (
            withheld(reader, sum(v.suppressed for v in sheet.values), nouns, contract),
            reader.say(Text.NOT_ON_MAP, names=", ".join(off))
            if off and off != [value_name(reader, "market", UNKNOWN)]
            else "",
        )
        figure = tiled(tiles, Axis(wording.unit_of(reader, contract)), theme)
        return Filling(sub, figure, note=" ".join(filter(None, notes)) or None)


def _heading(contracts: Contracts, contract: Metric, reader: Reader) -> str:
    return reader.say(Text.LABEL_COMMA_BY, label=contract.label, by=contracts.dimension("market").label.lower())
