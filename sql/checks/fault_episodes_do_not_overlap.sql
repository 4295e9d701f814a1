-- A fault of a vehicle is set again only after it was cleared, and is cleared only after it was set.
with episodes as (
    select
        date,
        vehicle_id,
        code,
        set_at,
        cleared_at,
        lag(set_at) over (partition by vehicle_id, code order by set_at) as previous_set_at,
        lag(cleared_at) over (partition by vehicle_id, code order by set_at) as previous_cleared_at
    from core.fault_episodes
    where date <= cast($last_day as date)
)

select
    date,
    vehicle_id,
    code,
    set_at,
    cleared_at,
    previous_set_at,
    previous_cleared_at
from episodes
where
    date >= cast($first_day as date)
    and (
        cleared_at < set_at
        or previous_cleared_at > set_at
        or (previous_set_at is not null and previous_cleared_at is null)
    )
