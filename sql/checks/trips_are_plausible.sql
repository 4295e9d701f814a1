-- A trip ends after it starts, its times fit into it, and its mean speed in motion is at most 250 km/h.
-- Tolerances: 1 s for times, which are sums of many rounded steps; 1 km for odometers that count whole kilometres.
select
    date,
    vehicle_id,
    started_at,
    ended_at,
    distance_km,
    driving_s,
    idle_s
from core.trips
where
    date between cast($first_day as date) and cast($last_day as date)
    and (
        ended_at < started_at
        or driving_s + idle_s > duration_s + 1
        or distance_km > 250 * driving_s / 3600 + 1
    )
