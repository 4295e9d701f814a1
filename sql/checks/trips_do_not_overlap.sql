-- A vehicle ends one trip before it starts the next, also across midnight.
with trips as (
    select
        date,
        vehicle_id,
        started_at,
        ended_at,
        lag(ended_at) over (partition by vehicle_id order by started_at, ended_at) as previous_ended_at
    from core.trips
    where date between cast($first_day as date) - 1 and cast($last_day as date)
)

select
    date,
    vehicle_id,
    started_at,
    ended_at,
    previous_ended_at
from trips
where previous_ended_at > started_at and date >= cast($first_day as date)
