"""Tiles: one metric each, with its trend, change, interval and n of N."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dash import Output, html

from dashboard.cards.card import Address, Filling
from dashboard.draw.palette import Palette
from dashboard.draw.parts import tile, tile_without
from dashboard.draw.sheets import Column, Sheet, cell, trend
from dashboard.view import wording
from dashboard.view.address import View
from dashboard.view.published import Answers, Question
from dashboard.view.reader import Reader
from dashboard.view.texts import Text
from metrics import Contracts, MetricValue


@dataclass(frozen=True)
class TileRow:
    """The place of a row of tiles: one slot."""

    name: str

    def layout(self, page: str) -> Any:
        """The row before it has figures."""
        return html.Div(id=f"{page}-{self.name}", className="tiles")

    @property
    def stands_in_part(self) -> bool:
        """A tile whose figures are not split by what the view filters by says so alone."""
        return True

    def outputs(self, page: str) -> dict[str, Output]:
        """The row's children."""
        return {"tiles": Output(f"{page}-{self.name}", "children")}

    def clickable(self, page: str) -> str:
        """No chart."""
        return ""

    def values(self, filling: Filling, page: Address, view: View, sheet: Sheet) -> dict[str, Any]:
        """The values of ``outputs``."""
        return {"tiles": filling.content}


class Tiles:
    """A row of tiles.

    Args:
        metrics: their names, in order.
        name: of the row, where a page has several.
    """

    def __init__(self, *metrics: str, name: str = "tiles") -> None:
        self.name, self.metrics = name, metrics
        self._asked = {name: (Question((name,), compare=True), Question((name,), ("date",))) for name in metrics}

    def frame(self, contracts: Contracts, reader: Reader) -> TileRow:
        """One slot for all tiles."""
        for metric in self.metrics:
            contracts.metric(metric)
        return TileRow(self.name)

    def ask(self, view: View) -> tuple[Question, ...]:
        """The totals, and each day for the trend."""
        return tuple(question for both in self._asked.values() for question in both)

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per metric that is split by what the view filters by: now and before."""
        told = [name for name, both in self._asked.items() if not found.lacking(both)]
        contracts = tuple(found.metric(name) for name in told)
        values = tuple(found.of(self._asked[name][0]).one(name) for name in told)
        rows, reader = [], view.reader
        for contract, value in zip(contracts, values, strict=True):
            before = value.previous.value if value.previous else None
            moved = wording.change(reader, contract, value)
            unit = reader.unit(contract.unit)
            rows.append((contract.label, unit, cell(value), before, moved.text if moved else None))
        heads = (Text.METRIC, Text.UNIT, Text.NOW, Text.BEFORE, Text.CHANGE)
        columns = tuple(Column.said(reader, head) for head in heads)
        return Sheet(self.name, reader.say(Text.KEY_FIGURES), columns, tuple(rows), contracts, values, found)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The tiles."""
        late = wording.provisional(view.reader, sheet.found.info, view.last)
        values = {value.metric: value for value in sheet.values}
        return Filling(content=[self._tile(name, values.get(name), view, sheet.found, late) for name in self.metrics])

    def _tile(self, name: str, value: MetricValue | None, view: View, found: Answers, late: str) -> Any:
        contract, each_day = found.metric(name), self._asked[name][1]
        if value is None:
            names = wording.listing(view.reader, found.lacking([each_day]))
            return tile_without(view.reader, contract, view.reader.say(Text.NOT_SPLIT_TILE, names=names))
        return tile(contract, value, trend(found.of(each_day), name, view.days), view, late)
