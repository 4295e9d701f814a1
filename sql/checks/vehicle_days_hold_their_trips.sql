-- core.vehicle_days counts exactly the trips of core.trips, with their distance, times, energy, fuel and harsh events.
with from_trips as (
    select
        date,
        vehicle_id,
        count(*) as trips,
        sum(distance_km) as distance_km,
        sum(driving_s) as driving_s,
        sum(idle_s) as idle_s,
        sum(coalesce(energy_used_kwh, 0)) as energy_used_kwh,
        sum(coalesce(fuel_used_l, 0)) as fuel_used_l,
        sum(refuels) as refuels,
        sum(harsh_accelerations + harsh_brakings + harsh_cornerings) as harsh_events
    from core.trips
    where date between cast($first_day as date) and cast($last_day as date)
    group by date, vehicle_id
),

from_days as (
    select
        date,
        vehicle_id,
        trips,
        distance_km,
        driving_s,
        idle_s,
        energy_used_kwh,
        fuel_used_l,
        refuels,
        harsh_accelerations + harsh_brakings + harsh_cornerings as harsh_events
    from core.vehicle_days
    where date between cast($first_day as date) and cast($last_day as date) and trips > 0
)

select
    coalesce(from_trips.date, from_days.date) as date,
    coalesce(from_trips.vehicle_id, from_days.vehicle_id) as vehicle_id,
    from_trips.trips as trips_in_trips,
    from_days.trips as trips_in_vehicle_days,
    from_trips.distance_km as distance_km_in_trips,
    from_days.distance_km as distance_km_in_vehicle_days
from from_trips
full outer join from_days on from_trips.date = from_days.date and from_trips.vehicle_id = from_days.vehicle_id
where
    coalesce(from_trips.trips, 0) <> coalesce(from_days.trips, 0)
    or coalesce(from_trips.refuels, 0) <> coalesce(from_days.refuels, 0)
    or coalesce(from_trips.harsh_events, 0) <> coalesce(from_days.harsh_events, 0)
    or abs(coalesce(from_trips.distance_km, 0) - coalesce(from_days.distance_km, 0)) > 0.001
    or abs(coalesce(from_trips.driving_s, 0) - coalesce(from_days.driving_s, 0)) > 0.001
    or abs(coalesce(from_trips.idle_s, 0) - coalesce(from_days.idle_s, 0)) > 0.001
    or abs(coalesce(from_trips.energy_used_kwh, 0) - coalesce(from_days.energy_used_kwh, 0)) > 0.001
    or abs(coalesce(from_trips.fuel_used_l, 0) - coalesce(from_days.fuel_used_l, 0)) > 0.001
