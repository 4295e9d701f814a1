"""What a trip took of energy and fuel: a counter against what else tells of the same amount."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from transforms.core.axis import Floats
from transforms.core.witnesses.rules import WitnessRules
from transforms.core.witnesses.verdicts import KIND, Agreement, Doubted, kind_of, outvoted


@dataclass(frozen=True)
class Witness:
    """One witness of an amount.

    Attributes:
        method: how it is called where it is believed.
        signal: column of the signal that it stands on.
        amount: what it says of each trip, NaN where it says nothing.
        counts: it counts, and is frozen where it does not.
    """

    method: str
    signal: str
    amount: Floats
    counts: bool = False


def believed(
    quantity: str,
    witnesses: Sequence[Witness],
    least: tuple[float, float],
    rules: WitnessRules,
    floor: Floats | None = None,
) -> tuple[Floats, npt.NDArray[np.intp], list[Doubted]]:
    """The amount that counts for each trip, whose it is, and whom that makes doubtful.

    The first witness that speaks counts, unless two others agree against it. Of two that contradict each other a
    counter that stands is not believed; else the first stays, and the figure carries the doubt.

    Args:
        quantity: what they tell of.
        witnesses: in the order in which they are believed.
        least: by how much amounts may differ in any case and agree, and before there is doubt.
        rules: thresholds.
        floor: what was taken at least, by a witness that knows no amount; NaN where it does not say.

    Returns:
        Amounts (NaN where nobody speaks), numbers of the witnesses (-1 for none), and doubts whose places are trips.
    """
    figures = [one.amount for one in witnesses]
    against, _ = outvoted(figures, Agreement(rules.agree, least[0]))
    _, alone = outvoted(figures, Agreement(rules.apart, least[1]))
    settled = np.logical_or.reduce(against)
    with np.errstate(invalid="ignore"):
        lost = [
            lost | (~settled & lone & one.counts & (one.amount == 0))
            for lost, lone, one in zip(against, alone, witnesses, strict=True)
        ]
        if floor is not None:
            more = np.logical_or.reduce([one.amount >= floor for one in witnesses])
            lost = [gone | (more & (one.amount < floor)) for gone, one in zip(lost, witnesses, strict=True)]
    fits = [~np.isnan(one.amount) & ~gone for one, gone in zip(witnesses, lost, strict=True)]
    number = np.select(fits, [np.intp(n) for n in range(len(witnesses))], default=np.intp(-1))
    values = np.stack([*figures, np.full(len(figures[0]), np.nan)])
    amount = values[number, np.arange(len(number))]
    names = np.array([one.method for one in witnesses] + [None], dtype=object)
    doubts = []
    for n, one in enumerate(witnesses):
        conflict = alone[n] & ~settled & ~np.logical_or.reduce(lost) & (number != n)
        trip = np.flatnonzero(lost[n] | conflict)
        if len(trip):
            kind = np.where(conflict[trip], KIND["conflict"], kind_of(one.amount[trip], amount[trip], rules))
            doubts.append(
                Doubted.of(quantity, one.signal, trip, kind, one.amount[trip], amount[trip], names[number[trip]])
            )
    return amount, number, doubts
