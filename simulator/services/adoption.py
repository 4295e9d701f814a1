"""What becomes of each service of each vehicle: consent, activation, trial, payment, renewals, the end.

It is decided once per seed and partition, for all days; a day only looks up what is due. So a day is the same
whichever days were simulated before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from simulator.fleet import Fleet
from simulator.services import offers
from simulator.services.offers import appetite, column, flags, willingness
from simulator.streams import Purpose, stream
from simulator.world import DAY_MS, city_midnights_ms, day_ms

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEVER_MS = 2**62
NEVER_DAY = NEVER_MS // DAY_MS - 1
EPOCH = date(1970, 1, 1).toordinal()

_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000
_SAME_MIND = 0.6  # how often a customer decides on one service as on the others
_AT_HANDOVER, _LATER_DAYS = 0.72, 18.0  # consents given on the day of delivery; mean delay of the others
_AT_ONCE, _ACTIVATES_DAYS = 0.45, 5.0  # activations within the hour of consent; mean delay of the others
_PAYS_WITHOUT_HABIT, _LEAVES_WITHOUT_HABIT = 0.1, 4.0
_COMES_BACK, _BACK_DAYS = 0.2, 12.0  # customers who pay only after a time without the service; mean length
_WITHDRAWS, _WITHDRAWS_DAYS = 0.06, 300.0
_NEVER_USES = 0.2  # share of the services without habit that are set up and forgotten
_SAYS_SO = 0.75  # customers who cancel; the others just stop paying
_YEAR_DAYS, _MONTH_DAYS = 365, 30


@dataclass(frozen=True)
class Fates:
    """The life of each service of each vehicle. Arrays have the shape (vehicles, services); days count from 1970.

    Attributes:
        opened_ms: when the simulation has stated the past and the services live on: a minute after its beginning.
        has: the vehicle has the service.
        consented_ms: consent is given.
        activated_ms: the customer sets the service up.
        withdrawn_ms: consent is withdrawn, which ends everything.
        included: the service costs nothing.
        trial_until: last day of the trial.
        paid_ms: paid for the first time.
        paid_from: first day that is paid.
        period_days: length of a paid period.
        periods: number of paid periods until the customer leaves.
        cancelled_ms: the customer says that it will not be renewed.
        habitual: the service becomes a habit.
        intensity: how much it is used, relative.
    """

    opened_ms: int
    has: Flags
    consented_ms: Ints
    activated_ms: Ints
    withdrawn_ms: Ints
    included: Flags
    trial_until: Ints
    paid_ms: Ints
    paid_from: Ints
    period_days: Ints
    periods: Ints
    cancelled_ms: Ints
    habitual: Flags
    intensity: Floats

    @property
    def paid_until(self) -> Ints:
        """Last day that is paid."""
        return np.where(self.paid_ms < NEVER_MS, self.paid_from + self.periods * self.period_days - 1, -1)

    def covered(self, vehicle: Ints, service: Ints, at_ms: Ints) -> Flags:
        """Returns whether services may be used at instants, one element each."""
        here = (vehicle, service)
        day = at_ms // DAY_MS
        paid = (self.paid_ms[here] <= at_ms) & (day <= self.paid_until[here])
        free = self.included[here] | (day <= self.trial_until[here])
        alive = (np.maximum(self.activated_ms[here], self.opened_ms) < at_ms) & (at_ms < self.withdrawn_ms[here])
        return np.asarray(alive & (free | paid))

    def eagerness(self, vehicle: Ints, service: Ints, at_ms: Ints) -> Floats:
        """Returns how much services are used at instants, against a new one of an average customer."""
        here = (vehicle, service)
        days = np.maximum(at_ms - self.activated_ms[here], 0) / DAY_MS
        kept, lasts = np.where(self.habitual[here], 0.9, 0.03), np.where(self.habitual[here], 20.0, 9.0)
        return np.asarray(self.intensity[here] * (kept + (1 - kept) * np.exp(-days / lasts)))


def make_fates(fleet: Fleet, seed: int, partition: int, first_day: date) -> Fates:
    """Draws the lives of the services of a partition's vehicles."""
    markets, has = fleet.registry["market"].to_list(), flags(fleet.registry["services"].to_list())
    rng = stream(seed, Purpose.ADOPTION, partition)
    shape = has.shape
    local_ms = (city_midnights_ms(first_day) - day_ms(first_day))[fleet.city][:, None]
    wanted = appetite(markets, fleet.model, fleet.model_year)
    agrees = rng.random((shape[0], 1)), rng.random(shape), rng.random(shape)
    mind = np.where(agrees[2] < _SAME_MIND, agrees[0], agrees[1])
    consents = has & (mind < np.minimum(column("consents") * willingness(markets)[:, None], 0.97))
    delivered_ms = (fleet.delivered - EPOCH)[:, None] * DAY_MS
    consented = np.where(consents, _consent_ms(rng, shape, delivered_ms, local_ms), NEVER_MS)
    activated = _activation_ms(rng, consented, local_ms, wanted)
    withdrawn = consented + DAY_MS + (rng.exponential(_WITHDRAWS_DAYS, shape) * DAY_MS).astype(np.int64)
    withdrawn = np.where(consents & (rng.random(shape) < _WITHDRAWS), withdrawn, NEVER_MS)
    activated = np.where(activated < withdrawn, activated, NEVER_MS)
    habitual = rng.random(shape) < np.minimum(column("habit") * np.sqrt(wanted), 0.95)
    included = np.broadcast_to(column("trial_days") == 0, shape)
    on_trial = ~included & (activated < NEVER_MS)
    trial_until = np.where(on_trial, activated // DAY_MS + column("trial_days").astype(np.int64), -1)
    intensity = np.minimum(wanted, 1.6) * rng.lognormal(-0.08, 0.4, shape)
    intensity[~habitual & (rng.random(shape) < _NEVER_USES)] = 0
    return Fates(
        day_ms(first_day) + _MINUTE_MS, has, consented, activated, withdrawn, included, trial_until,
        **_payments(rng, np.where(on_trial, trial_until, NEVER_DAY), habitual, local_ms, _payable(markets, first_day)),
        habitual=habitual, intensity=intensity,
    )  # fmt: skip


def _by_day(rng: np.random.Generator, shape: tuple[int, ...], local_ms: Ints) -> Ints:
    """Times of day when customers are awake, ms from UTC midnight to the local day's."""
    return local_ms + rng.integers(8 * _HOUR_MS, 22 * _HOUR_MS, shape)


def _consent_ms(rng: np.random.Generator, shape: tuple[int, ...], delivered_ms: Ints, local_ms: Ints) -> Ints:
    """At the dealer's desk, one service after the other, or at home later on."""
    desk = delivered_ms + rng.integers(7 * _HOUR_MS, 16 * _HOUR_MS, (shape[0], 1)) + 7_300 * np.arange(shape[1])
    later = delivered_ms + (2 + rng.exponential(_LATER_DAYS, shape).astype(np.int64)) * DAY_MS
    return np.where(rng.random((shape[0], 1)) < _AT_HANDOVER, desk, later + _by_day(rng, shape, local_ms))


def _activation_ms(rng: np.random.Generator, consented: Ints, local_ms: Ints, wanted: Floats) -> Ints:
    shape = consented.shape
    at_once = consented + rng.integers(4 * _MINUTE_MS, 50 * _MINUTE_MS, shape)
    days = 2 + rng.exponential(_ACTIVATES_DAYS, shape).astype(np.int64)
    later = (consented // DAY_MS + days) * DAY_MS + _by_day(rng, shape, local_ms)
    share = np.minimum(column("activates") * wanted**0.25, 0.97)
    activates = (consented < NEVER_MS) & (rng.random(shape) < share)
    return np.where(activates, np.where(rng.random(shape) < _AT_ONCE, at_once, later), NEVER_MS)


def _payable(markets: list[str], first_day: date) -> Ints:
    """The last day of a trial that can be followed by payment, shape (vehicles, 1)."""
    closes = first_day.toordinal() - EPOCH + offers.UNPAID_FROM_DAY
    return np.array([closes - 1 if m == offers.UNPAID_MARKET else NEVER_DAY for m in markets], dtype=np.int64)[:, None]


def _payments(
    rng: np.random.Generator, trial_until: Ints, habitual: Flags, local_ms: Ints, payable: Ints
) -> dict[str, Ints]:
    """From the last day of the trial, ``NEVER_DAY`` without one: when and how customers pay, and when they leave.

    Trials that end after ``payable`` are not paid.
    """
    shape = trial_until.shape
    pays = rng.random(shape) < column("pays") * np.where(habitual, 1.0, _PAYS_WITHOUT_HABIT)
    pays &= (trial_until < NEVER_DAY) & (trial_until <= payable)
    back = 2 + rng.exponential(_BACK_DAYS, shape).astype(np.int64)
    away = rng.random(shape) < _COMES_BACK
    paid_from = trial_until + 1 + np.where(away, back, 0)
    at_night, by_day = rng.integers(_MINUTE_MS, 30 * _MINUTE_MS, shape), _by_day(rng, shape, local_ms)
    paid_ms = paid_from * DAY_MS + np.where(away, by_day, at_night)
    annual = rng.random(shape) < column("annual")
    stays = 1 - np.minimum(column("leaves") * np.where(habitual, 1.0, _LEAVES_WITHOUT_HABIT), 0.6)
    leaves = 1 - stays ** np.where(annual, 3, 1)
    periods = np.ceil(np.log1p(-rng.random(shape)) / np.log1p(-np.maximum(leaves, 1e-6))).astype(np.int64).clip(1, 1000)
    period_days = np.where(annual, _YEAR_DAYS, _MONTH_DAYS)
    last_period = paid_from + (periods - 1) * period_days
    cancels = pays & (rng.random(shape) < _SAYS_SO)
    cancelled_day = last_period + 2 + (rng.random(shape) * (period_days - 5)).astype(np.int64)
    paid_from = np.where(pays, np.where(away, paid_ms // DAY_MS, paid_from), NEVER_DAY)
    return {
        "paid_ms": np.where(pays, paid_ms, NEVER_MS),
        "paid_from": paid_from,
        "period_days": period_days,
        "periods": periods,
        "cancelled_ms": np.where(cancels, cancelled_day * DAY_MS + by_day, NEVER_MS),
    }
