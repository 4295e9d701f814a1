-- Connected services by day: who has each, agreed to it, set it up and used it within 7 and 28 days.
-- Every delivered vehicle is asked of every service, also of those that it does not have.
with fleet as (
    select
        date,
        vehicle_id,
        market,
        model,
        model_year,
        powertrain,
        registered
    from shared.fleet_days
    where date between cast($first_day as date) and cast($last_day as date)
),

standing as (
    select
        date,
        vehicle_id,
        service,
        equipped,
        consented,
        activated
    from core.subscription_days
    where date between cast($first_day as date) and cast($last_day as date)
),

use_days as (
    select
        date,
        vehicle_id,
        service,
        count(*) as sessions,
        sum(uses) as uses,
        count(case when end_seen and duration_s > 0 then 1 end) as timed_sessions,
        sum(case when end_seen then duration_s / 60 else 0 end) as session_min,
        sum(case when end_seen then duration_s / 60 * duration_s / 60 else 0 end) as session_min2
    from core.service_sessions
    where date between cast($first_day as date) - 27 and cast($last_day as date)
    group by date, vehicle_id, service
),

recent as (
    select
        standing.date,
        standing.vehicle_id,
        standing.service,
        max(use_days.date) as last_used_on,
        sum(use_days.uses) as uses
    from standing
    inner join use_days
        on
            standing.vehicle_id = use_days.vehicle_id
            and standing.service = use_days.service
            and use_days.date between standing.date - 27 and standing.date
    where standing.equipped and standing.activated
    group by standing.date, standing.vehicle_id, standing.service
),

stood as (
    select
        date + 1 as date,
        vehicle_id,
        service
    from core.subscription_days
    where date between cast($first_day as date) - 1 and cast($last_day as date) - 1 and consented
),

-- Every delivered vehicle with every service, and services that were used by a vehicle that no registry knows.
pairs as (
    select
        fleet.date,
        fleet.vehicle_id,
        services.service
    from fleet
    cross join shared.services as services
    where fleet.registered
    union
    select
        date,
        vehicle_id,
        service
    from use_days
    where date between cast($first_day as date) and cast($last_day as date)
),

stands as (
    select
        pairs.date,
        coalesce(fleet.market, 'unknown') as market,
        coalesce(fleet.model, 'unknown') as model,
        coalesce(fleet.model_year, 'unknown') as model_year,
        coalesce(fleet.powertrain, 'unknown') as powertrain,
        pairs.service,
        coalesce(fleet.registered, false) as registered,
        coalesce(standing.equipped, false) as equipped,
        coalesce(standing.consented, false) as consented,
        coalesce(standing.activated, false) as activated,
        recent.last_used_on,
        recent.uses as uses_28d,
        stood.vehicle_id is not null as consented_before,
        today.sessions,
        today.uses,
        today.timed_sessions,
        today.session_min,
        today.session_min2
    from pairs
    left join fleet on pairs.date = fleet.date and pairs.vehicle_id = fleet.vehicle_id
    left join standing
        on
            pairs.date = standing.date
            and pairs.vehicle_id = standing.vehicle_id
            and pairs.service = standing.service
    left join recent
        on
            pairs.date = recent.date
            and pairs.vehicle_id = recent.vehicle_id
            and pairs.service = recent.service
    left join stood
        on
            pairs.date = stood.date
            and pairs.vehicle_id = stood.vehicle_id
            and pairs.service = stood.service
    left join use_days as today
        on
            pairs.date = today.date
            and pairs.vehicle_id = today.vehicle_id
            and pairs.service = today.service
)

select
    date,
    market,
    model,
    model_year,
    powertrain,
    service,
    count(*) as vehicles,
    count(case when registered then 1 end) as delivered_vehicles,
    count(case when equipped then 1 end) as equipped_vehicles,
    count(case when equipped and consented then 1 end) as consented_vehicles,
    count(case when equipped and activated then 1 end) as activated_vehicles,
    count(case when last_used_on >= date - 6 then 1 end) as active_7d_vehicles,
    count(last_used_on) as active_28d_vehicles,
    cast(sum(coalesce(uses_28d, 0)) as bigint) as uses_28d,
    count(case when consented_before then 1 end) as consents_before,
    count(case when consented_before and not consented then 1 end) as consents_withdrawn,
    count(sessions) as using_vehicles,
    cast(sum(coalesce(sessions, 0)) as bigint) as sessions,
    cast(sum(coalesce(uses, 0)) as bigint) as uses,
    cast(sum(coalesce(timed_sessions, 0)) as bigint) as timed_sessions,
    sum(coalesce(session_min, 0)) as session_min,
    sum(coalesce(session_min2, 0)) as session_min2
from stands
group by date, market, model, model_year, powertrain, service
