"""Simulated fleets whose truth is known, and what the lake has found of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from lake.settings import Settings
from lake.storage import Lake
from orchestration.building import build
from orchestration.landing import land
from simulator import simulate
from tests.integration.lakes import FEEDS, opened, rows
from transforms.sources.identity import KeyedIds
from transforms.sources.profile import load_profile

FIRST = date(2026, 3, 2)
DAYS = 14
VEHICLES = 60


@dataclass(frozen=True)
class Fleet:
    """A simulated fleet that was landed and built.

    Attributes:
        lake: its lake.
        settings: of the lake.
        folder: what was simulated.
    """

    lake: Lake
    settings: Settings
    folder: Path

    def truth(self, table: str) -> pl.DataFrame:
        """A truth table, with ``vehicle_id`` beside each VIN."""
        frame = pl.read_parquet(self.folder / "truth" / f"{table}.parquet")
        ids = KeyedIds(self.lake.vehicle_key, "vin")
        return frame.with_columns(vehicle_id=ids.of_series(frame["vin"])) if "vin" in frame.columns else frame

    def found(self, table: str) -> pl.DataFrame:
        """All rows of a table of the lake, as ``core.trips``."""
        return rows(self.lake, table)


def live(folder: Path, **how: Any) -> Fleet:
    """Simulate a fleet, land it through the front door and build everything."""
    simulate(folder / "feed", vehicles=VEHICLES, days=DAYS, first_day=FIRST, seed=11, partitions=2, **how)
    lake, settings = opened(folder / "lake")
    land(lake, settings, load_profile(FEEDS / "fleet.toml"), [str(folder / "feed" / "inbox" / "fleet")])
    build(lake, settings)
    return Fleet(lake, settings, folder / "feed")


@dataclass
class Ledger:
    """Truth against found, line by line; told at the end of the run, and by a test that fails.

    Attributes:
        tell: takes each line.
    """

    tell: Callable[[str], None]
    lines: list[str] = field(default_factory=list)

    def equal(self, what: str, truth: float, found: float) -> None:
        """A count is the true one."""
        self._write(what, truth, found, "exactly")
        assert found == truth, "\n".join(self.lines)

    def near(self, what: str, truth: float, found: float, share: float = 0.005) -> None:
        """An amount is off by at most ``share`` of the true one."""
        self._write(what, truth, found, f"within {share:.2%}")
        assert abs(found - truth) <= share * abs(truth), "\n".join(self.lines)

    def within(self, what: str, found: float, low: float, high: float) -> None:
        """A figure lies within stated bounds."""
        self._write(what, None, found, f"from {low:,g} to {high:,g}")
        assert low <= found <= high, "\n".join(self.lines)

    def _write(self, what: str, truth: float | None, found: float, allowed: str) -> None:
        known = "" if truth is None else f"{truth:,.6g}"
        line = f"{what:58} truth {known:>12}  found {found:>12,.6g}  {allowed}"
        self.lines.append(line)
        self.tell(line)
