-- Messages by the logarithm of how long they took from event to arrival, and of how long after the end of their day
-- they arrived. A vehicle stands with the shortest of the times of its day, once for each feed.
with told as (
    select
        date,
        vehicle_id,
        source,
        log_bucket,
        messages,
        messages_after_day,
        row_number() over (partition by date, vehicle_id, source order by log_bucket) as place
    from core.arrivals
    where date between cast($first_day as date) and cast($last_day as date)
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
)

select
    told.date,
    told.source,
    coalesce(fleet.market, 'unknown') as market,
    coalesce(fleet.model, 'unknown') as model,
    coalesce(fleet.powertrain, 'unknown') as powertrain,
    told.log_bucket,
    count(case when told.place = 1 then 1 end) as vehicles,
    cast(sum(told.messages) as bigint) as messages,
    cast(sum(told.messages_after_day) as bigint) as messages_after_day
from told
left join fleet on told.date = fleet.date and told.vehicle_id = fleet.vehicle_id
group by
    told.date,
    told.source,
    coalesce(fleet.market, 'unknown'),
    coalesce(fleet.model, 'unknown'),
    coalesce(fleet.powertrain, 'unknown'),
    told.log_bucket
