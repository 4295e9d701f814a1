-- Vehicles of the fleet and those that drove within the last 1, 7 and 28 days, by day.
-- A vehicle is in the fleet of a day if core has a row of it on that day, or on one of the 27 days before: a vehicle
-- that no registry knows has rows only on days it is heard from. It counts under its latest row's dimensions.
with vehicle_days as (
    select
        date,
        vehicle_id,
        coalesce(market, 'unknown') as market,
        coalesce(model, 'unknown') as model,
        coalesce(cast(model_year as varchar), 'unknown') as model_year,
        coalesce(powertrain, 'unknown') as powertrain,
        reported,
        active
    from core.vehicle_days
    where date between cast($first_day as date) - 27 and cast($last_day as date)
),

-- A row speaks for its vehicle until the next row, and for 28 days at most.
states as (
    select
        vehicle_id,
        market,
        model,
        model_year,
        powertrain,
        reported,
        date as first_day,
        least(date + 27, coalesce(lead(date) over (partition by vehicle_id order by date) - 1, date + 27)) as last_day,
        max(case when active then date end) over (
            partition by vehicle_id order by date rows between unbounded preceding and current row
        ) as last_active_day
    from vehicle_days
),

days as (
    select distinct date
    from vehicle_days
    where date >= cast($first_day as date)
)

select
    days.date,
    states.market,
    states.model,
    states.model_year,
    states.powertrain,
    count(*) as vehicles,
    count(case when states.reported and states.first_day = days.date then 1 end) as reporting_vehicles,
    count(case when states.last_active_day = days.date then 1 end) as active_1d,
    count(case when states.last_active_day >= days.date - 6 then 1 end) as active_7d,
    count(case when states.last_active_day >= days.date - 27 then 1 end) as active_28d
from days
inner join states on days.date between states.first_day and states.last_day
group by days.date, states.market, states.model, states.model_year, states.powertrain
