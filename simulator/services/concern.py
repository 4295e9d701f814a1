"""The connected services of a partition, as a concern of its vehicles' life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import polars as pl

from simulator.fleet import Fleet
from simulator.services import attacks, commands, standing, usage
from simulator.services.adoption import Fates, make_fates
from simulator.services.offers import OFFERS, SERVICES
from simulator.services.statements import POLICY_VERSION, statements
from simulator.told import Lived, Told
from simulator.world import day_ms

_CONSENTS = ("granted", "withdrawn")


@dataclass(frozen=True)
class Services:
    """Consents, subscriptions, uses and remote commands of a partition's vehicles.

    Attributes:
        seed: of the simulation.
        partition: number of the partition.
        fleet: the vehicles.
        first_day: first day of the simulation.
    """

    seed: int
    partition: int
    fleet: Fleet
    first_day: date

    @property
    def name(self) -> str:
        """Names what it carries."""
        return "services"

    @cached_property
    def fates(self) -> Fates:
        """What becomes of each service of each vehicle."""
        return make_fates(self.fleet, self.seed, self.partition, self.first_day)

    def initial(self) -> pl.DataFrame:
        """Returns the state of services of which nothing has been said yet."""
        return standing.opening(len(self.fleet))

    def live(self, day: date, state: pl.DataFrame, lived: Lived) -> Told:
        """Lives a UTC day: what the back office states, who uses what, and who asks vehicles for something."""
        said = statements(self.fates, day_ms(day))
        everything = pl.concat([commands.asked(lived, self.fates), attacks.attacks(lived, self.fates)], how="diagonal")
        issued = commands.answered(lived, commands.numbered(lived, everything))
        used = pl.concat([usage.uses(lived, self.fates), commands.as_uses(lived, issued)])
        state, changed = standing.carried(state, said, used)
        return Told(
            events={
                "service": usage.messages(used),
                "command": commands.messages(issued),
                "consent": self._consents(said),
                "subscription": self._subscriptions(said),
            },
            truth={
                "services": standing.truth(lived, self.fates.has, state, changed),
                "service_sessions": usage.truth(lived, used),
                "commands": commands.truth(lived, issued),
                "attacks": attacks.truth(lived, issued),
            },
            state=state,
        )

    def _consents(self, said: pl.DataFrame) -> pl.DataFrame:
        return (
            said.filter(pl.col("event").is_in(_CONSENTS))
            .with_columns(self._vehicle_and_service())
            .select("vehicle", "event_ms", "service", status="event", policyVersion=pl.lit(POLICY_VERSION))
        )

    def _subscriptions(self, said: pl.DataFrame) -> pl.DataFrame:
        number = pl.Series(self.fleet.number, dtype=pl.Int64)
        steps = said.filter(~pl.col("event").is_in(_CONSENTS)).with_columns(self._vehicle_and_service())
        owner = pl.Series("number", number.gather(steps["vehicle"]))
        return steps.with_columns(owner).select(
            "vehicle",
            "event_ms",
            "service",
            "event",
            "plan",
            subscriptionId=pl.format("sub-{}-{}", "number", pl.col("cell") % len(OFFERS)),
            validUntil=pl.from_epoch("until", time_unit="d").dt.to_string("%Y-%m-%d"),
        )

    @staticmethod
    def _vehicle_and_service() -> list[pl.Expr]:
        names = dict(enumerate(SERVICES))
        cell, count = pl.col("cell"), len(OFFERS)
        return [
            (cell // count).alias("vehicle"),
            (cell % count).replace_strict(names, return_dtype=pl.String).alias("service"),
        ]
