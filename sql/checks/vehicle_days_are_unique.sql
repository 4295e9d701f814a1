-- A vehicle has at most one row for a day in core.vehicle_days.
select
    date,
    vehicle_id,
    count(*) as vehicle_day_rows
from core.vehicle_days
where date between cast($first_day as date) and cast($last_day as date)
group by date, vehicle_id
having count(*) > 1
