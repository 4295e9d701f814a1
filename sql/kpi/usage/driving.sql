-- What the vehicles drove, by day.
with vehicle_days as (
    select
        date,
        coalesce(market, 'unknown') as market,
        coalesce(model, 'unknown') as model,
        coalesce(cast(model_year as varchar), 'unknown') as model_year,
        coalesce(powertrain, 'unknown') as powertrain,
        active,
        trips,
        distance_km,
        driving_s,
        idle_s,
        harsh_accelerations,
        harsh_brakings,
        harsh_cornerings,
        odometer_gain_km
    from core.vehicle_days
    where date between cast($first_day as date) and cast($last_day as date)
)

select
    date,
    market,
    model,
    model_year,
    powertrain,
    count(*) as vehicles,
    count(case when active then 1 end) as active_vehicles,
    cast(sum(trips) as bigint) as trips,
    sum(distance_km) as distance_km,
    sum(driving_s) as driving_s,
    sum(idle_s) as idle_s,
    cast(sum(harsh_accelerations) as bigint) as harsh_accelerations,
    cast(sum(harsh_brakings) as bigint) as harsh_brakings,
    cast(sum(harsh_cornerings) as bigint) as harsh_cornerings,
    count(odometer_gain_km) as odometer_vehicles,
    coalesce(sum(odometer_gain_km), 0) as odometer_gain_km,
    sum(case when odometer_gain_km is null then 0 else distance_km end) as odometer_trip_km,
    max(distance_km) as largest_distance_km,
    max(driving_s) as largest_driving_s,
    max(idle_s) as largest_idle_s,
    cast(max(harsh_accelerations) as bigint) as largest_harsh_accelerations,
    cast(max(harsh_brakings) as bigint) as largest_harsh_brakings,
    cast(max(harsh_cornerings) as bigint) as largest_harsh_cornerings,
    coalesce(max(odometer_gain_km), 0) as largest_odometer_gain_km,
    max(case when odometer_gain_km is null then 0 else distance_km end) as largest_odometer_trip_km
from vehicle_days
group by date, market, model, model_year, powertrain
