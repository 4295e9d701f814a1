-- Faults of the fleet by day: set on the day, set within 28 days, and open as the day ends.
with fleet as (
    select
        date,
        vehicle_id,
        market,
        model,
        model_year,
        powertrain,
        software_version,
        months_in_service,
        reported,
        active,
        distance_km
    from shared.fleet_days
    where date between cast($first_day as date) and cast($last_day as date)
),

days as (
    select distinct date
    from fleet
),

drove as (
    select
        date,
        vehicle_id
    from core.activity
    where
        date between cast($first_day as date) and cast($last_day as date)
        and (active_days & 268435455) <> 0  -- a day of the last 28
),

episodes as (
    select
        vehicle_id,
        date as set_on,
        cast(cleared_at as date) as cleared_on
    from core.fault_episodes
    where date <= cast($last_day as date)
),

faulty as (
    select
        days.date,
        episodes.vehicle_id,
        count(case when episodes.set_on = days.date then 1 end) as episodes,
        count(case when episodes.set_on >= days.date - 27 then 1 end) as episodes_28d,
        count(case when episodes.cleared_on is null or episodes.cleared_on > days.date then 1 end) as open_episodes
    from days
    inner join episodes
        on
            days.date >= episodes.set_on
            and (
                days.date - 27 <= episodes.set_on
                or episodes.cleared_on is null
                or days.date < episodes.cleared_on
            )
    group by days.date, episodes.vehicle_id
),

-- A vehicle that told of a fault, and is in no fleet on the day, counts with its faults.
vehicles as (
    select
        coalesce(fleet.date, faulty.date) as date,
        coalesce(fleet.market, 'unknown') as market,
        coalesce(fleet.model, 'unknown') as model,
        coalesce(fleet.model_year, 'unknown') as model_year,
        coalesce(fleet.powertrain, 'unknown') as powertrain,
        coalesce(fleet.software_version, 'unknown') as software_version,
        coalesce(fleet.months_in_service, 'unknown') as months_in_service,
        case when fleet.vehicle_id is null then 0 else 1 end as vehicles,
        case when fleet.reported then 1 else 0 end as reporting,
        case when fleet.active then 1 else 0 end as active,
        case when drove.vehicle_id is null then 0 else 1 end as active_28d,
        coalesce(fleet.distance_km, 0) as distance_km,
        coalesce(faulty.episodes, 0) as episodes,
        coalesce(faulty.episodes_28d, 0) as episodes_28d,
        coalesce(faulty.open_episodes, 0) as open_episodes
    from fleet
    full join faulty on fleet.date = faulty.date and fleet.vehicle_id = faulty.vehicle_id
    left join drove on fleet.date = drove.date and fleet.vehicle_id = drove.vehicle_id
    where fleet.vehicle_id is not null or faulty.episodes_28d > 0
)

select
    date,
    market,
    model,
    model_year,
    powertrain,
    software_version,
    months_in_service,
    cast(sum(vehicles) as bigint) as vehicles,
    cast(sum(reporting) as bigint) as reporting_vehicles,
    cast(sum(active) as bigint) as active_vehicles,
    cast(sum(active_28d) as bigint) as active_28d_vehicles,
    sum(distance_km) as distance_km,
    cast(sum(episodes) as bigint) as episodes,
    cast(sum(episodes_28d) as bigint) as episodes_28d,
    count(case when episodes_28d > 0 then 1 end) as affected_28d_vehicles,
    count(case when reporting = 1 and open_episodes > 0 then 1 end) as open_vehicles,
    max(distance_km) as largest_distance_km,
    cast(max(episodes) as bigint) as largest_episodes,
    cast(max(episodes_28d) as bigint) as largest_episodes_28d
from vehicles
group by date, market, model, model_year, powertrain, software_version, months_in_service
