-- One row per stretch of core.automation_segments at level 2 or more, with the dimensions of its vehicle on the day.
-- Of a stretch whose level nobody said, it is that fitted.
-- Automation was disengaged where the end was seen, and no other stretch goes on from it: a change of level is none.
-- A vehicle counts once a day, with the stretch that speaks for it, as in shared.fleet_trips.
select
    segments.date,
    segments.vehicle_id,
    coalesce(days.market, 'unknown') as market,
    coalesce(days.model, 'unknown') as model,
    coalesce(days.model_year, 'unknown') as model_year,
    coalesce(days.powertrain, 'unknown') as powertrain,
    coalesce(days.software_version, 'unknown') as software_version,
    coalesce(days.months_in_service, 'unknown') as months_in_service,
    coalesce(segments.level, days.automation_level) as engaged_level,
    days.automation_level,
    segments.distance_km,
    segments.ended_by,
    segments.reason,
    segments.takeover_requests,
    segments.takeover_s,
    segments.end_seen and (
        segments.ended_by is not null
        or coalesce(
            lead(segments.engaged_at) over (partition by segments.vehicle_id order by segments.engaged_at)
            <> segments.disengaged_at,
            true
        )
    ) as disengaged,
    row_number() over (partition by segments.date, segments.vehicle_id order by segments.engaged_at)
    = 1 + mod(
        date_diff('day', date '1900-01-01', segments.date),
        count(*) over (partition by segments.date, segments.vehicle_id)
    ) as speaks
from core.automation_segments as segments
left join shared.fleet_days as days on segments.date = days.date and segments.vehicle_id = days.vehicle_id
where coalesce(segments.level, days.automation_level) >= 2
