-- Charging sessions by the logarithm of their power, mean and highest: histograms of which quantiles are read, for
-- alternating and direct current apart.
with sessions as (
    select
        date,
        market,
        model,
        powertrain,
        current_type,
        power_mean_kw,
        power_max_kw,
        row_number() over (partition by date, vehicle_id order by started_at) as number_of_day,
        row_number() over (partition by date, vehicle_id, current_type order by started_at) as number_of_current
    from shared.fleet_sessions
    where
        date between cast($first_day as date) and cast($last_day as date)
        and current_type is not null
        and power_mean_kw is not null
        and power_max_kw is not null
),

measures as (
    select
        date,
        market,
        model,
        powertrain,
        current_type,
        power_mean_kw as power_kw,
        'mean' as measure,
        case when number_of_day = 1 then 1 else 0 end as vehicles,
        case when number_of_current = 1 then 1 else 0 end as current_vehicles
    from sessions
    union all
    select
        date,
        market,
        model,
        powertrain,
        current_type,
        power_max_kw as power_kw,
        'highest' as measure,
        0 as vehicles,
        0 as current_vehicles
    from sessions
),

buckets as (
    select
        date,
        market,
        model,
        powertrain,
        case when power_kw > 0 then cast(ceil(ln(power_kw) / ln(1.02)) as bigint) else -32768 end as log_bucket,
        current_type,
        measure,
        vehicles,
        current_vehicles
    from measures
)

select
    date,
    market,
    model,
    powertrain,
    log_bucket,
    cast(sum(vehicles) as bigint) as vehicles,
    cast(sum(case when current_type = 'AC' then current_vehicles else 0 end) as bigint) as ac_vehicles,
    cast(sum(case when current_type = 'DC' then current_vehicles else 0 end) as bigint) as dc_vehicles,
    count(case when current_type = 'AC' and measure = 'mean' then 1 end) as ac_sessions_by_mean,
    count(case when current_type = 'DC' and measure = 'mean' then 1 end) as dc_sessions_by_mean,
    count(case when current_type = 'AC' and measure = 'highest' then 1 end) as ac_sessions_by_highest,
    count(case when current_type = 'DC' and measure = 'highest' then 1 end) as dc_sessions_by_highest
from buckets
group by date, market, model, powertrain, log_bucket
