-- Vehicles delivered on the day with driving automation of level 2 or more, by step: who engaged it, engaged it on
-- three days, and still did in the fourth week after the first time. Each step has its window, and counts only vehicles
-- that reached the steps before it within theirs.
with names (step) as (
    values ('delivered'), ('engaged'), ('engaged_3_days'), ('engaged_in_week_4')
),

delivered as (
    select
        date,
        vehicle_id,
        market,
        model,
        model_year,
        powertrain,
        cast(automation_level as varchar) as automation_level
    from shared.fleet_days
    where
        date between cast($first_day as date) and cast($last_day as date)
        and delivered_on = date
        and automation_level >= 2
        and coalesce(telematics_unit, true)
),

engaged_days as (
    select distinct
        delivered.date,
        delivered.vehicle_id,
        segments.date as engaged_on
    from delivered
    inner join core.automation_segments as segments
        on
            delivered.vehicle_id = segments.vehicle_id
            and segments.date between delivered.date and delivered.date + 41
    where
        segments.date between cast($first_day as date) and cast($last_day as date) + 41
        and coalesce(segments.level, 2) >= 2
),

numbered as (
    select
        date,
        vehicle_id,
        engaged_on,
        min(engaged_on) over (partition by date, vehicle_id) as first_engaged_on
    from engaged_days
),

uses as (
    select
        date,
        vehicle_id,
        min(first_engaged_on) as first_engaged_on,
        count(case when engaged_on <= date + 28 then 1 end) as engaged_days,
        count(case when engaged_on between first_engaged_on + 21 and first_engaged_on + 27 then 1 end) as week_4_days
    from numbered
    group by date, vehicle_id
),

steps as (
    select
        delivered.*,
        names.step,
        case
            when names.step = 'delivered' then true
            when names.step = 'engaged' then uses.first_engaged_on <= delivered.date + 14
            when names.step = 'engaged_3_days'
                then uses.first_engaged_on <= delivered.date + 14 and uses.engaged_days >= 3
            else
                uses.first_engaged_on <= delivered.date + 14 and uses.engaged_days >= 3 and uses.week_4_days > 0
        end as there
    from delivered
    left join uses on delivered.date = uses.date and delivered.vehicle_id = uses.vehicle_id
    cross join names
)

select
    date,
    market,
    model,
    model_year,
    powertrain,
    automation_level,
    step,
    count(case when step = 'delivered' then 1 end) as vehicles,
    count(*) as reached_vehicles
from steps
where there
group by date, market, model, model_year, powertrain, automation_level, step
