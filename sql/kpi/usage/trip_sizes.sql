-- Trips by the logarithm of their length and of their duration: histograms of which quantiles are read.
with trips as (
    select
        date,
        market,
        model,
        powertrain,
        speaks,
        distance_km,
        duration_s / 60 as duration_min
    from shared.fleet_trips
    where date between cast($first_day as date) and cast($last_day as date)
),

measures as (
    select
        date,
        market,
        model,
        powertrain,
        case when distance_km > 0 then cast(ceil(ln(distance_km) / ln(1.02)) as bigint) else -32768 end as log_bucket,
        case when speaks then 1 else 0 end as vehicles,
        1 as by_length,
        0 as by_duration
    from trips
    union all
    select
        date,
        market,
        model,
        powertrain,
        case when duration_min > 0 then cast(ceil(ln(duration_min) / ln(1.02)) as bigint) else -32768 end as log_bucket,
        0 as vehicles,
        0 as by_length,
        1 as by_duration
    from trips
)

select
    date,
    market,
    model,
    powertrain,
    log_bucket,
    cast(sum(vehicles) as bigint) as vehicles,
    cast(sum(by_length) as bigint) as trips_by_length,
    cast(sum(by_duration) as bigint) as trips_by_duration
from measures
group by date, market, model, powertrain, log_bucket
