-- Vehicles that ever used a service that they have, by day: new, returning, resurrected or dormant.
-- A day's use stands until the next one: what a vehicle had last used, and when, is known on every day between.
with use_days as (
    select distinct
        date,
        vehicle_id,
        service
    from core.service_sessions
    where date <= cast($last_day as date)
),

stretches as (
    select
        vehicle_id,
        service,
        date as used_on,
        min(date) over (partition by vehicle_id, service) as first_used_on,
        coalesce(
            lead(date) over (partition by vehicle_id, service order by date) - 1, cast($last_day as date)
        ) as last_day
    from use_days
),

standing as (
    select *
    from shared.fleet_services
    where date between cast($first_day as date) and cast($last_day as date)
),

now as (
    select
        standing.date,
        standing.vehicle_id,
        standing.service,
        stretches.first_used_on,
        stretches.used_on
    from standing
    inner join stretches
        on
            standing.vehicle_id = stretches.vehicle_id
            and standing.service = stretches.service
            and standing.date between stretches.used_on and stretches.last_day
    where standing.equipped
),

earlier as (
    select
        standing.date,
        standing.vehicle_id,
        standing.service,
        stretches.used_on
    from standing
    inner join stretches
        on
            standing.vehicle_id = stretches.vehicle_id
            and standing.service = stretches.service
            and standing.date - 28 between stretches.used_on and stretches.last_day
    where standing.equipped and stretches.used_on >= standing.date - 55
),

stands as (
    select
        standing.date,
        standing.market,
        standing.model,
        standing.model_year,
        standing.powertrain,
        standing.service,
        standing.equipped,
        now.first_used_on,
        now.used_on >= standing.date - 27 as used,
        earlier.used_on is not null as used_before
    from standing
    left join now
        on
            standing.date = now.date
            and standing.vehicle_id = now.vehicle_id
            and standing.service = now.service
    left join earlier
        on
            standing.date = earlier.date
            and standing.vehicle_id = earlier.vehicle_id
            and standing.service = earlier.service
)

select
    date,
    market,
    model,
    model_year,
    powertrain,
    service,
    count(*) as vehicles,
    count(case when equipped then 1 end) as equipped_vehicles,
    count(first_used_on) as tried_vehicles,
    count(case when first_used_on <= date - 28 then 1 end) as tried_before_vehicles,
    count(case when first_used_on > date - 28 then 1 end) as new_vehicles,
    count(case when first_used_on <= date - 28 and used and used_before then 1 end) as returning_vehicles,
    count(case when first_used_on <= date - 28 and used and not used_before then 1 end) as resurrected_vehicles,
    count(case when not used then 1 end) as dormant_vehicles
from stands
group by date, market, model, model_year, powertrain, service
