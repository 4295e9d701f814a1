-- A visit to a workshop has one row for a vehicle, and ends after it began.
with twice as (
    select
        vehicle_id,
        visit_id
    from core.workshop_visits
    group by vehicle_id, visit_id
    having count(*) > 1
)

select
    visits.date,
    visits.vehicle_id,
    visits.visit_id,
    visits.arrived_at,
    visits.completed_at
from core.workshop_visits as visits
left join twice on visits.vehicle_id = twice.vehicle_id and visits.visit_id = twice.visit_id
where
    visits.date between cast($first_day as date) and cast($last_day as date)
    and (
        twice.visit_id is not null
        or abs(visits.duration_s - date_diff('microsecond', visits.arrived_at, visits.completed_at) / 1e6) > 1e-6
    )
