-- A vehicle disengages driving automation before it engages it again, and the requests to take over lie in between.
with segments as (
    select
        date,
        vehicle_id,
        engaged_at,
        disengaged_at,
        duration_s,
        takeover_s,
        lag(disengaged_at) over (partition by vehicle_id order by engaged_at, disengaged_at) as previous_disengaged_at
    from core.automation_segments
    where date between cast($first_day as date) - 1 and cast($last_day as date)
)

select
    date,
    vehicle_id,
    engaged_at,
    disengaged_at,
    takeover_s,
    previous_disengaged_at
from segments
where
    date >= cast($first_day as date)
    and (previous_disengaged_at > engaged_at or disengaged_at < engaged_at or takeover_s > duration_s)
