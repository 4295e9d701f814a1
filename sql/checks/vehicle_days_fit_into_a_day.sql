-- The trips that start on a day last for at most two and an hour more, and go no further than 250 km/h allow.
select
    date,
    vehicle_id,
    distance_km,
    driving_s,
    idle_s
from core.vehicle_days
where
    date between cast($first_day as date) and cast($last_day as date)
    and (
        driving_s + idle_s > 2 * 86400 + 3600
        or distance_km > 250 * driving_s / 3600 + trips
    )
