-- The longest trips, with how their distance was measured.
select
    vehicle_id,
    started_at,
    ended_at,
    distance_km,
    distance_method,
    interpolated_km,
    driving_s / 3600 as driving_h,
    distance_km / nullif(driving_s / 3600, 0) as mean_speed_kmh
from core.trips
order by distance_km desc
limit 100
