-- The condition of each vehicle of the fleet by day, from what it said last, and its health class: 0 is healthy,
-- 1 needs attention, 2 is to be acted on now.
-- The newest value counts while it is young enough: of the low-voltage battery 7 days, of tyres, brake pads, the
-- service due and the lamp 28 days, of the traction battery 90 days. Limits:
--   low-voltage battery at rest   low below 12.0 V, flat below 11.6 V; of 24 V twice, of 48 V four times as much
--   tyres                         low if one has less than 80 % of the other on its axle, or less than 150 kPa; flat
--                                 below 60 % or 100 kPa
--   front brake pads              worn from 80 %, worn out from 92 %
--   service                       overdue below 0 km, long overdue below -3,000 km
--   traction battery              weak below 80 % of its capacity as new, very weak below 70 %
-- Act now: flat battery or tyre, pads worn out, service long overdue, traction battery very weak, or a fault that lit
-- the lamp is open. Attention: low battery or tyre, pads worn, service overdue, traction battery weak, the lamp is lit,
-- or another fault is open. Healthy: none of these.
with fleet as (
    select
        date,
        vehicle_id,
        market,
        model,
        model_year,
        powertrain,
        reported
    from shared.fleet_days
    where date between cast($first_day as date) and cast($last_day as date)
),

days as (
    select distinct date
    from fleet
),

readings as (
    select
        vehicle_id,
        date as read_on,
        lv_battery_rest_voltage_v
        / case
            when lv_battery_rest_voltage_v < 18 then 1
            when lv_battery_rest_voltage_v < 36 then 2
            else 4
        end as rest_v,
        case
            when tyre_pressure_lowest_kpa is null then null
            when coalesce(tyre_pressure_axle_pct, 100) < 60 or tyre_pressure_lowest_kpa < 100 then 2
            when coalesce(tyre_pressure_axle_pct, 100) < 80 or tyre_pressure_lowest_kpa < 150 then 1
            else 0
        end as tyres,
        brake_pad_wear_pct,
        service_distance_km,
        malfunction_lamp_on
    from core.vehicle_conditions
    where date between cast($first_day as date) - 27 and cast($last_day as date)
),

-- The newest of each by day: max_by leaves out what was not said.
known as (
    select
        days.date,
        readings.vehicle_id,
        max_by(
            readings.rest_v,
            case when readings.rest_v is not null and readings.read_on >= days.date - 6 then readings.read_on end
        ) as rest_v,
        max_by(readings.tyres, case when readings.tyres is not null then readings.read_on end) as tyres,
        max_by(
            readings.brake_pad_wear_pct, case when readings.brake_pad_wear_pct is not null then readings.read_on end
        ) as brake_pad_wear_pct,
        max_by(
            readings.service_distance_km, case when readings.service_distance_km is not null then readings.read_on end
        ) as service_distance_km,
        max_by(
            readings.malfunction_lamp_on, case when readings.malfunction_lamp_on is not null then readings.read_on end
        ) as lamp_on
    from days
    inner join readings on readings.read_on between days.date - 27 and days.date
    group by days.date, readings.vehicle_id
),

faults as (
    select
        days.date,
        episodes.vehicle_id,
        count(*) as open_faults,
        count(case when episodes.malfunction_lamp_on then 1 end) as open_lamp_faults
    from days
    inner join core.fault_episodes as episodes
        on
            days.date >= episodes.date
            and (episodes.cleared_at is null or cast(episodes.cleared_at as date) > days.date)
    group by days.date, episodes.vehicle_id
),

batteries as (
    select
        days.date,
        health.vehicle_id,
        max_by(health.soh_pct, case when health.soh_pct is not null then health.date end) as soh_pct
    from days
    inner join core.battery_health as health on health.date between days.date - 89 and days.date
    group by days.date, health.vehicle_id
)

select
    fleet.date,
    fleet.vehicle_id,
    fleet.market,
    fleet.model,
    fleet.model_year,
    fleet.powertrain,
    fleet.reported,
    known.rest_v,
    known.tyres,
    known.brake_pad_wear_pct,
    known.service_distance_km,
    batteries.soh_pct,
    coalesce(faults.open_lamp_faults, 0) as open_lamp_faults,
    coalesce(faults.open_faults, 0) as open_faults,
    case
        when
            known.rest_v < 11.6
            or known.tyres = 2
            or known.brake_pad_wear_pct >= 92
            or known.service_distance_km < -3000
            or batteries.soh_pct < 70
            or faults.open_lamp_faults > 0
            then 2
        when
            known.rest_v < 12.0
            or known.tyres = 1
            or known.brake_pad_wear_pct >= 80
            or known.service_distance_km < 0
            or batteries.soh_pct < 80
            or known.lamp_on
            or faults.open_faults > 0
            then 1
        else 0
    end as health
from fleet
left join known on fleet.date = known.date and fleet.vehicle_id = known.vehicle_id
left join faults on fleet.date = faults.date and fleet.vehicle_id = faults.vehicle_id
left join batteries on fleet.date = batteries.date and fleet.vehicle_id = batteries.vehicle_id
