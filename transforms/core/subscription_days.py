"""How each connected service of each delivered vehicle stands on each day: equipped, consented, set up, paid for."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from lake.schemas.core import SubscriptionDays
from lake.schemas.raw.rows import SERVICES
from transforms.core.registry import as_of_days, statements

_SERVICE = ("vehicle_id", "service")
#: Steps of one moment without sequence numbers: what ends comes before what begins.
_ORDER = ("expired", "deactivated", "activated", "trial_started", "started", "renewed", "cancelled")
_OPEN = date.max


def subscription_days(
    vehicles_of_days: pl.LazyFrame | pl.DataFrame,
    subscriptions: pl.LazyFrame | pl.DataFrame,
    consents: pl.LazyFrame | pl.DataFrame,
    first: date,
    last: date,
) -> pl.DataFrame:
    """The services of the delivered vehicles as they stand at the end of each day from ``first`` to ``last``.

    A vehicle has a row for each service that the registry lists for it, and for each of which a subscription is known.
    ``docs/core.md`` has the rules on what covers a day.

    Args:
        vehicles_of_days: rows of ``core.vehicles`` of these days.
        subscriptions: rows of ``raw.subscriptions`` in any order, resends included, of all days up to ``last``.
        consents: rows of ``raw.consents`` likewise.
        first: first UTC day.
        last: last UTC day, inclusive.

    Returns:
        Rows of ``core.subscription_days``, sorted by (date, vehicle_id, service). A row depends on its own vehicle
        and service, and on nothing after its day.
    """
    within = pl.col("date").is_between(first, last)
    delivered = vehicles_of_days.lazy().filter(within & pl.col("registered")).select("date", "vehicle_id", "services")
    subscribed = as_of_days(_subscriptions(statements("raw.subscriptions", subscriptions, last)), _SERVICE, first, last)
    consented = as_of_days(_consents(statements("raw.consents", consents, last)), _SERVICE, first, last)
    key = ["date", *_SERVICE]
    known = subscribed.select(key).join(delivered, on=["date", "vehicle_id"], how="semi")
    rows = (
        pl.concat([_equipped(delivered), known.with_columns(equipped=pl.lit(value=False))])
        .group_by(key)
        .agg(pl.col("equipped").any())
        .join(subscribed, on=key, how="left")
        .join(consented, on=key, how="left")
    )
    return _standing(rows).select(SubscriptionDays.column_names()).sort(key).collect()


def _standing(rows: pl.LazyFrame) -> pl.LazyFrame:
    """What stands on the day: plan and dates only where the day is covered."""
    # A service that was taken down is not covered until it is set up again.
    covered = (pl.col("date") <= pl.col("covered_until")) & pl.col("activated").fill_null(value=True)
    stands = [pl.when("covered").then(name).alias(name) for name in ("plan", "started_on", "valid_until")]
    return rows.with_columns(covered=covered.fill_null(value=False)).with_columns(
        *stands,
        pl.col("consented", "activated").fill_null(value=False),
        pl.col("renewals").fill_null(0),
        subscription=pl.when("covered").then("subscription").otherwise(pl.lit("none")),
        cancelled=pl.col("covered") & pl.col("cancelled").fill_null(value=False),
    )


def _equipped(delivered: pl.LazyFrame) -> pl.LazyFrame:
    """Each service that the registry lists for a vehicle on a day."""
    return (
        delivered.with_columns(service=pl.col("services").str.split(","))
        .explode("service")
        .select("date", "vehicle_id", pl.col("service").str.strip_chars(), equipped=pl.lit(value=True))
        .filter(pl.col("service").is_in(SERVICES))
    )


def _consents(said: pl.LazyFrame) -> pl.LazyFrame:
    """After each statement: whether consent stands, and the day from which on."""
    granted = pl.col("status") == "granted"
    anew = granted & ~granted.shift(1, fill_value=False).over(_SERVICE)
    return said.sort(*_SERVICE, "event_at", "sequence", "status", maintain_order=True).select(
        *_SERVICE,
        "day",
        consented=granted,
        consented_on=pl.when(granted).then(pl.when(anew).then("day").forward_fill().over(_SERVICE)),
    )


def _subscriptions(steps: pl.LazyFrame) -> pl.LazyFrame:
    """After each step: whether the service is set up, and what covers days from then on, and until when."""
    event = pl.col("event")
    ordered = steps.with_columns(rank=event.replace_strict({name: n for n, name in enumerate(_ORDER)}))
    # ``cover`` numbers the stretches from one step that covers days to the next.
    covering = event.is_in(["trial_started", "started", "renewed"]) | (
        (event == "activated") & (pl.col("plan") == "included").fill_null(value=False)
    )
    numbered = ordered.sort(*_SERVICE, "event_at", "sequence", "rank").with_columns(
        covers=covering, cover=covering.cast(pl.Int32).cum_sum().over(_SERVICE)
    )
    cover = [*_SERVICE, "cover"]
    begins = pl.col("covers") & (event != "renewed")
    run = (begins | (pl.col("covers") & (pl.col("cover") == 1))).cast(pl.Int32).cum_sum()
    return (
        numbered.with_columns(run=run.over(_SERVICE))
        .with_columns(_plan(), subscription=_state())
        .with_columns(
            activated=pl.when(event.is_in(["activated", "deactivated"]))
            .then(event == "activated")
            .forward_fill()
            .over(_SERVICE),
            activated_on=pl.when(event == "activated").then("day").min().over(_SERVICE),
            subscription=pl.col("subscription").forward_fill().over(_SERVICE),
            plan=pl.col("plan").forward_fill().over([*_SERVICE, "run"]),
            started_on=pl.col("day").first().over([*_SERVICE, "run"]),
            renewals=(event == "renewed").cast(pl.Int64).cum_sum().over([*_SERVICE, "run"]),
            valid_until=pl.col("valid_until").forward_fill().over(cover),
            cancelled=(event == "cancelled").cum_max().over(cover),
            expired_on=pl.when(event == "expired").then("day").forward_fill().over(cover),
        )
        .select(
            *_SERVICE,
            "day",
            "activated",
            "subscription",
            "plan",
            "started_on",
            "valid_until",
            "cancelled",
            "renewals",
            activated_on=pl.when(pl.col("activated_on") <= pl.col("day")).then("activated_on"),
            covered_until=pl.when(pl.col("cover") > 0).then(_covered_until()),
        )
    )


def _state() -> pl.Expr:
    """What a covering step brings, by its plan, or by its name where no plan was sent."""
    plan = pl.col("plan")
    named = pl.when(pl.col("event") == "trial_started").then(pl.lit("trial")).otherwise(pl.lit("paid"))
    by_plan = pl.when(plan.is_in(["included", "trial"])).then(plan).when(plan.is_not_null()).then(pl.lit("paid"))
    return pl.when("covers").then(by_plan.otherwise(named))


def _plan() -> pl.Expr:
    """The plan of a covering step; a trial names itself."""
    trial = pl.when(pl.col("event") == "trial_started").then(pl.lit("trial"))
    return pl.when("covers").then(pl.coalesce("plan", trial)).alias("plan")


def _covered_until() -> pl.Expr:
    """Last day covered: as stated, unless an expiry came before it; then the day before the expiry."""
    stated = pl.col("valid_until").fill_null(_OPEN)
    expired_on = pl.col("expired_on")
    early = (expired_on < stated).fill_null(value=False)
    return pl.when(early).then(expired_on - timedelta(days=1)).otherwise(stated)
