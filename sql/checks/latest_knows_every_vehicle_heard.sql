-- A vehicle that reported on a day has a row of last known values, and that row is not older than the day's messages.
select
    days.date,
    days.vehicle_id,
    days.last_event_at,
    latest.last_event_at as latest_event_at
from core.vehicle_days as days
left join core.latest as latest on days.vehicle_id = latest.vehicle_id
where
    days.date between cast($first_day as date) and cast($last_day as date)
    and days.reported
    and (latest.vehicle_id is null or latest.last_event_at < days.last_event_at)
