-- Charging sessions by the hour at which they start, in the time of their market. Each vehicle counts once a day, with
-- one of its sessions: shared.fleet_trips says why.
with sessions as (
    select
        date,
        market,
        model,
        powertrain,
        floor(epoch(started_at) / 900) as quarter,
        energy_kwh,
        row_number() over (partition by date, vehicle_id order by started_at) as number_of_day,
        count(*) over (partition by date, vehicle_id) as sessions_of_day
    from shared.fleet_sessions
    where date between cast($first_day as date) and cast($last_day as date)
),

quarters as (
    select
        date,
        market,
        model,
        powertrain,
        quarter,
        count(
            case
                when number_of_day = 1 + mod(date_diff('day', date '1900-01-01', date), sessions_of_day) then 1
            end
        ) as vehicles,
        count(*) as sessions,
        count(energy_kwh) as energy_sessions,
        coalesce(sum(energy_kwh), 0) as energy_kwh
    from sessions
    group by date, market, model, powertrain, quarter
),

hours as (
    select
        quarters.date,
        quarters.market,
        quarters.model,
        quarters.powertrain,
        extract(hour from timezone(zones.zone, to_timestamp(quarters.quarter * 900))) as hour_of_day,
        quarters.vehicles,
        quarters.sessions,
        quarters.energy_sessions,
        quarters.energy_kwh
    from quarters
    left join shared.market_zones as zones on quarters.market = zones.market
)

select
    date,
    market,
    model,
    powertrain,
    coalesce(lpad(cast(hour_of_day as varchar), 2, '0'), 'unknown') as local_hour,
    cast(sum(vehicles) as bigint) as vehicles,
    cast(sum(sessions) as bigint) as sessions,
    cast(sum(energy_sessions) as bigint) as energy_sessions,
    sum(energy_kwh) as energy_kwh
from hours
group by date, market, model, powertrain, hour_of_day
