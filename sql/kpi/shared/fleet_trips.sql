-- One row per trip of core.trips, with the dimensions of its vehicle on the day.
-- A table that is split by what differs from trip to trip, as the hour or the outside temperature, counts each vehicle
-- once a day, with the trip that speaks for it: on one day its first, on the next its second, and round again. So the
-- vehicles of all classes add up to those there are, and over some days every class has those that drove in it.
select
    trips.date,
    trips.vehicle_id,
    coalesce(days.market, 'unknown') as market,
    coalesce(days.model, 'unknown') as model,
    coalesce(days.model_year, 'unknown') as model_year,
    coalesce(days.powertrain, 'unknown') as powertrain,
    coalesce(days.software_version, 'unknown') as software_version,
    coalesce(days.months_in_service, 'unknown') as months_in_service,
    trips.started_at,
    trips.ended_at,
    trips.duration_s,
    trips.distance_km,
    trips.distance_method,
    trips.distance_speed_km,
    trips.interpolated_km,
    trips.driving_s,
    trips.idle_s,
    trips.speed_from_0_s,
    trips.speed_from_30_s,
    trips.speed_from_50_s,
    trips.speed_from_70_s,
    trips.speed_from_90_s,
    trips.speed_from_110_s,
    trips.speed_from_130_s,
    trips.energy_used_kwh,
    trips.energy_regenerated_kwh,
    trips.fuel_used_l,
    trips.fuel_method,
    trips.ambient_temperature_c,
    trips.soc_start_pct,
    trips.soc_end_pct,
    trips.start_latitude_deg,
    trips.end_latitude_deg,
    row_number() over (partition by trips.date, trips.vehicle_id order by trips.started_at)
    = 1 + mod(
        date_diff('day', date '1900-01-01', trips.date),
        count(*) over (partition by trips.date, trips.vehicle_id)
    ) as speaks
from core.trips as trips
left join shared.fleet_days as days on trips.date = days.date and trips.vehicle_id = days.vehicle_id
