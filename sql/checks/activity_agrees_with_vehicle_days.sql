-- Of the bitmaps in core.activity, the newest bit is what core.vehicle_days says of the day, and the others are those
-- of the day before, one place on.
with today as (
    select
        date,
        vehicle_id,
        active_days,
        reported_days,
        registered_days
    from core.activity
    where date between cast($first_day as date) and cast($last_day as date)
),

yesterday as (
    select
        date + 1 as date,
        vehicle_id,
        active_days,
        reported_days,
        registered_days
    from core.activity
    where date between cast($first_day as date) - 1 and cast($last_day as date) - 1
),

days as (
    select
        date,
        vehicle_id,
        active,
        reported,
        registered
    from core.vehicle_days
    where date between cast($first_day as date) and cast($last_day as date)
),

keys as (
    select
        date,
        vehicle_id
    from today
    union
    select
        date,
        vehicle_id
    from days
),

bits as (
    select
        keys.date,
        keys.vehicle_id,
        coalesce(today.active_days, 0) as active_days,
        coalesce(today.reported_days, 0) as reported_days,
        coalesce(today.registered_days, 0) as registered_days,
        coalesce(yesterday.active_days, 0) as active_before,
        coalesce(yesterday.reported_days, 0) as reported_before,
        coalesce(yesterday.registered_days, 0) as registered_before,
        cast(coalesce(days.active, false) as bigint) as active,
        cast(coalesce(days.reported, false) as bigint) as reported,
        cast(coalesce(days.registered, false) as bigint) as registered,
        9223372036854775807 as low_bits
    from keys
    left join today on keys.date = today.date and keys.vehicle_id = today.vehicle_id
    left join yesterday on keys.date = yesterday.date and keys.vehicle_id = yesterday.vehicle_id
    left join days on keys.date = days.date and keys.vehicle_id = days.vehicle_id
)

select
    date,
    vehicle_id,
    active_days,
    reported_days,
    registered_days,
    active_before,
    reported_before,
    registered_before,
    active,
    reported,
    registered
from bits
where
    active_days & 1 <> active
    or reported_days & 1 <> reported
    or registered_days & 1 <> registered
    or (active_days >> 1) & low_bits <> active_before & low_bits
    or (reported_days >> 1) & low_bits <> reported_before & low_bits
    or (registered_days >> 1) & low_bits <> registered_before & low_bits
