-- Vehicles that set a service up on the day, and how many of them used it in each of their weeks since: week 0 is
-- the day and the six after it. The size of the cohort stands in week 0 alone.
-- A vehicle counts once, with one of these services, as in shared.fleet_services.
with cohort as (
    select
        date,
        vehicle_id,
        service,
        market,
        model,
        model_year,
        powertrain,
        row_number() over (partition by date, vehicle_id order by service)
        = 1 + mod(
            date_diff('day', date '1900-01-01', date)
            + 16 * ascii(substr(vehicle_id, 31, 1)) + ascii(substr(vehicle_id, 32, 1)),
            count(*) over (partition by date, vehicle_id)
        ) as speaks
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
        case when speaks then 1 else 0 end as vehicles,
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
        0 as vehicles,
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
    cast(sum(vehicles) as bigint) as vehicles,
    cast(sum(began) as bigint) as began_vehicles,
    cast(sum(retained) as bigint) as retained_vehicles
from counted
group by date, market, model, model_year, powertrain, service, age_weeks
