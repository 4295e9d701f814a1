-- Software versions of the fleet by day, and whether a vehicle runs what the last campaign for it brings.
with fleet as (
    select
        date,
        vehicle_id,
        market,
        model,
        powertrain,
        software_version
    from shared.fleet_days
    where date between cast($first_day as date) and cast($last_day as date)
),

days as (
    select distinct date
    from fleet
),

campaigns as (
    select
        vehicle_id,
        campaign_id,
        to_version,
        cast(coalesce(targeted_at, first_step_at) as date) as targeted_on
    from core.software_installs
    where date <= cast($last_day as date) and to_version is not null
),

offered as (
    select
        days.date,
        campaigns.vehicle_id,
        max_by(
            campaigns.to_version, cast(campaigns.targeted_on as varchar) || campaigns.campaign_id
        ) as to_version
    from days
    inner join campaigns on days.date >= campaigns.targeted_on
    group by days.date, campaigns.vehicle_id
)

select
    fleet.date,
    fleet.market,
    fleet.model,
    fleet.powertrain,
    fleet.software_version,
    count(*) as vehicles,
    count(case when fleet.software_version <> 'unknown' then 1 end) as known_vehicles,
    count(offered.to_version) as offered_vehicles,
    count(case when offered.to_version = fleet.software_version then 1 end) as up_to_date_vehicles
from fleet
left join offered on fleet.date = offered.date and fleet.vehicle_id = offered.vehicle_id
group by fleet.date, fleet.market, fleet.model, fleet.powertrain, fleet.software_version
