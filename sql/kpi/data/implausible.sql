-- Values outside their plausible range by signal, of each day and slice in which there was one, and the vehicles that
-- could have sent it.
with fleet as (
    select
        date,
        vehicle_id,
        market,
        model,
        powertrain,
        reported
    from shared.fleet_days
    where date between cast($first_day as date) and cast($last_day as date)
),

slices as (
    select
        date,
        market,
        model,
        powertrain,
        count(case when reported then 1 end) as vehicles
    from fleet
    group by date, market, model, powertrain
),

wrong as (
    select
        found.date,
        found.signal,
        coalesce(fleet.market, 'unknown') as market,
        coalesce(fleet.model, 'unknown') as model,
        coalesce(fleet.powertrain, 'unknown') as powertrain,
        count(*) as implausible_vehicles,
        cast(sum(found.implausible) as bigint) as implausible_values
    from core.implausible_values as found
    left join fleet on found.date = fleet.date and found.vehicle_id = fleet.vehicle_id
    where found.date between cast($first_day as date) and cast($last_day as date)
    group by
        found.date,
        found.signal,
        coalesce(fleet.market, 'unknown'),
        coalesce(fleet.model, 'unknown'),
        coalesce(fleet.powertrain, 'unknown')
)

select
    wrong.date,
    wrong.signal,
    wrong.market,
    wrong.model,
    wrong.powertrain,
    greatest(coalesce(slices.vehicles, 0), wrong.implausible_vehicles) as vehicles,
    wrong.implausible_vehicles,
    wrong.implausible_values
from wrong
left join slices
    on
        wrong.date = slices.date
        and wrong.market = slices.market
        and wrong.model = slices.model
        and wrong.powertrain = slices.powertrain
