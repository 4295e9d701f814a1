"""What is doubted, in the one form that all quantities give it, and what kind of lie a figure looks like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lake.schemas.core.doubts import DOUBT_KINDS
from transforms.core.axis import Bools, Floats, Positions
from transforms.core.witnesses.rules import WitnessRules

KIND = {name: number for number, name in enumerate(DOUBT_KINDS)}
#: Ratios of units that are mixed up: mile and kilometre, metre, m/s, percent; and their inverses.
_RATIOS = tuple(ratio for one in (1.609344, 3.6, 100.0, 1000.0) for ratio in (one, 1 / one))


@dataclass(frozen=True)
class Doubted:
    """Doubts about one signal as a witness of one quantity; the arrays have one length.

    Attributes:
        quantity: what the signal was to tell of.
        signal: its column; ``position`` for latitude and longitude together.
        place: positions of the samples doubted, or numbers of the trips.
        kind: indexes ``DOUBT_KINDS``.
        said: what the signal says, in the unit of the quantity.
        believed: what is believed instead; NaN where nothing is.
        by: who is believed.
    """

    quantity: str
    signal: str
    place: Positions
    kind: npt.NDArray[np.intp]
    said: Floats
    believed: Floats
    by: npt.NDArray[Any]

    @staticmethod
    def of(
        quantity: str, signal: str, place: Positions, kind: str | npt.NDArray[np.intp], said: Floats, believed: Floats,
        by: str | npt.NDArray[Any],
    ) -> Doubted:  # fmt: skip
        """The same, with one kind or one witness for all."""
        kinds = np.full(len(place), KIND[kind]) if isinstance(kind, str) else kind
        names = np.full(len(place), by, dtype=object) if isinstance(by, str) else by
        return Doubted(quantity, signal, place, kinds, said, believed, names)

    def where(self, wanted: Bools) -> Doubted:
        """Some of them."""
        return Doubted(
            self.quantity, self.signal, self.place[wanted], self.kind[wanted], self.said[wanted],
            self.believed[wanted], self.by[wanted],
        )  # fmt: skip


@dataclass(frozen=True)
class Agreement:
    """By how much figures of one quantity may differ: a share of the greater one, and so much in any case."""

    share: float
    least: float

    def close(self, one: Floats, other: Floats) -> Bools:
        """Whether two figures agree; NaN agrees with nothing."""
        with np.errstate(invalid="ignore"):
            near: Bools = np.abs(one - other) <= self.share * np.maximum(np.abs(one), np.abs(other)) + self.least
        return near


def outvoted(said: list[Floats], near: Agreement) -> tuple[list[Bools], list[Bools]]:
    """Which witnesses are contradicted by two others that agree, and which stand alone against a single other one.

    Args:
        said: what each witness says; NaN where it says nothing.
        near: what agrees.

    Returns:
        Per witness: two others agree, and it agrees with neither; no such two, and it agrees with nobody who speaks.
    """
    count = len(said)
    speaks = [~np.isnan(one) for one in said]
    close = [[near.close(one, other) for other in said] for one in said]
    against, alone = [], []
    for i in range(count):
        others = [j for j in range(count) if j != i]
        pairs = [
            close[j][k] & ~close[i][j] & ~close[i][k] for number, j in enumerate(others) for k in others[number + 1 :]
        ]
        lost = np.logical_or.reduce([np.zeros(len(said[i]), dtype=bool), *pairs]) & speaks[i]
        heard = np.logical_or.reduce([speaks[j] for j in others])
        agrees = np.logical_or.reduce([close[i][j] for j in others])
        against.append(lost)
        alone.append(speaks[i] & heard & ~agrees & ~lost)
    return against, alone


def kind_of(said: Floats, believed: Floats, rules: WitnessRules) -> npt.NDArray[np.intp]:
    """What kind of lie an amount is, beside the one that is believed."""
    kind = np.full(len(said), KIND["drift"])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = said / believed
    kind[ratio > 1 + rules.apart] = KIND["jump"]
    for scale in _RATIOS:
        kind[np.abs(ratio / scale - 1) <= rules.scale] = KIND["scale"]
    kind[said < 0] = KIND["reset"]
    kind[said == 0] = KIND["frozen"]
    return kind
