-- The delivered fleet by day: vehicles heard from within 30 days, of those with a unit, and services that are set up.
with heard as (
    select
        vehicle_id,
        date
    from core.vehicle_days
    where date between cast($first_day as date) - 29 and cast($last_day as date) and reported
),

fleet as (
    select
        date,
        vehicle_id,
        market,
        model,
        model_year,
        powertrain,
        software_version,
        months_in_service,
        coalesce(telematics_unit, false) as unit,
        delivered_on
    from shared.fleet_days
    where date between cast($first_day as date) and cast($last_day as date) and registered
),

recent as (
    select distinct
        fleet.date,
        fleet.vehicle_id
    from fleet
    inner join heard on fleet.vehicle_id = heard.vehicle_id and heard.date between fleet.date - 29 and fleet.date
),

services as (
    select
        date,
        vehicle_id,
        count(case when equipped then 1 end) as equipped,
        count(case when equipped and activated then 1 end) as activated,
        count(case when subscription = 'paid' then 1 end) as paid
    from core.subscription_days
    where date between cast($first_day as date) and cast($last_day as date)
    group by date, vehicle_id
)

select
    fleet.date,
    fleet.market,
    fleet.model,
    fleet.model_year,
    fleet.powertrain,
    fleet.software_version,
    fleet.months_in_service,
    count(*) as vehicles,
    count(case when fleet.unit then 1 end) as unit_vehicles,
    count(case when fleet.unit and recent.vehicle_id is not null then 1 end) as connected_vehicles,
    count(case when services.equipped > 0 then 1 end) as service_vehicles,
    count(case when services.paid > 0 then 1 end) as paying_vehicles,
    cast(sum(coalesce(services.equipped, 0)) as bigint) as equipped_services,
    cast(sum(coalesce(services.activated, 0)) as bigint) as activated_services
from fleet
left join recent on fleet.date = recent.date and fleet.vehicle_id = recent.vehicle_id
left join services on fleet.date = services.date and fleet.vehicle_id = services.vehicle_id
group by
    fleet.date, fleet.market, fleet.model, fleet.model_year, fleet.powertrain, fleet.software_version,
    fleet.months_in_service
