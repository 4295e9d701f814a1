-- A vehicle ends one charging session before it starts the next, and no session ends before it starts.
with sessions as (
    select
        date,
        vehicle_id,
        started_at,
        ended_at,
        duration_s,
        lag(ended_at) over (partition by vehicle_id order by started_at, ended_at) as previous_ended_at
    from core.charging_sessions
    where date between cast($first_day as date) - 7 and cast($last_day as date)
)

select
    date,
    vehicle_id,
    started_at,
    ended_at,
    duration_s,
    previous_ended_at
from sessions
where
    date >= cast($first_day as date)
    and (
        previous_ended_at > started_at
        or ended_at < started_at
        or duration_s > epoch(ended_at) - epoch(started_at) + 1
    )
