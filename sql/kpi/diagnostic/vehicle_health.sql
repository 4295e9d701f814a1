-- The condition of the fleet by day, from what each vehicle said last, and its health class: see shared.fleet_health.
-- A vehicle counts if it was heard on the day.
select
    date,
    market,
    model,
    model_year,
    powertrain,
    count(*) as vehicles,
    count(case when reported then 1 end) as reporting_vehicles,
    count(case when reported and health = 0 then 1 end) as healthy_vehicles,
    count(case when reported and health = 1 then 1 end) as attention_vehicles,
    count(case when reported and health = 2 then 1 end) as act_now_vehicles,
    count(rest_v) as lv_battery_known_vehicles,
    count(case when rest_v < 12.0 then 1 end) as lv_battery_low_vehicles,
    count(tyres) as tyres_known_vehicles,
    count(case when tyres > 0 then 1 end) as tyres_low_vehicles,
    count(brake_pad_wear_pct) as brakes_known_vehicles,
    count(case when brake_pad_wear_pct >= 80 then 1 end) as brakes_worn_vehicles,
    count(service_distance_km) as service_known_vehicles,
    count(case when service_distance_km < 0 then 1 end) as service_overdue_vehicles
from shared.fleet_health
group by date, market, model, model_year, powertrain
