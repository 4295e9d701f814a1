-- An estimated battery capacity lies within its own interval.
select
    date,
    vehicle_id,
    capacity_low_kwh,
    capacity_kwh,
    capacity_high_kwh
from core.battery_health
where
    date between cast($first_day as date) and cast($last_day as date)
    and (capacity_kwh < capacity_low_kwh or capacity_kwh > capacity_high_kwh)
