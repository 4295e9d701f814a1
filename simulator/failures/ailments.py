"""What a vehicle's parts carry from one day to the next: failures under way, codes set, upkeep due."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEVER_MS = 2**62


@dataclass
class Ailments:
    """The state of the failures of one partition. Times are ms since 1970 UTC, ``NEVER_MS`` if they do not come.

    Arrays of shape (vehicles, causes); a vehicle has at most one failure of a cause at a time:

    Attributes:
        began_ms: first sign of the failure, 0 if there is none.
        takes_ms: from then to full severity.
        mode: which wheel, which way; index into the codes of the cause.
        held: what a frozen sensor shows, NaN if it is not frozen.
        failed_ms: the code was first set, 0 if it was not.
        ended_ms: repaired or gone, 0 if not; such a failure is forgotten when the next day begins.
        quiet_ms: no new failure of this cause before.
        next_ms: the code is to be set or cleared next at this time or at the next chance after it.
        heal_ms: the failure goes away by itself; known from the first code on.
        visit_ms: the owner means to go to the workshop; the same.
        flaps: times the code will still clear itself and come back, ``course.LAPSED`` if it did not come back in time.
        set_ms: the code was set, first time of the episode.
        last_ms: last message about the code, 0 if there was none in this failure.
        sets: times it was set in the episode.
        on: the code is set.

    Arrays of shape (vehicles,):

    Attributes:
        pads_km: odometer at which the brake pads were new; NaN before the first day.
        pads_life_km: distance they last.
        service_km: odometer at which service is due; NaN before the first day.
        service_every_km: interval.
        late_km: how late the owner is next time; negative is early.
        visits: workshop visits so far.
        visit_ended_ms: the last one has taken effect, 0 before the first.
        pads_were_km: ``pads_km`` before that.
        service_was_km: ``service_km`` before that.
    """

    began_ms: Ints
    takes_ms: Ints
    mode: Ints
    held: Floats
    failed_ms: Ints
    ended_ms: Ints
    quiet_ms: Ints
    next_ms: Ints
    heal_ms: Ints
    visit_ms: Ints
    flaps: Ints
    set_ms: Ints
    last_ms: Ints
    sets: Ints
    on: NDArray[np.bool_]
    pads_km: Floats
    pads_life_km: Floats
    service_km: Floats
    service_every_km: Floats
    late_km: Floats
    visits: Ints
    visit_ended_ms: Ints
    pads_were_km: Floats
    service_was_km: Floats

    def to_frame(self) -> pl.DataFrame:
        """Returns the state as a frame, one row per vehicle and one column per attribute."""
        return pl.DataFrame({f.name: getattr(self, f.name) for f in fields(self)})

    @staticmethod
    def from_frame(frame: pl.DataFrame) -> Ailments:
        """Returns the state of a frame made by :meth:`to_frame`."""
        return Ailments(**{f.name: frame[f.name].to_numpy().copy() for f in fields(Ailments)})

    @staticmethod
    def none(vehicles: int, causes: int) -> Ailments:
        """Returns the state of vehicles that nothing ails, with pads and service at 0 km."""
        pair, single = (vehicles, causes), (vehicles,)
        made: dict[str, Any] = {f.name: np.zeros(single) for f in fields(Ailments)}
        made |= {name: np.zeros(single, dtype=np.int64) for name in ("visits", "visit_ended_ms")}
        made |= {name: np.zeros(pair, dtype=np.int64) for name in _PAIRS}
        made |= {name: np.full(pair, NEVER_MS, dtype=np.int64) for name in ("next_ms", "heal_ms", "visit_ms")}
        made |= {"held": np.full(pair, np.nan), "on": np.zeros(pair, dtype=np.bool_)}
        return Ailments(**made)

    @property
    def ailing(self) -> NDArray[np.bool_]:
        """Failures that are not over yet, shape (vehicles, causes)."""
        return np.asarray((self.began_ms > 0) & (self.ended_ms == 0))

    def forget(self, over: NDArray[np.bool_]) -> None:
        """Makes the parts as new whose failures are over, shape (vehicles, causes)."""
        for name in ("began_ms", "takes_ms", "failed_ms", "ended_ms", "flaps", "set_ms", "last_ms", "sets"):
            getattr(self, name)[over] = 0
        for name in ("next_ms", "heal_ms", "visit_ms"):
            getattr(self, name)[over] = NEVER_MS
        self.held[over] = np.nan


_PAIRS = (
    "began_ms", "takes_ms", "mode", "failed_ms", "ended_ms", "quiet_ms", "flaps", "set_ms", "last_ms", "sets",
)  # fmt: skip
