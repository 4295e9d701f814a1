-- One row per session of core.charging_sessions, with the dimensions of its vehicle on the day. Its energy is what
-- reached the battery, or where that is not known, what was drawn.
select
    sessions.date,
    sessions.vehicle_id,
    coalesce(days.market, 'unknown') as market,
    coalesce(days.model, 'unknown') as model,
    coalesce(days.model_year, 'unknown') as model_year,
    coalesce(days.powertrain, 'unknown') as powertrain,
    coalesce(days.software_version, 'unknown') as software_version,
    coalesce(days.months_in_service, 'unknown') as months_in_service,
    sessions.started_at,
    sessions.method,
    sessions.current_type,
    sessions.place,
    sessions.duration_s,
    sessions.energy_in_kwh,
    sessions.energy_stored_kwh,
    coalesce(sessions.energy_stored_kwh, sessions.energy_in_kwh) as energy_kwh,
    sessions.soc_start_pct,
    sessions.soc_end_pct,
    sessions.power_mean_kw,
    sessions.power_max_kw,
    sessions.end_reason,
    sessions.interrupted
from core.charging_sessions as sessions
left join shared.fleet_days as days on sessions.date = days.date and sessions.vehicle_id = days.vehicle_id
