-- A vehicle has a registered row in core.vehicle_days on exactly the days on which the registry says it was delivered,
-- and the row says of the vehicle what core.vehicles says.
with delivered as (
    select *
    from core.vehicles
    where date between cast($first_day as date) and cast($last_day as date) and registered
),

registered as (
    select *
    from core.vehicle_days
    where date between cast($first_day as date) and cast($last_day as date) and registered
)

select
    coalesce(delivered.date, registered.date) as date,
    coalesce(delivered.vehicle_id, registered.vehicle_id) as vehicle_id,
    delivered.market as market_in_vehicles,
    registered.market as market_in_vehicle_days,
    delivered.model as model_in_vehicles,
    registered.model as model_in_vehicle_days,
    delivered.software_version as software_version_in_vehicles,
    registered.software_version as software_version_in_vehicle_days
from delivered
full outer join registered on delivered.date = registered.date and delivered.vehicle_id = registered.vehicle_id
where
    delivered.vehicle_id is null
    or registered.vehicle_id is null
    or delivered.market is distinct from registered.market
    or delivered.model is distinct from registered.model
    or delivered.trim is distinct from registered.trim
    or delivered.model_year is distinct from registered.model_year
    or delivered.powertrain is distinct from registered.powertrain
    or delivered.software_version is distinct from registered.software_version
