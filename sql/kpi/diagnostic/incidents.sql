-- Fault episodes by the age of the vehicle, and the vehicle-days on which they could have come: of the delivered
-- vehicles that have a telematics unit, as far as is known.
with fleet as (
    select
        date,
        vehicle_id,
        market,
        model,
        model_year,
        powertrain,
        months_in_service
    from shared.fleet_days
    where
        date between cast($first_day as date) and cast($last_day as date)
        and months_in_service <> 'unknown'
        and coalesce(telematics_unit, true)
),

episodes as (
    select
        date,
        vehicle_id,
        count(*) as episodes
    from core.fault_episodes
    where date between cast($first_day as date) and cast($last_day as date)
    group by date, vehicle_id
),

vehicles as (
    select
        fleet.date,
        fleet.market,
        fleet.model,
        fleet.model_year,
        fleet.powertrain,
        fleet.months_in_service,
        coalesce(episodes.episodes, 0) as episodes
    from fleet
    left join episodes on fleet.date = episodes.date and fleet.vehicle_id = episodes.vehicle_id
)

select
    date,
    market,
    model,
    model_year,
    powertrain,
    count(*) as vehicles,
    count(case when months_in_service = '0-2' then 1 end) as vehicles_to_3m,
    count(case when months_in_service = '3-5' then 1 end) as vehicles_to_6m,
    count(case when months_in_service = '6-11' then 1 end) as vehicles_to_12m,
    count(case when months_in_service = '12-23' then 1 end) as vehicles_to_24m,
    cast(sum(case when months_in_service = '0-2' then episodes else 0 end) as bigint) as episodes_to_3m,
    cast(sum(case when months_in_service = '3-5' then episodes else 0 end) as bigint) as episodes_to_6m,
    cast(sum(case when months_in_service = '6-11' then episodes else 0 end) as bigint) as episodes_to_12m,
    cast(sum(case when months_in_service = '12-23' then episodes else 0 end) as bigint) as episodes_to_24m
from vehicles
group by date, market, model, model_year, powertrain
