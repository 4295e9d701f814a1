-- core.subscription_days says of exactly the services that the registry lists for a delivered vehicle that they are
-- equipped, and has no row of a vehicle that was not delivered.
with listed as (
    select
        date,
        vehicle_id,
        trim(unnest(string_split(services, ','))) as service
    from core.vehicles
    where date between cast($first_day as date) and cast($last_day as date) and registered
),

expected as (
    select distinct
        date,
        vehicle_id,
        service
    from listed
    where
        service in (
            'navigation', 'remote_control', 'vehicle_finder', 'remote_diagnostics', 'predictive_maintenance',
            'productivity', 'media', 'social', 'charging', 'automated_driving'
        )
),

delivered as (
    select
        date,
        vehicle_id
    from core.vehicles
    where date between cast($first_day as date) and cast($last_day as date) and registered
),

found as (
    select
        date,
        vehicle_id,
        service,
        equipped
    from core.subscription_days
    where date between cast($first_day as date) and cast($last_day as date)
)

select
    coalesce(expected.date, found.date) as date,
    coalesce(expected.vehicle_id, found.vehicle_id) as vehicle_id,
    coalesce(expected.service, found.service) as service,
    expected.service is not null as listed,
    found.equipped
from expected
full outer join found
    on
        expected.date = found.date
        and expected.vehicle_id = found.vehicle_id
        and expected.service = found.service
left join delivered on found.date = delivered.date and found.vehicle_id = delivered.vehicle_id
where
    coalesce(found.equipped, false) <> (expected.service is not null)
    or (found.vehicle_id is not null and delivered.vehicle_id is null)
