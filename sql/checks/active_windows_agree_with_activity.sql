-- The fleet and its weekly and monthly actives are, day by day, the vehicles whose bitmaps in core.activity say so.
-- 127 is the newest 7 bits, 268435455 the newest 28. Days on which core has no row of any vehicle are in no KPI.
with days as (
    select distinct date
    from core.vehicle_days
    where date between cast($first_day as date) and cast($last_day as date)
),

from_core as (
    select
        date,
        count(case when (registered_days | reported_days) & 268435455 <> 0 then 1 end) as vehicles,
        count(case when active_days & 127 <> 0 then 1 end) as active_7d,
        count(case when active_days & 268435455 <> 0 then 1 end) as active_28d
    from core.activity
    where date in (select days.date from days)
    group by date
),

from_active as (
    select
        date,
        sum(vehicles) as vehicles,
        sum(active_7d) as active_7d,
        sum(active_28d) as active_28d
    from kpi.active_vehicles
    where date between cast($first_day as date) and cast($last_day as date)
    group by date
)

select
    coalesce(from_core.date, from_active.date) as date,
    from_core.vehicles as core_vehicles,
    from_active.vehicles,
    from_core.active_7d as core_active_7d,
    from_active.active_7d,
    from_core.active_28d as core_active_28d,
    from_active.active_28d
from from_core
full join from_active on from_core.date = from_active.date
where
    coalesce(from_core.vehicles, 0) <> coalesce(from_active.vehicles, 0)
    or coalesce(from_core.active_7d, 0) <> coalesce(from_active.active_7d, 0)
    or coalesce(from_core.active_28d, 0) <> coalesce(from_active.active_28d, 0)
