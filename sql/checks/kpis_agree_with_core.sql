-- The KPI tables have, day by day, the vehicles, trips and distance that core has now: none is stale.
with from_core as (
    select
        date,
        count(*) as vehicles,
        count(case when reported then 1 end) as reporting_vehicles,
        count(case when active then 1 end) as active_vehicles,
        sum(trips) as trips,
        sum(distance_km) as distance_km
    from core.vehicle_days
    where date between cast($first_day as date) and cast($last_day as date)
    group by date
),

from_driving as (
    select
        date,
        sum(vehicles) as vehicles,
        sum(active_vehicles) as active_vehicles,
        sum(trips) as trips,
        sum(distance_km) as distance_km
    from kpi.driving
    where date between cast($first_day as date) and cast($last_day as date)
    group by date
),

from_active as (
    select
        date,
        sum(reporting_vehicles) as reporting_vehicles,
        sum(active_1d) as active_vehicles
    from kpi.active_vehicles
    where date between cast($first_day as date) and cast($last_day as date)
    group by date
),

days as (
    select date from from_core
    union
    select date from from_driving
    union
    select date from from_active
)

select
    days.date,
    from_core.vehicles as core_vehicles,
    from_driving.vehicles as driving_vehicles,
    from_core.trips as core_trips,
    from_driving.trips as driving_trips,
    from_core.distance_km as core_distance_km,
    from_driving.distance_km as driving_distance_km,
    from_core.active_vehicles as core_active_vehicles,
    from_active.active_vehicles as active_vehicles_1d
from days
left join from_core on days.date = from_core.date
left join from_driving on days.date = from_driving.date
left join from_active on days.date = from_active.date
where
    coalesce(from_core.vehicles, 0) <> coalesce(from_driving.vehicles, 0)
    or coalesce(from_core.trips, 0) <> coalesce(from_driving.trips, 0)
    or coalesce(from_core.active_vehicles, 0) <> coalesce(from_driving.active_vehicles, 0)
    or coalesce(from_core.active_vehicles, 0) <> coalesce(from_active.active_vehicles, 0)
    or coalesce(from_core.reporting_vehicles, 0) <> coalesce(from_active.reporting_vehicles, 0)
    or abs(coalesce(from_core.distance_km, 0) - coalesce(from_driving.distance_km, 0)) > 0.001
