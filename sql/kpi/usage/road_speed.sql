-- Time in motion by class of speed.
with driven as (
    select
        date,
        vehicle_id,
        market,
        model,
        model_year,
        powertrain,
        sum(driving_s) as driving_s,
        sum(speed_from_0_s) as speed_from_0_s,
        sum(speed_from_30_s) as speed_from_30_s,
        sum(speed_from_50_s) as speed_from_50_s,
        sum(speed_from_70_s) as speed_from_70_s,
        sum(speed_from_90_s) as speed_from_90_s,
        sum(speed_from_110_s) as speed_from_110_s,
        sum(speed_from_130_s) as speed_from_130_s
    from shared.fleet_trips
    where date between cast($first_day as date) and cast($last_day as date)
    group by date, vehicle_id, market, model, model_year, powertrain
)

select
    date,
    market,
    model,
    model_year,
    powertrain,
    count(*) as vehicles,
    sum(driving_s) as driving_s,
    sum(speed_from_0_s) as speed_from_0_s,
    sum(speed_from_30_s) as speed_from_30_s,
    sum(speed_from_50_s) as speed_from_50_s,
    sum(speed_from_70_s) as speed_from_70_s,
    sum(speed_from_90_s) as speed_from_90_s,
    sum(speed_from_110_s) as speed_from_110_s,
    sum(speed_from_130_s) as speed_from_130_s
from driven
group by date, market, model, model_year, powertrain
