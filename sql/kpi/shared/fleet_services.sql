-- One row per vehicle, day and connected service of core.subscription_days, with the dimensions of its vehicle
-- that day. A vehicle has several services, and counts once a day, with the one that speaks for it: on one day its
-- first, on the next its second, and round again, each vehicle in its own turn. So the vehicles of all services
-- add up to those there are, and a value that is not split by service is known to rest on few vehicles if it does.
select
    standing.date,
    standing.vehicle_id,
    standing.service,
    coalesce(days.market, 'unknown') as market,
    coalesce(days.model, 'unknown') as model,
    coalesce(days.model_year, 'unknown') as model_year,
    coalesce(days.powertrain, 'unknown') as powertrain,
    standing.equipped,
    standing.consented,
    standing.activated,
    standing.activated_on,
    standing.subscription,
    standing.valid_until,
    row_number() over (partition by standing.date, standing.vehicle_id order by standing.service)
    = 1 + mod(
        date_diff('day', date '1900-01-01', standing.date)
        + 16 * ascii(substr(standing.vehicle_id, 31, 1)) + ascii(substr(standing.vehicle_id, 32, 1)),
        count(*) over (partition by standing.date, standing.vehicle_id)
    ) as speaks
from core.subscription_days as standing
left join shared.fleet_days as days on standing.date = days.date and standing.vehicle_id = days.vehicle_id
