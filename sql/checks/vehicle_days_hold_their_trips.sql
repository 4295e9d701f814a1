-- core.vehicle_days counts exactly the trips of core.trips, with their distance.
with from_trips as (
    select
        date,
        vehicle_id,
        count(*) as trips,
        sum(distance_km) as distance_km
    from core.trips
    where date between cast($first_day as date) and cast($last_day as date)
    group by date, vehicle_id
),

from_days as (
    select
        date,
        vehicle_id,
        trips,
        distance_km
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
    or abs(coalesce(from_trips.distance_km, 0) - coalesce(from_days.distance_km, 0)) > 0.001
