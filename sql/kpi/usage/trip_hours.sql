-- Trips by the hour and weekday at which they began, in the time of their market.
-- Clocks go by quarters of an hour everywhere, so trips are counted by these before they are told in local time.
with quarters as (
    select
        date,
        market,
        model,
        powertrain,
        floor(epoch(started_at) / 900) as quarter,
        count(case when speaks then 1 end) as vehicles,
        count(*) as trips,
        sum(distance_km) as distance_km
    from shared.fleet_trips
    where date between cast($first_day as date) and cast($last_day as date)
    group by date, market, model, powertrain, quarter
),

local_times as (
    select
        quarters.date,
        quarters.market,
        quarters.model,
        quarters.powertrain,
        timezone(zones.zone, to_timestamp(quarters.quarter * 900)) as local_time,
        quarters.vehicles,
        quarters.trips,
        quarters.distance_km
    from quarters
    left join shared.market_zones as zones on quarters.market = zones.market
),

hours as (
    select
        date,
        market,
        model,
        powertrain,
        mod(date_diff('day', date '1900-01-01', cast(local_time as date)), 7) as days_after_monday,
        extract(hour from local_time) as hour_of_day,
        vehicles,
        trips,
        distance_km
    from local_times
)

select
    date,
    market,
    model,
    powertrain,
    case days_after_monday
        when 0 then '1 Mon'
        when 1 then '2 Tue'
        when 2 then '3 Wed'
        when 3 then '4 Thu'
        when 4 then '5 Fri'
        when 5 then '6 Sat'
        when 6 then '7 Sun'
        else 'unknown'
    end as local_weekday,
    coalesce(lpad(cast(hour_of_day as varchar), 2, '0'), 'unknown') as local_hour,
    cast(sum(vehicles) as bigint) as vehicles,
    cast(sum(trips) as bigint) as trips,
    sum(distance_km) as distance_km
from hours
group by date, market, model, powertrain, days_after_monday, hour_of_day
