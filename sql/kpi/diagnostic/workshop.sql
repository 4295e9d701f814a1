-- Workshop visits by day: arrivals, among them those that follow on another visit, and departures with the time spent.
with fleet as (
    select
        date,
        vehicle_id,
        market,
        model,
        model_year,
        powertrain
    from shared.fleet_days
    where date between cast($first_day as date) and cast($last_day as date)
),

visits as (
    select
        vehicle_id,
        visit_id,
        reason,
        cast(arrived_at as date) as arrived_on,
        cast(completed_at as date) as completed_on,
        duration_s,
        arrived_at,
        max(completed_at) over (
            partition by vehicle_id
            order by coalesce(arrived_at, completed_at), visit_id
            rows between unbounded preceding and 1 preceding
        ) as left_before_at
    from core.workshop_visits
    where date <= cast($last_day as date)
),

arrivals as (
    select
        arrived_on as date,
        vehicle_id,
        1 as visits,
        case when reason = 'repair' then 1 else 0 end as repair_visits,
        case when left_before_at <= arrived_at and date_diff('day', left_before_at, arrived_at) <= 30 then 1 else 0
        end as repeat_visits,
        0 as completed_visits,
        0.0 as days_in_workshop,
        0.0 as days_in_workshop_squared
    from visits
    where arrived_on between cast($first_day as date) and cast($last_day as date)
),

departures as (
    select
        completed_on as date,
        vehicle_id,
        0 as visits,
        0 as repair_visits,
        0 as repeat_visits,
        1 as completed_visits,
        duration_s / 86400 as days_in_workshop,
        (duration_s / 86400) * (duration_s / 86400) as days_in_workshop_squared
    from visits
    where
        completed_on between cast($first_day as date) and cast($last_day as date)
        and duration_s is not null
),

-- Vehicles that came or left within 28 days.
days as (
    select distinct date
    from fleet
),

seen as (
    select distinct
        days.date,
        visits.vehicle_id
    from days
    inner join visits
        on
            visits.arrived_on between days.date - 27 and days.date
            or visits.completed_on between days.date - 27 and days.date
),

measures as (
    select
        date,
        vehicle_id,
        1 as vehicles,
        0 as visited_28d,
        0 as visits,
        0 as repair_visits,
        0 as repeat_visits,
        0 as completed_visits,
        0.0 as days_in_workshop,
        0.0 as days_in_workshop_squared
    from fleet
    union all
    select
        date,
        vehicle_id,
        0 as vehicles,
        1 as visited_28d,
        0 as visits,
        0 as repair_visits,
        0 as repeat_visits,
        0 as completed_visits,
        0.0 as days_in_workshop,
        0.0 as days_in_workshop_squared
    from seen
    union all
    select
        date,
        vehicle_id,
        0 as vehicles,
        0 as visited_28d,
        visits,
        repair_visits,
        repeat_visits,
        completed_visits,
        days_in_workshop,
        days_in_workshop_squared
    from arrivals
    union all
    select
        date,
        vehicle_id,
        0 as vehicles,
        0 as visited_28d,
        visits,
        repair_visits,
        repeat_visits,
        completed_visits,
        days_in_workshop,
        days_in_workshop_squared
    from departures
)

select
    measures.date,
    coalesce(fleet.market, 'unknown') as market,
    coalesce(fleet.model, 'unknown') as model,
    coalesce(fleet.model_year, 'unknown') as model_year,
    coalesce(fleet.powertrain, 'unknown') as powertrain,
    cast(sum(measures.vehicles) as bigint) as vehicles,
    cast(sum(measures.visited_28d) as bigint) as visited_28d_vehicles,
    cast(sum(measures.visits) as bigint) as visits,
    cast(sum(measures.repair_visits) as bigint) as repair_visits,
    cast(sum(measures.repeat_visits) as bigint) as repeat_visits,
    cast(sum(measures.completed_visits) as bigint) as completed_visits,
    cast(sum(measures.days_in_workshop) as double) as days_in_workshop,
    cast(sum(measures.days_in_workshop_squared) as double) as days_in_workshop_squared
from measures
left join fleet on measures.date = fleet.date and measures.vehicle_id = fleet.vehicle_id
group by measures.date, fleet.market, fleet.model, fleet.model_year, fleet.powertrain
