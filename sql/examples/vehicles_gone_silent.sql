-- Vehicles that were heard from, and have not been for a week before the newest message of the lake.
with newest as (
    select max(last_event_at) as event_at
    from core.latest
)

select
    latest.vehicle_id,
    latest.last_event_at,
    date_diff('day', latest.last_event_at, newest.event_at) as days_silent
from core.latest as latest
cross join newest
where latest.last_event_at < newest.event_at - interval 7 day
order by latest.last_event_at
