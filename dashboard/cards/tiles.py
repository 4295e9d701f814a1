"""Tiles: one metric each, with its trend, change, interval and n of N."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dash import Output, html

from dashboard.cards.card import Address, Filling
from dashboard.draw.palette import Palette
from dashboard.draw.parts import tile
from dashboard.draw.sheets import Column, Sheet, cell, trend
from dashboard.view import wording
from dashboard.view.address import View
from dashboard.view.published import Answers, Question
from metrics import Contracts


@dataclass(frozen=True)
class TileRow:
    """The place of a row of tiles: one slot."""

    name: str

    def layout(self, page: str) -> Any:
        """The row before it has figures."""
        return html.Div(id=f"{page}-{self.name}", className="tiles")

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
        self._total = Question(metrics, compare=True)
        self._each_day = Question(metrics, ("date",))

    def frame(self, contracts: Contracts) -> TileRow:
        """One slot for all tiles."""
        for metric in self.metrics:
            contracts.metric(metric)
        return TileRow(self.name)

    def ask(self, view: View) -> tuple[Question, ...]:
        """The totals, and each day for the trend."""
        return self._total, self._each_day

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per metric: now and before."""
        totals = found.of(self._total)
        contracts = tuple(found.metric(name) for name in self.metrics)
        values = tuple(totals.one(name) for name in self.metrics)
        rows = []
        for contract, value in zip(contracts, values, strict=True):
            before = value.previous.value if value.previous else None
            moved = wording.change(contract, value)
            rows.append((contract.label, contract.unit, cell(value), before, moved.text if moved else None))
        columns = (Column("Metric"), Column("Unit"), Column("Now"), Column("Before"), Column("Change"))
        return Sheet(self.name, "Key figures", columns, tuple(rows), contracts, values, found)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The tiles."""
        daily = sheet.found.of(self._each_day)
        late = wording.provisional(sheet.found.info, view.last)
        tiles = [
            tile(contract, value, trend(daily, contract.name, view.days), view.against, late)
            for contract, value in zip(sheet.contracts, sheet.values, strict=True)
        ]
        return Filling(content=tiles)
