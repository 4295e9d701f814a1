-- A charging session stores no more than it draws, and lasts no longer than it is plugged.
-- Tolerances: a tenth and 1 kWh for meters, 1 s for times.
select
    date,
    vehicle_id,
    started_at,
    energy_in_kwh,
    energy_stored_kwh,
    plugged_at,
    unplugged_at,
    duration_s
from core.charging_sessions
where
    date between cast($first_day as date) and cast($last_day as date)
    and doubted is null
    and (
        energy_stored_kwh > 1.1 * energy_in_kwh + 1
        or duration_s > epoch(unplugged_at) - epoch(plugged_at) + 1
    )
