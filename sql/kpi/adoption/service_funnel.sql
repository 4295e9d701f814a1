-- Vehicles delivered on the day, by service and step: who has it, agreed to it, set it up, used it, used it again
-- and paid. Each step has its window since delivery, and counts only vehicles that reached the steps before it
-- within theirs; paying counts those that used it.
with names (step) as (
    values ('eligible'), ('consented'), ('activated'), ('used'), ('used_in_week_4'), ('paying')
),

delivered as (
    select
        cohort.date,
        cohort.vehicle_id,
        cohort.service,
        cohort.market,
        cohort.model,
        cohort.model_year,
        cohort.powertrain
    from shared.fleet_services as cohort
    inner join shared.fleet_days as days on cohort.date = days.date and cohort.vehicle_id = days.vehicle_id
    where
        cohort.date between cast($first_day as date) and cast($last_day as date)
        and cohort.equipped
        and days.delivered_on = days.date
),

standing as (
    select
        delivered.date,
        delivered.vehicle_id,
        delivered.service,
        min(case when later.consented then later.date end) as consented_on,
        min(case when later.activated then later.date end) as activated_on,
        min(case when later.subscription = 'paid' then later.date end) as paid_on
    from delivered
    inner join core.subscription_days as later
        on
            delivered.vehicle_id = later.vehicle_id
            and delivered.service = later.service
            and later.date between delivered.date and delivered.date + 90
    where later.date between cast($first_day as date) and cast($last_day as date) + 90
    group by delivered.date, delivered.vehicle_id, delivered.service
),

use_days as (
    select
        delivered.date,
        delivered.vehicle_id,
        delivered.service,
        used.date as used_on,
        min(used.date) over (partition by delivered.date, delivered.vehicle_id, delivered.service) as first_used_on
    from delivered
    inner join core.service_sessions as used
        on
            delivered.vehicle_id = used.vehicle_id
            and delivered.service = used.service
            and used.date between delivered.date and delivered.date + 63
    where used.date between cast($first_day as date) and cast($last_day as date) + 63
),

uses as (
    select
        date,
        vehicle_id,
        service,
        min(used_on) as first_used_on,
        count(case when used_on between first_used_on + 21 and first_used_on + 27 then 1 end) as week_4_uses
    from use_days
    group by date, vehicle_id, service
),

reached as (
    select
        delivered.*,
        coalesce(standing.consented_on <= delivered.date + 14, false) as consented,
        coalesce(standing.activated_on <= delivered.date + 21, false) as activated,
        coalesce(uses.first_used_on <= delivered.date + 35, false) as used,
        coalesce(uses.week_4_uses > 0, false) as kept,
        coalesce(standing.paid_on <= delivered.date + 90, false) as paying
    from delivered
    left join standing
        on
            delivered.date = standing.date
            and delivered.vehicle_id = standing.vehicle_id
            and delivered.service = standing.service
    left join uses
        on
            delivered.date = uses.date
            and delivered.vehicle_id = uses.vehicle_id
            and delivered.service = uses.service
),

steps as (
    select
        reached.*,
        names.step,
        case
            when names.step = 'eligible' then true
            when names.step = 'consented' then reached.consented
            when names.step = 'activated' then reached.consented and reached.activated
            when names.step = 'used' then reached.consented and reached.activated and reached.used
            when names.step = 'used_in_week_4'
                then reached.consented and reached.activated and reached.used and reached.kept
            else reached.consented and reached.activated and reached.used and reached.paying
        end as there
    from reached
    cross join names
)

select
    date,
    market,
    model,
    model_year,
    powertrain,
    service,
    step,
    count(case when step = 'eligible' then 1 end) as vehicles,
    count(*) as reached_vehicles
from steps
where there
group by date, market, model, model_year, powertrain, service, step
