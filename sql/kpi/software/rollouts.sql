-- Over-the-air campaigns by day: the vehicles targeted so far, and how many of them have installed. A campaign is
-- followed for 90 days from the day on which its first vehicle was targeted.
-- A vehicle that several campaigns have targeted counts in each of them; in `vehicles` once, with the one that speaks
-- for it on the day: another one for the next vehicle, and on the next day. So vehicles add up over campaigns.
with installs as (
    select
        vehicle_id,
        campaign_id,
        coalesce(to_version, 'unknown') as to_version,
        cast(coalesce(targeted_at, first_step_at) as date) as targeted_on,
        case when outcome = 'installed' then cast(finished_at as date) end as installed_on,
        min(cast(coalesce(targeted_at, first_step_at) as date)) over (partition by campaign_id) as began_on
    from core.software_installs
    where date <= cast($last_day as date)
),

fleet as (
    select
        date,
        vehicle_id,
        market,
        model,
        powertrain
    from shared.fleet_days
    where date between cast($first_day as date) and cast($last_day as date)
),

days as (
    select distinct date
    from fleet
),

standing as (
    select
        days.date,
        installs.vehicle_id,
        installs.campaign_id,
        installs.to_version,
        date_diff('day', installs.began_on, days.date) as campaign_day,
        case when installs.installed_on <= days.date then 1 else 0 end as installed,
        case when installs.targeted_on = days.date then 1 else 0 end as targeted_today,
        case when installs.installed_on = days.date then 1 else 0 end as installed_today,
        row_number() over (partition by days.date, installs.vehicle_id order by installs.campaign_id)
        = 1 + mod(
            date_diff('day', date '1900-01-01', days.date)
            + dense_rank() over (partition by days.date order by installs.vehicle_id),
            count(*) over (partition by days.date, installs.vehicle_id)
        ) as speaks
    from days
    inner join installs on days.date between installs.targeted_on and installs.began_on + 89
)

select
    standing.date,
    coalesce(fleet.market, 'unknown') as market,
    coalesce(fleet.model, 'unknown') as model,
    coalesce(fleet.powertrain, 'unknown') as powertrain,
    standing.campaign_id,
    standing.to_version,
    right('0' || cast(standing.campaign_day as varchar), 2) as campaign_day,
    count(case when standing.speaks then 1 end) as vehicles,
    count(*) as targeted_vehicles,
    cast(sum(standing.installed) as bigint) as installed_vehicles,
    cast(sum(standing.targeted_today) as bigint) as targeted_today,
    cast(sum(standing.installed_today) as bigint) as installed_today
from standing
left join fleet on standing.date = fleet.date and standing.vehicle_id = fleet.vehicle_id
group by
    standing.date,
    fleet.market,
    fleet.model,
    fleet.powertrain,
    standing.campaign_id,
    standing.to_version,
    standing.campaign_day
