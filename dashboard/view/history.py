"""The dashboard's one way to data of a single vehicle: the lake, read through ``lake.one_vehicle``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from dashboard.view.address import View
from dashboard.view.texts import Text
from lake.errors import LakeError
from lake.one_vehicle import LONGEST_DAYS, READABLE, Happening, OneVehicle, Readings
from lake.settings import Settings

__all__ = ["LANES", "READABLE", "SUGGESTED", "Happening", "History", "Lives", "Readings"]

#: What is drawn where nobody chose.
SUGGESTED = ("speed_kmh", "soc_pct", "lv_battery_voltage_v")
#: Lanes of the timeline in the order in which they stand, with their names.
LANES = {
    "trips": Text.TRIPS,
    "charging": Text.CHARGING,
    "faults": Text.FAULTS,
    "commands": Text.COMMANDS,
    "software": Text.SOFTWARE,
    "services": Text.SERVICES,
    "workshop": Text.WORKSHOP,
}
#: As many points of a signal are drawn at most as a wide screen has pixels across a card.
_POINTS = 1000


class Lives:
    """Opens the lake when a vehicle is first looked at.

    Args:
        open_lake: opens it.
    """

    @classmethod
    def beside(cls, settings: Settings) -> Lives:
        """Those of the lake of the settings."""
        return cls(lambda: OneVehicle.of(settings))

    def __init__(self, open_lake: Callable[[], OneVehicle]) -> None:
        self._open, self._lock = open_lake, threading.Lock()
        self._reader: OneVehicle | None = None

    def of(self, view: View) -> History | None:
        """The life of the vehicle that a view is about; ``None`` where it is about none."""
        if not view.vehicle:
            return None
        with self._lock:
            if self._reader is None:
                self._reader = self._open()
        return History(self._reader, view)


@dataclass(frozen=True)
class History:
    """One vehicle in the period of a view, or as many of its newest days as are read at once."""

    _reader: OneVehicle
    _view: View

    @property
    def first(self) -> date:
        """First day that is read."""
        return max(self._view.first, self._view.last - timedelta(LONGEST_DAYS - 1))

    @property
    def last(self) -> date:
        """Last day, included."""
        return self._view.last

    @property
    def is_cut(self) -> bool:
        """Earlier days of the period are left out."""
        return self.first > self._view.first

    @cached_property
    def described(self) -> dict[str, Any] | None:
        """What it is, and what it last said; ``None`` where nobody knows it."""
        return self._reader.described(self._view.vehicle, self.last)

    @cached_property
    def happenings(self) -> Sequence[Happening]:
        """All that happened."""
        return self._reader.happenings(self._view.vehicle, self.first, self.last)

    @cached_property
    def readings(self) -> tuple[Readings, ...]:
        """The signals that the view has chosen."""
        chosen = self._view.signals or SUGGESTED
        return self._reader.readings(self._view.vehicle, chosen, self.first, self.last, _POINTS)

    @cached_property
    def capacities(self) -> list[dict[str, Any]]:
        """What was found of its traction battery."""
        return self._reader.capacities(self._view.vehicle, self.first, self.last)


def no_lake() -> OneVehicle:
    """What there is where a dashboard has only a snapshot.

    Raises:
        LakeError: always.
    """
    raise LakeError("There is no lake beside this snapshot", action="serve the dashboard with SILLAGE_LAKE set")
