-- One row per vehicle, day and connected service of core.subscription_days, with the dimensions of its vehicle then.
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
    standing.valid_until
from core.subscription_days as standing
left join shared.fleet_days as days on standing.date = days.date and standing.vehicle_id = days.vehicle_id
