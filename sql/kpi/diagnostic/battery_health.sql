-- State of health of traction batteries by day, in classes: the newest estimate of each, not older than 90 days.
with fleet as (
    select
        date,
        vehicle_id,
        market,
        model,
        powertrain,
        distance_km
    from shared.fleet_days
    where date between cast($first_day as date) and cast($last_day as date)
),

days as (
    select distinct date
    from fleet
),

estimates as (
    select
        vehicle_id,
        date as known_on,
        soh_pct
    from core.battery_health
    where
        date between cast($first_day as date) - 89 and cast($last_day as date)
        and soh_pct is not null
),

newest as (
    select
        days.date,
        estimates.vehicle_id,
        max_by(estimates.soh_pct, estimates.known_on) as soh_pct
    from days
    inner join estimates on estimates.known_on between days.date - 89 and days.date
    group by days.date, estimates.vehicle_id
),

-- A vehicle without a plug has no estimate, and is not missing one.
vehicles as (
    select
        fleet.date,
        fleet.market,
        fleet.model,
        fleet.powertrain,
        fleet.distance_km,
        newest.soh_pct,
        case
            when newest.soh_pct is null then 0
            when newest.soh_pct > 0 then cast(ceil(ln(newest.soh_pct) / ln(1.02)) as bigint)
            else -32768
        end as log_bucket
    from fleet
    left join newest on fleet.date = newest.date and fleet.vehicle_id = newest.vehicle_id
    where fleet.powertrain in ('BEV', 'PHEV') or newest.soh_pct is not null
)

select
    date,
    market,
    model,
    powertrain,
    log_bucket,
    count(*) as vehicles,
    count(soh_pct) as known_vehicles,
    count(case when soh_pct < 80 then 1 end) as below_80_vehicles,
    count(case when soh_pct is not null and distance_km > 0 then 1 end) as known_driven_vehicles,
    sum(case when soh_pct is null then 0 else distance_km end) as known_km,
    sum(case when soh_pct < 100 then (100 - soh_pct) * distance_km else 0 end) as fade_pct_km
from vehicles
group by date, market, model, powertrain, log_bucket
