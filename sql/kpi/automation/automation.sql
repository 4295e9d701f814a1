-- Vehicles with driving automation of level 2 or more, and how much of what they drive is driven with it, by day.
with engaged as (
    select
        date,
        vehicle_id,
        sum(coalesce(distance_km, 0)) as engaged_km,
        sum(case when engaged_level = 2 then coalesce(distance_km, 0) else 0 end) as level_2_km,
        sum(case when engaged_level = 3 then coalesce(distance_km, 0) else 0 end) as level_3_km,
        sum(case when engaged_level >= 4 then coalesce(distance_km, 0) else 0 end) as level_4_km
    from shared.fleet_segments
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
        coalesce(cast(days.automation_level as varchar), 'unknown') as automation_level,
        coalesce(days.automation_level, -1) as fitted,
        days.active,
        days.distance_km,
        engaged.vehicle_id is not null as used,
        coalesce(engaged.engaged_km, 0) as engaged_km,
        coalesce(engaged.level_2_km, 0) as level_2_km,
        coalesce(engaged.level_3_km, 0) as level_3_km,
        coalesce(engaged.level_4_km, 0) as level_4_km
    from shared.fleet_days as days
    left join engaged on days.date = engaged.date and days.vehicle_id = engaged.vehicle_id
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
    automation_level,
    count(*) as vehicles,
    count(case when fitted >= 0 then 1 end) as known_vehicles,
    count(case when fitted >= 2 then 1 end) as fitted_vehicles,
    count(case when fitted >= 3 then 1 end) as level_3_vehicles,
    count(case when fitted >= 2 and active then 1 end) as driven_vehicles,
    count(case when fitted >= 3 and active then 1 end) as level_3_driven_vehicles,
    count(case when fitted >= 4 and active then 1 end) as level_4_driven_vehicles,
    count(case when fitted >= 2 and used then 1 end) as engaged_vehicles,
    sum(case when fitted >= 2 then distance_km else 0 end) as fitted_km,
    sum(case when fitted >= 3 then distance_km else 0 end) as level_3_fitted_km,
    sum(case when fitted >= 4 then distance_km else 0 end) as level_4_fitted_km,
    sum(case when fitted >= 2 then engaged_km else 0 end) as engaged_km,
    sum(case when fitted >= 2 then level_2_km else 0 end) as engaged_level_2_km,
    sum(case when fitted >= 3 then level_3_km else 0 end) as engaged_level_3_km,
    sum(case when fitted >= 4 then level_4_km else 0 end) as engaged_level_4_km,
    max(case when fitted >= 2 then distance_km else 0 end) as largest_fitted_km,
    max(case when fitted >= 2 then engaged_km else 0 end) as largest_engaged_km
from fleet
group by
    date, market, model, model_year, powertrain, software_version, months_in_service, automation_level
