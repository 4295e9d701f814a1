"""How many messages a vehicle sent, by its own count of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from transforms.core.axis import Ints, Positions
from transforms.core.vehicle_days.rules import DayRules
from transforms.core.vehicle_days.vehicle_messages import Messages


def missing_messages(messages: Messages, rules: DayRules) -> Ints:
    """Messages of each vehicle and day that were sent and never arrived.

    A gap in the sequence numbers counts on the day of the message behind it. Each day is told from its own messages
    and those of the day before, whatever else is there; where several feeds tell of a vehicle, each counts for itself.

    Args:
        messages: the messages; those of the first day serve the second only.
        rules: parameters.

    Returns:
        One number per group of ``messages.groups()``; 0 where the numbers are no count (``docs/core.md``).
    """
    starts, ends = messages.groups()
    if not len(starts):
        return np.empty(0, dtype=np.int64)
    follows = messages.follows(starts)
    since = np.where(follows, np.append(0, starts[:-1]), starts)
    # From here on pairs of neighbours in time: those of the two days, and those whose second message is of the day.
    last = ends - 1
    sequence = messages.sequence
    rises, step = sequence[1:] > sequence[:-1], np.diff(sequence)
    gap = np.where(rises & (step > 0) & (step - 1 <= rules.longest_gap), step - 1, 0)
    unnumbered = np.append(0, np.cumsum(~messages.numbered))
    counted = unnumbered[ends] == unnumbered[since]
    neat = 2 * _between(rises & (step == 1), since, last) >= last - since
    in_order = _between(rises, since, last) == last - since
    missing: Ints = np.where(counted & in_order & neat, _between(gap, starts - follows, last), 0)
    several = _between(messages.feed[1:] != messages.feed[:-1], since, last) > 0
    for group in np.flatnonzero((counted & ~in_order) | several):
        window, today = slice(since[group], ends[group]), starts[group] - since[group]
        feed = messages.feed[window]
        missing[group] = 0
        for number in np.unique(feed):
            of_feed = np.flatnonzero(feed == number)
            if messages.numbered[window][of_feed].all():
                yesterday = int(np.searchsorted(of_feed, today))
                missing[group] += _out_of_order(
                    sequence[window][of_feed], messages.at[window][of_feed], yesterday, rules
                )
    return missing


def _between(pairs: npt.NDArray[np.generic], low: Positions, high: Positions) -> Ints:
    """Sums of a quantity of pairs from ``low`` to before ``high``."""
    total = np.append(0, np.cumsum(pairs, dtype=np.int64))
    sums: Ints = total[high] - total[low]
    return sums


def _out_of_order(sequence: Ints, at: Ints, yesterday: int, rules: DayRules) -> int:
    """Missing messages of a day whose numbers do not rise throughout: clocks were wrong, or the count began anew.

    Where the count begins anew, a run ends: what one run lacks, the numbers of another do not fill. Sorted by number
    within each run, a gap counts where the message behind it is also the later one. Unless three quarters of the
    numbers rise with time within the runs, and half go on by one at most, they are no count. Neither are those that
    number the rows of each moment.

    Args:
        sequence: numbers of two days, in the order of time.
        at: times of the messages.
        yesterday: how many of them are of the day before.
        rules: parameters.
    """
    before, after = sequence[:-1], sequence[1:]
    anew = (after >= 0) & (after < before) & ((after <= 1) | (after < before // 10))
    if anew.any() and 2 * np.count_nonzero(at[1:] == at[:-1]) > len(before):
        return 0
    run = np.append(0, np.cumsum(anew))
    order = np.lexsort((sequence, run))
    step, within = np.diff(sequence[order]), np.diff(run[order]) == 0
    falls = np.count_nonzero((after <= before) & ~anew)
    neat = within & ((step == 0) | (step == 1))
    if 4 * falls > len(step) or 2 * np.count_nonzero(neat) < np.count_nonzero(within):
        return 0
    gap = within & (step > 1) & (step - 1 <= rules.longest_gap) & (order[1:] > order[:-1]) & (order[1:] >= yesterday)
    return int((step[gap] - 1).sum())
