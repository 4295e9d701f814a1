-- Vehicles that set a service up on the day, and how many of them used it in each of their weeks since: week 0 is
-- the day and the six after it. The size of the cohort stands in week 0 alone.
with cohort as (
    select
        date,
        vehicle_id,
        service,
        market,
        model,
        model_year,
        powertrain
    from shared.fleet_services
    where date between cast($first_day as date) and cast($last_day as date) and activated and activated_on = date
),

weeks as (
    select distinct
        cohort.date,
        cohort.vehicle_id,
        cohort.service,
        cast(floor(date_diff('day', cohort.date, used.date) / 7) as bigint) as age_weeks
    from cohort
    inner join core.service_sessions as used
        on
            cohort.vehicle_id = used.vehicle_id
            and cohort.service = used.service
            and used.date between cohort.date and cohort.date + 90
    where used.date between cast($first_day as date) and cast($last_day as date) + 90
),

counted as (
    select
        date,
        market,
        model,
        model_year,
        powertrain,
        service,
        cast(0 as bigint) as age_weeks,
        1 as began,
        0 as retained
    from cohort
    union all
    select
        cohort.date,
        cohort.market,
        cohort.model,
        cohort.model_year,
        cohort.powertrain,
        cohort.service,
        weeks.age_weeks,
        0 as began,
        1 as retained
    from weeks
    inner join cohort
        on
            weeks.date = cohort.date
            and weeks.vehicle_id = cohort.vehicle_id
            and weeks.service = cohort.service
)

select
    date,
    market,
    model,
    model_year,
    powertrain,
    service,
    age_weeks,
    cast(sum(began) as bigint) as vehicles,
    cast(sum(retained) as bigint) as retained_vehicles
from counted
group by date, market, model, model_year, powertrain, service, age_weeks
