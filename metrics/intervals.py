"""95% intervals in closed form, without SciPy."""

from __future__ import annotations

from math import sqrt

from metrics.values import Interval

Z95 = 1.959963984540054
"""97.5% quantile of the standard normal distribution."""


def wilson_interval(successes: float, trials: float, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval of a proportion.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    It stays within 0 and 1 and is sensible at 0 and at all successes.

    Args:
        successes: number of successes, 0 to ``trials``; averages of days need not be whole.
        trials: number of independent trials, above 0.
        z: normal quantile of the level.

    Returns:
        Lower and upper end, as shares.

    Raises:
        ValueError: the counts are no proportion.
    """
    if trials <= 0 or not 0 <= successes <= trials:
        raise ValueError(f"{successes} of {trials} is no proportion")
    share = successes / trials
    spread = z * z / trials
    centre = (share + spread / 2) / (1 + spread)
    half = z * sqrt((share * (1 - share) + spread / 4) / trials) / (1 + spread)
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == trials else min(1.0, centre + half)
    return low, high


def poisson_interval(events: float, z: float = Z95) -> tuple[float, float]:
    """Interval of the mean of a Poisson count: Garwood's exact interval by Byar's approximation.

    The exact ends are half chi-square quantiles with ``2 n`` and ``2 n + 2`` degrees of freedom; Wilson and Hilferty's
    cube approximates these. At 95% the upper end is within 0.6% of the exact one at every count. The lower end is
    below the exact one: by 0.8% at five events, 2.5% at three, 7% at two, and at one it is 0.013 for 0.025. Source:
    N. E. Breslow, N. E. Day, "Statistical Methods in Cancer Research", volume II (1987), section 2.3.

    Args:
        events: number of events, 0 or more.
        z: normal quantile of the level.

    Returns:
        Lower and upper end of the mean number of events.

    Raises:
        ValueError: the count is negative.
    """
    if events < 0:
        raise ValueError(f"{events} events")
    above = events + 1
    high = above * (1 - 1 / (9 * above) + z / (3 * sqrt(above))) ** 3
    if events == 0:
        return 0.0, high
    low = events * max(0.0, 1 - 1 / (9 * events) - z / (3 * sqrt(events))) ** 3
    return low, high


def mean_interval(cases: float, total: float, squares: float, z: float = Z95) -> Interval:
    """The normal interval of a mean: mean plus and minus ``z`` times the standard deviation by the root of the cases.

    By the central limit theorem it is right for many cases; of few, or of very uneven ones, it is too narrow. Source:
    NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.5.2, with the normal for Student's quantile.

    Args:
        cases: number of cases.
        total: sum of the measure over them.
        squares: sum of its squares.
        z: normal quantile of the level.

    Returns:
        Lower and upper end, in the unit of the measure; none of fewer than two cases.
    """
    if cases < 2:
        return None, None
    mean = total / cases
    variance = max(0.0, squares - total * mean) / (cases - 1)
    half = z * sqrt(variance / cases)
    return mean - half, mean + half
