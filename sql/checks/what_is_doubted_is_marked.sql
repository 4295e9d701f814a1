-- A trip is marked as doubted where core.doubts has a doubt of it.
select
    doubts.date,
    doubts.vehicle_id,
    doubts.event_at,
    doubts.signal,
    doubts.kind
from core.doubts as doubts
left join core.trips as trips
    on
        doubts.vehicle_id = trips.vehicle_id
        and doubts.date = trips.date
        and doubts.event_at = trips.started_at
where
    doubts.date between cast($first_day as date) and cast($last_day as date)
    and doubts.part = 'trip'
    and not coalesce(trips.doubted, false)
