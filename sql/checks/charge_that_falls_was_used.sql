-- A trip of 5 km or more over which the state of charge falls by five points used energy, where its energy is known.
select
    date,
    vehicle_id,
    started_at,
    soc_start_pct,
    soc_end_pct,
    energy_used_kwh,
    energy_method
from core.trips
where
    date between cast($first_day as date) and cast($last_day as date)
    and not doubted
    and distance_km >= 5
    and soc_start_pct - soc_end_pct >= 5
    and energy_used_kwh < 0.1
