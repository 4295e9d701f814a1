-- What is known from telemetry (trips, and charging sessions and automation segments that no event tells of) belongs to
-- a vehicle that core.vehicle_days says has reported on that day.
with told as (
    select
        date,
        vehicle_id,
        'trip' as what
    from core.trips
    where date between cast($first_day as date) and cast($last_day as date)
    union all
    select
        date,
        vehicle_id,
        'charging session' as what
    from core.charging_sessions
    where date between cast($first_day as date) and cast($last_day as date) and method = 'signals'
    union all
    select
        date,
        vehicle_id,
        'automation segment' as what
    from core.automation_segments
    where date between cast($first_day as date) and cast($last_day as date) and method = 'signals'
)

select
    told.date,
    told.vehicle_id,
    told.what
from told
left join core.vehicle_days as days on told.date = days.date and told.vehicle_id = days.vehicle_id
where not coalesce(days.reported, false)
