-- A trip's mean speed is at most its highest, and one whose speeds make a kilometre has a distance.
-- Tolerances: a tenth, 5 km/h and 1 km. Only where speed is sampled: between two far apart it may have been anything.
select
    date,
    vehicle_id,
    started_at,
    distance_km,
    distance_method,
    distance_speed_km,
    max_speed_kmh,
    mean_speed_kmh
from core.trips
where
    date between cast($first_day as date) and cast($last_day as date)
    and not doubted
    and interpolated_km < 0.5 * distance_speed_km
    and (
        distance_km > (1.1 * max_speed_kmh + 5) * driving_s / 3600 + 1
        or (distance_km < 0.1 and distance_speed_km >= 1)
    )
