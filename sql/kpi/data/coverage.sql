-- For how much of the fleet and of its kilometres that is known which KPIs rest on, by day.
-- Energy and fuel have their own coverage, in kpi.energy.
with driven as (
    select
        date,
        vehicle_id,
        sum(distance_km) as distance_km,
        sum(case when distance_method = 'odometer' then distance_km else 0 end) as odometer_km,
        sum(case when ambient_temperature_c is not null then distance_km else 0 end) as temperature_known_km,
        sum(case when soc_start_pct is not null and soc_end_pct is not null then distance_km else 0 end)
            as charge_known_km,
        sum(coalesce(distance_speed_km, 0)) as speed_km,
        sum(interpolated_km) as interpolated_km
    from shared.fleet_trips
    where date between cast($first_day as date) and cast($last_day as date)
    group by date, vehicle_id
),

fleet as (
    select
        days.date,
        days.market,
        days.model,
        days.model_year,
        days.powertrain,
        days.software_version,
        days.months_in_service,
        days.reported,
        days.odometer_gain_km,
        driven.vehicle_id is not null as active,
        coalesce(days.powertrain in ('BEV', 'PHEV'), false) as plug,
        coalesce(driven.distance_km, 0) as distance_km,
        coalesce(driven.odometer_km, 0) as odometer_km,
        coalesce(driven.temperature_known_km, 0) as temperature_known_km,
        coalesce(driven.charge_known_km, 0) as charge_known_km,
        coalesce(driven.speed_km, 0) as speed_km,
        coalesce(driven.interpolated_km, 0) as interpolated_km
    from shared.fleet_days as days
    left join driven on days.date = driven.date and days.vehicle_id = driven.vehicle_id
    where days.date between cast($first_day as date) and cast($last_day as date)
)

select
    date,
    market,
    model,
    model_year,
    powertrain,
    software_version,
    months_in_service,
    count(*) as vehicles,
    count(case when market <> 'unknown' and model <> 'unknown' then 1 end) as described_vehicles,
    count(case when software_version <> 'unknown' then 1 end) as version_vehicles,
    count(case when reported then 1 end) as reporting_vehicles,
    count(case when reported and odometer_gain_km is not null then 1 end) as odometer_vehicles,
    count(case when active then 1 end) as active_vehicles,
    count(case when active and plug then 1 end) as plug_active_vehicles,
    sum(distance_km) as distance_km,
    sum(odometer_km) as odometer_km,
    sum(temperature_known_km) as temperature_known_km,
    sum(case when plug then distance_km else 0 end) as charge_expected_km,
    sum(case when plug then charge_known_km else 0 end) as charge_known_km,
    sum(speed_km) as speed_km,
    sum(interpolated_km) as interpolated_km
from fleet
group by date, market, model, model_year, powertrain, software_version, months_in_service
