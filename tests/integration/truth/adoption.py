"""A simulated life of connected services, without the roads: its truth, and core and KPIs made of what was said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import dataframely as dy
import polars as pl

from lake.schemas.core import SubscriptionDays
from lake.schemas.raw import Consents, ServiceEvents, Subscriptions
from metrics import load_contracts
from simulator.fleet import Fleet
from simulator.services.adoption import make_fates
from simulator.services.concern import Services
from simulator.services.offers import SERVICES
from simulator.services.statements import statements
from simulator.world import day_ms
from tests.unit.kpi.rows import core_rows
from tests.unit.simulator.living import FIRST_DAY, fleet_of, joined, told
from transforms.core.service_sessions import service_sessions
from transforms.core.subscription_days import subscription_days
from transforms.kpi import run_kpi

SEED = 5
CELL = ("vehicle_id", "service")


def names(vehicle: pl.Expr) -> pl.Expr:
    """The ``vehicle_id`` of a vehicle by its number."""
    return pl.format("{}{}", pl.lit("0" * 25), vehicle + 1_000_000).alias("vehicle_id")


@dataclass(frozen=True)
class Life:
    """What happened, and what core makes of what was said of it.

    Attributes:
        fleet: the vehicles.
        last: last day.
        consents: what was said of consents, as the simulator says it.
        subscriptions: steps of subscriptions.
        uses: service events.
        services: truth: a row per vehicle and service.
        sessions: truth: a row per use.
    """

    fleet: Fleet
    last: date
    consents: pl.DataFrame
    subscriptions: pl.DataFrame
    uses: pl.DataFrame
    services: pl.DataFrame
    sessions: pl.DataFrame

    @cached_property
    def core(self) -> dict[str, pl.DataFrame]:
        """The tables of core that KPIs of adoption read, of all days."""
        days = pl.DataFrame({"date": pl.date_range(FIRST_DAY, self.last, eager=True)})
        registry = self.fleet.registry.select(
            "market", "model", "model_year", "powertrain", "services", "delivered_on"
        ).with_row_index("vehicle").select(names(pl.col("vehicle")), pl.exclude("vehicle"))  # fmt: skip
        there = days.join(registry, how="cross").filter(pl.col("delivered_on") <= pl.col("date"))
        known = {"registered": True, "reported": True, "telematics_unit": True}
        tables = {
            name: _filled(name, there.with_columns(**{k: pl.lit(v) for k, v in known.items()}))
            for name in ("core.vehicles", "core.vehicle_days")
        }
        said = (
            _raw(Subscriptions, self.subscriptions.rename({"validUntil": "valid_until"})
                 .with_columns(pl.col("valid_until").str.to_date())),
            _raw(Consents, self.consents),
        )  # fmt: skip
        standing = subscription_days(tables["core.vehicles"], *said, FIRST_DAY, self.last)
        used = _raw(ServiceEvents, self.uses.rename({"sessionId": "session_id"}))
        tables["core.subscription_days"] = SubscriptionDays.validate(standing)
        tables["core.service_sessions"] = service_sessions(used, FIRST_DAY, self.last)
        return tables

    def kpi(self, table: str, first: date | None = None) -> pl.DataFrame:
        """Rows of a KPI table, of the last day unless earlier ones are asked for."""
        contract = load_contracts().table(table)
        frames = {name: self.core[name] for name in contract.inputs}
        return run_kpi(contract.sql, frames, first or self.last, self.last)


def lived_through(vehicles: int, days: int) -> Life:
    """Lives the services of a fleet, day by day, with everything that is used."""
    fleet = fleet_of(vehicles)
    lived = list(told(Services(SEED, 0, fleet, FIRST_DAY), fleet, days))
    vins = pl.DataFrame({"vin": fleet.vins}).with_row_index("vehicle").with_columns(names(pl.col("vehicle")))

    def truth(table: str) -> pl.DataFrame:
        return joined(lived, table, of="truth").join(vins, on="vin")

    services = truth("services").unique(list(CELL), keep="last", maintain_order=True)
    consents, steps, uses = (joined(lived, kind) for kind in ("consent", "subscription", "service"))
    return Life(fleet, FIRST_DAY + timedelta(days - 1), consents, steps, uses, services, truth("service_sessions"))


def stated(vehicles: int, days: int) -> Life:
    """As ``lived_through``, of subscriptions alone: quick, for large fleets. It has no truth."""
    fleet = fleet_of(vehicles)
    fates = make_fates(fleet, SEED, 0, FIRST_DAY)
    said = pl.concat([statements(fates, day_ms(FIRST_DAY + timedelta(day))) for day in range(days)])
    steps = said.filter(~pl.col("event").is_in(["granted", "withdrawn"])).select(
        "event_ms",
        "event",
        "plan",
        vehicle=pl.col("cell") // len(SERVICES),
        service=(pl.col("cell") % len(SERVICES)).replace_strict(dict(enumerate(SERVICES)), return_dtype=pl.String),
        validUntil=pl.from_epoch("until", time_unit="d").dt.to_string("%Y-%m-%d"),
    )
    none = pl.DataFrame(schema={"vehicle": pl.Int64, "event_ms": pl.Int64, "service": pl.String})
    nothing = none.with_columns(sessionId=pl.lit(""))
    return Life(fleet, FIRST_DAY + timedelta(days - 1), none, steps, nothing, none, none)


def _raw(schema: type[dy.Schema], said: pl.DataFrame) -> pl.DataFrame:
    """Rows of a raw table, of what the simulator says."""
    empty = schema.create_empty()
    at = pl.from_epoch("event_ms", time_unit="ms").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    rows = said.with_row_index("record").with_columns(
        names(pl.col("vehicle")), event_at=at, received_at=at, event_date=at.dt.date(), source=pl.lit("test"),
        batch=pl.lit(0),
    )  # fmt: skip
    mine = rows.select([pl.col(c).cast(empty.schema[c]) for c in empty.columns if c in rows.columns])
    return pl.concat([empty, mine], how="diagonal")


def _filled(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of a core table with what they do not say filled in."""
    (plain,) = core_rows(table, [{"date": FIRST_DAY, "vehicle": "a"}]).iter_slices(1)
    rest = plain.select([c for c in plain.columns if c not in rows.columns])
    mine = rows.select([c for c in plain.columns if c in rows.columns])
    return mine.join(rest, how="cross").select([pl.col(c).cast(plain.schema[c]) for c in plain.columns])
