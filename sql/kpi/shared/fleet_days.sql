-- One row per vehicle and day of core.vehicle_days, as KPI queries read it: all its columns, what core.vehicles says of
-- the vehicle on that day, and the dimensions as text that is never null.
select
    days.date,
    days.vehicle_id,
    coalesce(days.market, 'unknown') as market,
    coalesce(days.model, 'unknown') as model,
    coalesce(days.trim, 'unknown') as trim,
    coalesce(cast(days.model_year as varchar), 'unknown') as model_year,
    coalesce(days.powertrain, 'unknown') as powertrain,
    coalesce(days.software_version, 'unknown') as software_version,
    case
        when vehicles.months_in_service < 3 then '0-2'
        when vehicles.months_in_service < 6 then '3-5'
        when vehicles.months_in_service < 12 then '6-11'
        when vehicles.months_in_service < 24 then '12-23'
        when vehicles.months_in_service < 36 then '24-35'
        when vehicles.months_in_service >= 36 then '36+'
        else 'unknown'
    end as months_in_service,
    vehicles.automation_level,
    vehicles.delivered_on,
    vehicles.services,
    vehicles.telematics_unit,
    vehicles.battery_capacity_kwh,
    vehicles.tank_capacity_l,
    days.registered,
    days.reported,
    days.active,
    days.trips,
    days.distance_km,
    days.doubted_km,
    days.driving_s,
    days.idle_s,
    days.energy_used_kwh,
    days.energy_regenerated_kwh,
    days.energy_known_km,
    days.fuel_used_l,
    days.fuel_known_km,
    days.refuels,
    days.harsh_accelerations,
    days.harsh_brakings,
    days.harsh_cornerings,
    days.standby_h,
    days.standby_loss_pct,
    days.odometer_gain_km,
    days.messages,
    days.messages_expected,
    days.messages_late,
    days.duplicates,
    days.conflicts,
    days.implausible,
    days.first_event_at,
    days.last_event_at,
    days.lag_sum_s,
    days.lag_max_s
from core.vehicle_days as days
left join core.vehicles as vehicles on days.date = vehicles.date and days.vehicle_id = vehicles.vehicle_id
