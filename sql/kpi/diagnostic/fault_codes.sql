-- Fault episodes by code: those that were set on the day, by how long they lasted, and the vehicles that had one within
-- 28 days. A vehicle with several codes counts once, with the code that speaks for it: the next one on the next day,
-- and round again. So vehicles add up over the codes, and no code has more than it has.
with episodes as (
    select
        date as set_on,
        vehicle_id,
        code,
        coalesce(ecu, 'unknown') as ecu,
        malfunction_lamp_on,
        cleared_at,
        cleared_by,
        case when cleared_at is null then -1 else cast(floor(duration_s / 86400) as bigint) end as duration_days
    from core.fault_episodes
    where date between cast($first_day as date) - 27 and cast($last_day as date)
),

fleet as (
    select
        date,
        vehicle_id,
        market,
        model,
        powertrain
    from shared.fleet_days
    where date between cast($first_day as date) and cast($last_day as date)
),

days as (
    select distinct date
    from fleet
    union
    select distinct set_on as date
    from episodes
    where set_on >= cast($first_day as date)
),

faulty as (
    select distinct
        days.date,
        episodes.vehicle_id,
        episodes.code,
        episodes.ecu
    from days
    inner join episodes on episodes.set_on between days.date - 27 and days.date
),

speaking as (
    select
        date,
        vehicle_id,
        code,
        ecu,
        row_number() over (partition by date, vehicle_id order by code, ecu)
        = 1 + mod(
            date_diff('day', date '1900-01-01', date),
            count(*) over (partition by date, vehicle_id)
        ) as speaks
    from faulty
),

measures as (
    select
        date,
        vehicle_id,
        code,
        ecu,
        cast(-1 as bigint) as duration_days,
        case when speaks then 1 else 0 end as vehicles,
        0 as episodes,
        0 as lamp_known_episodes,
        0 as lamp_episodes,
        0 as cleared_episodes,
        0 as remote_cleared_episodes
    from speaking
    union all
    select
        set_on as date,
        vehicle_id,
        code,
        ecu,
        duration_days,
        0 as vehicles,
        1 as episodes,
        case when malfunction_lamp_on is null then 0 else 1 end as lamp_known_episodes,
        case when malfunction_lamp_on then 1 else 0 end as lamp_episodes,
        case when cleared_by is null then 0 else 1 end as cleared_episodes,
        case when cleared_by = 'remote' then 1 else 0 end as remote_cleared_episodes
    from episodes
    where set_on >= cast($first_day as date)
)

select
    measures.date,
    coalesce(fleet.market, 'unknown') as market,
    coalesce(fleet.model, 'unknown') as model,
    coalesce(fleet.powertrain, 'unknown') as powertrain,
    measures.code,
    coalesce(named.name, classes.name, systems.name, 'unknown') as code_name,
    measures.ecu,
    measures.duration_days,
    cast(sum(measures.vehicles) as bigint) as vehicles,
    cast(sum(measures.episodes) as bigint) as episodes,
    cast(sum(measures.lamp_known_episodes) as bigint) as lamp_known_episodes,
    cast(sum(measures.lamp_episodes) as bigint) as lamp_episodes,
    cast(sum(measures.cleared_episodes) as bigint) as cleared_episodes,
    cast(sum(measures.remote_cleared_episodes) as bigint) as remote_cleared_episodes
from measures
left join fleet on measures.date = fleet.date and measures.vehicle_id = fleet.vehicle_id
left join shared.code_names as named on left(measures.code, 5) = named.code
left join shared.code_classes as classes on left(measures.code, 3) = classes.class
left join shared.code_classes as systems on left(measures.code, 2) = systems.class
group by
    measures.date,
    fleet.market,
    fleet.model,
    fleet.powertrain,
    measures.code,
    named.name,
    classes.name,
    systems.name,
    measures.ecu,
    measures.duration_days
