-- A longer window has at least the actives of a shorter one, and no window has more than the fleet.
select
    date,
    market,
    model,
    model_year,
    powertrain,
    vehicles,
    reporting_vehicles,
    active_1d,
    active_7d,
    active_28d
from kpi.active_vehicles
where
    date between cast($first_day as date) and cast($last_day as date)
    and (
        active_1d > active_7d
        or active_7d > active_28d
        or active_28d > vehicles
        or active_1d > reporting_vehicles
        or reporting_vehicles > vehicles
    )
