-- Vehicles by the logarithm of how long their messages took, and of how old the newest message of each is as the day
-- ends.
with vehicle_days as (
    select
        date,
        vehicle_id,
        reported,
        messages,
        lag_sum_s,
        lag_max_s,
        max(case when reported then last_event_at end) over (
            partition by vehicle_id order by date range between interval 27 day preceding and current row
        ) as newest_at
    from core.vehicle_days
    where date between cast($first_day as date) - 27 and cast($last_day as date)
),

fleet as (
    select
        date,
        vehicle_id,
        market,
        model,
        powertrain
    from shared.fleet_days
    where date between cast($first_day as date) and cast($last_day as date)
),

known as (
    select
        fleet.date,
        fleet.market,
        fleet.model,
        fleet.powertrain,
        vehicle_days.reported and vehicle_days.messages > 0 as reported,
        vehicle_days.lag_sum_s / nullif(vehicle_days.messages, 0) as mean_lag_s,
        vehicle_days.lag_max_s,
        date_diff('second', vehicle_days.newest_at, cast(fleet.date + 1 as timestamptz)) / 3600.0 as age_h
    from fleet
    inner join vehicle_days on fleet.date = vehicle_days.date and fleet.vehicle_id = vehicle_days.vehicle_id
    where vehicle_days.newest_at is not null
),

measures as (
    select
        date,
        market,
        model,
        powertrain,
        'age' as measure,
        age_h as amount
    from known
    union all
    select
        date,
        market,
        model,
        powertrain,
        'mean' as measure,
        mean_lag_s as amount
    from known
    where reported
    union all
    select
        date,
        market,
        model,
        powertrain,
        'longest' as measure,
        lag_max_s as amount
    from known
    where reported
),

buckets as (
    select
        date,
        market,
        model,
        powertrain,
        measure,
        case when amount > 0 then cast(ceil(ln(amount) / ln(1.02)) as bigint) else -32768 end as log_bucket
    from measures
)

select
    date,
    market,
    model,
    powertrain,
    log_bucket,
    count(case when measure = 'age' then 1 end) as vehicles,
    count(case when measure = 'mean' then 1 end) as vehicles_by_mean_lag,
    count(case when measure = 'longest' then 1 end) as vehicles_by_longest_lag
from buckets
group by date, market, model, powertrain, log_bucket
